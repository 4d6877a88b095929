"""Starlette as it comes: one route, the same bytes."""

from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from benchmarks.apps.serving import arguments, serve
from benchmarks.loads import BASE


def create_app(body: bytes, pieces: int = 0) -> Starlette:
    """An application with one route for whatever stands below the API's base."""

    async def answer(_: Request) -> Response:
        return Response(body, media_type="application/json")

    async def stream(_: Request) -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            for _number in range(pieces):
                yield body

        return StreamingResponse(parts(), media_type="text/event-stream")

    methods = ["GET", "POST", "PATCH"]
    return Starlette(routes=[Route(BASE + "/{rest:path}", stream if pieces else answer, methods=methods)])


if __name__ == "__main__":
    given = arguments().parse_args()
    content = Path(given.answer).read_bytes() if given.answer else b'{"data":{}}'
    serve(create_app(content, given.pieces), given.port)
