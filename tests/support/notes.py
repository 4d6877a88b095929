"""Consult notes as tests request them, and the packaged templates and consultations behind them."""

import json
from html.parser import HTMLParser
from typing import Any

import httpx
from audio import spoken
from clients import Client
from helpers import SESSION

from mock_heidi.fixtures import loader
from mock_heidi.state.consultation_records import Consultation
from mock_heidi.state.store import Store
from mock_heidi.state.template_records import NoteTemplate

PATH = f"/sessions/{SESSION}"
STORE = Store(loader.load())
COUGH = next(one for one in STORE.all(Consultation) if one.id == "gp-cough")
TEMPLATES = list(STORE.all(NoteTemplate))
H_AND_P, ISSUES, SOAP = "659b8042fe093d6592b41ef7", "65a7259cd1804be2f7c35a90", "65a1d3b0c20e97a4b6d81f35"
TEMPLATE_NOT_FOUND = {"detail": {"msg": "Template not found", "type": "TemplateNotFoundError"}}
NOTE_NOT_FOUND = {"detail": {"msg": "Consult note not found", "type": "ConsultNoteNotFoundError"}}
ASKED = {
    "generation_method": "TEMPLATE",
    "addition": "",
    "template_id": H_AND_P,
    "voice_style": "GOLDILOCKS",
    "brain": "LEFT",
}


def ask(client: Client, path: str = PATH, **changes: Any) -> httpx.Response:
    """Request a note. ``None`` leaves a field out."""
    body = {name: value for name, value in {**ASKED, **changes}.items() if value is not None}
    return client.post(f"{path}/consult-note", json=body)


def text_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    events = answer.text.removesuffix("\n\n").split("\n\n")
    return "".join(json.loads(event.removeprefix("data: "))["data"] for event in events)


def note(client: Client, path: str = PATH, **changes: Any) -> str:
    return text_of(ask(client, path, **changes))


def recorded(client: Client, path: str = PATH, seconds: float = 600) -> str:
    """Upload and transcribe the consultation about a cough."""
    files = {"file": ("cough.wav", spoken(seconds, rate=100), "audio/wav")}
    assert client.post(f"{path}/upload-audio", files=files).status_code == 200
    return str(client.get(f"{path}/transcript").json()["transcript"])


def foreign(client: Client, template: Any, **changes: Any) -> str:
    return note(client, template_id=None, third_party_template=json.dumps(template), **changes)


class Page(HTMLParser):
    """Reads HTML and fails if it is not well-formed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.blocks: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert attrs == []
        self.open.append(tag)
        self.tags.append(tag)
        self.blocks.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.blocks[-1] += data
