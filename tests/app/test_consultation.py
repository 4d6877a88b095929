"""A whole consultation over a real socket, by a client that uses only the standard library.

Twenty consultations at the same time, each in its own namespace, do not affect each other.
"""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from consultations import clinic, live_through
from running import until

from mock_heidi import MockHeidi

NOON = "2025-01-06T12:00:00"
NAMESPACES = [f"clinic-{number}" for number in range(20)]


def test_a_client_completes_a_whole_consultation() -> None:
    with MockHeidi(clock=NOON) as heidi, clinic(heidi.url) as client:
        live_through(client)

        until(lambda: all(entry["duration"] is not None for entry in heidi.requests()), "the last answer")
        statuses = {entry["status"] for entry in heidi.requests()}
        kinds = {entry["operation"] for entry in heidi.requests()}

    assert statuses == {200}
    assert len(kinds) >= 20


def lived(url: str, name: str) -> list[tuple[str, int, bytes]]:
    with clinic(url, name) as client:
        live_through(client)
        return client.answers


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3])
def test_simultaneous_consultations_get_the_same_answers_as_single_ones(seed: int) -> None:
    with MockHeidi(clock=NOON, seed=seed) as heidi, ThreadPoolExecutor(len(NAMESPACES)) as pool:
        together = dict(zip(NAMESPACES, pool.map(lambda name: lived(heidi.url, name), NAMESPACES), strict=True))

    with MockHeidi(clock=NOON, seed=seed) as heidi:
        alone = {name: lived(heidi.url, name) for name in reversed(NAMESPACES)}

    assert [name for name in NAMESPACES if together[name] != alone[name]] == []
    assert len({json.loads(answers[4][2])["session_id"] for answers in alone.values()}) == len(NAMESPACES)
