"""Reads the journal as a strict reviewer of the client would: when somebody asks, and never on a request's way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mock_heidi.checks import all_checks
from mock_heidi.checks.check import Keys, Line
from mock_heidi.entries import Reading
from mock_heidi.findings import Findings
from mock_heidi.journal import Entry
from mock_heidi.slices import Work, finish


def _line(entry: Entry) -> Mapping[str, Any]:
    return {"method": entry.method, "path": entry.path}


class Reviewer:
    """Reads each request of one namespace once and notes the findings that it shows."""

    def __init__(self, findings: Findings, keys: Keys = tuple, line: Line = _line) -> None:
        """``keys`` gives the API keys that are known now, ``line`` the method and path of a request without secrets."""
        self.findings = findings
        self._checks = all_checks(keys, line)
        self._read = 0
        self._open: set[int] = set()
        self._beginnings = 0

    def begin(self, entries: Iterable[Entry]) -> None:
        """Pass over the entries that are complete: only those that follow are read, whatever their ids.

        A :meth:`reading` that is under way stops.
        """
        known = list(entries)
        self._beginnings += 1
        self._read = max((entry.id for entry in known), default=0)
        self._open = {entry.id for entry in known if not entry.done}

    def read(self, entries: Iterable[Entry]) -> None:
        """Read the entries that are complete and were not read before."""
        finish(self.reading(entries))

    def reading(self, entries: Iterable[Entry]) -> Work[None]:
        """The same, entry by entry. Several readers may work at once; each entry is read once."""
        known, beginnings = list(entries), self._beginnings
        self._open.intersection_update(entry.id for entry in known)
        for entry in known:
            new = entry.id > self._read
            if not new and entry.id not in self._open:
                continue
            request = Reading(entry)
            if new:
                self._read = entry.id
                self._arrive(request)
            if entry.done:
                self._open.discard(entry.id)
                self._look(request)
                yield entry.size
                if self._beginnings != beginnings:
                    return
            else:
                self._open.add(entry.id)

    def _arrive(self, request: Reading) -> None:
        for check in self._checks:
            check.arrive(request)

    def _look(self, request: Reading) -> None:
        def note(code: str, detail: str = "") -> None:
            self.findings.note(code, request.entry, detail)

        for check in self._checks:
            check.look(request, note)
