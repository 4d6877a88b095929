"""The visible form of a request in three modes: its useful parts, without secrets, of bounded size.

``--journal``, or ``journal`` in a namespace's start, is ``normal``, ``full`` or ``masked``. At most 64 KB of a body are
visible. ``GET /_mock/requests/{id}?full=true`` has the whole body. ``body_bytes`` and ``response_bytes`` are lengths.
"""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from clients import Client
from helpers import SESSION, answered, ask, in_namespace

from mock_heidi import MockHeidi
from mock_heidi.base.settings import BASE_PATH, DEFAULT_KEY, ConfigError, Settings
from mock_heidi.faults.effects import EFFECTS
from mock_heidi.faults.effects.effect import Effect, Where
from mock_heidi.observing import entry_view
from mock_heidi.observing.credentials import found
from mock_heidi.observing.entry_view import MOST_OF_BODY, View
from mock_heidi.observing.text_cache import TextCache

ASK = {"ai_command_text": "translate", "content": "One.", "content_type": "MARKDOWN"}


def last(client: Client, prefix: str = "") -> dict[str, Any]:
    row: dict[str, Any] = client.get(f"{prefix}/_mock/requests?limit=1").json()["requests"][0]
    return row


def whole(client: Client) -> dict[str, Any]:
    row: dict[str, Any] = client.get(f"/_mock/requests/{last(client)['id']}?full=true").json()
    return row


# --- Nothing useful is lost -------------------------------------------------------------------------------------------

USEFUL = [
    "5eb7cf5a86d9755df3a6c593",
    "340282366920938463463374607431768211455",
    "kp_0123456789abcdef0123456789abcdef",
    "4bf92f35-77b3-4da6-a3ce-929d0e0e4736",
    "2024-12-11T03:57:57.123456",
    "zoë.o'brien+test@heidihealth.com",
    "Zoë O'Brien",
    "Pin removed from the left tibia. Basic exam 24 h later.",
    "recording-2024-12-11-Room4B_v2.wav",
    "monkey_keyboard",
    "50% of all",
]


@pytest.mark.parametrize("value", USEFUL)
def test_ids_times_names_and_notes_stay_unchanged(heidi: Client, value: str) -> None:
    body = {"note": value, "deep": [{"more": value}], "third_party_internal_id": value, "kinde_user_id": value}
    heidi.post(f"/sesions/{quote(value, safe='')}?ehr_patient_id={quote(value)}", json=body)
    as_json = last(heidi)
    heidi.post("/sessions", data={"note": value})
    as_form = last(heidi)

    assert as_json["path"] == f"{BASE_PATH}/sesions/{value}"
    assert (as_json["query"], as_json["body"]) == ({"ehr_patient_id": value}, body)
    assert as_form["body"] == f"note={quote(value, safe='').replace('%20', '+')}"


def test_a_note_may_have_any_word_before_a_colon(heidi: Client) -> None:
    note = "Pin: removed from the left tibia; key: improved.\nSignature:\n  Dr Sample"
    heidi.post("/sessions", json={"note": note})
    as_json = last(heidi)["body"]
    heidi.post("/sessions", data={"note": "Pin: removed"})

    assert (as_json, last(heidi)["body"]) == ({"note": note}, "note=Pin%3A+removed")


@pytest.mark.parametrize("name", ["Key points", "note", "Signature of the doctor", "session_id"])
def test_a_value_stays_beside_a_name_that_is_not_secret(heidi: Client, name: str) -> None:
    body = {"name": name, "value": "fine", "more": [{"type": name, "values": ["fine", 1]}]}
    heidi.post("/sessions", json=body)

    assert last(heidi)["body"] == body


def test_only_the_value_beside_a_secret_name_is_hidden(heidi: Client) -> None:
    pairs = [{"name": "a", "value": "b"}, {"name": "password", "value": "hunter2", "note": "fine", "content": "all"}]
    heidi.post("/sessions", json={"a": pairs, "value": "fine"})

    hidden = {"name": "password", "value": "***", "note": "fine", "content": "all"}
    assert last(heidi)["body"] == {"a": [pairs[0], hidden], "value": "fine"}


@pytest.mark.parametrize("value", [value for value in USEFUL if value.isascii()])
def test_known_headers_stay_unchanged(heidi: Client, value: str) -> None:
    heidi.get("/patient-profiles", headers={"User-Agent": value, "X-Request-Id": value, "Accept": value})

    headers = last(heidi)["headers"]
    assert (headers["user-agent"], headers["x-request-id"], headers["accept"]) == (value, value, value)


def test_misspelt_names_stay_visible(heidi: Client) -> None:
    heidi.post("/session/1234567890/consult_note?ehr_pateint_id=12", json={"voiceStyle": "BRIEF"})

    row = last(heidi)
    assert row["path"] == f"{BASE_PATH}/session/1234567890/consult_note"
    assert (row["query"], row["body"]) == ({"ehr_pateint_id": "<2 characters>"}, {"voiceStyle": "BRIEF"})


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/x/password/hunter2", "/x/password/***"),
        ("/x/Password//hunter2/more", "/x/Password//***/more"),
        ("/reset-password/hunter2", "/reset-password/***"),
        ("/oauth/access_token/hunter2", "/oauth/***/***"),
        ("/oauth/token", "/oauth/token"),
        ("/oauth/token/hunter2", "/oauth/token/***"),
        ("/pin/hunter2", "/pin/***"),
        ("/pin:hunter2", "/pin:***"),
        ("/pin%253Ahunter2", "/***"),
        ("/sid%252Fhunter2", "/***"),
        ("/keyboard/secretary/token", "/keyboard/secretary/token"),
        ("/token/sessions/77", "/token/sessions/77"),
        ("/users/linked-account:unlinked", "/users/linked-account:unlinked"),
        ("/jwt", "/jwt"),
    ],
)
def test_the_part_of_a_path_after_a_secret_word_is_hidden(heidi: Client, path: str, shown: str) -> None:
    heidi.get(path, headers={"Referer": f"http://localhost{path}"})

    row = last(heidi)
    assert row["path"] == f"{BASE_PATH}{shown}"
    assert row["headers"]["referer"] == f"http://localhost{shown}"
    assert "hunter2" not in heidi.get("/_mock/findings").text


def test_the_paths_of_a_namespace_with_a_secret_name_stay_visible(heidi: Client) -> None:
    named = in_namespace(heidi, "token")
    named.get("/sessions/77")
    named.close()

    assert last(heidi, "/ns/token")["path"] == f"/ns/token{BASE_PATH}/sessions/77"


def test_the_answers_of_the_packaged_set_stay_unchanged(heidi: Client) -> None:
    paths = ("patient-profiles", f"sessions/{SESSION}", f"sessions/{SESSION}/transcript", "sessions/linked-user")
    for path in (*paths, "templates/consult-note-templates", "templates/document-templates"):
        answer = heidi.get(f"/{path}")

        assert whole(heidi)["response"] == answer.json()


def test_the_packaged_fixtures_hold_nothing_that_looks_like_a_credential() -> None:
    texts = [
        path.read_text(encoding="utf-8")
        for path in Path("fixtures").glob("*.yaml")
        if path.stem not in ("api_keys", "scenarios")
    ]
    lines = [line for text in texts for line in text.splitlines()]

    assert len(lines) > 1_000
    assert [line for line in lines if any(found(line))] == []


# --- Three modes ------------------------------------------------------------------------------------------------------


def seen(client: Client, mode: str) -> dict[str, Any]:
    """The visible form in a mode of a request with something of each kind."""
    assert client.post(f"/_mock/namespaces/{mode}", json={"journal": mode}).status_code == 200
    named = in_namespace(client, mode)
    named.sign_in()
    headers = {"X-Own": "own words", "User-Agent": "app/1", "X-Api-Key": "hunter2"}
    body = {"note": "words", "count": 12, "yes": True, "none": None, "list": ["a"], "password": "hunter2"}
    named.post("/sesions/77?page=12&own=words&token=hunter2", json=body, headers=headers)
    named.close()
    return last(client, f"/ns/{mode}")


def test_normal_shows_known_names_and_hides_unknown_ones(heidi: Client) -> None:
    row = seen(heidi, "normal")

    assert row["path"] == f"/ns/normal{BASE_PATH}/sesions/77"
    assert row["query"] == {"page": "12", "own": "<5 characters>", "token": "***"}
    own, agent, key = (row["headers"][name] for name in ("x-own", "user-agent", "x-api-key"))
    assert (own, agent, key) == ("<9 characters>", "app/1", "***")
    assert row["body"] == {"note": "words", "count": 12, "yes": True, "none": None, "list": ["a"], "password": "***"}


def test_full_shows_unknown_names_too(heidi: Client) -> None:
    row = seen(heidi, "full")

    assert row["query"] == {"page": "12", "own": "words", "token": "***"}
    own, key, token = (row["headers"][name] for name in ("x-own", "x-api-key", "authorization"))
    assert (own, key, token) == ("own words", "***", "***")
    assert row["body"]["password"] == "***"


def test_full_hides_the_value_beside_a_secret_name_too(heidi: Client) -> None:
    heidi.post("/_mock/namespaces/full", json={"journal": "full"})
    named = in_namespace(heidi, "full")
    named.get("/sessions?name=password&value=hunter2&note=fine", headers={"X-Own": "pin: hunter2"})
    named.post("/sessions", content=b"pin: hunter2\nnote: fine")
    first, second = heidi.get("/ns/full/_mock/requests?limit=2").json()["requests"]
    named.close()

    assert first["query"] == {"name": "password", "value": "***", "note": "fine"}
    assert (first["headers"]["x-own"], second["body"]) == ("pin: ***", "pin: ***\nnote: fine")


def test_full_shows_unparsed_bodies_without_known_secrets(heidi: Client) -> None:
    heidi.post("/_mock/namespaces/full", json={"journal": "full"})
    named = in_namespace(heidi, "full")
    token = named.sign_in()
    named.post("/sessions", content=f"own words: {DEFAULT_KEY}, {token}, Bearer hunter2".encode())
    named.close()

    assert last(heidi, "/ns/full")["body"] == "own words: ***, ***, Bearer ***"


def test_masked_shows_names_and_lengths(heidi: Client) -> None:
    row = seen(heidi, "masked")

    assert row["path"] == f"/ns/<6 characters>{BASE_PATH}/<7 characters>/<2 characters>"
    assert row["query"] == {"page": "<2 characters>", "own": "<5 characters>", "token": "***"}
    own, agent, kind = (row["headers"][name] for name in ("x-own", "user-agent", "content-type"))
    assert (own, agent, kind) == ("<9 characters>", "<5 characters>", "application/json")
    assert row["body"] == {
        "note": "<5 characters>",
        "count": "<number>",
        "yes": "<boolean>",
        "none": None,
        "list": ["<1 character>"],
        "password": "<7 characters>",
    }
    assert row["response"] == {"detail": "<9 characters>"}
    assert (row["method"], row["status"], row["operation"]) == ("POST", 404, None)


def test_masked_shows_documented_paths_forms_and_streams_by_length(heidi: Client) -> None:
    heidi.post("/_mock/namespaces/masked", json={"journal": "masked"})
    named = in_namespace(heidi, "masked")
    named.post(f"/sessions/{SESSION}/upload-audio", files={"file": ("a.wav", b"x", "audio/wav")})
    form = last(heidi, "/ns/masked")
    named.post("/sessions", data={"note": "words"})
    fields = last(heidi, "/ns/masked")["body"]
    heidi.post("/ns/masked/_mock/replies", json={"operation": "ask_ai", "pieces": ["one ", "two"]})
    named.post(f"/sessions/{SESSION}/ask-ai", json=ASK)
    named.close()

    assert form["path"] == f"/ns/<6 characters>{BASE_PATH}/sessions/<10 characters>/upload-audio"
    [part] = form["body"]["parts"]
    assert (part["name"], part["filename"], part["size"]) == ("file", "<5 characters>", 1)
    assert fields == "<10 bytes>"
    assert [piece["text"] for piece in last(heidi, "/ns/masked")["pieces"]] == ["<4 characters>", "<3 characters>"]


def test_a_mode_stays_after_a_reset_and_in_a_copy(heidi: Client) -> None:
    heidi.post("/_mock/namespaces/blue", json={"journal": "masked"})
    heidi.post("/ns/blue/_mock/reset")
    heidi.post("/_mock/namespaces/green?from=blue")

    modes = {row["name"]: row["journal"] for row in heidi.get("/_mock/namespaces").json()["namespaces"]}
    assert modes == {"default": "normal", "blue": "masked", "green": "masked"}


def test_an_unknown_mode_is_refused(heidi: Client) -> None:
    answer = heidi.post("/_mock/namespaces/blue", json={"journal": "loud"})

    assert (answer.status_code, answer.json()["hint"]) == (400, "write normal, full or masked")
    assert len(heidi.get("/_mock/namespaces").json()["namespaces"]) == 1
    with pytest.raises(ConfigError, match=re.escape("journal: 'loud' is not a mode; write normal, full or masked")):
        Settings(journal="loud")


def test_a_handle_chooses_the_mode_of_its_namespace() -> None:
    with MockHeidi(journal="full") as heidi, heidi.namespace("blue", journal="masked") as blue:
        listed = heidi.control("GET", "/namespaces")["namespaces"]

        assert [row["journal"] for row in listed] == ["full", "masked"]
        assert blue.requests() == []


# --- Bounds -----------------------------------------------------------------------------------------------------------

LONG = "word " * 30_000


@pytest.mark.parametrize("note", [LONG, [LONG], ["word"] * 30_000, {f"field_{n}": n for n in range(20_000)}])
def test_the_beginning_of_a_long_body_is_shown_and_its_length(heidi: Client, note: Any) -> None:
    sent = json.dumps({"note": note}).encode()
    heidi.post("/sessions", content=sent)

    row = last(heidi)
    assert (row["body_bytes"], whole(heidi)["body"]) == (len(sent), {"note": note})
    assert isinstance(row["body"], str)
    assert len(row["body"]) <= MOST_OF_BODY
    assert row["body"][:40_000] == sent.decode()[:40_000]


def test_the_beginning_of_a_long_form_is_its_first_fields(heidi: Client) -> None:
    sent = b"&".join([b"note=some+words"] * 10_000)
    heidi.post("/sessions", content=sent)

    row = last(heidi)
    assert set(row["body"].split("&")) == {"note=some+words"}
    assert MOST_OF_BODY - 20 < len(row["body"]) <= MOST_OF_BODY
    assert (row["body_bytes"], whole(heidi)["body"]) == (len(sent), sent.decode())


def test_the_beginning_of_a_long_answer_is_shown(heidi: Client) -> None:
    answer = heidi.patch(f"/sessions/{SESSION}", json={"clinician_notes": [LONG]})

    row = last(heidi)
    assert (row["response_bytes"], len(row["response"])) == (len(answer.content), MOST_OF_BODY)
    assert whole(heidi)["response"] == answer.json()


@pytest.mark.slow
def test_the_first_pieces_of_a_long_stream_are_shown(heidi: Client) -> None:
    heidi.post("/_mock/replies", json={"operation": "ask_ai", "pieces": ["word "] * 20_000})
    answer = heidi.post(f"/sessions/{SESSION}/ask-ai", json=ASK)

    row = last(heidi)
    assert sum(len(piece["text"]) for piece in row["pieces"]) == MOST_OF_BODY
    assert row["response_bytes"] == len(answer.content)
    assert len(whole(heidi)["pieces"]) == 20_000


@pytest.mark.parametrize("before", range(MOST_OF_BODY - 60, MOST_OF_BODY + 10, 7))
def test_no_secret_is_cut_in_half(heidi: Client, before: int) -> None:
    heidi.post("/sessions", json={"note": "-" * before + f" {DEFAULT_KEY} Bearer hunter2 " + LONG})

    shown = last(heidi)["body"]
    assert DEFAULT_KEY[:4] not in shown
    assert "hunt" not in shown


@pytest.mark.parametrize("value", ["yes", "", "True"])
def test_full_takes_true_or_false(heidi: Client, value: str) -> None:
    heidi.get("/patient-profiles")

    answer = heidi.get(f"/_mock/requests/1?full={value}")

    assert answer.status_code == 400
    assert answer.json()["hint"] == "write it like full=true"


@pytest.fixture
def views(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids of the entries of which a view was made."""
    made: list[int] = []
    make = View._read  # noqa: SLF001 - counted, not changed

    def counted(self: View, entry: Any, most: int | None) -> dict[str, Any]:
        made.append(entry.id)
        return make(self, entry, most)

    monkeypatch.setattr(View, "_read", counted)
    return made


def test_an_entry_is_redacted_once_for_many_reads(heidi: Client, views: list[int]) -> None:
    heidi.post("/sessions?own=1", json={"own": "words"})
    first = last(heidi)

    again = [last(heidi) for _ in range(3)]
    heidi.get("/_mock/requests?text=words")
    heidi.get("/_mock/requests?format=curl")

    assert again == [first] * 3
    assert sorted(views) == [1, 2]


def test_an_entry_is_redacted_again_when_a_key_is_added(heidi: Client) -> None:
    heidi.post("/sessions", json={"note": "a-new-key of ours"})
    before = last(heidi)["body"]
    keys = [{"key": "a-new-key", "ehr_provider": "P", "managed_by": "a" * 24}]
    heidi.post("/_mock/state", json={"api_keys": keys})

    assert (before, last(heidi)["body"]) == ({"note": "a-new-key of ours"}, {"note": "*** of ours"})


def test_later_findings_are_shown(heidi: Client) -> None:
    heidi.post("/sessions", json={"own": 1})
    journal = heidi.app.registry.default.journal
    entry = list(journal)[-1]
    before = journal.read(entry)["findings"]
    entry.findings = ("unknown_field",)

    assert (before, journal.read(entry)["findings"]) == ([], ["unknown_field"])


def test_views_are_kept_up_to_a_bound_and_dropped_with_their_entries() -> None:
    class Entry:
        pass

    kept, entries = TextCache(room=10), [Entry() for _ in range(4)]
    for entry in entries:
        kept.put(entry, "four")
        kept.get(entries[0])

    assert [kept.get(entry) for entry in entries] == ["four", None, None, "four"]
    entries.clear()
    del entry
    assert kept.held == 0


def test_a_view_that_is_larger_than_the_bound_is_not_kept(heidi: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry_view, "_KEPT", 10)
    heidi.app.registry.make("blue")
    ask(heidi.app, "GET", f"/ns/blue{BASE_PATH}/nothing")

    rows = [last(heidi, "/ns/blue") for _ in range(2)]

    assert rows[0] == rows[1]


def test_an_entry_with_whole_bodies_equals_that_of_the_list(heidi: Client) -> None:
    heidi.post("/sessions", json={"note": "words"})

    assert answered(heidi.get("/_mock/requests/2?full=true")) == answered(heidi.get("/_mock/requests/2"))


# --- Rules ------------------------------------------------------------------------------------------------------------

PLACES = {Where.STREAMS: "ask_ai", Where.WRITTEN: "ask_ai", Where.CODES: "generate_clinical_codes"}


def test_no_rule_shows_a_token_that_is_written_into_an_effect(heidi: Client) -> None:
    token = heidi.token()
    texts = [token, f"text/{token}", {"session": token}]

    taken = {effect.name for effect in EFFECTS for text in texts if add_rule(heidi, effect, text) == 200}

    assert taken >= {"detail", "not_json", "media_type", "drop_key", "rename_key"}
    assert token not in heidi.get("/_mock/faults").text


def test_a_rule_that_is_put_back_as_it_was_shown_still_drops_the_same_key(heidi: Client) -> None:
    heidi.post("/_mock/replies", json={"operation": "get_session", "body": {DEFAULT_KEY: 1, "left": 2}})
    heidi.post("/_mock/faults", json={"operation": "get_session", "drop_key": DEFAULT_KEY})

    shown = heidi.get("/_mock/faults").json()["faults"]
    heidi.put("/_mock/faults", json=shown)

    assert heidi.get(f"/sessions/{SESSION}").json() == {"left": 2}


def add_rule(client: Client, effect: Effect, value: Any) -> int:
    """The status of adding a rule with this effect, beside one that it needs."""
    rule = {"operation": PLACES.get(effect.where, "get_session"), effect.name: value}
    if effect.goes_with:
        rule["status"] = 503
    return client.post("/_mock/faults", json=rule).status_code
