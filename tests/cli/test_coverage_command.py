"""``mock-heidi coverage``: a server's coverage or that of files, in four forms."""

import json
import os
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from helpers import SESSION

from mock_heidi import Handle, MockHeidi
from mock_heidi.cli.main import main
from mock_heidi.observing.coverage import report
from mock_heidi.observing.coverage.all_points import all_points
from mock_heidi.observing.coverage.forms import to_html
from mock_heidi.observing.coverage.hints import hint
from mock_heidi.observing.coverage.points import Point
from mock_heidi.observing.coverage.report import Report


class Ended(NamedTuple):
    status: int
    out: str
    err: str


Call = Callable[..., Ended]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs the command in this process, without variables of mock_heidi."""
    for name in [name for name in os.environ if name.startswith("MOCK_HEIDI_")]:
        monkeypatch.delenv(name)

    def call(*args: str | Path) -> Ended:
        with pytest.raises(SystemExit) as ended:
            main(["coverage", *map(str, args)])
        said = capsys.readouterr()
        return Ended(int(str(ended.value.code)), said.out, said.err)

    return call


@pytest.fixture
def server() -> Iterator[Handle]:
    """A server that counts and whose client has read one session twice."""
    with MockHeidi(coverage=True) as server, server.client() as client:
        for _ in range(2):
            client.get(f"/sessions/{SESSION}")
        yield server


def file(folder: Path, name: str, **counts: int) -> Path:
    """A file with these counts of operations."""
    rows = [{"kind": "operation", "name": name, "count": count} for name, count in counts.items()]
    path = folder / name
    path.write_text(json.dumps({"exercised": rows}), encoding="utf-8")
    return path


def exercised(out: str) -> dict[tuple[str, str], int]:
    return {(row["kind"], row["name"]): row["count"] for row in json.loads(out)["exercised"]}


def test_a_table_names_what_was_done_and_what_was_not(call: Call, server: Handle) -> None:
    ended = call("--url", server.url)

    lines = ended.out.splitlines()
    assert ended.status == 0
    assert lines[0] == "operations                1 of 31     3.2 %"
    assert lines[8].startswith("all ")
    assert lines[9:11] == ["never called: get_jwt", f"    {hint(Point('operation', 'get_jwt')).command}"]
    assert lines[-1].startswith("and ")
    assert "never called: get_session" not in lines


def test_json_is_the_answer_of_the_server(call: Call, server: Handle) -> None:
    ended = call("--url", server.url, "--json")

    assert json.loads(ended.out) == server.control("GET", "/coverage")
    assert exercised(ended.out)["operation", "get_session"] == 2


def test_markdown_lists_every_point(call: Call, server: Handle) -> None:
    ended = call("--url", server.url, "--markdown")

    assert "| operations | 1 | 31 | 3.2 |" in ended.out
    assert "| operations | `get_session` | 2 |" in ended.out
    missing = set(all_points()) - {Point(*row) for row in exercised(call("--url", server.url, "--json").out)}
    assert all(hint(point).python in ended.out for point in missing)


class Loads(HTMLParser):
    """Collects what a page loads or links to, and its elements."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "action", "style", "onclick")]


def test_the_page_has_every_point_and_loads_nothing(call: Call, server: Handle, tmp_path: Path) -> None:
    ended = call("--url", server.url, "--html", tmp_path / "page.html")

    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    page = Loads()
    page.feed(text)
    assert ended.status == 0
    assert all(link.startswith("#") for link in page.found)
    assert page.found
    assert "script" not in page.tags
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text
    assert text.count("<li>") == len(all_points()) - server.control("GET", "/coverage")["covered"]


def test_the_page_escapes_its_texts() -> None:
    text = to_html(Report({}))

    assert "&quot;Authorization: Bearer $(mock-heidi token)&quot;" in text
    assert "&amp;&amp; curl" in text


@pytest.mark.parametrize(("least", "status"), [("0", 0), ("1", 0), ("90", 1), ("100", 1)])
def test_too_low_a_coverage_is_a_failure(call: Call, server: Handle, least: str, status: int) -> None:
    percent = server.control("GET", "/coverage")["percent"]

    ended = call("--url", server.url, "--fail-under", least)

    assert ended.status == status
    problem = f"mock-heidi: coverage of the contract is {percent:g} %, which is below {least} %\n"
    assert ended.err == (problem if status else "")


def test_a_failure_is_decided_without_rounding() -> None:
    points = all_points()
    nearly = Report(dict.fromkeys(points[1:], 1))
    exact = 100 * (len(points) - 1) / len(points)

    assert nearly.share.percent < exact < 100
    assert nearly.too_low(exact - 0.001) is None
    assert nearly.too_low(100) is not None
    assert Report(dict.fromkeys(points, 1)).too_low(100) is None


def test_files_are_added_up_without_a_server(call: Call, tmp_path: Path) -> None:
    one, two = file(tmp_path, "a.json", get_session=2, ask_ai=1), file(tmp_path, "b.json", get_session=3)

    ended = call("--json", one, two, "--url", "http://127.0.0.1:9")

    assert exercised(ended.out) == {("operation", "get_session"): 5, ("operation", "ask_ai"): 1}


def test_a_report_can_be_read_again(call: Call, server: Handle, tmp_path: Path) -> None:
    first = call("--url", server.url, "--json").out
    (tmp_path / "kept.json").write_text(first, encoding="utf-8")

    assert call("--json", tmp_path / "kept.json").out == first


def test_points_of_another_version_are_left_out(call: Call, tmp_path: Path) -> None:
    ended = call("--json", file(tmp_path, "a.json", get_session=1, of_another_version=7))

    assert exercised(ended.out) == {("operation", "get_session"): 1}


def test_the_server_can_begin_anew(call: Call, server: Handle) -> None:
    shown = call("--url", server.url, "--json", "--forget")
    after = call("--url", server.url, "--json")

    assert ("operation", "get_session") in exercised(shown.out)
    assert exercised(after.out) == {}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"{", "it is not JSON"),
        (b"\xff", "it is not JSON"),
        (b"[" * 200_000, "it is not JSON"),
        (b'{"exercised": [{"count": %s}]}' % (b"9" * 5000), "it is not JSON"),
        (b"[]", "it is not a report of coverage"),
        (b'{"exercised": [{"kind": "operation"}]}', "it is not a report of coverage"),
        (b'{"exercised": [{"kind": 1, "name": "a", "count": 1}]}', "it is not a report of coverage"),
        (b'{"exercised": [{"kind": "a", "name": "b", "count": "1"}]}', "it has a count that is not a whole number"),
    ],
)
def test_a_wrong_file_is_one_line(call: Call, tmp_path: Path, content: bytes | None, problem: str) -> None:
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)

    ended = call(path)

    cure = "give a file that --json or --mock-heidi-coverage=FILE.json has written"
    assert (ended.status, ended.err) == (1, f"mock-heidi: {path}: {problem}; {cure}\n")


def test_a_file_without_end_is_refused(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "LARGEST", 1024**2)

    ended = call("/dev/zero")

    cure = "give a file that --json or --mock-heidi-coverage=FILE.json has written"
    assert (ended.status, ended.err) == (1, f"mock-heidi: /dev/zero is larger than 1 MB; {cure}\n")


def test_the_name_of_a_wrong_file_cannot_control_the_terminal(call: Call) -> None:
    ended = call("\x1b[31m\u202e.json")

    assert ended.err.startswith("mock-heidi: \\x1b[31m\\x202e.json: cannot be read")


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (["--json", "--markdown"], "--json cannot be combined with --markdown"),
        (["--forget", "a.json"], "--forget is for a server, not for files"),
        (["--fail-under", "101"], "101.0 is not in the range 0<=x<=100"),
        (["--fail-under", "nan"], "'nan' is not a valid percentage"),
    ],
)
def test_a_wrong_flag_is_one_line(call: Call, args: list[str], problem: str) -> None:
    ended = call(*args)

    assert ended.status == 2
    assert problem in ended.err
    assert ended.err.count("\n") == 1


def test_a_server_that_does_not_count_says_how_to_start_one(call: Call) -> None:
    with MockHeidi() as server:
        ended = call("--url", server.url)

    assert ended.status == 1
    assert ended.err.endswith("this server does not count coverage; start it with mock-heidi serve --coverage\n")


def test_a_page_that_cannot_be_written_is_one_line(call: Call, tmp_path: Path) -> None:
    ended = call(file(tmp_path, "a.json", get_session=1), "--html", tmp_path / "missing" / "page.html")

    assert ended.status == 1
    assert "page.html: No such file or directory; give a file in a folder that you can write to" in ended.err


def test_no_report_has_more_than_names_of_the_contract(server: Handle) -> None:
    data: Any = server.control("GET", "/coverage")

    assert {(row["kind"], row["name"]) for row in (*data["exercised"], *data["missing"])} == set(all_points())
