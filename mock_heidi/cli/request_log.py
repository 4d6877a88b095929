"""The output of a serving command: a banner, and a line for each request."""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
from datetime import datetime
from typing import TextIO

import click

from mock_heidi.base.assumptions import Assumptions, assumptions, written
from mock_heidi.base.settings import BASE_PATH, DEFAULT_NAMESPACE, VERSION
from mock_heidi.base.wording import counted, printable, shorten
from mock_heidi.client.report import path
from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.observing.entry import Entry
from mock_heidi.observing.headlines import Headline, headline_of
from mock_heidi.observing.journal import Journal
from mock_heidi.state.account_records import ApiKey
from mock_heidi.state.patient_records import PatientProfile
from mock_heidi.state.session_records import Session

# The most lines that wait to be written. Others are dropped, since a full pipe must not delay a request.
_WAITING = 10_000


def banner(url: str, namespace: Namespace, fixtures: str) -> str:
    """The banner with the values for a client and the server's addresses."""
    given = namespace.settings.api_key is not None
    # Do not print a key that the user gave: the output may be kept.
    key = "***" if given else next(iter(namespace.keys))
    counts = ", ".join(
        counted(namespace.store.size(kind), noun)
        for kind, noun in ((ApiKey, "API key"), (PatientProfile, "patient profile"), (Session, "session"))
    )
    return "\n".join(
        (
            f"mock_heidi {VERSION}: the Heidi Open API on this machine",
            f"  base URL       {url}{BASE_PATH}",
            f"  API key        {'as you gave it' if given else key}",
            f"  namespaces     {url}/ns/{{name}}{BASE_PATH}  or the key {key}.{{name}}",
            f"  control API    {url}/_mock/",
            f"  fixtures       {counts} ({printable(fixtures)})",
            f"  assumptions    {_count(namespace.assumptions)}",
            *(["  strict mode    on: what no page documents is refused"] if namespace.strict else []),
        )
    )


def _count(chosen: Assumptions) -> str:
    """The number of assumptions, and those for which a value was chosen."""
    values = ", ".join(f"{name}={written(value)}" for name, value in chosen.chosen.items())
    return f"{len(assumptions())}, {f'chosen: {values}' if values else 'all at their defaults'}"


def colourful(stream: TextIO) -> bool:
    """True if the stream is a terminal and ``NO_COLOR`` is not set."""
    return stream.isatty() and "NO_COLOR" not in os.environ


def line(name: str, journal: Journal, entry: Entry | Headline, *, colour: bool) -> str:
    """A line about a request, without secrets."""
    row = journal.headline(entry)
    status = "left" if row["client_left"] else str(row["status"] or "none")
    if colour:
        paint = {"2": "green", "4": "yellow", "5": "red"}.get(status[0], "magenta")
        status = click.style(status, fg=paint, bold=True)
    return "  ".join(
        (
            f"{datetime.fromisoformat(row['at']).astimezone():%H:%M:%S}",
            f"{printable(row['method']):<6}",
            status,
            f"{(row['duration'] or 0) * 1000:7.1f} ms",
            printable(path(row)),
            *([f"({row['operation']})"] if row["operation"] else []),
            *([f"[{printable(journal.word(shorten(name)))}]"] if name != DEFAULT_NAMESPACE else []),
            *([printable(row["why"])] if row["why"] is not None else []),
        )
    )


def request_log(stream: TextIO, level: str, *, quiet: bool) -> RequestLog | None:
    """A log with a line for each request; None if it is switched off. Also sends warnings and errors to stderr."""
    # The banner already says what uvicorn logs at level info.
    lowest = "WARNING" if level == "info" else level.upper()
    logging.basicConfig(level=lowest, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    return RequestLog(stream) if level in ("debug", "info") and not quiet else None


class RequestLog:
    """Writes a line for each request, in a separate thread."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._colour = colourful(stream)
        self._queue: queue.Queue[tuple[str, Journal, Headline] | None] = queue.Queue(_WAITING)
        self._thread = threading.Thread(target=self._write, name="mock-heidi-log", daemon=True)
        self._thread.start()

    def __call__(self, name: str, journal: Journal, entry: Entry) -> None:
        try:
            self._queue.put_nowait((name, journal, headline_of(entry)))
        except queue.Full:
            return

    def close(self) -> None:
        """Write the waiting lines, for at most a second, since a full pipe may block."""
        try:
            self._queue.put(None, timeout=1)
        except queue.Full:
            return
        self._thread.join(timeout=1)

    def _write(self) -> None:
        read = True
        while (item := self._queue.get()) is not None:
            # After the reader of the output has gone, the queue is still emptied.
            read = read and self._written(line(*item, colour=self._colour) + "\n")

    def _written(self, text: str) -> bool:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        try:
            self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            self._stream.flush()
        except (OSError, ValueError):
            return False
        return True
