"""The paths at the root that lead to the pages, the icon, and the contracts as documents for browsers and programs."""

import json

import pytest
import yaml
from clients import Client
from helpers import another

ROOTS = ["", "/ns/blue"]


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("page", ["docs", "openapi.json", "openapi.yaml"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_usual_addresses_lead_to_the_pages(heidi: Client, root: str, page: str, method: str) -> None:
    answer = heidi.request(method, f"http://localhost{root}/{page}", signed=False)

    assert (answer.status_code, answer.headers["location"]) == (307, f"{root}/_mock/{page}")


@pytest.mark.parametrize(
    ("method", "path", "host"),
    [
        ("POST", "/docs", "localhost"),
        ("GET", "/docs/more", "localhost"),
        ("GET", "/ns/a b/docs", "localhost"),
        ("GET", "/ns/blue/favicon.ico", "localhost"),
        ("GET", "/openapi.json", "registrar.api.heidihealth.com"),
    ],
)
def test_other_requests_stay_unknown_paths_of_the_api(heidi: Client, method: str, path: str, host: str) -> None:
    answer = heidi.request(method, f"http://localhost{path}", signed=False, headers={"Host": host})

    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})


def test_the_icon_is_a_small_picture_that_needs_no_token() -> None:
    with another(admin_token="let-me-in-91c4") as heidi:
        answer = heidi.get("http://localhost/favicon.ico", signed=False)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert answer.content.startswith(b"<svg")
    assert len(answer.content) < 1_000


@pytest.mark.parametrize("path", ["/favicon.ico", "/docs", "/openapi.yaml", "/livez"])
def test_the_pages_of_the_root_are_not_journaled(heidi: Client, path: str) -> None:
    heidi.get(f"http://localhost{path}", signed=False, headers={"Sec-Fetch-Dest": "image"})

    assert heidi.get("/_mock/requests").json()["requests"] == []


@pytest.mark.parametrize("name", ["openapi", "control"])
def test_a_contract_is_the_same_document_as_json(heidi: Client, name: str) -> None:
    as_yaml, as_json = heidi.get(f"/_mock/{name}.yaml"), heidi.get(f"/_mock/{name}.json")

    assert as_json.headers["content-type"] == "application/json"
    assert as_json.json() == json.loads(json.dumps(yaml.safe_load(as_yaml.content), default=str))


def test_the_contract_as_json_follows_the_assumptions(heidi: Client) -> None:
    heidi.put("/_mock/assumptions", json={"profile_not_found": 400})

    assert heidi.get("/_mock/openapi.json").json() == yaml.safe_load(heidi.get("/_mock/openapi.yaml").content)


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Mode": "navigate"}, {"Accept": "text/html,*/*;q=0.8"}])
@pytest.mark.parametrize("name", ["openapi", "control"])
def test_a_browser_shows_a_contract_as_text(heidi: Client, name: str, headers: dict[str, str]) -> None:
    answer = heidi.get(f"/_mock/{name}.yaml", headers=headers)

    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.content == heidi.get(f"/_mock/{name}.yaml").content
