"""The server is an ordinary Starlette application: its routes can be listed, and another application can mount it."""

import warnings
from collections.abc import Iterable

import pytest
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route

from mock_heidi import api, create_app
from mock_heidi.base.settings import BASE_PATH, DEFAULT_EMAIL, DEFAULT_KEY, DEFAULT_THIRD_PARTY_ID
from mock_heidi.control import routes as control_routes

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns that it would prefer another HTTP client than httpx
    from starlette.testclient import TestClient

WHO = {"email": DEFAULT_EMAIL, "third_party_internal_id": DEFAULT_THIRD_PARTY_ID}


def listed(routes: Iterable[BaseRoute], base: str = "") -> set[tuple[str, str]]:
    """The name and the path of each endpoint."""
    found: set[tuple[str, str]] = set()
    for route in routes:
        if isinstance(route, Mount):
            found |= listed(route.routes, base + route.path)
        elif isinstance(route, Route):
            found.add((route.name, base + route.path))
    return found


def test_create_app_returns_a_starlette_application_that_lists_every_endpoint() -> None:
    app = create_app()

    assert isinstance(app, Starlette)
    assert listed(app.routes) == {(route.name, BASE_PATH + route.path) for route in (*api.ROUTES, *api.SPELLINGS)} | {
        (route.name, f"/_mock{route.path}") for route in control_routes.ROUTES
    }


def test_url_path_for_gives_the_path_of_an_endpoint() -> None:
    path = create_app().url_path_for("get_session", session_id="77")

    assert path == f"{BASE_PATH}/sessions/77"


@pytest.mark.parametrize("below", ["", "/heidi"])
def test_the_starlette_test_client_signs_in_and_reads_a_session(below: str) -> None:
    app = Starlette(routes=[Mount(below, app=create_app())]) if below else create_app()
    with TestClient(app) as client:
        signed_in = client.get(f"{below}{BASE_PATH}/jwt", params=WHO, headers={"Heidi-Api-Key": DEFAULT_KEY})
        token = signed_in.json()["token"]

        session = client.get(f"{below}{BASE_PATH}/sessions/1234567890", headers={"Authorization": f"Bearer {token}"})
        requests = client.get(f"{below}/_mock/requests").json()["requests"]

    assert session.json()["session"]["session_id"] == "1234567890"
    assert [row["operation"] for row in requests] == ["get_jwt", "get_session"]
    assert client.get(f"{below}/", follow_redirects=False).headers["location"] == f"{below}/_mock/"
