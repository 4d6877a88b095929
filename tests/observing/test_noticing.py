"""The requests that show whether a client noticed an early end. ``verify`` and the findings use the same table."""

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from clients import Client
from helpers import OTHER_SESSION, SESSION, argument
from pages import page
from peer import lose

from mock_heidi import Handle, MockHeidi
from mock_heidi.base.operations import OPERATIONS, STREAMS
from mock_heidi.observing.noticing import NOTICING

PLACE = f"/sessions/{SESSION}"
NOTE = {
    "generation_method": "TEMPLATE",
    "template_id": "659b8042fe093d6592b41ef7",
    "addition": "",
    "voice_style": "GOLDILOCKS",
}
ASK = {"ai_command_text": "Summarise", "content": "A long text", "content_type": "MARKDOWN"}
DOCUMENT = {"generation_method": "TEMPLATE", "template_id": "66455a5f0b0a1c8d018c6896"}
AUDIO = {"file": ("a.wav", b"no audio", "audio/wav")}
PAPER = {"context_documents": ("a.pdf", b"%PDF-1.4", "application/pdf")}

# What a client can do after the early end, by a word for each.
ACTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "get_session": ("GET", "{place}", {}),
    "list_linked_user_sessions": ("GET", "/sessions/linked-user?page_size=200", {}),
    "a page without it": ("GET", "/sessions/linked-user?page_size=200&page=2", {}),
    "generate_consult_note": ("POST", "{place}/consult-note", {"json": NOTE}),
    "ask_ai": ("POST", "{place}/ask-ai", {"json": ASK}),
    "another question": ("POST", "{place}/ask-ai", {"json": {**ASK, "ai_command_text": "Translate"}}),
    "create_document": ("POST", "{place}/documents", {"json": DOCUMENT}),
    "update_session": ("PATCH", "{place}", {"json": {"duration": 60}}),
    "answer_custom_template": ("POST", "{place}/client-customised-template/response", {"json": {"questions": []}}),
    "generate_clinical_codes": ("GET", "{place}/clinical-codes", {}),
    "list_documents": ("GET", "{place}/documents", {}),
    "get_transcript": ("GET", "{place}/transcript", {}),
    "get_live_transcript": ("GET", "{place}/transcript/live", {}),
    "list_context_documents": ("GET", "{place}/context-documents", {}),
    "upload_context_documents": (
        "POST", "{place}/context-documents", {"files": PAPER, "data": {"meta_data": "{}"}},
    ),
    "upload_audio": ("POST", "{place}/upload-audio", {"files": AUDIO}),
    "start_recording": ("POST", "{place}/restful-segment-transcription", {}),
    "an unknown path": ("POST", "{place}/sign-off", {}),
    "another session": ("POST", f"/sessions/{OTHER_SESSION}/documents", {"json": DOCUMENT}),
}  # fmt: skip
JUDGED = {name for row in NOTICING.values() for name in row.looks | row.goes_on}
NEUTRAL = {
    "generate_consult_note": sorted(set(ACTS) - JUDGED - {"another question"}),
    "ask_ai": sorted(set(ACTS) - NOTICING["ask_ai"].looks - NOTICING["ask_ai"].goes_on),
}


def act(client: Client, *names: str, place: str = PLACE) -> None:
    for name in names:
        method, path, options = ACTS[name]
        client.request(method, path.format(place=place), **options)


def cut(client: Client, operation: str, place: str = PLACE) -> None:
    rule = {"id": "cut", "operation": operation, "end_after": 1, "times": 1}
    assert client.post("/_mock/faults", json=rule).status_code == 200
    act(client, operation, place=place)


def judged(client: Client) -> tuple[str, bool]:
    """The verdict of ``verify`` on the cut, and True if there is a finding about it."""
    answer = client.post("/_mock/verify", json={"noticed": {"fault": "cut"}})
    codes = [row["code"] for row in client.get("/_mock/findings").json()["findings"]]
    said = "noticed" if answer.status_code == 200 else answer.json()["found"]
    return said.partition(" after ")[0], "early_end_unnoticed" in codes


NOTICED = "noticed", False
WENT_ON = "a client that did not notice", True
NOT_YET = {
    "generate_consult_note": ("the client has not read the session or asked for the note again", False),
    "ask_ai": ("the client has not given the same instruction again", False),
}


@pytest.mark.parametrize("look", ["get_session", "list_linked_user_sessions", "generate_consult_note"])
def test_a_look_at_the_note_shows_that_the_end_was_noticed(heidi: Client, look: str) -> None:
    heidi.post("/users/linked-account", json={"kinde_user_id": "kp_noticing"}).raise_for_status()
    place = f"/sessions/{heidi.post('/sessions').json()['session_id']}"
    cut(heidi, "generate_consult_note", place)
    act(heidi, look, "create_document", place=place)

    assert judged(heidi) == NOTICED


def test_only_the_same_instruction_brings_an_answer_of_ask_heidi_back(heidi: Client) -> None:
    cut(heidi, "ask_ai")
    act(heidi, "get_session", "list_linked_user_sessions", "another question")
    before = judged(heidi)
    act(heidi, "ask_ai", "update_session")

    assert (before, judged(heidi)) == (NOT_YET["ask_ai"], NOTICED)


@pytest.mark.parametrize(
    ("operation", "write"), [(name, one) for name in STREAMS for one in sorted(NOTICING[name].goes_on)]
)
def test_a_client_that_writes_before_it_looks_has_not_noticed(heidi: Client, operation: str, write: str) -> None:
    cut(heidi, operation)
    act(heidi, write, "get_session", operation)

    assert judged(heidi) == WENT_ON


@pytest.mark.parametrize(
    ("operation", "name"), [(operation, name) for operation in STREAMS for name in NEUTRAL[operation]]
)
def test_reads_of_other_things_audio_and_other_sessions_do_not_count(heidi: Client, operation: str, name: str) -> None:
    cut(heidi, operation)
    act(heidi, name)

    assert judged(heidi) == NOT_YET[operation]


def test_no_read_counts_as_going_on() -> None:
    reads = {name for name, operation in OPERATIONS.items() if operation.method == "GET"}

    assert [name for name, row in NOTICING.items() if row.goes_on & reads] == []


@pytest.mark.parametrize("operation", STREAMS)
def test_a_look_counts_after_any_number_of_reads(heidi: Client, operation: str) -> None:
    cut(heidi, operation)
    act(heidi, "generate_clinical_codes", "get_transcript", "get_session", operation, "create_document")

    assert judged(heidi) == NOTICED


@pytest.mark.parametrize("operation", STREAMS)
def test_each_early_end_must_be_noticed(heidi: Client, operation: str) -> None:
    cut(heidi, operation)
    heidi.post("/_mock/faults", json={"operation": operation, "end_after": 1, "times": 1})
    act(heidi, operation, "create_document")

    assert judged(heidi) == ("noticed", True)  # the first one was, the second one was not


def test_an_early_end_is_one_finding(heidi: Client) -> None:
    cut(heidi, "generate_consult_note")
    act(heidi, "create_document", "create_document", "update_session")

    (found,) = heidi.get("/_mock/findings").json()["findings"]
    assert (found["count"], found["message"].partition(": ")[2]) == (1, "create_document after generate_consult_note")


def test_a_refused_look_counts(heidi: Client) -> None:
    cut(heidi, "generate_consult_note")
    heidi.post("/_mock/faults", json="get_session:status=503")
    act(heidi, "get_session", "create_document")

    assert judged(heidi) == NOTICED


def test_a_refused_list_does_not_count(heidi: Client) -> None:
    cut(heidi, "generate_consult_note")
    heidi.post("/_mock/faults", json="list_linked_user_sessions:status=503")
    act(heidi, "list_linked_user_sessions")

    assert judged(heidi) == NOT_YET["generate_consult_note"]


@pytest.fixture(scope="module")
def server() -> Iterator[Handle]:
    with MockHeidi() as served:
        yield served


@pytest.fixture
def handle(server: Handle) -> Iterator[Handle]:
    with server.namespace("noticing") as made:
        yield made


@pytest.mark.parametrize("effect", ["rst_after", "stall_after", "error_piece"])
def test_a_client_that_got_an_error_may_read_on_but_not_write_on(handle: Handle, effect: str) -> None:
    fault = handle.fault("generate_consult_note", **argument(effect, 1), times=1)
    with handle.client() as client:
        lose(handle, f"{PLACE}/consult-note", NOTE, 1 if effect == "stall_after" else None)
        for path in ("documents", "transcript"):
            client.get(f"{PLACE}/{path}")
        handle.assert_noticed(fault, error=True)
        read = handle.findings()
        client.post(f"{PLACE}/documents", json=DOCUMENT)

    assert (read, [row["code"] for row in handle.findings()]) == ([], ["early_end_unnoticed"])
    with pytest.raises(AssertionError, match="it went on with create_document"):
        handle.assert_noticed(fault, error=True)


def test_an_unfinished_look_counts(server: Handle) -> None:
    made = server.namespace("on-its-way", clock="2025-01-06T09:00:00")
    with made as heidi, heidi.client() as client, heidi.client() as other:
        fault = heidi.fault("generate_consult_note", end_after=1, times=1)
        heidi.fault("get_session", delay=5)
        client.post(f"{PLACE}/consult-note", json=NOTE)
        look = threading.Thread(target=lambda: other.get(PLACE))
        look.start()
        while not heidi.requests(operation="get_session"):
            continue
        client.post(f"{PLACE}/documents", json=DOCUMENT)
        with pytest.raises(AssertionError, match="has not read the session"):
            heidi.assert_noticed(fault)
        meanwhile = heidi.findings()
        heidi.clock.advance(5)
        look.join()

        heidi.assert_noticed(fault)
        assert (meanwhile, heidi.findings()) == ([], [])


def test_the_table_has_every_stream_and_only_operations() -> None:
    assert set(NOTICING) == set(STREAMS)
    assert {name for row in NOTICING.values() for name in row.looks | row.goes_on} <= set(OPERATIONS)
    assert [name for name, row in NOTICING.items() if row.looks & row.goes_on or name not in row.looks] == []


def test_the_table_in_the_docs_is_the_same() -> None:
    rows = page("requests").rows("| After the early end of | A client has noticed when it | It goes on with |")
    told = {names(cells[0])[0]: (set(names(cells[1])) & set(OPERATIONS), set(names(cells[2]))) for cells in rows}

    assert told == {name: (set(row.looks), set(row.goes_on)) for name, row in NOTICING.items()}


def names(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)
