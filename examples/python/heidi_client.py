"""A client of the Heidi Open API: it signs in, creates a session and writes its note."""

import json
from collections.abc import Callable, Iterator
from typing import Self

import httpx

NOTE = {
    "generation_method": "TEMPLATE",
    "template_id": "659b8042fe093d6592b41ef7",
    "addition": "",
    "voice_style": "BRIEF",
    "brain": "LEFT",
}


class HeidiClient:
    def __init__(self, base_url: str, api_key: str) -> None:
        self._http = httpx.Client(base_url=base_url)
        user = {"email": "dr.lee@example.com", "third_party_internal_id": "lee"}
        answer = self._http.get("/jwt", params=user, headers={"Heidi-Api-Key": api_key}).raise_for_status()
        self._http.headers["Authorization"] = f"Bearer {answer.json()['token']}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def create_session(self, patient_id: str) -> str:
        answer = self._http.post("/sessions", json={"patient_profile_id": patient_id}).raise_for_status()
        return str(answer.json()["session_id"])

    def stream_note(self, session_id: str) -> Iterator[str]:
        """The pieces of a new note, as they come."""
        with self._http.stream("POST", f"/sessions/{session_id}/consult-note", json=NOTE) as stream:
            stream.raise_for_status()
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))["data"]

    def read_note(self, session_id: str) -> str:
        answer = self._http.get(f"/sessions/{session_id}").raise_for_status()
        return str(answer.json()["session"]["consult_note"]["result"])

    def write_note(self, session_id: str, show: Callable[[str], object]) -> str:
        """The whole note. While it is written, its pieces go to ``show``."""
        for piece in self.stream_note(session_id):
            show(piece)
        # A stream that ends early looks like a complete one, so the pieces may be half a note.
        return self.read_note(session_id)
