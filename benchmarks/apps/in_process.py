"""Requests a second of an application in its own process, by httpx and no socket."""

import argparse
import asyncio
import time
from typing import Any

import httpx

from benchmarks.apps import bare, plain, team
from benchmarks.loads import BASE, profile

_ANSWER = b'{"data":' + b'"' + b"x" * 400 + b'"}'


def application(name: str) -> Any:
    """The application of a contestant."""
    if name == "bare":
        return bare.answering(_ANSWER)
    if name == "plain":
        return plain.create_app(_ANSWER)
    if name == "team":
        return team.create_app()
    from mock_heidi import create_app  # noqa: PLC0415 - the others do not pay for its import

    return create_app(fixtures="empty", api_key="k")


async def measure(name: str, seconds: float) -> float:
    """The number of profiles that a client reads in a second."""
    transport = httpx.ASGITransport(app=application(name))
    async with httpx.AsyncClient(transport=transport, base_url="http://heidi.test" + BASE) as client:
        if name == "mock_heidi":
            who = {"email": "a@example.com", "third_party_internal_id": "1"}
            token = (await client.get("/jwt", params=who, headers={"Heidi-Api-Key": "k"})).json()["token"]
            client.headers["Authorization"] = f"Bearer {token}"
        made = (await client.post("/patient-profiles", json=profile(1))).json()["data"]
        path = f"/patient-profiles/{made['id'] if isinstance(made, dict) else 'a' * 24}"
        count, begun = 0, time.perf_counter()
        while time.perf_counter() - begun < seconds:
            (await client.get(path)).raise_for_status()
            count += 1
        return count / (time.perf_counter() - begun)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--seconds", type=float, default=2)
    given = parser.parse_args()
    print(asyncio.run(measure(given.name, given.seconds)))
