"""The server under every contestant written in Python, set up as mock_heidi sets up its own."""

import argparse

import uvicorn
from starlette.types import ASGIApp


def arguments() -> argparse.ArgumentParser:
    """The arguments that every contestant takes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--answer", help="file whose bytes are the answer")
    parser.add_argument("--pieces", type=int, default=0, help="answer with that many pieces of a stream")
    return parser


def configured(app: ASGIApp, port: int = 0) -> uvicorn.Config:
    """uvicorn's settings, the same for every contestant."""
    return uvicorn.Config(
        app,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
    )


def serve(app: ASGIApp, port: int) -> None:
    """Serve until a signal comes."""
    uvicorn.Server(configured(app, port)).run()
