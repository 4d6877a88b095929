"""Faults in answers with a JSON body: other answers, no answer, late answers and changed answers.

Tests of broken connections read the bytes from a bare socket. Tests of delays use a frozen clock, which the test moves.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from clients import JOHN, NOON, Client
from helpers import (
    INVALID_TOKEN,
    KEY_TWO,
    NOT_AUTHENTICATED,
    OTHER_SESSION,
    SESSION,
    SESSION_NOT_FOUND,
    another,
    answered,
    argument,
    ask,
    in_namespace,
    settled,
    wire,
)
from peer import Ending, Sleepers, asking, connected
from running import until

from mock_heidi import Handle, MockHeidiError, create_app
from mock_heidi.base.error_table import BY_NAME, render
from mock_heidi.base.settings import BASE_PATH, DEFAULT_KEY
from mock_heidi.faults.effects import EFFECTS
from mock_heidi.faults.effects.effect import Where
from mock_heidi.faults.request_facts import RequestFacts
from mock_heidi.faults.rule import CONNECTION
from mock_heidi.observing.entry import Entry

pytestmark = pytest.mark.slow

FOR_BODIES = [effect for effect in EFFECTS if effect.where in (Where.ANY, Where.BODIES) and not effect.goes_with]
IN_PROCESS = [effect.name for effect in FOR_BODIES if not effect.breaks]

PATH = "/_mock/faults"
SIGN_IN = {"email": "test@heidihealth.com", "third_party_internal_id": "123"}
EXPIRED_TOKEN = {"detail": {"msg": "Token has expired", "type": "ExpiredTokenError"}}
GET = f"/sessions/{SESSION}"
frozen = pytest.mark.mock_heidi(clock=NOON)


def add(client: Client, **rule: Any) -> str:
    answer = client.post(PATH, json=rule)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def hits(client: Client) -> list[int]:
    return [row["hits"] for row in client.get(PATH).json()["faults"]]


def last(client: Client) -> Entry:
    """The newest entry of the journal of the default namespace."""
    *_, entry = client.app.registry.default.journal
    return entry


def plain(heidi: Handle, path: str = GET) -> bytes:
    """The body of the answer without faults."""
    with heidi.client() as client:
        return client.get(path).content


def struck(heidi: Handle) -> None:
    """Wait until a rule has its first hit."""
    until(lambda: any(rule["hits"] for rule in heidi.faults()), "the fault")


def sessions(heidi: Handle) -> int:
    return len(heidi.state.sessions())


# --- Other answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BY_NAME)
def test_a_rule_can_send_any_error_by_its_name(heidi: Client, name: str) -> None:
    error, provenance = BY_NAME[name]
    rule = add(heidi, operation="get_session", error=name)

    answer = heidi.get(GET)

    status, body, headers = render(error)
    assert answered(answer) == (status, body.decode())
    assert {"x-mock-fault": rule, "x-mock-provenance": f"injected, {provenance}"}.items() <= answer.headers.items()
    assert headers.items() <= answer.headers.items()
    assert answer.headers["content-type"] == "application/json"


def test_each_error_has_its_provenance() -> None:
    provenances = {name: provenance for name, (_, provenance) in BY_NAME.items()}

    assert provenances["OpenAPIHeidiAccountAlreadyLinkedError"] == "documented"
    assert provenances["LinkedAccountRequiredError"] == "observed"
    assert provenances["RecordingFinishedError"] == "assumed"
    assert not {"ServiceUnavailableError"} & set(provenances)  # an error of the mock, not of the vendor


@pytest.mark.parametrize(
    ("rule", "status", "body"),
    [
        ({"status": 503}, 503, {"detail": "Service Unavailable"}),
        ({"status": 418}, 418, {"detail": "I'm a Teapot"}),
        ({"status": 599}, 599, {"detail": "Status 599"}),
        ({"status": 200}, 200, {"detail": "OK"}),
        ({"status": 500, "detail": "no"}, 500, {"detail": "no"}),
        ({"status": 422, "detail": [{"loc": ["body"], "msg": "ä"}]}, 422, {"detail": [{"loc": ["body"], "msg": "ä"}]}),
        ({"status": 409, "detail": {"msg": "a", "type": "B"}}, 409, {"detail": {"msg": "a", "type": "B"}}),
    ],
)
def test_any_status_has_a_body_in_the_vendor_format(
    heidi: Client, rule: dict[str, Any], status: int, body: Any
) -> None:
    add(heidi, operation="get_session", **rule)

    answer = heidi.get(GET)

    assert answered(answer) == (status, wire(body))
    assert answer.headers["x-mock-provenance"] == "injected, not documented"


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_sends_no_body(mock_heidi: Handle, status: int) -> None:
    mock_heidi.fault("get_session", status=status, times=1)

    with asking(mock_heidi, "GET", GET) as peer:
        got, headers = peer.head()
        peer.ask("GET", "/nowhere")
        after, _ = peer.head()

    assert (got, after) == (status, 404)
    assert not {"content-length", "content-type", "transfer-encoding"} & set(headers)


@pytest.mark.parametrize(
    ("rule", "status", "header"),
    [
        ({"retry_after": 30}, 429, "30"),
        ({"retry_after": 0.2}, 429, "1"),
        ({"retry_after": 0}, 429, "0"),
        ({"retry_after": 30, "status": 503}, 503, "30"),
        ({"retry_after": "date:90"}, 429, "Mon, 06 Jan 2025 12:01:30 GMT"),
        ({"retry_after": "date:86400", "status": 503}, 503, "Tue, 07 Jan 2025 12:00:00 GMT"),
    ],
)
def test_retry_after_is_in_seconds_or_a_date_by_the_mock_clock(
    heidi: Client, rule: dict[str, Any], status: int, header: str
) -> None:
    add(heidi, operation="get_session", **rule)

    answer = heidi.get(GET)

    assert (answer.status_code, answer.headers["retry-after"]) == (status, header)
    assert answer.json() == {"detail": "Too Many Requests" if status == 429 else "Service Unavailable"}
    assert answer.headers["x-mock-provenance"] == "injected, not documented"


def test_the_date_in_retry_after_moves_with_the_clock(heidi: Client) -> None:
    add(heidi, operation="get_session", retry_after="date:10")

    heidi.post("/_mock/clock/advance", json={"seconds": 3600})

    assert heidi.get(GET).headers["retry-after"] == "Mon, 06 Jan 2025 13:00:10 GMT"


def test_a_quota_allows_a_number_of_requests_in_each_window(heidi: Client) -> None:
    add(heidi, operation="get_session", quota="2/60")

    def tried(after: float) -> list[tuple[int, str | None]]:
        heidi.post("/_mock/clock/advance", json={"seconds": after})
        answers = [heidi.get(GET) for _ in range(3)]
        return [(answer.status_code, answer.headers.get("retry-after")) for answer in answers]

    assert tried(0) == [(200, None), (200, None), (429, "60")]
    assert tried(20.5) == [(429, "40")] * 3
    assert tried(39.4) == [(429, "1")] * 3
    assert tried(0.1) == [(200, None), (200, None), (429, "60")]
    assert hits(heidi) == [8]


def test_a_rule_within_its_quota_does_not_stop_later_rules(heidi: Client) -> None:
    add(heidi, operation="get_session", quota="1/60")
    add(heidi, operation="get_session", status=503)

    assert [heidi.get(GET).status_code for _ in range(3)] == [503, 429, 429]
    assert hits(heidi) == [2, 1]


def test_setting_the_clock_back_restarts_the_quota(heidi: Client) -> None:
    add(heidi, operation="get_session", quota="1/60")
    heidi.get(GET)

    heidi.put("/_mock/clock", json={"now": "2025-01-05T12:00:00Z"})

    assert [heidi.get(GET).status_code for _ in range(2)] == [200, 429]


def test_a_fault_answers_before_the_token_is_checked(heidi: Client) -> None:
    add(heidi, operation="get_session", status=503)

    answers = [
        heidi.get(GET, signed=False),
        heidi.get(GET, headers={"Authorization": "Bearer nonsense"}),
        heidi.get("/sessions/5"),
    ]

    assert [answer.status_code for answer in answers] == [503] * 3


def test_a_request_answered_by_a_fault_changes_nothing(heidi: Client) -> None:
    before = settled(heidi)
    add(heidi, status=500)

    heidi.post("/sessions", json={})
    heidi.delete("/linked-account")
    heidi.request("DELETE", "/patient-profiles:batch-delete", json={"ids": [JOHN]})

    assert heidi.state() == before


# --- Tokens -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("effect", "refusal"), [("expire_token", EXPIRED_TOKEN), ("revoke_token", INVALID_TOKEN)])
def test_an_expired_token_is_refused_everywhere_until_a_new_sign_in(
    heidi: Client, effect: str, refusal: dict[str, Any]
) -> None:
    status = render(BY_NAME["InvalidTokenError"][0])[0]
    heidi.token()
    add(heidi, operation="get_session", after=1, times=1, **argument(effect, True))

    before = [heidi.get(GET).status_code, heidi.get("/patient-profiles").status_code]
    deaths = [heidi.get(path) for path in (GET, GET, "/patient-profiles", f"{GET}/documents")]
    heidi.sign_in()
    after = [heidi.get(path).status_code for path in (GET, "/patient-profiles")]

    assert (before, after) == ([200, 200], [200, 200])
    assert [answered(answer) for answer in deaths] == [(status, wire(refusal))] * 4
    assert {answer.headers["x-mock-provenance"] for answer in deaths} == {"injected, assumed"}


def test_signing_in_works_with_an_expired_token_in_its_headers(heidi: Client) -> None:
    old = heidi.token()
    add(heidi, expire_token=True, times=1)
    refused = heidi.get(GET)

    headers = {"Authorization": f"Bearer {old}", "Heidi-Api-Key": DEFAULT_KEY}
    answer = heidi.get("/jwt", params=SIGN_IN, headers=headers)

    assert (refused.status_code, answer.status_code) == (401, 200)
    assert answer.json()["token"] != old


@pytest.mark.parametrize("back", ["/_mock/snapshots/before/restore", "/_mock/reset?keep=faults"])
def test_a_new_token_works_after_a_reset_or_restore(heidi: Client, back: str) -> None:
    heidi.put("/_mock/snapshots/before")
    add(heidi, expire_token=True, times=1)
    refused = heidi.get(GET)

    heidi.post(back)
    heidi.sign_in()

    assert [refused.status_code, heidi.get(GET).status_code] == [401, 200]


def test_expiring_a_token_does_not_affect_other_tokens(heidi: Client) -> None:
    mine = heidi.token()
    theirs = heidi.sign_in(KEY_TWO)
    add(heidi, expire_token=True, times=1)

    statuses = [
        heidi.get("/patient-profiles", headers={"Authorization": f"Bearer {token}"}).status_code
        for token in (mine, theirs, mine)
    ]

    assert statuses == [401, 200, 401]


def test_a_repeated_expired_token_does_not_count_towards_times(heidi: Client) -> None:
    add(heidi, operation="get_session", expire_token=True, times=2)
    add(heidi, operation="list_documents", revoke_token=True, nth=[1, 3])
    heidi.token()

    answers = [heidi.get(path) for path in (GET, "/patient-profiles", GET)]
    heidi.sign_in()
    answers += [heidi.get(path) for path in (GET, GET)]
    heidi.sign_in()
    answers += [heidi.get(path) for path in (GET, f"{GET}/documents", "/patient-profiles")]
    heidi.sign_in()
    answers += [heidi.get(f"{GET}/documents") for _ in range(2)]

    marks = [answer.headers.get("x-mock-fault") for answer in answers]
    assert marks == [*["fault-1"] * 5, None, *["fault-2"] * 2, None, "fault-2"]
    assert [(row["hits"], row["matched"]) for row in heidi.get(PATH).json()["faults"]] == [(5, 5), (3, 3)]


@pytest.mark.parametrize("written", ["bearer {}", "BEARER   {}", "  Bearer {} "])
def test_the_spelling_of_the_header_does_not_revive_an_expired_token(heidi: Client, written: str) -> None:
    headers = {"Authorization": written.format(heidi.token())}
    alive = heidi.get(GET, headers=headers)
    add(heidi, expire_token=True, times=1)
    heidi.get(GET)

    dead = heidi.get(GET, headers=headers)

    assert (alive.status_code, dead.status_code) == (200, 401)


def test_only_the_checked_one_of_two_tokens_expires() -> None:
    def mark(*tokens: bytes) -> bytes:
        return RequestFacts(
            "get_session", "GET", GET, SESSION, [(b"authorization", b"Bearer " + one) for one in tokens]
        ).token

    assert mark(b"mine") == mark(b"other", b"mine") != mark(b"other")


def test_requests_that_need_no_token_do_not_count_towards_expiry(heidi: Client) -> None:
    heidi.token()
    add(heidi, expire_token=True, after=1)

    heidi.sign_in()
    heidi.get("/nowhere")
    unsigned = heidi.get(GET, signed=False)

    assert answered(unsigned) == (401, wire(NOT_AUTHENTICATED))
    assert [heidi.get(GET).status_code for _ in range(2)] == [200, 401]


def test_an_expired_token_works_again_after_its_rule_is_removed(heidi: Client) -> None:
    add(heidi, revoke_token=True)
    refused = heidi.get(GET)

    heidi.delete(PATH)

    assert (refused.status_code, heidi.get(GET).status_code) == (401, 200)


# --- No answer --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("effect", "how"), [("close", "closed"), ("rst", "reset")])
def test_the_connection_ends_before_the_answer(mock_heidi: Handle, effect: str, how: str) -> None:
    fault = mock_heidi.fault("create_session", **argument(effect, True))
    before = sessions(mock_heidi)

    with asking(mock_heidi, "POST", "/sessions", {}) as peer:
        assert peer.end() == Ending(b"", how)

    assert (sessions(mock_heidi), fault.hits()) == (before, 1)
    [entry] = mock_heidi.requests(operation="create_session")
    assert (entry["status"], entry["client_left"]) == (None, False)


@pytest.mark.parametrize(("effect", "how"), [("close", "closed"), ("rst", "reset")])
def test_a_large_body_is_read_before_the_connection_ends(mock_heidi: Handle, effect: str, how: str) -> None:
    mock_heidi.fault("upload_audio", **argument(effect, True))

    with asking(mock_heidi, "POST", f"{GET}/upload-audio", b"x" * 5_000_000) as peer:
        assert peer.end() == Ending(b"", how)


def test_a_stall_lasts_until_the_client_gives_up(mock_heidi: Handle) -> None:
    mock_heidi.fault("get_session", stall=True)

    with asking(mock_heidi, "GET", GET) as peer:
        struck(mock_heidi)
        assert plain(mock_heidi, "/patient-profiles")
        assert peer.silent()

    until(lambda: mock_heidi.requests(operation="get_session")[-1]["client_left"], "the client's leaving")
    assert mock_heidi.requests(operation="get_session")[-1]["status"] is None


def test_a_client_times_out_when_an_answer_stalls(mock_heidi: Handle) -> None:
    # Without ``times=1``: on a busy machine the client may leave before the server reads its first request.
    stall = mock_heidi.fault("get_session", stall=True)

    with mock_heidi.client(timeout=60) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.get(GET, timeout=httpx.Timeout(60, read=0.2))
        stall.remove()
        assert client.get(GET).status_code == 200


@pytest.mark.parametrize(
    ("rule", "ending"),
    [
        ({"status": 503}, None),
        ({"error": "InternalError"}, None),
        ({"close": True}, "closed"),
        ({"rst": True}, "reset"),
    ],
)
def test_an_answer_can_be_lost_after_the_work_is_done(
    mock_heidi: Handle, rule: dict[str, Any], ending: str | None
) -> None:
    mock_heidi.fault("create_session", carried_out=True, **rule)
    before = sessions(mock_heidi)

    with asking(mock_heidi, "POST", "/sessions", {}) as peer:
        if ending is None:
            assert peer.head()[0] in (500, 503)
        else:
            assert peer.end() == Ending(b"", ending)

    assert sessions(mock_heidi) == before + 1


def test_refused_work_is_not_carried_out(mock_heidi: Handle) -> None:
    mock_heidi.fault("create_session", carried_out=True, status=503)
    before = sessions(mock_heidi)

    with connected(mock_heidi) as peer:
        peer.ask("POST", "/sessions")
        assert peer.head()[0] == 503

    assert sessions(mock_heidi) == before


def test_a_note_is_written_although_its_stream_is_lost(mock_heidi: Handle) -> None:
    mock_heidi.fault("generate_consult_note", carried_out=True, rst=True)
    mock_heidi.reply("generate_consult_note", pieces=["all ", "of it"])
    body = {
        "generation_method": "TEMPLATE",
        "template_id": "659b8042fe093d6592b41ef7",
        "addition": "",
        "voice_style": "BRIEF",
    }

    with asking(mock_heidi, "POST", f"{GET}/consult-note", body) as peer:
        assert peer.end() == Ending(b"", "reset")

    assert mock_heidi.session(SESSION)["consult_note"]["result"] == "all of it"


# --- Late answers -----------------------------------------------------------------------------------------------------


@pytest.fixture
def sleepers(mock_heidi: Handle) -> Sleepers:
    return Sleepers(mock_heidi)


@frozen
def test_an_answer_waits_for_the_clock(mock_heidi: Handle, sleepers: Sleepers) -> None:
    before = plain(mock_heidi)
    fault = mock_heidi.fault("get_session", delay=8)

    with asking(mock_heidi, "GET", GET) as peer:
        sleepers.wake(peer, 8)
        status, headers = peer.head()
        assert (status, headers["x-mock-fault"]) == (200, fault.id)
        assert peer.exactly(int(headers["content-length"])) == before

    entry = mock_heidi.requests(operation="get_session")[-1]
    assert entry["at"] == f"{NOON}.000Z"


@frozen
def test_delays_of_several_rules_add_up_before_the_answer(mock_heidi: Handle, sleepers: Sleepers) -> None:
    mock_heidi.fault("get_session", delay=5)
    mock_heidi.fault(delay={"uniform": [3, 3]}, session_id=SESSION)
    mock_heidi.fault("get_session", delay=2, status=503)
    mock_heidi.fault("get_session", delay=100)

    with asking(mock_heidi, "GET", GET) as peer:
        sleepers.wake(peer, 10)
        assert peer.head()[0] == 503

    assert [rule["hits"] for rule in mock_heidi.faults()] == [1, 1, 1, 0]


@frozen
def test_a_token_is_checked_before_the_delay(mock_heidi: Handle, sleepers: Sleepers) -> None:
    mock_heidi.fault("get_session", delay=7_200, times=1)
    token = mock_heidi.headers()["Authorization"]

    with asking(mock_heidi, "GET", GET, Authorization=token) as peer:
        sleepers.wake(peer, 7_200)
        assert peer.head()[0] == 200
    with asking(mock_heidi, "GET", GET, Authorization=token) as peer:
        assert peer.head()[0] == 401


@frozen
def test_a_delayed_body_waits_after_its_head(mock_heidi: Handle, sleepers: Sleepers) -> None:
    before = plain(mock_heidi)
    mock_heidi.fault("get_session", delay_body=8)

    with asking(mock_heidi, "GET", GET) as peer:
        _, headers = peer.head()
        sleepers.wake(peer, 8)
        assert int(headers["content-length"]) == len(before)
        assert peer.exactly(len(before)) == before


@frozen
def test_a_body_waits_between_its_chunks(mock_heidi: Handle, sleepers: Sleepers) -> None:
    before = plain(mock_heidi)
    mock_heidi.fault("get_session", delay_chunks=2)
    quarter = -(-len(before) // 4)

    with asking(mock_heidi, "GET", GET) as peer:
        peer.head()
        sleepers.wait()
        got = peer.exactly(quarter)
        for _ in range(3):
            sleepers.wake(peer, 2)
            got += peer.exactly(min(quarter, len(before) - len(got)))
        peer.ask("GET", "/nowhere")
        assert peer.head()[0] == 404  # the answer was complete, and the connection stays open

    assert got == before


@frozen
def test_a_delay_also_delays_the_work(mock_heidi: Handle, sleepers: Sleepers) -> None:
    mock_heidi.fault("create_session", delay=8)
    before = sessions(mock_heidi)

    with asking(mock_heidi, "POST", "/sessions", {}) as peer:
        sleepers.wait()
        during = sessions(mock_heidi)
        mock_heidi.clock.advance(8)
        assert peer.head()[0] == 200

    assert (during, sessions(mock_heidi)) == (before, before + 1)


@frozen
def test_a_client_that_leaves_during_a_delay_changes_nothing(mock_heidi: Handle, sleepers: Sleepers) -> None:
    fault = mock_heidi.fault("create_session", delay=8)
    before = sessions(mock_heidi)

    with asking(mock_heidi, "POST", "/sessions", {}):
        sleepers.wait()
    until(lambda: mock_heidi.requests(operation="create_session")[-1]["client_left"], "the client's leaving")
    mock_heidi.clock.advance(10)

    assert (sessions(mock_heidi), fault.hits()) == (before, 1)


@frozen
@pytest.mark.parametrize(
    ("rule", "had"),
    [
        ({"delay": 8}, None),
        ({"stall": True}, None),
        ({"delay_body": 8}, 0),
        ({"delay_chunks": 8}, 0.25),
        ({"stall_at": 0}, 0),
        ({"stall_at": 5}, 5),
    ],
)
def test_a_reset_ends_delayed_requests(mock_heidi: Handle, rule: dict[str, Any], had: float | None) -> None:
    before = plain(mock_heidi)
    mock_heidi.fault("get_session", **rule)
    size = had or 0
    whole = before[: size if isinstance(size, int) else math.ceil(len(before) * size)]

    with asking(mock_heidi, "GET", GET) as peer:
        struck(mock_heidi)
        if had is not None:
            assert peer.head()[0] == 200
            assert peer.exactly(len(whole)) == whole
        mock_heidi.reset()
        assert peer.end().body == b""

    assert plain(mock_heidi) == before


@frozen
def test_a_reset_does_not_end_delays_in_other_namespaces(
    mock_heidi: Handle, sleepers: Sleepers, mock_heidi_factory: Any
) -> None:
    mock_heidi.fault("get_session", delay=8)

    with asking(mock_heidi, "GET", GET) as peer:
        sleepers.wait()
        with mock_heidi_factory("other") as other:
            other.reset()
        sleepers.wake(peer, 8)
        assert peer.head()[0] == 200


def test_delays_in_process_wait_for_the_clock() -> None:
    app = create_app(clock=NOON, faults=("get_jwt:delay=10",))

    async def both() -> tuple[bool, int]:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            request = client.get(f"{BASE_PATH}/jwt", params=SIGN_IN, headers={"Heidi-Api-Key": DEFAULT_KEY})
            waiting = asyncio.ensure_future(request)
            for _ in range(100):
                await asyncio.sleep(0)
            early = waiting.done()
            await client.post("/_mock/clock/advance", json={"seconds": 10})
            return early, (await waiting).status_code

    assert asyncio.run(both()) == (False, 200)


def test_a_reset_in_process_ends_a_delay() -> None:
    app = create_app(clock=NOON, faults=("get_jwt:delay=10",))

    async def both() -> int:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            request = client.get(f"{BASE_PATH}/jwt", params=SIGN_IN, headers={"Heidi-Api-Key": DEFAULT_KEY})
            waiting = asyncio.ensure_future(request)
            for _ in range(100):
                await asyncio.sleep(0)
            await client.post("/_mock/reset")
            return (await waiting).status_code

    assert asyncio.run(both()) == 200


# --- Bodies that end too early ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [0, 1, 100, -1])
@pytest.mark.parametrize(("effect", "how"), [("cut_at", "closed"), ("rst_at", "reset")])
def test_a_body_ends_after_the_given_bytes_despite_its_content_length(
    mock_heidi: Handle, effect: str, how: str, at: int
) -> None:
    before = plain(mock_heidi)
    at = at if at >= 0 else len(before) - 1
    fault = mock_heidi.fault("get_session", **argument(effect, at))

    with asking(mock_heidi, "GET", GET) as peer:
        status, headers = peer.head()
        assert peer.end() == Ending(before[:at], how)

    assert (status, headers["content-length"], headers["x-mock-fault"]) == (200, str(len(before)), fault.id)
    assert fault.hits() == 1
    assert mock_heidi.requests(operation="get_session")[-1]["client_left"] is False


def test_a_client_notices_a_cut_body(mock_heidi: Handle) -> None:
    mock_heidi.fault("get_session", cut_at=10, times=1)

    with mock_heidi.client() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(GET)
        assert client.get(GET).status_code == 200


def test_a_shorter_body_is_not_cut(mock_heidi: Handle) -> None:
    before = plain(mock_heidi)
    fault = mock_heidi.fault("get_session", cut_at=len(before))

    with asking(mock_heidi, "GET", GET) as peer:
        _, headers = peer.head()
        assert peer.exactly(len(before)) == before
        peer.ask("GET", "/nowhere")
        assert peer.head()[0] == 404

    assert fault.hits() == 0
    assert "x-mock-fault" not in headers


def test_the_connection_may_be_reset_after_the_whole_body(mock_heidi: Handle) -> None:
    before = plain(mock_heidi)
    mock_heidi.fault("get_session", rst_at=1_000_000)

    with asking(mock_heidi, "GET", GET) as peer:
        peer.head()
        assert peer.end() == Ending(before, "reset")


@pytest.mark.parametrize("at", [0, 5])
def test_a_body_stalls_after_the_given_bytes(mock_heidi: Handle, at: int) -> None:
    before = plain(mock_heidi)
    mock_heidi.fault("get_session", stall_at=at)

    with asking(mock_heidi, "GET", GET) as peer:
        peer.head()
        assert peer.exactly(at) == before[:at]
        assert plain(mock_heidi, "/patient-profiles")
        assert peer.silent()

    until(lambda: mock_heidi.requests(operation="get_session")[-1]["client_left"], "the client's leaving")


@frozen
def test_a_body_is_cut_after_its_delays(mock_heidi: Handle, sleepers: Sleepers) -> None:
    before = plain(mock_heidi)
    mock_heidi.fault("get_session", delay=1, delay_body=2, delay_chunks=3, cut_at=40)

    with asking(mock_heidi, "GET", GET) as peer:
        sleepers.wake(peer, 1)
        peer.head()
        sleepers.wake(peer, 2)
        got = peer.exactly(10)
        for _ in range(3):
            sleepers.wake(peer, 3)
            got += peer.exactly(10)
        assert peer.end() == Ending(b"", "closed")

    assert got == before[:40]


# --- Changed bodies ---------------------------------------------------------------------------------------------------


def test_a_proxy_page_replaces_the_body(mock_heidi: Handle) -> None:
    fault = mock_heidi.fault("get_session", not_json=True)

    with mock_heidi.client() as client:
        answer = client.get(GET)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-mock-fault"] == fault.id
    assert answer.text.startswith("<html>")
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()


@pytest.mark.parametrize("text", ["true", "", "{", '{"data": "ä"', "null"])
def test_a_given_text_replaces_the_body(heidi: Client, text: str) -> None:
    if not text:
        assert heidi.post(PATH, json={"not_json": text}).status_code == 400
        return
    add(heidi, operation="get_session", not_json=text)

    answer = heidi.get(GET)

    assert answered(answer) == (200, text)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == str(len(text.encode()))


def test_a_body_can_have_another_media_type(heidi: Client) -> None:
    before = heidi.get(GET)
    add(heidi, operation="get_session", media_type="text/plain; charset=latin-1")

    answer = heidi.get(GET)

    assert answer.content == before.content
    assert answer.headers.get_list("content-type") == ["text/plain; charset=latin-1"]


def test_a_given_media_type_overrides_that_of_the_page(heidi: Client) -> None:
    add(heidi, operation="get_session", media_type="text/plain")
    add(heidi, operation="get_session", not_json=True)

    answer = heidi.get(GET)

    assert answer.text.startswith("<html>")
    assert answer.headers.get_list("content-type") == ["text/plain"]
    assert hits(heidi) == [1, 1]


@pytest.mark.parametrize("wanted", ["text/html", "image/svg+xml"])
def test_a_browser_runs_no_script_of_an_answer_with_another_media_type(heidi: Client, wanted: str) -> None:
    usual = heidi.get(GET)
    add(heidi, operation="get_session", media_type=wanted)

    answer = heidi.get(GET)

    assert "content-security-policy" not in usual.headers
    assert answer.headers["content-security-policy"] == "sandbox"


@pytest.mark.breaks_contract
def test_a_browser_runs_no_script_of_a_reply_with_another_media_type(heidi: Client) -> None:
    headers = {"Content-Type": "application/json, text/html"}
    reply = {"operation": "get_session", "body": "<script>", "headers": headers}
    assert heidi.post("/_mock/replies", json=reply).status_code == 200

    assert heidi.get(GET).headers["content-security-policy"] == "sandbox"


def test_a_body_can_be_empty(mock_heidi: Handle) -> None:
    fault = mock_heidi.fault("get_session", empty=True, times=1)

    with asking(mock_heidi, "GET", GET) as peer:
        status, headers = peer.head()
        peer.ask("GET", "/nowhere")
        assert peer.head()[0] == 404

    assert (status, headers["content-length"], headers["x-mock-fault"]) == (200, "0", fault.id)


PATIENTS = f"/patient-profiles/{JOHN}"


def spoiled(client: Client, path: str, **rule: Any) -> Any:
    heidi_before = client.get(path)
    add(client, **rule)
    answer = client.get(path)
    assert answer.status_code == heidi_before.status_code
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == str(len(answer.content))
    return answer.json()


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ({"drop_key": "session.duration"}, lambda session: session.pop("duration")),
        ({"drop_key": ["session.duration", "session.patient.dob"]},
         lambda session: [session.pop("duration"), session["patient"].pop("dob")]),
        ({"null_key": "session.session_id"}, lambda session: session.update(session_id=None)),
        ({"null_key": "session.consult_note.result"}, lambda session: session["consult_note"].update(result=None)),
        ({"wrong_type": "session.duration"}, lambda session: session.update(duration="16")),
        ({"wrong_type": "session.session_name"}, lambda session: session.update(session_name=["Session 123"])),
        ({"wrong_type": "session.clinician_notes"}, lambda session: session.update(clinician_notes={"0": []})),
        ({"wrong_type": "session.patient.gender"}, lambda session: session["patient"].update(gender="none")),
        ({"drop_key": "session.*"}, dict.clear),
        ({"drop_key": "session.no", "null_key": "session.duration"}, lambda session: session.update(duration=None)),
    ],
)  # fmt: skip
def test_keys_can_be_missing_null_or_of_another_type(
    heidi: Client, rule: dict[str, Any], change: Callable[[dict[str, Any]], Any]
) -> None:
    before = heidi.get(GET).json()

    after = spoiled(heidi, GET, operation="get_session", **rule)

    change(before["session"])
    assert after == before
    assert list(after["session"]) == list(before["session"])


def test_a_renamed_key_keeps_its_place(heidi: Client) -> None:
    before = heidi.get(GET).json()["session"]

    after = spoiled(heidi, GET, operation="get_session", rename_key="session.session_id:id")["session"]

    assert list(after) == ["id" if key == "session_id" else key for key in before]
    assert after["id"] == before["session_id"]


@pytest.mark.parametrize(
    ("key", "places"),
    [
        ("data.*.new_field", (0, 1)),
        ("data.1.new_field", (1,)),
        (["data.0.new_field", "data.0.id"], (0,)),
        ("data.*.*", ()),
        ("data.new_field", ()),
        ("data.0.id.new_field", ()),
    ],
)
def test_an_added_key_stands_at_the_end_of_the_objects_at_its_place(
    heidi: Client, key: str | list[str], places: tuple[int, ...]
) -> None:
    rows = heidi.get("/patient-profiles").json()["data"]

    after = spoiled(heidi, "/patient-profiles", operation="list_patient_profiles", add_key=key)["data"]

    added = [{**row, "new_field": "added"} for row in rows]
    assert after[:2] == [added[at] if at in places else rows[at] for at in (0, 1)]
    assert hits(heidi) == [1 if places else 0]


def test_a_star_selects_every_item_and_a_number_one_item(heidi: Client) -> None:
    rows = heidi.get("/patient-profiles").json()["data"]

    every = spoiled(heidi, "/patient-profiles", operation="list_patient_profiles", null_key="data.*.id", times=1)
    one = spoiled(heidi, "/patient-profiles", operation="list_patient_profiles", drop_key="data.1.id", times=1)

    assert len(rows) > 2
    assert [row["id"] for row in every["data"]] == [None] * len(rows)
    assert ["id" in row for row in one["data"]] == [True, False, *[True] * (len(rows) - 2)]


@pytest.mark.parametrize("value", [True, False])
def test_a_boolean_of_the_wrong_type_becomes_a_string(heidi: Client, value: bool) -> None:
    heidi.post("/_mock/replies", json={"operation": "create_session", "body": {"is_success": value}})
    add(heidi, operation="create_session", wrong_type="is_success")

    answer = heidi.post("/sessions")

    assert answered(answer) == (200, wire({"is_success": str(value).lower()}))


def test_refusals_can_be_changed(heidi: Client) -> None:
    add(heidi, operation="get_session", rename_key="detail.msg:message")

    answer = heidi.get("/sessions/5")

    assert answered(answer) == (404, wire({"detail": {"message": "Session not found", "type": "SessionNotFoundError"}}))


@pytest.mark.parametrize("key", ["session.nothing", "nothing", "session.session_name.x", "*.*.*.*.*", "session.0.a"])
def test_a_missing_key_changes_no_byte_and_is_not_a_hit(heidi: Client, key: str) -> None:
    before = heidi.get(GET)
    add(heidi, operation="get_session", drop_key=key)

    after = heidi.get(GET)

    assert after.content == before.content
    assert hits(heidi) == [0]
    assert "x-mock-fault" not in after.headers
    assert last(heidi).fault == ()


def test_a_changed_body_keeps_non_ascii_letters(heidi: Client) -> None:
    heidi.patch(GET, json={"clinician_notes": ["38 °C 🙂"]})
    add(heidi, operation="get_session", drop_key="session.duration")

    assert '"38 °C 🙂"' in heidi.get(GET).text


# --- Marks of a fault -------------------------------------------------------------------------------------------------


def test_an_answer_without_faults_has_no_mark(heidi: Client) -> None:
    answer = heidi.get(GET)

    assert not [name for name in answer.headers if name.startswith("x-mock-fault")]
    assert last(heidi).fault == ()
    assert last(heidi).provenance == answer.headers["x-mock-provenance"]
    assert answer.headers["x-mock-provenance"].startswith("status=observed, body=documented")


def test_an_injected_answer_is_marked_in_its_headers_and_in_the_journal(heidi: Client) -> None:
    heidi.token()
    add(heidi, id="slow", delay=0)
    add(heidi, id="nothing", null_key="nothing")
    add(heidi, id="gone", status=503)

    answer = heidi.get(GET)

    assert answer.headers["x-mock-fault"] == "slow, gone"
    assert last(heidi).fault == ("slow", "gone")
    assert last(heidi).provenance == "injected, not documented"
    assert hits(heidi) == [1, 0, 1]


def test_a_changed_answer_is_marked_without_a_source_for_its_status(heidi: Client) -> None:
    rule = add(heidi, operation="get_session", null_key="session.duration")

    answer = heidi.get(GET)

    assert answer.headers["x-mock-fault"] == rule
    assert answer.headers["x-mock-provenance"] == "injected"
    assert (last(heidi).fault, last(heidi).provenance) == ((rule,), "injected")


def test_a_web_page_may_read_the_marks_and_request_faults(heidi: Client) -> None:
    add(heidi, status=503)
    origin = {"Origin": "http://localhost:3000"}

    asked = {**origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "X-Mock-Fault"}
    preflight = heidi.request("OPTIONS", GET, signed=False, headers=asked)
    answer = heidi.get(GET, signed=False, headers=origin)

    assert preflight.status_code == 200
    assert "x-mock-fault" in preflight.headers["access-control-allow-headers"].lower()
    assert answer.status_code == 503
    assert answer.headers["access-control-allow-origin"] in ("*", "http://localhost:3000")
    assert {"X-Mock-Fault", "Retry-After"} <= set(answer.headers["access-control-expose-headers"].split(", "))


# --- Faults by a request header ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["*:status=503", "status=503", "get_session:status=503", '{"operation": "get_session", "status": 503}']
)
def test_a_request_can_name_its_fault_in_a_header(heidi: Client, text: str) -> None:
    answers = [heidi.get(GET, headers=headers) for headers in ({}, {"X-Mock-Fault": text}, {})]

    assert [answer.status_code for answer in answers] == [200, 503, 200]
    assert [answer.headers.get("x-mock-fault") for answer in answers] == [None, "header", None]
    assert heidi.get(PATH).json() == {"faults": []}


def test_a_rule_from_the_header_selects_requests_like_any_other(heidi: Client) -> None:
    assert heidi.get(GET, headers={"X-Mock-Fault": "list_documents:status=503"}).status_code == 200
    assert heidi.get(GET, headers={"X-Mock-Fault": "*:status=503,nth=2"}).status_code == 200
    body = {"clinician_notes": ["a"]}
    rule = '*:match={"clinician_notes": ["a"]},status=503'
    assert heidi.patch(GET, json=body, headers={"X-Mock-Fault": rule}).status_code == 503


def test_a_rule_from_the_header_comes_before_the_others(heidi: Client) -> None:
    token = {"Authorization": f"Bearer {heidi.token()}"}
    add(heidi, status=500)

    slow = heidi.get(GET, headers={**token, "X-Mock-Fault": "*:delay=0"})
    own = heidi.get(GET, headers={**token, "X-Mock-Fault": "*:status=418"})

    assert (slow.status_code, slow.headers["x-mock-fault"]) == (500, "header, fault-1")
    assert (own.status_code, own.headers["x-mock-fault"]) == (418, "header")
    assert last(heidi).fault == ("header",)


def test_a_rule_with_the_id_header_does_not_count_hits_of_header_rules(heidi: Client) -> None:
    add(heidi, id="header", drop_key="nothing", times=1)

    heidi.get(GET, headers={"X-Mock-Fault": "drop_key=session.duration"})

    assert hits(heidi) == [0]


def test_a_header_expires_a_token_for_one_request_only(heidi: Client) -> None:
    answers = [heidi.get(GET, headers=headers) for headers in ({"X-Mock-Fault": "expire_token"}, {})]

    assert [answered(answer)[0] for answer in answers] == [401, 200]
    assert answers[0].json() == EXPIRED_TOKEN


def test_a_header_can_break_the_connection(mock_heidi: Handle) -> None:
    with asking(mock_heidi, "GET", GET, X_Mock_Fault="rst") as peer:
        assert peer.end() == Ending(b"", "reset")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("get_sesion:status=503", "operation: there is no operation 'get_sesion'; did you mean get_session"),
        ("*:statu=503", "unknown field 'statu'; did you mean status"),
        ("", "a fault needs an effect, such as status=503; "),
        ("{", "it is not JSON: "),
    ],
)
def test_an_invalid_rule_in_the_header_is_refused_with_the_reason(heidi: Client, text: str, reason: str) -> None:
    before = settled(heidi)

    answer = heidi.post("/sessions", headers={"X-Mock-Fault": text})

    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(f"X-Mock-Fault: {reason}")
    assert answer.headers["x-mock-fault"] == "header"
    assert answer.headers["x-mock-provenance"] == "injected, not documented"
    assert heidi.state() == before


def _stranger(heidi: Client, kind: str) -> tuple[str, dict[str, str]]:
    """The path and the headers of a request that is not signed in."""
    token = heidi.token()
    if kind == "expired":
        heidi.post("/_mock/clock/advance", json={"seconds": 3600})
    if kind == "made worthless":
        add(heidi, operation="list_documents", expire_token=True)
        heidi.get(f"{GET}/documents", headers={"Authorization": f"Bearer {token}"})
    good = {"Authorization": f"Bearer {token}"}
    return {
        "no token": (GET, {}),
        "a wrong token": (GET, {"Authorization": "Bearer abc"}),
        "the API key": (GET, {"Authorization": f"Bearer {DEFAULT_KEY}"}),
        "expired": (GET, good),
        "made worthless": (GET, good),
        "another namespace": (f"/ns/default2{BASE_PATH}{GET}", good),
        "no API key": ("/jwt?email=a&third_party_internal_id=b", {}),
        "a wrong API key": ("/jwt?email=a&third_party_internal_id=b", {"Heidi-Api-Key": "wrong"}),
        "a wrong API key, no email": ("/jwt", {"Heidi-Api-Key": "wrong"}),
    }[kind]


STRANGERS = ["no token", "a wrong token", "the API key", "expired", "made worthless", "another namespace"]
STRANGERS += ["no API key", "a wrong API key", "a wrong API key, no email"]


@pytest.mark.parametrize("text", ["*:status=418", "nonsense", "delay=0"])
@pytest.mark.parametrize("kind", STRANGERS)
def test_the_header_is_ignored_without_a_valid_token(heidi: Client, kind: str, text: str) -> None:
    path, headers = _stranger(heidi, kind)

    plain = heidi.get(path, signed=False, headers=headers)
    asking = heidi.get(path, signed=False, headers={**headers, "X-Mock-Fault": text})

    assert plain.status_code == 401
    assert answered(asking) == answered(plain)
    assert asking.headers.get("x-mock-fault") == plain.headers.get("x-mock-fault")
    assert names(heidi) == ["default"]


def test_signing_in_with_a_good_key_can_name_a_fault_in_a_header(heidi: Client) -> None:
    asked = {"Heidi-Api-Key": DEFAULT_KEY}

    answers = [
        heidi.get("/jwt", signed=False, params=SIGN_IN, headers={**asked, "X-Mock-Fault": "status=418"}),
        heidi.get("/jwt", signed=False, headers={**asked, "X-Mock-Fault": "status=418"}),
        heidi.get("/jwt", signed=False, headers={**asked, "X-Mock-Fault": "nonsense"}),
    ]

    assert [answer.status_code for answer in answers] == [418, 418, 400]


@pytest.mark.parametrize("text", ["*:status=418", "nonsense"])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nowhere"), ("PUT", GET), ("GET", "http://localhost/jwt"), ("GET", "/ns/.!./jwt")]
)
def test_the_header_is_ignored_for_an_unknown_path_or_method(heidi: Client, method: str, path: str, text: str) -> None:
    plain = heidi.request(method, path)

    asking = heidi.request(method, path, headers={"X-Mock-Fault": text})

    assert plain.status_code in (404, 405)
    assert answered(asking) == answered(plain)
    assert "x-mock-fault" not in asking.headers


def test_rules_set_by_a_test_act_before_signing_in(heidi: Client) -> None:
    add(heidi, status=503)

    answers = [heidi.get(path, signed=False) for path in (GET, "/jwt", "/nowhere")]

    assert [answer.status_code for answer in answers] == [503] * 3


@pytest.mark.parametrize("text", ["*:status=418", "nonsense"])
def test_faults_by_header_can_be_switched_off(text: str) -> None:
    with another(request_faults=False) as heidi:
        answers = [
            heidi.get(GET, headers={"X-Mock-Fault": text}),
            heidi.get("/jwt", params=SIGN_IN, headers={"Heidi-Api-Key": DEFAULT_KEY, "X-Mock-Fault": text}),
        ]
        add(heidi, status=503)
        by_rule = heidi.get(GET)

    assert [answer.status_code for answer in answers] == [200, 200]
    assert by_rule.status_code == 503


# --- In process -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("effect", CONNECTION)
def test_a_connection_fault_is_refused_in_process_with_the_reason(heidi: Client, effect: str) -> None:
    rule = {effect: True if effect in ("close", "rst", "stall") else 1}

    answers = [
        heidi.post(PATH, json=rule),
        heidi.put(PATH, json=[{"status": 503}, rule]),
        heidi.post("/_mock/namespaces/blue", json={"faults": [rule]}),
    ]

    hint = "serve on a socket: the command, the pytest fixture or MockHeidi"
    error = f"{effect} does not work in process, where there is no connection"
    assert [answered(answer) for answer in answers] == [(400, wire({"error": error, "hint": hint}))] * 3
    assert heidi.get(PATH).json() == {"faults": []}
    assert len(heidi.get("/_mock/namespaces").json()["namespaces"]) == 1


@pytest.mark.parametrize("effect", CONNECTION)
def test_a_connection_fault_from_start_up_or_header_answers_500_in_process(effect: str) -> None:
    value = "" if effect in ("close", "rst", "stall") else "=1"
    rule = f"ask_ai:{effect}{value}" if effect.endswith("_after") else f"*:{effect}{value}"
    place = "/patient-profiles" if effect.endswith("_at") else f"{GET}/ask-ai"
    body = {"ai_command_text": "a", "content": "b", "content_type": "HTML", "first_name": "Ada"}
    with another(faults=(f"{rule},header=X-Mine: *",)) as heidi:
        set_at_start = heidi.post(place, json=body, headers={"X-Mine": "1"})
        asked_for = heidi.post(place, json=body, headers={"X-Mock-Fault": rule})

    text = f"{effect} does not work in process, where there is no connection; serve on a socket"
    assert answered(set_at_start) == answered(asked_for) == (500, wire({"detail": text}))
    assert (set_at_start.headers["x-mock-fault"], asked_for.headers["x-mock-fault"]) == ("fault-1", "header")


@pytest.mark.parametrize("effect", IN_PROCESS)
def test_every_other_effect_works_in_process(heidi: Client, effect: str) -> None:
    values: dict[str, Any] = {
        "error": "InternalError", "status": 503, "retry_after": 1, "quota": "0/60", "delay": 0, "delay_body": 0,
        "delay_chunks": 0, "slow_first_byte": 0, "not_json": "x", "media_type": "text/plain", "drop_key": "session",
        "rename_key": "session:a", "null_key": "session", "wrong_type": "session", "duplicate_key": "session",
        "add_key": "session.a",
    }  # fmt: skip
    rule = add(heidi, operation="get_session", **{effect: values.get(effect, True)})

    answer = heidi.get(GET)

    assert answer.headers["x-mock-fault"] == rule
    assert hits(heidi) == [1]


# --- Namespaces -------------------------------------------------------------------------------------------------------


def names(client: Client) -> list[str]:
    return [row["name"] for row in client.get("/_mock/namespaces").json()["namespaces"]]


def sign_in(client: Client, path: str, key: str = DEFAULT_KEY, **headers: str) -> httpx.Response:
    return client.get(f"{path}/jwt", signed=False, params=SIGN_IN, headers={"Heidi-Api-Key": key, **headers})


def test_the_first_request_to_a_namespace_may_meet_a_fault() -> None:
    with another(faults=("get_jwt:status=503,times=2",)) as heidi:
        statuses = [sign_in(heidi, f"/ns/blue{BASE_PATH}").status_code for _ in range(4)]
        by_suffix = [sign_in(heidi, "", f"{DEFAULT_KEY}.green").status_code for _ in range(3)]

        assert (statuses, by_suffix) == ([503, 503, 200, 200], [503, 503, 200])
        assert names(heidi) == ["default", "blue", "green"]


def test_a_header_can_name_a_fault_in_a_new_namespace(heidi: Client) -> None:
    answer = sign_in(heidi, f"/ns/blue{BASE_PATH}", **{"X-Mock-Fault": "*:status=418"})

    assert (answer.status_code, answer.headers["x-mock-fault"]) == (418, "header")


@pytest.mark.parametrize("faults", [(), ("ask_ai:status=503",)])
def test_a_refused_request_creates_no_namespace_despite_faults(faults: tuple[str, ...]) -> None:
    with another(faults=faults) as heidi:
        token = sign_in(heidi, f"/ns/blue{BASE_PATH}").json()["token"]
        heidi.delete("/_mock/namespaces/blue")
        signed = {"Authorization": f"Bearer {token}", "X-Mock-Fault": "list_documents:status=503"}

        answers = [
            heidi.get(f"/ns/green{BASE_PATH}/jwt", signed=False, headers={"Heidi-Api-Key": DEFAULT_KEY}),
            sign_in(heidi, f"/ns/green{BASE_PATH}", "wrong"),
            heidi.get(f"/ns/green{BASE_PATH}{GET}", headers=signed),
            heidi.get(f"/ns/blue{BASE_PATH}/sessions/5", headers=signed),
            heidi.get(f"/ns/blue{BASE_PATH}/nowhere", headers=signed),
        ]

        assert [answer.status_code for answer in answers] == [422, 401, 401, 404, 404]
        assert names(heidi) == ["default"]


def test_a_token_creates_no_other_namespace_despite_faults() -> None:
    with another(faults=("get_session:delay=0",)) as heidi:
        token = sign_in(heidi, f"/ns/blue{BASE_PATH}").json()["token"]

        answer = heidi.get(f"/ns/green{BASE_PATH}{GET}", headers={"Authorization": f"Bearer {token}"})

        assert answered(answer) == (401, wire(INVALID_TOKEN))
        assert "x-mock-fault" not in answer.headers  # nor do the faults of its own namespace apply
        assert names(heidi) == ["default", "blue"]


def test_a_fault_creates_no_namespace_beyond_the_limit() -> None:
    with another(faults=("ask_ai:status=503",), max_namespaces=1) as heidi:
        answer = sign_in(heidi, f"/ns/blue{BASE_PATH}")

        assert answer.status_code == 503
        assert answer.json()["detail"].startswith("mock_heidi has reached its limit of namespaces")
        assert names(heidi) == ["default"]


def test_faults_never_leak_between_namespaces(heidi: Client) -> None:
    blue = in_namespace(heidi, "blue")
    sign_in(heidi, f"/ns/blue{BASE_PATH}")
    heidi.post(f"/ns/blue{PATH}", json={"operation": "get_session", "expire_token": True})
    heidi.post(f"/ns/blue{PATH}", json={"operation": "list_documents", "status": 503, "nth": 2})

    own = [heidi.get(path).status_code for path in (GET, f"{GET}/documents", f"{GET}/documents")]
    theirs = [blue.get(path).status_code for path in (f"{GET}/documents", f"{GET}/documents", GET)]

    assert (own, theirs) == ([200, 200, 200], [200, 503, 401])
    assert hits(heidi) == []
    blue.close()


def test_a_request_without_a_namespace_meets_faults_of_the_default_one(heidi: Client) -> None:
    add(heidi, status=503)

    reply = ask(heidi.app, "GET", f"{BASE_PATH}{GET}")
    elsewhere = ask(heidi.app, "GET", f"/ns/nobody{BASE_PATH}{GET}")

    assert (reply.status, elsewhere.status) == (503, 401)


def test_the_handle_cannot_sign_in_through_a_fault_but_can_remove_it(mock_heidi: Handle) -> None:
    with mock_heidi.fault("get_jwt", status=503), pytest.raises(MockHeidiError, match="Service Unavailable"):
        mock_heidi.token()

    assert mock_heidi.token()
    assert mock_heidi.faults() == []


def test_a_changed_answer_does_not_change_the_state(heidi: Client) -> None:
    def asked() -> list[tuple[int, str]]:
        return [answered(heidi.get(path)) for path in (GET, f"/sessions/{OTHER_SESSION}", PATIENTS, "/sessions/5")]

    before = asked()
    add(heidi, wrong_type=["session.session_id", "data.id", "detail"], drop_key="session.consult_note.result")
    spoilt = asked()
    heidi.delete(PATH)

    assert asked() == before
    assert [one != other for one, other in zip(spoilt, before, strict=True)] == [True] * 4
    assert before[3] == (404, wire(SESSION_NOT_FOUND))


@pytest.mark.parametrize(
    ("rule", "words"),
    [("end_after=2", "end_after is for generate_consult_note, ask_ai"), ("wrong_offsets", "wrong_offsets is for")],
)
def test_a_header_rule_that_cannot_act_on_its_request_is_refused(heidi: Client, rule: str, words: str) -> None:
    answer = heidi.get(GET, headers={"X-Mock-Fault": rule})

    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(f"X-Mock-Fault: {words}")


def test_a_client_that_leaves_before_the_answer_is_not_a_hit(mock_heidi: Handle) -> None:
    rule = mock_heidi.fault("create_session", status=503, times=1)
    with connected(mock_heidi) as peer:
        peer.ask("POST", "/sessions", headers={**mock_heidi.headers(), "Content-Length": "100"})
        until(lambda: mock_heidi.requests(operation="create_session"), "the request")
    until(lambda: mock_heidi.requests(operation="create_session")[0]["client_left"], "its end")

    assert rule.hits() == 0
