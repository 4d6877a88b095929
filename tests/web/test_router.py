"""The exact router finds the same route whatever the order of the list.

It finds the same routes as Starlette, with three differences that follow the vendor's framework: the most specific path
wins, ``HEAD`` is not added to ``GET``, and extra slashes are ignored.
"""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match as Full
from starlette.routing import Route

from mock_heidi import api
from mock_heidi.control import routes as control_routes
from mock_heidi.web.router import Router, split


async def handle(_: Request) -> Response:
    return Response()


def route(method: str, path: str) -> Route:
    return Route(path, handle, methods=[method], name=f"{method} {path}")


# Paths as the vendor uses them, and similar ones. Specific paths come first, as Starlette needs it.
ROUTES = [
    route("GET", "/jwt"),
    route("GET", "/sessions/linked-user"),
    route("POST", "/sessions"),
    route("GET", "/sessions/{session_id}"),
    route("PATCH", "/sessions/{session_id}"),
    route("GET", "/sessions/{session_id}/transcript"),
    route("GET", "/sessions/{session_id}/transcript/live"),
    route("POST", "/sessions/{session_id}/segments"),
    route("POST", "/sessions/{session_id}/segments/{recording_id}:transcribe"),
    route("POST", "/sessions/{session_id}/segments/{recording_id}:finish"),
    route("GET", "/sessions/{session_id}/segments/{recording_id}"),
    route("DELETE", "/users/linked-account:unlink"),
    route("POST", "/users/linked-account"),
    route("GET", "/users/linked-account/access"),
    route("GET", "/patient-profiles"),
    route("POST", "/patient-profiles"),
    route("DELETE", "/patient-profiles:batch-delete"),
    route("GET", "/patient-profiles/{patient_profile_id}"),
    route("PATCH", "/patient-profiles/{patient_profile_id}"),
    route("POST", "/patient-profiles/{patient_profile_id}/sessions"),
]
ROUTER = Router(ROUTES)


def found(method: str, path: str, router: Router = ROUTER) -> tuple[str | None, dict[str, str], tuple[str, ...]]:
    route, params, allow = router.find(method, path)
    return (route.name if route else None), dict(params), tuple(allow)


def walked(method: str, path: str, routes: list[Route]) -> tuple[str | None, dict[str, str]]:
    """The choice of Starlette: the first route that fits path and method."""
    for each in routes:
        match, scope = each.matches({"type": "http", "method": method, "path": path})
        if match is Full.FULL and method != "HEAD":
            return each.name, dict(scope["path_params"])
    return None, {}


words = st.sampled_from([
    "jwt", "sessions", "linked-user", "transcript", "live", "segments", "users", "linked-account", "access", "1", "a:b",
    "linked-account:unlink", "patient-profiles", "patient-profiles:batch-delete", "patient-profiles:", ":batch-delete",
    "5:finish", "5:transcribe", "a:b:finish", ":finish", "finish", "5:finish:", "5:unlink", "linked-user:finish",
    "sessions:finish", "é",
])  # fmt: skip
paths = st.lists(words, min_size=1, max_size=5).map(lambda found: "/" + "/".join(found))
near_paths = st.sampled_from(ROUTES).flatmap(
    lambda known: st.tuples(*[words if "{" in part else st.just(part) | words for part in split(known.path)]).map(
        lambda parts: "/" + "/".join(parts)
    )
)
methods = st.sampled_from(["GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS"])


@pytest.mark.slow
@given(methods, paths | near_paths)
@settings(max_examples=800, deadline=None, derandomize=True)
def test_the_router_finds_the_same_routes_as_starlette(method: str, path: str) -> None:
    name, params, _ = found(method, path)

    if (name, params) != walked(method, path, ROUTES):
        # The only difference: if the most specific path lacks the method, a more general path is not used instead.
        assert name is None
        assert found(method, path)[2] != ()


@pytest.mark.slow
@given(methods, paths | near_paths, st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_the_order_of_routes_does_not_matter(method: str, path: str, chance: Any) -> None:
    shuffled = list(ROUTES)
    chance.shuffle(shuffled)

    assert found(method, path, Router(shuffled)) == found(method, path)


@pytest.mark.parametrize("surface", [api.ROUTES, control_routes.ROUTES], ids=["vendor", "control"])
def test_the_path_of_every_route_leads_to_that_route(surface: list[Route]) -> None:
    router = Router(surface)

    for each in surface:
        for method in (each.methods or set()) - {"HEAD"}:
            assert router.find(method, each.path)[0] is each


@pytest.mark.parametrize(
    ("method", "path", "name", "params"),
    [
        ("GET", "/sessions/linked-user", "GET /sessions/linked-user", {}),
        ("GET", "/sessions/linked-users", "GET /sessions/{session_id}", {"session_id": "linked-users"}),
        ("GET", "/sessions/a:b", "GET /sessions/{session_id}", {"session_id": "a:b"}),
        ("GET", "/sessions/a:finish", "GET /sessions/{session_id}", {"session_id": "a:finish"}),
        ("DELETE", "/patient-profiles:batch-delete", "DELETE /patient-profiles:batch-delete", {}),
        (
            "POST",
            "/sessions/1/segments/a:b:finish",
            "POST /sessions/{session_id}/segments/{recording_id}:finish",
            {"session_id": "1", "recording_id": "a:b"},
        ),
        (
            "GET",
            "/sessions/1/segments/5:unlink",
            "GET /sessions/{session_id}/segments/{recording_id}",
            {"session_id": "1", "recording_id": "5:unlink"},
        ),
        (
            "POST",
            "/sessions/1/segments/finish:finish",
            "POST /sessions/{session_id}/segments/{recording_id}:finish",
            {"session_id": "1", "recording_id": "finish"},
        ),
        ("GET", "/patient-profiles/{x}", "GET /patient-profiles/{patient_profile_id}", {"patient_profile_id": "{x}"}),
    ],
)
def test_the_most_specific_path_wins(method: str, path: str, name: str, params: dict[str, str]) -> None:
    assert found(method, path) == (name, params, ())


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("HEAD", "/jwt", ("GET",)),
        ("PUT", "/sessions/1", ("GET", "PATCH")),
        ("PATCH", "/sessions/linked-user", ("GET",)),
        ("GET", "/patient-profiles:batch-delete", ("DELETE",)),
        ("GET", "/sessions/1/segments/5:finish", ("POST",)),
        ("PUT", "/patient-profiles", ("GET", "POST")),
    ],
)
def test_the_allowed_methods_are_those_of_the_most_specific_path(
    method: str, path: str, allow: tuple[str, ...]
) -> None:
    assert found(method, path) == (None, {}, allow)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/nothing",
        "/jwt/x",
        "/jwt:finish",
        "/sessions:finish",
        "/patient-profiles:",
        "/:batch-delete",
        "/users",
        "/JWT",
    ],
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_path_is_neither_found_nor_allowed(method: str, path: str) -> None:
    assert found(method, path) == (None, {}, ())


@pytest.mark.parametrize("path", ["//jwt", "/jwt/", "///jwt//", "jwt"])
def test_extra_slashes_are_ignored(path: str) -> None:
    assert found("GET", path) == found("GET", "/jwt") == ("GET /jwt", {}, ())


def test_paths_with_literals_in_different_places_are_distinguished() -> None:
    both = [route("GET", "/a/{x}"), route("GET", "/{y}/b"), route("GET", "/{x}/{y}")]

    for order in itertools.permutations(both):
        router = Router(order)
        names = [found("GET", path, router)[0] for path in ("/a/c", "/c/b", "/c/d", "/a/b")]
        assert names == ["GET /a/{x}", "GET /{y}/b", "GET /{x}/{y}", "GET /a/{x}"]
