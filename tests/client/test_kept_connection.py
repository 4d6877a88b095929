"""The connection of a handle: every way in which HTTP ends an answer, and invalid answers."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from mock_heidi.client.kept_connection import KeptConnection


@contextlib.contextmanager
def answering(*answers: bytes) -> Iterator[tuple[KeptConnection, list[bytes]]]:
    """A connection to a server that gives these answers, lists the requests, and then closes."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak() -> None:
            peer, _ = listener.accept()
            with peer:
                for answer in answers:
                    asked.append(peer.recv(65_536))
                    peer.sendall(answer)

        thread = threading.Thread(target=speak)
        thread.start()
        with contextlib.closing(KeptConnection("127.0.0.1", listener.getsockname()[1], 30)) as connection:
            yield connection, asked
        thread.join()


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 5\r\n\r\nhello",
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nTrailer: a\r\n\r\n",
        OK + b"\r\nhello",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
    ],
    ids=["length", "chunked", "end of the connection", "HTTP/1.0"],
)
def test_an_answer_is_read_to_its_end(answer: bytes) -> None:
    with answering(answer) as (connection, _):
        assert connection.request("GET", "/", None, {}) == (200, b"hello")


def test_the_connection_is_kept_for_the_next_request() -> None:
    with answering(OK + b"Content-Length: 1\r\n\r\na", OK + b"Content-Length: 1\r\n\r\nb") as (connection, asked):
        bodies = [connection.request("POST", "/x", b"{}", {"X-Name": "é"})[1] for _ in range(2)]

    assert bodies == [b"a", b"b"]
    assert asked[0] == asked[1]
    assert asked[0].startswith(b"POST /x HTTP/1.1\r\nHost: 127.0.0.1:")
    assert asked[0].endswith(b"\r\nContent-Length: 2\r\nX-Name: \xe9\r\n\r\n{}")


def test_a_closed_connection_is_made_again_for_the_next_request() -> None:
    with answering(OK + b"Connection: close\r\nContent-Length: 1\r\n\r\na") as (connection, _):
        connection.request("GET", "/", None, {})

        assert connection.sock is None


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9 is here\r\n",
        OK + b"Content-Length: 9\r\n\r\nhello",
        OK + b"Content-Length: many\r\n\r\nhello",
        OK + b"Transfer-Encoding: chunked\r\n\r\nhello\r\n",
        b"HTTP/1.1 200",
    ],
    ids=["no HTTP", "too short", "no number", "no chunk", "half a line"],
)
def test_an_incomplete_answer_is_refused(answer: bytes) -> None:
    with answering(answer) as (connection, _), pytest.raises(ValueError, match=r"."):
        connection.request("GET", "/", None, {})


def test_a_silent_server_is_an_error_after_the_time_limit() -> None:
    with answering(b"") as (connection, _), pytest.raises(ConnectionResetError):
        connection.request("GET", "/", None, {})


@pytest.mark.parametrize(("path", "value"), [("/a b", "x"), ("/\r\nX: y", "x"), ("/é", "x"), ("/", "x\r\nY: z")])
def test_a_character_that_http_does_not_allow_is_not_sent(path: str, value: str) -> None:
    connection = KeptConnection("127.0.0.1", 1, 30)  # no server listens there

    with pytest.raises(ValueError, match="contains a character that HTTP does not allow"):
        connection.request("GET", path, None, {"X-Name": value})


def test_the_pieces_of_an_endless_answer_are_returned_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connection = KeptConnection("127.0.0.1", listener.getsockname()[1], 30)
        with contextlib.closing(connection), ThreadPoolExecutor() as pool:
            asked = pool.submit(connection.open, "GET", "/", None, {})
            peer, _ = listener.accept()
            with peer:
                peer.sendall(OK + b"\r\nhello")
                _, pieces = asked.result()

                assert next(pieces) == b"hello"
