"""The limit: an ASGI callable that answers every request with the same bytes."""

from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from benchmarks.apps.serving import arguments, serve


def answering(body: bytes) -> ASGIApp:
    """One answer, always."""
    headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]

    async def app(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def streaming(piece: bytes, pieces: int) -> ASGIApp:
    """A stream of so many pieces, as fast as they can be sent."""
    headers = [(b"content-type", b"text/event-stream; charset=utf-8")]

    async def app(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _number in range(pieces):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return app


if __name__ == "__main__":
    given = arguments().parse_args()
    answer = Path(given.answer).read_bytes() if given.answer else b'{"data":{}}'
    serve(streaming(answer, given.pieces) if given.pieces else answering(answer), given.port)
