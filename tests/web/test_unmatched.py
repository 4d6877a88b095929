"""The reason why a request matched no route: ``X-Mock-Reason`` and the journal's ``why``. The body is unchanged."""

from difflib import SequenceMatcher

import pytest
from clients import Client
from helpers import another, ask
from starlette.types import Scope

from mock_heidi.base.settings import BASE_PATH, DEFAULT_KEY
from mock_heidi.web import unmatched
from mock_heidi.web.router import split

SESSION = f"{BASE_PATH}/sessions/1234567890"
RECORDING = f"{SESSION}/restful-segment-transcription/123"


def why(client: Client, method: str, path: str, host: str = "localhost") -> tuple[int | None, bytes, str]:
    headers = {"Authorization": f"Bearer {client.token()}", "Host": host}
    reply = ask(client.app, method, path, headers=headers)
    reason = reply.headers["x-mock-reason"]
    if not path.startswith("/ns/"):  # an unknown namespace has no journal
        assert client.get("/_mock/requests?limit=1").json()["requests"][0]["why"] == reason
    return reply.status, reply.body, reason


@pytest.mark.parametrize(
    ("method", "path", "part"),
    [
        ("POST", f"{BASE_PATH}/patient-profiles:batch-delete", "a DELETE with a JSON body, not a POST"),
        ("GET", f"{BASE_PATH}/patient-profiles:batch-delete", "use DELETE"),
        ("PUT", f"{BASE_PATH}/patient-profiles/5eb7cf5a86d9755df3a6c593", "use PATCH"),
        ("PUT", SESSION, "use PATCH"),
        ("DELETE", SESSION, "this path is for GET or PATCH"),
        ("PUT", f"{BASE_PATH}/sessions", "this path is for POST"),
        ("HEAD", f"{BASE_PATH}/jwt", "this path is for GET"),
    ],
)
def test_the_reason_names_the_right_verb_of_a_path(heidi: Client, method: str, path: str, part: str) -> None:
    status, _, reason = why(heidi, method, path)

    assert status == 405
    assert part in reason


@pytest.mark.parametrize(
    ("path", "part"),
    [
        (f"{BASE_PATH}{BASE_PATH}/jwt", "is in the path twice"),
        (f"{BASE_PATH}{BASE_PATH}", "is in the path twice"),
        (f"{BASE_PATH.upper()}/JWT", "in lower case"),
        (f"/proxy{BASE_PATH}/jwt", "should begin with /api/v2/ml-scribe/open-api"),
        (f"{BASE_PATH}/JWT", "paths are in lower case"),
        ("/jwt", "the base path is missing"),
        ("/sessions/1234567890", "the base path is missing"),
        ("/open-api/sessions/1234567890", "the base path is missing"),
        ("/ns/other/jwt", "the base path is missing"),
        ("/ns/a b/jwt", "not a valid name for a namespace"),
        ("/https://registrar.api.heidihealth.com/api/v2/ml-scribe/open-api/jwt", "a real Heidi host"),
        (f"{RECORDING}/finish", "joined by a colon"),
        (f"{RECORDING}/transcribe", "joined by a colon"),
        (f"{BASE_PATH}/patient-profile", "the nearest is GET /patient-profiles"),
        (f"{SESSION}/consult-notes", "the nearest is POST /sessions/{session_id}/consult-note"),
        (f"{SESSION}/transcript/lives", "/transcript/live"),
        ("/logo.png", "there is no such path"),
        (BASE_PATH, "there is no such path"),
    ],
)
def test_the_reason_names_the_mistake_in_a_path(heidi: Client, path: str, part: str) -> None:
    method = "POST" if RECORDING in path or "consult-note" in path else "GET"

    status, body, reason = why(heidi, method, path)

    assert (status, body) == (404, b'{"detail":"Not Found"}')
    assert part in reason


SYNONYMS = {
    "GET /jwt": "token login auth oauth/token sign-in",
    "POST /users/linked-account": "link users/link account",
    "GET /users/linked-account/access": "users/access account/access",
    "DELETE /users/linked-account:unlink": "unlink users/unlink",
    "GET /templates/consult-note-templates": "templates note-templates templates/notes templates/consult-note",
    "GET /templates/document-templates": "document-templates templates/documents",
    "GET /patient-profiles": "patients patient profiles",
    "GET /patient-profiles/{patient_profile_id}": "patients/5 profiles/5",
    "POST /patient-profiles/{patient_profile_id}/sessions": "patients/5/sessions",
    "POST /sessions": "consultations encounters",
    "GET /sessions/linked-user": "linked-user users/sessions",
    "GET /sessions/{session_id}": "consultations/1 visits/1",
    "GET /sessions/{session_id}/context-documents": "sessions/1/context sessions/1/files",
    "POST /sessions/{session_id}/upload-audio": "sessions/1/audio sessions/1/upload",
    "POST /sessions/{session_id}/restful-segment-transcription": "sessions/1/segments sessions/1/recordings",
    "POST /sessions/{session_id}/restful-segment-transcription/{recording_id}:finish": "sessions/1/recordings/2:finish"
    " sessions/1/segments/2/finish",
    "GET /sessions/{session_id}/transcript": "sessions/1/transcription sessions/1/transcripts visits/1/transcript",
    "GET /sessions/{session_id}/transcript/live": "sessions/1/live-transcript sessions/1/transcription/live",
    "POST /sessions/{session_id}/consult-note": "sessions/1/notes sessions/1/note sessions/1/soap note consult-note",
    "POST /sessions/{session_id}/client-customised-template/response": "sessions/1/custom-template",
    "POST /sessions/{session_id}/documents": "sessions/1/letters sessions/1/document",
    "POST /sessions/{session_id}/ask-ai": "ask-heidi sessions/1/ask-heidi sessions/1/ask sessions/1/ask_heidi ask-ai",
    "GET /sessions/{session_id}/clinical-codes": "sessions/1/coding sessions/1/codes sessions/1/icd-10 clinical-codes",
}


@pytest.mark.parametrize(("nearest", "tried"), SYNONYMS.items())
def test_the_reason_names_the_path_for_a_common_alias(heidi: Client, nearest: str, tried: str) -> None:
    method = nearest.partition(" ")[0]

    said = {path: why(heidi, method, f"{BASE_PATH}/{path}")[2] for path in tried.split()}

    told = {
        f"there is no such path; the nearest is {nearest}",
        f"there is no such path; the nearest is GET or {nearest}",
    }
    assert {path: reason for path, reason in said.items() if reason not in told} == {}


def test_every_alias_leads_to_a_path_of_the_router(heidi: Client) -> None:
    steps = {tuple(split(route.path)) for route in heidi.app.api.router.routes}
    parts = {path[at:end] for path in steps for at in range(len(path)) for end in range(at + 1, len(path) + 1)}

    assert [name for name in unmatched._OTHER_NAMES if tuple(split(name)) not in parts] == []  # noqa: SLF001 - the table


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/sessions", "this path is for POST; GET /sessions/linked-user lists the sessions"),
        ("/sessions/1/consult-note", "this path is for POST; GET /sessions/{session_id} shows the note"),
        ("/sessions/1/notes", "POST /sessions/{session_id}/consult-note; GET /sessions/{session_id} shows the note"),
        ("/sessions/1/upload-audio", "GET /sessions/{session_id} lists the audio"),
        ("/users/linked-account", "GET /users/linked-account/access shows the account"),
    ],
)
def test_the_reason_for_reading_a_write_only_path_names_the_path_to_read(heidi: Client, path: str, part: str) -> None:
    assert part in why(heidi, "GET", BASE_PATH + path)[2]


@pytest.mark.parametrize("host", ["registrar.api.heidihealth.com", "api.heidihealth.com:443", "AU.HeidiHealth.com"])
def test_the_reason_says_that_the_host_is_a_real_heidi_host(host: str) -> None:
    with another(allowed_hosts=(host.partition(":")[0],)) as heidi:
        _, _, reason = why(heidi, "GET", "/other/jwt", host)

    assert "the request is for a real Heidi host" in reason


@pytest.mark.parametrize(
    "path", [f"/{DEFAULT_KEY}", f"{BASE_PATH}/sessions/{DEFAULT_KEY}/x", f"{BASE_PATH}/jwt/Zoë\r\n"]
)
def test_the_reason_does_not_repeat_the_request(heidi: Client, path: str) -> None:
    _, _, reason = why(heidi, "GET", path)

    assert DEFAULT_KEY not in reason
    assert reason.isascii()
    assert reason.isprintable()


def test_a_matched_request_computes_no_reason(heidi: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def explain(_: object, scope: Scope, __: object) -> str:
        asked.append(scope["path"])
        return "because"

    monkeypatch.setattr("mock_heidi.app.explain", explain)

    placed = heidi.get("/patient-profiles")
    heidi.get("/nothing")

    assert "x-mock-reason" not in placed.headers
    assert asked == [f"{BASE_PATH}/nothing"]


def test_only_the_beginning_of_a_very_long_path_is_compared(heidi: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []

    class Measured(SequenceMatcher[str]):
        def __init__(self, junk: None, a: str, b: str) -> None:
            lengths.extend((len(a), len(b)))
            super().__init__(junk, a, b)

    monkeypatch.setattr("mock_heidi.web.unmatched.SequenceMatcher", Measured)

    _, _, reason = why(heidi, "GET", f"{BASE_PATH}/sessions/{'1' * 100_000}/{'transcript' * 10_000}")

    assert reason
    assert 0 < max(lengths) <= 64


def test_the_reason_names_every_documented_path_mistyped_by_one_letter(heidi: Client) -> None:
    router = heidi.app.api.router
    lost = []
    for route in router.routes:
        path = BASE_PATH + route.path.replace("{session_id}", "1").replace("{recording_id}", "1") + "x"
        scope = {"method": "GET", "path": path.replace("{patient_profile_id}", "1"), "headers": []}
        said = unmatched.explain(router, scope, None)
        if route.path not in said and "{" not in route.path.rpartition("/")[2]:
            lost.append((route.path, said))

    assert lost == []
