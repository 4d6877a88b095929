"""``--admin-token``: the control API requires the token, the API does not."""

import httpx
import pytest
from clients import Client
from helpers import another, ask

from mock_heidi import Handle, MockHeidi
from mock_heidi.base.settings import ConfigError, Settings

TOKEN = "let-me-in-91c4"
ENDPOINTS = ["/_mock/health", "/_mock/state", "/_mock/requests", "/ns/other/_mock/health", "/_mock/nothing"]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("given", [None, "", "let-me-in", TOKEN + "x", TOKEN.upper()])
def test_every_endpoint_refuses_a_request_without_the_token(endpoint: str, given: str | None) -> None:
    with another(admin_token=TOKEN) as heidi:
        headers = {} if given is None else {"X-Mock-Admin-Token": given}

        answer = heidi.get(endpoint, signed=False, headers=headers)

    assert answer.status_code == 403
    assert set(answer.json()) == {"error", "hint"}
    assert TOKEN not in answer.text


def test_every_endpoint_accepts_a_request_with_the_token() -> None:
    with another(admin_token=TOKEN) as heidi:
        answers = [heidi.get(endpoint, headers={"X-Mock-Admin-Token": TOKEN}).status_code for endpoint in ENDPOINTS]

    assert answers == [200, 200, 200, 200, 404]


def test_a_refused_call_makes_no_namespace() -> None:
    with another(admin_token=TOKEN) as heidi:
        heidi.get("/ns/other/_mock/health")
        names = heidi.get("/_mock/namespaces", headers={"X-Mock-Admin-Token": TOKEN}).json()["namespaces"]

    assert [row["name"] for row in names] == ["default"]


def test_api_and_probes_do_not_require_the_admin_token() -> None:
    with another(admin_token=TOKEN) as heidi:
        assert heidi.get("/patient-profiles").status_code == 200
        assert heidi.get("http://localhost/livez", signed=False).status_code == 200


def test_a_handle_of_the_same_process_sends_the_admin_token() -> None:
    with MockHeidi(admin_token=TOKEN) as heidi, heidi.namespace("own") as own:
        assert own.control("GET", "/health")["status"] == "ok"
        assert own.curl() == ""
        assert httpx.get(f"{heidi.url}/_mock/health").status_code == 403


def test_the_journal_never_shows_the_admin_token() -> None:
    with another(admin_token=TOKEN) as heidi:
        heidi.get("/patient-profiles", headers={"X-Mock-Admin-Token": TOKEN, "X-Note": TOKEN})
        shown = heidi.get("/_mock/requests", headers={"X-Mock-Admin-Token": TOKEN}).text

    assert "x-mock-admin-token" in shown
    assert TOKEN not in shown


def test_a_page_that_may_use_the_control_api_may_send_the_admin_token() -> None:
    origin = "http://dashboard.example"
    with another(admin_token=TOKEN, admin_origins=(origin,)) as heidi:
        asked = {
            "Origin": origin,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "x-mock-admin-token",
        }
        preflight = heidi.request("OPTIONS", "/_mock/health", signed=False, headers=asked)
        answer = heidi.get("/_mock/health", headers={"Origin": origin, "X-Mock-Admin-Token": TOKEN})

    assert (preflight.status_code, answer.status_code) == (200, 200)
    assert answer.headers["access-control-allow-origin"] == origin


def test_a_refused_preflight_of_the_control_api_names_the_cure() -> None:
    origin = "http://dashboard.example"
    with another(admin_origins=(origin,)) as heidi:
        asked = {
            "Origin": origin,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "x-tenant",
        }
        refused = heidi.request("OPTIONS", "/_mock/health", signed=False, headers=asked)

    assert refused.status_code == 400
    assert refused.text.endswith("start with --cors-header x-tenant")


@pytest.mark.parametrize("token", ["short", "with a blank", "néphron-token", "line\nbreak!"])
def test_a_token_that_a_header_cannot_hold_is_refused_at_the_start(token: str) -> None:
    with pytest.raises(ConfigError, match="admin_token"):
        Settings(admin_token=token)


def test_without_the_setting_no_token_is_required(heidi: Client) -> None:
    assert heidi.get("/_mock/health").status_code == 200


@pytest.mark.parametrize("given", [f" {TOKEN}", f"{TOKEN}  ", f"\t{TOKEN}\t"])
def test_blanks_around_the_token_in_the_header_are_ignored(given: str) -> None:
    with another(admin_token=TOKEN) as heidi:
        answer = ask(heidi.app, "GET", "/_mock/health", headers={"Host": "localhost", "X-Mock-Admin-Token": given})

    assert answer.status == 200


@pytest.mark.parametrize("given", [f" {TOKEN} ", f"{TOKEN}\n", f"\t{TOKEN}\r\n"])
def test_blanks_around_the_token_in_the_setting_are_ignored(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with MockHeidi(admin_token=given) as heidi:
        monkeypatch.setenv("MOCK_HEIDI_ADMIN_TOKEN", given)
        with Handle(heidi.url) as other:
            by_variable = other.control("GET", "/health")
        statuses = [
            httpx.get(f"{heidi.url}/_mock/health", headers={"X-Mock-Admin-Token": token}).status_code
            for token in (TOKEN, TOKEN[:-1])
        ]

        assert heidi.control("GET", "/health")["status"] == by_variable["status"] == "ok"
        assert statuses == [200, 403]


def test_blanks_around_the_token_do_not_count_for_its_length() -> None:
    with pytest.raises(ConfigError, match="admin_token"):
        Settings(admin_token="   short   ")
