"""``Watch``: the Heidis of a test while it runs. It sets their assumptions and reads their requests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any, Unpack

from mock_heidi.client.handle import Handle
from mock_heidi.client.namespace_options import NamespaceOptions
from mock_heidi.variants.choice import Variant
from mock_heidi.variants.run import Row, answering, last_request, requests_since, settled_names

_START, _END = "variants-start", "variants-end"


class Watch:
    """The open Heidis of a server. Those that several tests share are as before after the repeated runs of a test."""

    def __init__(self) -> None:
        self._open: list[_Watched] = []
        self._variant: Variant | None = None
        self._requests: list[Row] = []
        self._settled: frozenset[str] = frozenset()
        self._repeats = False

    def server(self, server: Handle, *, shared: bool) -> Handle:
        """A handle of the same server that reports what happens to it, and so do the namespaces that it makes.

        Unless other runs share the server, its default namespace is watched too.
        """

        class Reporting(Handle):
            def namespace(self, name: str, **options: Unpack[NamespaceOptions]) -> Handle:
                chosen = options.get("assume") or {}
                options["assume"] = {**watch.assumed, **chosen}
                made = super().namespace(name, **options)
                watch.opened(made, chosen)
                return made

            def control(self, method: str, path: str, body: Any = None) -> Any:
                if (method == "POST" and "reset" in path) or (method == "DELETE" and "requests" in path):
                    with watch.clearing(self):
                        return super().control(method, path, body)
                return super().control(method, path, body)

            def close(self) -> None:
                watch.closing(self)
                super().close()

        Reporting.__name__ = Handle.__name__  # its repr stands in reports of failures
        watch = self
        made = Reporting(server.url, api_key=server.api_key)
        if not shared:
            self.opened(made)
        return made

    # --- What a test does with its Heidis ---

    @property
    def assumed(self) -> dict[str, Any]:
        """The values with which a new namespace begins."""
        return {} if self._variant is None else {self._variant.name: self._variant.value}

    def opened(self, heidi: Handle, chosen: Iterable[str] = ()) -> None:
        """Watch a Heidi; ``chosen`` are the assumptions that the test has chosen for it."""
        watched = _Watched(heidi, frozenset(chosen))
        watched.choose(self._variant)
        self._open.append(watched)

    @contextlib.contextmanager
    def clearing(self, heidi: Handle) -> Iterator[None]:
        """Read the requests before a ``with`` that clears them. It may also reset the assumptions."""
        found = [one for one in self._open if one.heidi is heidi]
        for watched in found:
            self._read(watched)
        yield
        for watched in found:
            watched.last = last_request(heidi)
            watched.choose(self._variant)

    def closing(self, heidi: Handle) -> None:
        """Read the requests of a Heidi that is about to close."""
        for watched in [one for one in self._open if one.heidi is heidi]:
            self._open.remove(watched)
            self._read(watched)

    # --- The runs ---

    def begin(self, variant: Variant | None) -> None:
        """Begin a run under a variant, or under the defaults."""
        self._variant, self._requests, self._settled = variant, [], frozenset()
        for watched in self._open:
            watched.last = last_request(watched.heidi)
            watched.choose(variant)

    def end(self) -> tuple[list[Row], frozenset[str]]:
        """End a run. Returns its requests, and the assumptions whose values the test or the user has chosen."""
        for watched in self._open:
            self._read(watched)
            watched.end()
        self._variant = None
        return self._requests, self._settled

    def _read(self, watched: _Watched) -> None:
        requests = requests_since(watched.heidi, watched.last)
        self._requests += requests
        if requests and self._variant is None:
            self._settled |= watched.chosen | settled_names(watched.heidi)

    # --- The states between the runs ---

    def keep_start(self) -> None:
        """Keep the states with which a test begins, before its first run."""
        for watched in self._open if not self._repeats else ():
            watched.keep(_START)

    @contextlib.contextmanager
    def repeating(self) -> Iterator[None]:
        """Restore the present states after the repeated runs in a ``with``."""
        kept = list(self._open)
        for watched in kept:
            watched.keep(_END)
        self._repeats = True
        try:
            yield
        finally:
            self._repeats = False
            for watched in kept:
                watched.restore(_END)
                watched.forget()

    def restore_start(self) -> None:
        """Restore the states with which the test began."""
        for watched in self._open:
            watched.restore(_START)


class _Watched:
    """An open Heidi, its last request before the run, and its value of the varied assumption before."""

    def __init__(self, heidi: Handle, chosen: frozenset[str]) -> None:
        self.heidi = heidi
        self.chosen = chosen
        self.last = 0
        self._before: dict[str, Any] = {}
        self._kept: set[str] = set()

    def choose(self, variant: Variant | None) -> None:
        """Choose the value of a variant."""
        if variant is None:
            return
        with answering():
            (row,) = [row for row in self.heidi.assume() if row["name"] == variant.name]
            begun_with_it = row["value"] == variant.value
            self._before = {variant.name: row["default"] if begun_with_it else row["value"]}
            if not begun_with_it:
                self.heidi.assume(**{variant.name: variant.value})

    def end(self) -> None:
        """Choose the value that was there before the run."""
        before, self._before = self._before, {}
        if before:
            with answering():
                self.heidi.assume(**before)

    def keep(self, name: str) -> None:
        with answering():
            self.heidi.snapshot(name)
            self._kept.add(name)

    def restore(self, name: str) -> None:
        if name in self._kept and not self.heidi.closed:
            with answering():
                self.heidi.restore(name)

    def forget(self) -> None:
        """Delete what was kept."""
        kept, self._kept = self._kept, set()
        for name in kept if not self.heidi.closed else ():
            with answering():
                self.heidi.control("DELETE", f"/snapshots/{name}")
