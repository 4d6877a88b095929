"""Patterns of paths: their matches, refused patterns, and bounded work for each pattern."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from clients import Client
from helpers import SESSION
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from running import serving

from mock_heidi.app import create_app
from mock_heidi.base.path_patterns import LONGEST, PathPattern, PathPatternError
from mock_heidi.base.settings import BASE_PATH, ConfigError

# A segment that begins with thirteen parameters can be split in more ways than anybody can try.
ENDLESS = "/" + "{a}" * 13 + "!"
LETTERS = "a" * 60
REFUSAL = "path: {a} and {a} stand in one segment"
CURE = "keep one, or use * for any text"


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("/", "", True),
        ("", "/", True),
        ("/", "/a", False),
        ("*", "/", True),
        ("*", "/a/b", True),
        ("/sessions/{session_id}", "/sessions/5", True),
        ("/sessions/{session_id}", "/sessions/5/", True),
        ("/sessions/{session_id}", "/sessions", False),
        ("/sessions/{session_id}", "/sessions/5/documents", False),
        ("//sessions//{session_id}/", "/sessions/5", True),
        ("/sessions/{id}/transcriptions/{recording_id}:finish", "/sessions/5/transcriptions/7:finish", True),
        ("/sessions/{id}/transcriptions/{recording_id}:finish", "/sessions/5/transcriptions/7:finished", False),
        ("/sessions/{id}/transcriptions/{recording_id}:finish", "/sessions/5/transcriptions/:finish", False),
        ("/sessions/{id}/transcriptions/{recording_id}:finish", "/sessions/5/6/transcriptions/7:finish", False),
        ("/v{number}/x", "/v2/x", True),
        ("/v{number}/x", "/v/x", False),
        ("/v{number}/x", "/2/x", False),
        ("/a{name}a", "/aa", False),
        ("/a{name}a", "/aaa", True),
        ("/sessions*", "/sessions", True),
        ("/sessions*", "/sessions/5/documents", True),
        ("/sessions/*", "/sessions", False),
        ("/sessions/*/documents", "/sessions/5/6/documents", True),
        ("/sessions/*/documents", "/sessions/documents", False),
        ("*/sessions/*/t*t", "/x/sessions/1/transcript", True),
        ("/sessions/{id}/*", "/sessions/1/transcript", True),
        ("/{id}/*/sessions/*/{id}:x", "/a/1/sessions/2/3:x", True),
        ("/{id}/*/sessions/*/{id}:x", "/a/1/sessions/2:x", False),
        ("/sessions/*", "/" + "sessions/" * 5_000, True),
        ("/a*/{id}:x/b", "/a/1:x/c/2:x/b", True),
        ("/a*/{id}:x/b", "/a/1:x/c/b", False),
        ("/ab*ba", "/aba", False),
        ("/a.c", "/abc", False),
    ],
)
def test_a_pattern_matches_these_paths(pattern: str, path: str, expected: bool) -> None:
    assert PathPattern(pattern).matches(path) == expected


@pytest.mark.parametrize(
    ("pattern", "error"),
    [
        ("/{a}{b}", "{a} and {b} stand in one segment; keep one, or use * for any text"),
        ("/x/{a}-{b}/y", "{a} and {b} stand in one segment; keep one, or use * for any text"),
        ("/sessions/{id}*", "{id} and * stand in one segment; use * alone, it stands for both"),
        ("*/{id}/*", "{id} stands between two stars; use * for it too"),
        ("/a*/{id}:x/*b", "{id} stands between two stars; use * for it too"),
        ("*a*" + "/{x}a" * 90 + "/b/*", "{x} stands between two stars; use * for it too"),
        ("/{}", "braces without a name in '{}'; write {name}, or * for any text"),
        ("/{a b}", "braces without a name in '{a b}'; write {name}, or * for any text"),
        ("/sessions/{id", "braces without a name in '{id'; write {name}, or * for any text"),
        ("/sessions?limit=1", "a path has no query; leave out what follows the question mark"),
        ("/" + "a" * LONGEST, f"a pattern has {LONGEST} characters at most; use * for a part of it"),
    ],
)
def test_an_invalid_pattern_is_refused_with_its_cure(pattern: str, error: str) -> None:
    with pytest.raises(PathPatternError, match=f"^{re.escape(error)}$"):
        PathPattern(pattern)


def obviously(tokens: Sequence[str], path: str) -> bool:
    """True if a path fits tokens: ``{x}`` for letters of one segment, ``*`` for any text; other tokens are letters."""
    if not tokens:
        return not path
    token, *rest = tokens
    if token == "*":
        return any(obviously(rest, path[cut:]) for cut in range(len(path) + 1))
    if token == "{x}":
        return any(obviously(rest, path[cut:]) for cut in range(1, len(path) + 1) if "/" not in path[:cut])
    return path.startswith(token) and obviously(rest, path[1:])


TEXT = st.text("ab:", max_size=2)
SEGMENT = st.tuples(TEXT, st.sampled_from(["", "*", "{x}"]), TEXT).map("".join) | st.lists(
    st.sampled_from("a*"), max_size=4
).map("".join)
SEGMENTS = st.lists(SEGMENT.filter(bool), max_size=4)


@given(SEGMENTS, st.lists(st.text("ab:", min_size=1, max_size=4), max_size=4))
@settings(max_examples=400, deadline=None)
def test_a_pattern_matches_the_same_paths_as_a_full_search(segments: list[str], parts: list[str]) -> None:
    pattern, path = "/" + "/".join(segments), "/" + "/".join(parts)
    assume(not re.search(r"\*.*\{x\}.*\*", pattern))
    expected = obviously(re.findall(r"\{x\}|.", pattern), path)

    assert PathPattern(pattern).matches(path) == expected


class Searched(str):
    """A path that counts the searches in it."""

    times = 0

    def find(self, *args: Any) -> int:
        self.times += 1
        return super().find(*args)

    def rfind(self, *args: Any) -> int:
        self.times += 1
        return super().rfind(*args)

    def startswith(self, *args: Any) -> bool:
        self.times += 1
        return super().startswith(*args)

    def endswith(self, *args: Any) -> bool:
        self.times += 1
        return super().endswith(*args)


@pytest.mark.parametrize(
    "pattern",
    [
        "/" + "*a" * (LONGEST // 2 - 2),
        "/" + "*a" * (LONGEST // 2 - 2) + "b",
        "/aa*" * (LONGEST // 4),
        "/{x}a" * (LONGEST // 5 - 2),
        "*" + "/{x}a" * (LONGEST // 5 - 2) + "/b",
        "/{x}a" * 40 + "/*/aa/*" + "/{x}a" * 40 + "/b",
        "*" + "/a" * (LONGEST // 2 - 2) + "*",
    ],
)
@pytest.mark.parametrize("text", ["/" + "a" * 60_000, "/aa" * 20_000, "/a" * 30_000], ids=["a", "aa", "many"])
def test_the_number_of_searches_depends_on_the_pattern_alone(pattern: str, text: str) -> None:
    path = Searched(text)

    PathPattern(pattern).matches(path)

    assert 0 < path.times <= 2 * LONGEST


def test_a_pattern_in_a_header_cannot_hang_the_server(heidi: Client) -> None:
    answer = heidi.get(f"/sessions/{LETTERS}", headers={"X-Mock-Fault": f"path={ENDLESS},status=503"})

    assert answer.status_code == 400
    assert answer.json() == {"detail": f"X-Mock-Fault: {REFUSAL}; {CURE}"}


@pytest.mark.parametrize(
    ("method", "endpoint", "body"),
    [
        ("POST", "/faults", {"path": ENDLESS, "status": 503}),
        ("PUT", "/faults", [{"path": ENDLESS, "status": 503}]),
        ("POST", "/faults", f"*:path={ENDLESS},status=503"),
        ("POST", "/verify", {"path": ENDLESS}),
        ("POST", "/verify", {"in_order": [{"path": ENDLESS}]}),
        ("GET", f"/requests?path={ENDLESS}", None),
        ("GET", f"/requests/count?path={ENDLESS}", None),
        ("DELETE", f"/requests?path={ENDLESS}", None),
    ],
)
def test_a_pattern_that_could_be_split_in_many_ways_is_refused_everywhere(
    heidi: Client, method: str, endpoint: str, body: object
) -> None:
    heidi.get(f"/sessions/{SESSION}")

    answer = heidi.request(method, f"/_mock{endpoint}", json=body)

    assert answer.status_code == 400
    assert answer.json()["error"].removeprefix("[0] ") == REFUSAL
    assert answer.json()["hint"] == CURE


@pytest.mark.parametrize("kind", ["faults", "scenarios"])
def test_a_pattern_in_fixtures_is_refused(heidi: Client, kind: str) -> None:
    rule = {"path": ENDLESS, "status": 503}
    record = rule if kind == "faults" else {"name": "a", "explanation": "b", "faults": [rule]}

    answer = heidi.put("/_mock/state", json={kind: [record]})

    assert answer.status_code == 400
    assert "{a} and {a} stand in one segment; keep one" in answer.json()["error"]


def test_a_pattern_in_a_flag_is_refused() -> None:
    with pytest.raises(ConfigError, match=re.escape("{a} and {a} stand in one segment; keep one")):
        create_app(faults=(f"GET {ENDLESS}:status=503",))


def test_a_difference_names_the_pattern_as_given(heidi: Client) -> None:
    heidi.get(f"/sessions/{SESSION}")

    answer = heidi.post("/_mock/verify", json={"path": "/documents/{id}"})

    assert answer.json()["nearest"][0]["why"].endswith(", not /documents/{id}")


def test_a_served_process_answers_after_every_attempt_to_hang_it(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        rule = f"path={ENDLESS},status=503"
        header, _, _ = server.ask("GET", f"{BASE_PATH}/{LETTERS}", X_Mock_Fault=rule)
        found, _, _ = server.ask("GET", f"/_mock/requests?path={ENDLESS}")
        stored, _, _ = server.ask("POST", "/_mock/faults", {"path": ENDLESS, "status": 503})
        alive, _, _ = server.ask("GET", "/livez")

    # The header is ignored on a path that nobody documents.
    assert (header, found, stored, alive) == (404, 400, 400, 200)


@pytest.mark.parametrize("text", ["status=503," * 90_000, "," * 1_000_000], ids=["fields", "commas"])
def test_a_rule_in_its_short_form_has_a_bounded_number_of_fields(heidi: Client, text: str) -> None:
    answer = heidi.post("/_mock/faults", json=f"*:{text}")

    assert answer.status_code == 400
    assert answer.json()["error"] == "it has more than 200 fields"
