"""What reviewers and attackers found once, and must not find again."""

import asyncio
import json
import threading
from typing import Any

import jwt
import pytest
from conftest import JOHN, NOON, Client

from mock_heidi import MockHeidi, MockHeidiError
from mock_heidi.app import App, create_app
from mock_heidi.base.settings import BASE_PATH, ConfigError, Settings
from mock_heidi.base.yaml_scalars import Plain, resolve
from mock_heidi.cli.request_log import RequestLog


def test_a_refused_request_with_a_good_token_leaves_no_namespace_and_no_user(app: App, heidi: Client) -> None:
    heidi.post("/_mock/namespaces/gone")
    heidi.sign_in(key="mock-heidi-key.gone")
    heidi.delete("/_mock/namespaces/gone")

    refused = heidi.get("/sessions/77")
    assert (refused.status_code, app.registry.get("gone")) == (404, None)
    assert heidi.get("/sessions/1234567890").status_code == 200
    assert app.registry.get("gone") is not None


def test_a_user_that_a_reset_forgot_is_made_again_by_what_succeeds_only(heidi: Client) -> None:
    heidi.sign_in(email="new@example.com", third="9")
    heidi.post("/_mock/reset")
    before = heidi.state()

    assert heidi.post("/patient-profiles", content=b"[]").status_code == 422
    assert heidi.state() == before
    assert heidi.get(f"/patient-profiles/{JOHN}").status_code == 200
    assert "new@example.com" in json.dumps(heidi.state())


def test_a_refused_call_does_not_take_away_what_another_client_made_meanwhile(app: App) -> None:
    """A bad body that comes slowly, and a sign-in to the same new namespace while it is on its way."""
    body_wanted, go_on = asyncio.Event(), asyncio.Event()
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        body_wanted.set()
        await go_on.wait()
        return {"type": "http.request", "body": b'{"sessions": 5}', "more_body": False}

    async def send(message: Any) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    async def both() -> None:
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/ns/shared/_mock/state",
            "query_string": b"",
            "scheme": "http",
            "headers": [(b"host", b"localhost")],
            "client": ("127.0.0.1", 1),
        }
        slow = asyncio.create_task(app(scope, receive, send))
        await body_wanted.wait()
        app.registry.make("shared")
        go_on.set()
        await slow

    asyncio.run(both())

    assert statuses == [400]
    assert app.registry.get("shared") is not None


@pytest.mark.parametrize(
    "claims",
    [
        {"namespace": ["x"]},
        {"namespace": "a/b"},
        {"namespace": "x" * 65},
        {"email": 5},
        {"email": "\ud800"},
        {"third_party_internal_id": "\udfff"},
        {"managed_by": "\ud800"},
        {"namespace": "\ud800"},
        {"managed_by": None},
        {"exp": 1e300},
    ],
)
def test_a_well_signed_token_with_claims_that_make_no_sense_is_refused(heidi: Client, claims: dict[str, Any]) -> None:
    good = jwt.decode(heidi.token(), options={"verify_signature": False})
    secret = heidi.app.registry.tokens._secret  # noqa: SLF001 - the seed and the default keys are public
    token = jwt.encode({**good, **claims}, secret, algorithm="HS256")

    answer = heidi.get(f"/patient-profiles/{JOHN}", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()) == (
        401,
        {"detail": {"msg": "Token is invalid", "type": "InvalidTokenError"}},
    )
    assert [heidi.get(f"/_mock/{endpoint}").status_code for endpoint in ("state", "findings", "requests")] == [200] * 3


@pytest.mark.parametrize("key", ["", "a b", "a\nb", "schlüssel"])
def test_a_key_that_fits_into_no_header_is_refused_at_the_start(key: str) -> None:
    with pytest.raises(ConfigError, match="api key"):
        create_app(api_key=key)


@pytest.mark.parametrize(
    "options",
    [
        {"cors_origins": "https://app.example.com"},
        {"cors_origins": ("foo",)},
        {"admin_origins": ("app.example.com/path",)},
        {"allowed_hosts": ("http://x",)},
        {"max_namespaces": 0},
        {"request_faults": "no"},
        {"cors_credentials": 1},
        {"cors_headers": "X-Own"},
        {"cors_headers": ("X-Own: 1",)},
    ],
)
def test_a_setting_that_could_never_work_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        create_app(**options)


HALF = "\ud800"


@pytest.mark.parametrize(
    "options",
    [
        {"fixtures": {"patient_profiles": [{"first_name": HALF}]}},
        {"fixtures": {"replies": [{"operation": "get_session", "body": {"a": [{HALF: 1}]}}]}},
        {"fixtures": {"faults": [{"operation": "get_session", "status": 503, "detail": HALF}]}},
        {"faults": ({"status": 503, "match": {"a": HALF}},)},
        {"faults": (f"get_session:not_json={HALF}",)},
        {"scenario": HALF},
        {"api_key": HALF},
        {"cors_origins": (f"http://{HALF}",)},
    ],
    ids=["fixture", "reply", "fault fixture", "fault", "fault as text", "scenario", "api key", "origin"],
)
def test_text_that_utf_8_cannot_hold_is_refused_at_the_start(options: dict[str, Any]) -> None:
    [name] = options

    with pytest.raises(ConfigError, match=f"^{name}: holds a lone surrogate") as caught:
        create_app(**options)

    assert str(caught.value).encode()


@pytest.mark.parametrize("folder", [f"/tmp/{HALF}", "/tmp/a\0b"])  # noqa: S108 - nothing is there
def test_a_folder_that_no_file_system_can_have_is_refused_in_a_line(folder: str) -> None:
    with pytest.raises(ConfigError, match=r"^fixtures: cannot read"):
        create_app(fixtures=folder)


def test_settings_and_options_are_not_mixed() -> None:
    with pytest.raises(ConfigError, match="not both"):
        create_app(Settings(), clock=NOON)


@pytest.mark.parametrize("text", ["00123", "1_000", "0045", "1e5", "+7"])
def test_an_unquoted_id_in_a_free_field_stays_as_its_author_sees_it(text: str) -> None:
    assert resolve(Plain(text)) == text


@pytest.mark.slow
def test_a_huge_list_of_mistakes_makes_a_small_answer(heidi: Client) -> None:
    answer = heidi.post("/patient-profiles", json={"identifiers": [], "first_name": 1})
    many = heidi.request("DELETE", "/patient-profiles:batch-delete", json={"patient_profile_ids": [1] * 50_000})

    assert len(answer.json()["detail"]) == 1
    assert (many.status_code, len(many.json()["detail"])) == (422, 100)


@pytest.mark.parametrize("query", ["operation=creat_session", "status=abc", "limit=99999999999999999999"])
def test_a_filter_that_can_match_nothing_is_refused(heidi: Client, query: str) -> None:
    answer = heidi.get(f"/_mock/requests?{query}")

    assert (answer.status_code, list(answer.json())) == (400, ["error", "hint"])


def test_the_control_planes_405_says_what_is_allowed(heidi: Client) -> None:
    answer = heidi.patch("/_mock/state")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST, PUT")


def test_a_closed_handle_does_not_come_back_to_life() -> None:
    with MockHeidi() as server:
        with server.namespace("short") as short:
            assert short.state.sessions()

        with pytest.raises(MockHeidiError, match="was closed"):
            short.state.as_fixtures()
        with pytest.raises(MockHeidiError, match="was closed"):
            short.token()
        assert [row["name"] for row in server.control("GET", "/namespaces")["namespaces"]] == ["default"]


@pytest.mark.slow
def test_tests_one_after_the_other_leave_nothing_behind() -> None:
    """Twice as many as a server may hold at once: each is given back before the next."""
    with MockHeidi(fixtures="empty", max_namespaces=3) as server:
        for number in range(2_000):
            server.namespace(f"test-{number}").close()

        assert server.control("GET", "/health")["namespaces"] == 1


class Narrow:
    """A stream that can write ASCII only, and notes what it was given."""

    encoding = "ascii"

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.written = threading.Event()

    def isatty(self) -> bool:
        return False

    def write(self, text: str) -> None:
        text.encode("ascii")
        self.lines.append(text)

    def flush(self) -> None:
        if len(self.lines) == 2:
            self.written.set()


def test_a_letter_that_the_log_cannot_write_does_not_end_it() -> None:
    stream = Narrow()
    log = RequestLog(stream)  # type: ignore[arg-type] # as much of a stream as it needs
    client = Client(create_app(clock=NOON, listener=log))
    client.get("/%C3%A9", signed=False)
    client.get("/x", signed=False)

    assert stream.written.wait(60)
    log.close()
    client.close()
    assert "\\xe9" in stream.lines[0]


def test_the_log_holds_no_bodies() -> None:
    held: list[Any] = []
    log = RequestLog(Narrow())  # type: ignore[arg-type] # as above
    log._queue.put_nowait = held.append  # type: ignore[method-assign,assignment] # noqa: SLF001 - a spy
    client = Client(create_app(clock=NOON, listener=log))
    client.post("/patient-profiles", json={"first_name": "x" * 1000})
    client.close()

    assert [(item[2].body, item[2].pieces) for item in held] == [(b"", ()), (b"", ())]
    log.close()


def test_the_page_links_to_the_endpoints_of_its_own_namespace(app: App, heidi: Client) -> None:
    page = heidi.get("/ns/blue/_mock/")

    assert 'href="/ns/blue/_mock/health"' in page.text
    assert app.registry.get("blue") is not None
    assert BASE_PATH in page.text
