"""The judge sees every byte of a stream that a client reads over a socket, and fails a test that reads a broken one."""

import http.client
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from helpers import SESSION, wire
from judges import Exchange, Watch, as_events, judge

from mock_heidi import Handle, MockHeidi
from mock_heidi.base.settings import BASE_PATH
from mock_heidi.faults import delivery

NOTE = {
    "generation_method": "TEMPLATE",
    "template_id": "659b8042fe093d6592b41ef7",
    "addition": "Ünïcödé \N{PILL}",
    "voice_style": "DETAILED",
}
COMMAND = {"ai_command_text": "Shorten", "content": "A long text, with a \N{PILL} in it", "content_type": "MARKDOWN"}
STREAMS = {"consult-note": NOTE, "ask-ai": COMMAND}


def _read(heidi: Handle, path: str, body: Any) -> bytes:
    """The bytes of a stream as an independent client reads them."""
    peer = http.client.HTTPConnection(heidi.url.removeprefix("http://"), timeout=60)
    try:
        peer.request("POST", f"{BASE_PATH}/sessions/{SESSION}/{path}", wire(body).encode(), heidi.headers())
        response = peer.getresponse()
        assert response.getheader("transfer-encoding") == "chunked"
        return response.read()
    finally:
        peer.close()


@pytest.fixture
def heidi() -> Iterator[Handle]:
    with MockHeidi() as heidi:
        yield heidi


@pytest.mark.parametrize(("path", "body"), STREAMS.items(), ids=STREAMS)
def test_the_judge_sees_every_byte_of_a_stream_over_a_socket(
    heidi: Handle, contract_watch: Watch, path: str, body: Any
) -> None:
    read = _read(heidi, path, body)

    (judged,) = [one.body for one in contract_watch.exchanges if one.path.endswith(path)]
    assert judged == read
    assert read.count(b"\n\n") > 3
    assert contract_watch.findings() == []


BROKEN: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a space less": (lambda made: made.replace(b"data: ", b"data:", 1), "is not of the form"),
    "a comment": (lambda made: b": keep-alive\n\n" + made, "is not of the form"),
    "a line feed less": (lambda made: made[:-1], "within an event"),
    "other line ends": (lambda made: made.replace(b"\n", b"\r\n"), "within an event"),
    "a byte order mark": (lambda made: b"\xef\xbb\xbf" + made, "is not of the form"),
}


@pytest.mark.breaks_contract
@pytest.mark.parametrize("path", STREAMS)
@pytest.mark.parametrize("kind", BROKEN)
def test_the_judge_reports_broken_framing_in_a_stream_over_a_socket(
    heidi: Handle, contract_watch: Watch, monkeypatch: pytest.MonkeyPatch, path: str, kind: str
) -> None:
    frame, (broken, words) = delivery.frame, BROKEN[kind]
    monkeypatch.setattr(delivery, "frame", lambda text: broken(frame(text)))

    _read(heidi, path, STREAMS[path])

    found = contract_watch.findings()
    assert found
    assert all(f"/sessions/{SESSION}/{path}" in text for text in found)
    assert words in "\n".join(found)


def test_a_test_that_reads_a_broken_stream_over_a_socket_fails(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("pytest_plugins = ['judges']")
    pytester.makepyfile(
        """
        import httpx
        from mock_heidi import MockHeidi
        from mock_heidi.faults import delivery

        def read():
            body = {"ai_command_text": "Shorten", "content": "A long text", "content_type": "MARKDOWN"}
            with MockHeidi() as heidi, heidi.client() as client:
                with client.stream("POST", "/sessions/1234567890/ask-ai", json=body) as answer:
                    assert b"data:" in b"".join(answer.iter_raw())

        def test_it_is_whole():
            read()

        def test_it_is_broken(monkeypatch):
            frame = delivery.frame
            monkeypatch.setattr(delivery, "frame", lambda text: frame(text).replace(b": ", b":", 1))
            read()
        """
    )

    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*/ask-ai (ask_ai) -> 200: event 0 of the stream: *is not of the form data: *"])


@pytest.mark.parametrize(
    ("status", "detail", "words"),
    [
        (422, [{"type": "extra_forbidden", "loc": ["query", "a"], "msg": "No", "input": "1"}], ""),
        (422, [{"type": "extra_forbidden", "loc": ["query", "a"], "msg": "No"}], "'input' is a required property"),
        (422, "No", "'No' is not of type 'array'"),
        (400, "X-Mock-Strict: 'a' is neither true nor false", ""),
        (400, "No", "the status is none of 200, 401, 404"),
    ],
)
def test_the_judge_holds_refusals_of_strict_mode_to_the_form_of_a_422(status: int, detail: Any, words: str) -> None:
    headers = (("content-type", "application/json"), ("x-mock-provenance", "mock"))
    path = f"{BASE_PATH}/sessions/{SESSION}"  # the contract has no 422 here
    body = wire({"detail": detail}).encode()

    found = "".join(judge().findings(Exchange("GET", path, preflight=False, status=status, headers=headers, body=body)))

    assert words in found
    assert bool(words) == bool(found)


@pytest.mark.parametrize(("framing", "end"), [("objects", ""), ("ndjson", "\n")])
def test_the_judge_reads_braces_and_quotes_in_the_pieces_of_bare_objects(framing: str, end: str) -> None:
    objects = [f'{{"data": {json.dumps(text)}}}' for text in ("{", 'a "}" b', "\\", "")]

    events = as_events("".join(one + end for one in objects).encode(), framing)

    assert events == "".join(f"data: {one}\n\n" for one in objects).encode()


def test_the_judge_reports_an_assumption_that_does_not_list_the_operation(heidi: Handle, contract_watch: Watch) -> None:
    with heidi.client() as client:
        client.get("/templates/document-templates")
    [exchange] = [one for one in contract_watch.exchanges if one.path.endswith("/document-templates")]
    kept = [(name, value) for name, value in exchange.headers if name != "x-mock-provenance"]
    headers = (*kept, ("x-mock-provenance", "status=observed, body=documented; malformed_id, extra_slashes"))

    [problem] = judge().findings(exchange._replace(headers=headers))

    assert "the request met the assumption malformed_id, which does not list the operation" in problem
    assert judge().findings(exchange) == []
