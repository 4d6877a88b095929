"""Traffic in which each value of each assumption shows: the cases of the alternatives, with what they leave out."""

from collections.abc import Callable
from typing import Any

from alternatives import (
    ASK,
    CASES,
    DOCUMENTS,
    LETTER,
    LINK,
    NOBODY,
    NOTE,
    TEMPLATE,
    link,
    new_recording,
    new_session,
    send,
    upload,
    uploaded,
)
from clients import JOHN, Client
from helpers import SESSION

Look = Callable[[Client], Any]


def reads(*paths: str) -> Look:
    """Requests that read these paths."""
    return lambda client: [client.get(path) for path in paths]


def two_profiles(client: Client) -> None:
    for name in ("Ada", "Bea"):
        client.post("/patient-profiles", json={"first_name": name})


def live_session(client: Client) -> None:
    """A new session with a segment that is sent twice, read before and after."""
    path = new_session(client)
    client.get(path)
    recording = f"{path}/restful-segment-transcription"
    recording += f"/{client.post(recording).json()['recording_id']}"
    for _ in range(2):
        send(client, recording, "0")
    client.get(f"{path}/transcript/live")
    client.get(path)


def noted_session(client: Client) -> None:
    """A new session that is read before and after its note."""
    path = new_session(client)
    upload(client, path=path)
    client.get(path)
    client.get(f"{path}/transcript")
    client.post(f"{path}/consult-note", json=NOTE)
    client.get(path)


def linked_session(client: Client) -> None:
    """A new session that is linked to a known profile."""
    client.get(f"/patient-profiles/{JOHN}")
    path = new_session(client)
    link(client, path.rpartition("/")[2])
    client.get(path)


def coded_session(client: Client) -> None:
    """The codes of a session whose transcript has a letter beyond U+FFFF before a plain sentence."""
    said = {"transcript": "😀 Hello. I have a cough.", "consult_note": {"result": "Cough"}}
    client.put(f"/_mock/sessions/{SESSION}", json=said)
    client.get(f"/sessions/{SESSION}/transcript")
    client.get(f"/sessions/{SESSION}/clinical-codes")


def custom_templates(*bodies: dict[str, Any]) -> Look:
    """Custom templates for a session with a note."""
    path = f"/sessions/{SESSION}/client-customised-template/response"
    return lambda client: [client.post(path, json=body) for body in bodies]


def many_sessions(client: Client) -> None:
    """More sessions of a linked user than a page has."""
    client.post("/users/linked-account", json=LINK)
    for _ in range(21):
        client.post("/sessions")
    client.get("/sessions/linked-user")


_EMPTY = {"template": "", "questions": [], "summaryRequired": False, "metadata": None}
_ACCESS = "/users/linked-account/access"
_TEMPLATES = "/templates/document-templates"
# The requests before and after those of a case.
BEFORE: dict[str, Look] = {
    "template_not_found": reads(_TEMPLATES),
    "template_of_other_category": reads(_TEMPLATES),
    "consult_note_template_list": reads(_TEMPLATES),
    "context_documents_delete_unknown": reads(DOCUMENTS),
    "linked_account_required": reads(_ACCESS),
    "linked_by_another": reads(_ACCESS),
    "unlink_without_link": reads(_ACCESS),
    "empty_filter": reads("/patient-profiles"),
    "batch_delete_unknown": reads(f"/patient-profiles/{NOBODY}"),
    "create_session_unknown_profile": reads(f"/patient-profiles/{NOBODY}"),
    "linked_sessions_exist": reads(f"/sessions/{SESSION}", "/sessions/1"),
    "old_custom_template": custom_templates({"template": "Smoking"}),
    "profile_list_order": two_profiles,
}
AFTER: dict[str, Look] = {
    "empty_custom_template": custom_templates(_EMPTY),
    "segment_repeat": live_session,
    "session_audio_rows": live_session,
    "page_size_default": many_sessions,
    "page_size_maximum": reads("/sessions/linked-user?page_size=501"),
    "session_name_after_note": noted_session,
    "session_shows_profile": linked_session,
    "offset_unit": coded_session,
    "offset_end": coded_session,
}


def tell(name: str, client: Client) -> None:
    """Send the requests that show the value of an assumption."""
    for look in (BEFORE.get(name), CASES[name].look, AFTER.get(name)):
        if look is not None:
            look(client)


def consultation(client: Client) -> None:
    """Requests for every operation, all of which succeed."""
    path = f"/sessions/{SESSION}"
    client.post("/users/linked-account", json=LINK)
    client.get("/users/linked-account/access")
    client.get("/templates/consult-note-templates")
    client.get("/templates/document-templates")
    made = client.post("/patient-profiles", json={"first_name": "Ada"}).json()["data"]["id"]
    client.patch(f"/patient-profiles/{made}", json={"last_name": "Example"})
    client.get(f"/patient-profiles/{JOHN}")
    client.get("/patient-profiles")
    client.delete("/patient-profiles:batch-delete", json={"patient_profile_ids": [made]})
    client.post("/sessions", json={})
    link(client, SESSION)
    uploaded(client)
    client.get(f"{path}/context-documents")
    upload(client)
    recording = new_recording(client)
    send(client, recording, "0")
    client.post(f"{recording}:finish")
    client.get(f"{path}/transcript")
    client.get(f"{path}/transcript/live")
    client.post(f"{path}/consult-note", json=NOTE)
    client.post(f"{path}/client-customised-template/response", json=TEMPLATE)
    client.post(f"{path}/documents", json={"generation_method": "TEMPLATE", "template_id": LETTER})
    client.get(f"{path}/documents")
    client.post(f"{path}/ask-ai", json=ASK)
    client.get(f"{path}/clinical-codes")
    client.patch(path, json={"duration": 60})
    client.get(path)
    client.get("/sessions/linked-user")
    client.delete(f"{path}/context-documents")
    client.delete("/users/linked-account:unlink")
