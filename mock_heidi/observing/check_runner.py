"""Runs the checks on the journal when findings are requested, never while a request is answered."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mock_heidi.base.slices import Work, finish
from mock_heidi.observing.entry import Entry
from mock_heidi.observing.findings import Findings
from mock_heidi.observing.parsed_entries import ParsedEntry

if TYPE_CHECKING:
    from mock_heidi.observing.checks.check import Check, Keys, Line


def _line(entry: Entry) -> Mapping[str, Any]:
    return {"method": entry.method, "path": entry.path}


class CheckRunner:
    """Runs the checks once on each request of a namespace and notes their findings."""

    def __init__(self, keys: Keys = tuple, line: Line = _line) -> None:
        """``keys`` returns the known API keys, ``line`` the method and path of a request without secrets."""
        self.findings = Findings()
        self.watch: Callable[[str, Entry], None] | None = None
        """A function that is called with each new finding of a check: its code and the request that shows it."""
        self._keys = keys
        self._line = line
        self._checks: list[Check] | None = None
        self._read = 0
        self._open: set[int] = set()
        self._beginnings = 0

    def clear(self, entries: Iterable[Entry]) -> None:
        """Forget all findings, also those of these entries, and everything that the checks remember."""
        self.findings = Findings()
        self._checks = None
        for entry in entries:
            entry.findings = ()

    def begin(self, entries: Iterable[Entry]) -> None:
        """Skip the entries that are complete now. Later ones are checked, even if their ids are lower.

        A :meth:`running` that has begun stops.
        """
        known = list(entries)
        self._beginnings += 1
        self._read = max((entry.id for entry in known), default=0)
        self._open = {entry.id for entry in known if not entry.done}

    def run(self, entries: Iterable[Entry]) -> Findings:
        """Check the entries that are complete and have not been checked, and return all findings."""
        return finish(self.running(entries))

    def running(self, entries: Iterable[Entry]) -> Work[Findings]:
        """The same as :meth:`run`, entry by entry. Several callers may do it at once; each entry is checked once.

        The entries are in the order of their ids.
        """
        known, beginnings = list(entries), self._beginnings
        if self._open:
            self._open.intersection_update(entry.id for entry in known)
        first = min(self._open, default=self._read + 1)
        for entry in known[bisect_left(known, first, key=lambda entry: entry.id) :]:
            new = entry.id > self._read
            if not new and entry.id not in self._open:
                continue
            request = ParsedEntry(entry)
            if new:
                self._read = entry.id
                self._arrive(request)
            if entry.done:
                self._open.discard(entry.id)
                self._look(request)
                yield entry.size
                if self._beginnings != beginnings:
                    break
            else:
                self._open.add(entry.id)
        return self.findings

    def _all_checks(self) -> list[Check]:
        if self._checks is None:
            from mock_heidi.observing.checks import all_checks  # noqa: PLC0415 - a start does not need them

            self._checks = all_checks(self._keys, self._line)
        return self._checks

    def _arrive(self, request: ParsedEntry) -> None:
        for check in self._all_checks():
            check.arrive(request)

    def _look(self, request: ParsedEntry) -> None:
        def note(code: str, detail: str = "") -> None:
            new = code not in request.entry.findings
            self.findings.note(code, request.entry, detail)
            if new and self.watch is not None:
                self.watch(code, request.entry)

        for check in self._all_checks():
            check.look(request, note)
