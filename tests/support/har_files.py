"""Writes HAR files, as browsers and proxies do, from the traffic of a client in this process."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from clients import Client

HOST = "https://registrar.api.heidihealth.com"


class Recorder:
    """Records the requests of clients while :meth:`recording` runs."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    @contextmanager
    def recording(self, client: Client) -> Iterator[None]:
        """Record what a client sends and receives, except its calls of the control API."""
        http = client._http  # noqa: SLF001 - the only place where its requests pass
        original = http.send

        async def send(request: httpx.Request, **options: Any) -> httpx.Response:
            await request.aread()  # a form is a stream
            answer = await original(request, **options)
            if "/_mock" not in request.url.path:
                at = datetime.fromisoformat(f"{client.app.registry.default.clock.stamp()}+00:00")
                self.entries.append(entry(request, answer, at + timedelta(milliseconds=len(self.entries))))
            return answer

        http.send = send  # type: ignore[method-assign]
        try:
            yield
        finally:
            http.send = original  # type: ignore[method-assign]

    def har(self) -> dict[str, Any]:
        """The recording as HAR."""
        return archive(self.entries)

    def write(self, path: Path) -> Path:
        """Write the recording to a file, and return its path."""
        path.write_text(json.dumps(self.har()), encoding="utf-8")
        return path


def archive(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """A HAR file with these entries."""
    return {"log": {"version": "1.2", "creator": {"name": "test", "version": "1"}, "entries": entries}}


def entry(request: httpx.Request, answer: httpx.Response, at: datetime) -> dict[str, Any]:
    """A request and its answer as an entry."""
    sent = request.content
    url = str(request.url).replace("http://localhost", HOST)
    made: dict[str, Any] = {
        "method": request.method,
        "url": url,
        "httpVersion": "h2",
        "headers": [{"name": ":authority", "value": "registrar"}, *_headers(request.headers)],
        "queryString": [],
        "bodySize": len(sent),
    }
    if sent:
        made["postData"] = {"mimeType": request.headers.get("content-type", ""), **_text(sent)}
    return {
        "startedDateTime": at.isoformat(),
        "time": 1,
        "request": made,
        "response": {
            "status": answer.status_code,
            "statusText": "",
            "headers": _headers(answer.headers),
            "content": {
                "size": len(answer.content),
                "mimeType": answer.headers.get("content-type", ""),
                **_text(answer.content),
            },
            "bodySize": -1,
        },
        "cache": {},
        "timings": {"send": 0, "wait": 1, "receive": 0},
    }


def _headers(headers: httpx.Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers.items()]


def _text(body: bytes) -> dict[str, str]:
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(body).decode(), "encoding": "base64"}
