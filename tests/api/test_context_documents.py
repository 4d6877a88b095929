"""Context documents: files that a note of the session may use.

- ``POST /sessions/{session_id}/context-documents``: parts ``context_documents`` (files) and ``meta_data`` (JSON)
  → ``{"context_documents": […]}``, each of them a :data:`shapes.CONTEXT_DOCUMENT`; ``GET`` → the same.
- ``DELETE`` with ``ids`` in the query or in a body → ``{"is_success": true}``.
"""

import json
from typing import Any

import httpx
import pytest
import shapes
from clients import Client
from helpers import KEY_TWO, NOON_STAMP, SESSION, SESSION_NOT_FOUND, SUCCESS, answered, settled, wire

PATH = f"/sessions/{SESSION}/context-documents"
PDF = b"%PDF-1.7"
UNSUPPORTED = {"detail": "unsupported file type"}


def send(client: Client, *names: str, about: Any = None, path: str = PATH) -> httpx.Response:
    """Upload files with these names. ``about`` is the ``meta_data``: a text, or a value that is sent as JSON."""
    text = about if isinstance(about, str) else json.dumps(about)
    fields = {} if about is None else {"meta_data": text}
    return client.post(
        path, files=[("context_documents", (name, PDF, "application/pdf")) for name in names], data=fields
    )


def sent(client: Client, *names: str, about: Any = None) -> list[dict[str, Any]]:
    answer = send(client, *names, about=about)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["context_documents"])


def listed(client: Client) -> list[dict[str, Any]]:
    answer = client.get(PATH)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["context_documents"])


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["name"] for row in rows]


# --- Upload -----------------------------------------------------------------------------------------------------------


def test_an_upload_of_documents_gets_the_documented_answer(heidi: Client) -> None:
    about = {"name": "Referral", "date": "2024-12-01", "additional_context": "From the GP"}

    answer = send(heidi, "referral.pdf", about=about)

    made = answer.json()["context_documents"][0]["id"]
    row = shapes.CONTEXT_DOCUMENT.unset(id=made, **about, filename="referral.pdf", uploaded_at=NOON_STAMP)
    assert answered(answer) == (200, wire({"context_documents": [row]}))


def test_a_document_without_metadata_is_named_after_its_file(heidi: Client) -> None:
    (row,) = sent(heidi, "letter.docx")

    assert (row["name"], row["date"], row["additional_context"]) == ("letter.docx", None, None)


@pytest.mark.parametrize("about", ["", {}, {"name": None}, {"name": ""}, {"date": None, "other": [1]}], ids=repr)
def test_metadata_without_a_name_keeps_the_file_name(heidi: Client, about: Any) -> None:
    assert names(sent(heidi, "a.pdf", about=about)) == ["a.pdf"]


def test_files_of_one_upload_share_their_metadata(heidi: Client) -> None:
    rows = sent(heidi, "a.pdf", "b.jpg", about={"additional_context": "both"})

    assert [(row["filename"], row["additional_context"]) for row in rows] == [("a.pdf", "both"), ("b.jpg", "both")]
    assert len({row["id"] for row in rows}) == 2


def test_a_second_upload_adds_documents_and_answers_only_the_new_ones(heidi: Client) -> None:
    sent(heidi, "a.pdf", "b.pdf")

    second = sent(heidi, "c.pdf")

    assert names(second) == ["c.pdf"]
    assert names(listed(heidi)) == ["a.pdf", "b.pdf", "c.pdf"]


@pytest.mark.parametrize("name", ["a.pdf", "a.jpg", "a.png", "a.docx", "a.doc", "A.PDF", "scan.of.page.Png"])
def test_the_documented_file_types_are_accepted(heidi: Client, name: str) -> None:
    assert send(heidi, name).status_code == 200


@pytest.mark.parametrize("files", [["a.txt"], ["a"], [".pdf"], ["a.pdf.exe"], ["a.pdf", "b.gif"], ["b.gif", "a.pdf"]])
def test_one_unsupported_file_refuses_the_whole_upload(heidi: Client, files: list[str]) -> None:
    before = settled(heidi)

    assert answered(send(heidi, *files)) == (400, wire(UNSUPPORTED))
    assert heidi.state() == before


@pytest.mark.parametrize(
    "about",
    [
        {"name": 5},
        {"name": ["a"]},
        {"date": 20241201},
        {"additional_context": True},
        {"additional_context": {"a": 1}},
        [],
        5,
        "null",
        "not JSON",
        "{",
        "NaN",
    ],
    ids=repr,
)
def test_metadata_of_the_wrong_type_is_refused(heidi: Client, about: Any) -> None:
    before = settled(heidi)

    answer = send(heidi, "a.pdf", about=about)

    (row,) = answer.json()["detail"]
    given = about if isinstance(about, str) else json.dumps(about)
    assert (answer.status_code, row["loc"], row["input"]) == (422, ["body", "meta_data"], given)
    assert "JSON object with name, date and additional_context" in row["msg"]
    assert heidi.state() == before


@pytest.mark.parametrize(
    "body",
    [
        {"files": {"file": ("a.pdf", PDF, "application/pdf")}},
        {"data": {"context_documents": "a.pdf"}},
        {"json": {"context_documents": ["a.pdf"]}},
        {},
    ],
    ids=["another name", "no file", "no form", "no body"],
)
def test_an_upload_without_files_is_refused(heidi: Client, body: dict[str, Any]) -> None:
    before = settled(heidi)

    answer = heidi.post(PATH, **body)

    assert answer.status_code == 422
    assert [row["loc"] for row in answer.json()["detail"]] == [["body", "context_documents"]]
    assert heidi.state() == before


def test_the_state_keeps_length_and_digest_of_a_file_but_not_its_bytes(heidi: Client) -> None:
    sent(heidi, "a.pdf")

    (kept,) = heidi.get(f"/_mock/sessions/{SESSION}").json()["context_documents"]

    assert (kept["filename"], kept["length"], len(kept["sha256"])) == ("a.pdf", len(PDF), 64)


# --- Parsing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ({"at_once": True}, ["READY", "READY", "READY"]),
        ({"after_reads": 1}, ["PARSING", "READY", "READY"]),
        ({"after_reads": 2}, ["PARSING", "PARSING", "READY"]),
        ({"after_seconds": 60}, ["PARSING", "PARSING", "READY"]),
    ],
)
def test_a_new_document_is_parsing_and_becomes_ready_by_its_transition(
    heidi: Client, way: dict[str, Any], expected: list[str]
) -> None:
    heidi.put("/_mock/transitions", json={"document_parsing": way})
    (row,) = sent(heidi, "a.pdf")

    statuses = [listed(heidi)[0]["status"] for _ in range(2)]
    heidi.post("/_mock/clock/advance", json={"seconds": 60})
    statuses.append(listed(heidi)[0]["status"])

    assert row["status"] == "PARSING"
    assert statuses == expected


def test_each_document_counts_its_own_reads(heidi: Client) -> None:
    heidi.put("/_mock/transitions", json={"document_parsing": {"after_reads": 1}})
    sent(heidi, "a.pdf")
    listed(heidi)
    sent(heidi, "b.pdf")

    assert [row["status"] for row in listed(heidi)] == ["READY", "PARSING"]
    assert [row["status"] for row in listed(heidi)] == ["READY", "READY"]


def test_a_document_that_a_fixture_marks_as_parsing_stays_parsing(heidi: Client) -> None:
    stuck = {"id": "b" * 24, "name": "a", "filename": "a.pdf", "uploaded_at": NOON_STAMP, "parsing": True}
    heidi.put("/_mock/state", json={"sessions": [{"session_id": SESSION, "context_documents": [stuck]}]})

    assert [listed(heidi)[0]["status"] for _ in range(3)] == ["PARSING"] * 3


# --- Deleting ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["query", "body", "both", "twice"])
def test_a_delete_removes_two_documents_and_keeps_the_others(heidi: Client, way: str) -> None:
    first, _, third, _ = (row["id"] for row in sent(heidi, "a.pdf", "b.pdf", "c.pdf", "d.pdf"))
    options: dict[str, Any] = {
        "query": {"params": {"ids": [first, third]}},
        "body": {"json": {"ids": [first, third]}},
        "both": {"params": {"ids": first}, "json": {"ids": [third]}},
        "twice": {"params": {"ids": [first, first, third]}, "json": {"ids": [third]}},
    }[way]

    answer = heidi.delete(PATH, **options)

    assert answered(answer) == (200, wire(SUCCESS))
    assert names(listed(heidi)) == ["b.pdf", "d.pdf"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"json": {}},
        {"json": {"ids": []}},
        {"json": {"ids": None}},
        {"json": None},
        {"params": {"ids": "f" * 24}},
        {"params": {"id": "a"}},
        {"params": {"ids": ""}},
    ],
    ids=repr,
)
def test_a_delete_without_known_ids_removes_nothing(heidi: Client, options: dict[str, Any]) -> None:
    sent(heidi, "a.pdf", "b.pdf")

    assert answered(heidi.delete(PATH, **options)) == (200, wire(SUCCESS))
    assert names(listed(heidi)) == ["a.pdf", "b.pdf"]


@pytest.mark.parametrize("ids", ["a", [1], {"a": 1}, [None], 5])
def test_ids_of_the_wrong_type_are_refused_and_nothing_is_deleted(heidi: Client, ids: Any) -> None:
    (row,) = sent(heidi, "a.pdf")

    answer = heidi.delete(PATH, json={"ids": ids}, params={"ids": row["id"]})

    assert (answer.status_code, answer.json()["detail"][0]["loc"][:2]) == (422, ["body", "ids"])
    assert names(listed(heidi)) == ["a.pdf"]


def test_a_note_no_longer_names_a_deleted_document(heidi: Client) -> None:
    first, _ = sent(heidi, "first.pdf", "second.pdf")
    heidi.delete(PATH, params={"ids": first["id"]})

    shown = heidi.get(f"/sessions/{SESSION}").json()["session"]

    assert "first.pdf" not in json.dumps(shown)
    assert names(listed(heidi)) == ["second.pdf"]


# --- Unknown sessions -------------------------------------------------------------------------------------------------


def test_documents_of_an_unknown_session_are_not_found(heidi: Client) -> None:
    path = PATH.replace(SESSION, "404")

    for answer in (send(heidi, "a.pdf", path=path), heidi.get(path), heidi.delete(path)):
        assert answered(answer) == (404, wire(SESSION_NOT_FOUND))


def test_another_key_cannot_reach_the_documents(heidi: Client) -> None:
    (row,) = sent(heidi, "a.pdf")
    other = Client(heidi.app)
    other.sign_in(KEY_TWO)

    for answer in (send(other, "b.pdf"), other.get(PATH), other.delete(PATH, params={"ids": row["id"]})):
        assert answered(answer) == (404, wire(SESSION_NOT_FOUND))
    other.close()
    assert names(listed(heidi)) == ["a.pdf"]
