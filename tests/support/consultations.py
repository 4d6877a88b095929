"""A client that uses only the standard library and lives through a whole consultation."""

import contextlib
import http.client
import json
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from audio import DATA, spoken

from mock_heidi.base.settings import BASE_PATH, DEFAULT_EMAIL, DEFAULT_KEY, DEFAULT_THIRD_PARTY_ID

REFERRAL = "66455a5f0b0a1c8d018c6896"


def form(*parts: tuple[str, str | None, bytes]) -> tuple[bytes, dict[str, str]]:
    """A multipart body of fields and files, and its header. The boundary depends only on the content."""
    boundary = uuid.uuid5(uuid.NAMESPACE_OID, repr(parts)).hex
    body = b""
    for name, filename, content in parts:
        of_file = "" if filename is None else f'; filename="{filename}"\r\nContent-Type: audio/wav'
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{of_file}\r\n\r\n'
        body += head.encode() + content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


class Clinic:
    """A client on one connection, which keeps every byte of the answers."""

    def __init__(self, url: str, name: str | None = None) -> None:
        self.connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
        self.base = f"/ns/{name}{BASE_PATH}" if name else BASE_PATH
        self.headers: dict[str, str] = {}
        self.answers: list[tuple[str, int, bytes]] = []

    def ask(self, method: str, path: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
        self.connection.request(method, self.base + path, data, {**self.headers, **(headers or {})})
        response = self.connection.getresponse()
        body = response.read()
        self.answers.append((f"{method} {path}", response.status, body))
        assert response.status == 200, (method, path, response.status, body)
        return body

    def json(self, method: str, path: str, body: Any = None) -> Any:
        return json.loads(self.ask(method, path, None if body is None else json.dumps(body).encode()))

    def form(self, path: str, *parts: tuple[str, str | None, bytes]) -> Any:
        return json.loads(self.ask("POST", path, *form(*parts)))

    def stream(self, path: str, body: Any) -> str:
        events = self.ask("POST", path, json.dumps(body).encode()).removesuffix(b"\n\n").split(b"\n\n")
        return "".join(json.loads(event.removeprefix(b"data: "))["data"] for event in events)

    def sign_in(self) -> None:
        query = urlencode({"email": DEFAULT_EMAIL, "third_party_internal_id": DEFAULT_THIRD_PARTY_ID})
        answer = json.loads(self.ask("GET", f"/jwt?{query}", headers={"Heidi-Api-Key": DEFAULT_KEY}))
        self.headers = {"Authorization": f"Bearer {answer['token']}"}


@contextlib.contextmanager
def clinic(url: str, name: str | None = None) -> Iterator[Clinic]:
    client = Clinic(url, name)
    try:
        yield client
    finally:
        client.connection.close()


def live_through(client: Clinic) -> None:
    """Send all requests from the sign-in to the codes. Each step uses the result of the one before."""
    client.sign_in()
    account = client.json("POST", "/users/linked-account", {"kinde_user_id": "kp_consultation"})["account"]
    assert account["user_id"] == "kp_consultation"
    assert client.json("GET", "/users/linked-account/access")["is_linked"] is True

    patient = {"first_name": "Ana", "last_name": "Núñez", "birth_date": "1980-02-29", "gender": "FEMALE"}
    profile = client.json("POST", "/patient-profiles", {**patient, "additional_context": "Works in a bakery"})["data"]
    session_id = client.json("POST", "/sessions", {"patient_profile_id": profile["id"]})["session_id"]
    path = f"/sessions/{session_id}"
    client.json("PATCH", path, {"clinician_notes": ["Penicillin: rash"], "language_code": "en"})
    about = json.dumps({"name": "Spirometry 2023"}).encode()
    files = ("context_documents", "spirometry.pdf", b"%PDF-1.7"), ("meta_data", None, about)
    client.form(f"{path}/context-documents", *files)
    assert client.json("GET", f"{path}/context-documents")["context_documents"][0]["status"] == "READY"

    recording = client.json("POST", f"{path}/restful-segment-transcription")["recording_id"]
    segments = f"{path}/restful-segment-transcription/{recording}"
    lengths = [0]
    for index in range(5):
        audio = ("file", "cough.wav", spoken(60, rate=200))
        client.form(f"{segments}:transcribe", audio, ("index", None, str(index).encode()))
        live = client.json("GET", f"{path}/transcript/live")
        assert [chunk["status"] for chunk in live["chunks"]] == ["READY"] * (index + 1)
        lengths.append(len(live["transcript"]))
    assert lengths == sorted(set(lengths))
    client.json("POST", f"{segments}:finish")
    client.form(f"{path}/upload-audio", ("file", "later.webm", (DATA / "recorded.webm").read_bytes()))
    words = client.json("GET", f"{path}/transcript")["transcript"]
    assert len(words) > lengths[-1]

    template = client.json("GET", "/templates/consult-note-templates")["templates"][0]["id"]
    asked = {"generation_method": "TEMPLATE", "addition": "Sick note for a week", "voice_style": "GOLDILOCKS"}
    note = client.stream(f"{path}/consult-note", {**asked, "template_id": template, "brain": "LEFT"})
    for part in ("Ana Núñez", "Works in a bakery", "Penicillin: rash", "Spirometry 2023", "Sick note", "cough"):
        assert part in note
    session = client.json("GET", path)["session"]
    assert session["consult_note"]["result"] == note
    assert session["duration"] == 302

    questions = [{"questionId": "1", "question": "Fever?", "answerType": "TextArea", "repeatable": False}]
    custom = {"template": "t", "questions": questions, "summaryRequired": True}
    answered = client.json("POST", f"{path}/client-customised-template/response", custom)
    assert answered["questionAnswers"][0]["answer"]
    letter = {"generation_method": "TEMPLATE", "template_id": REFERRAL, "content_type": "HTML"}
    document = client.json("POST", f"{path}/documents", letter)
    assert client.json("GET", f"{path}/documents")["documents"][0]["id"] == document["id"]
    command = {"ai_command_text": "Summarise", "content": note, "content_type": "MARKDOWN"}
    assert client.stream(f"{path}/ask-ai", command)

    codes = client.json("GET", f"{path}/clinical-codes")["clinical_entities"]
    assert codes
    for entity in codes:
        for reference in entity["reference_in_transcript"]:
            at = reference["location_in_transcript"]
            assert words[at["start"] : at["end"]] == reference["transcript_text"]
        assert all(note[at["start"] : at["end"]].strip() for at in entity["location_in_note"])
    listed = client.json("GET", "/sessions/linked-user?page_size=1")
    assert session_id in [row["session_id"] for row in listed["sessions"]]
