"""The active faults of a namespace. They match requests and count their hits."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain, count
from typing import Any

from mock_heidi.base.everything import Everything
from mock_heidi.base.operations import CODERS, STREAMS, WRITERS
from mock_heidi.base.path_patterns import PathPattern
from mock_heidi.faults.effects import ANSWERS
from mock_heidi.faults.fields import Quota
from mock_heidi.faults.request_facts import RequestFacts
from mock_heidi.faults.rule import STREAM_EFFECTS, TEXT_FAULTS, Fault
from mock_heidi.faults.short_form import FaultError
from mock_heidi.state.clock import precise
from mock_heidi.state.ids import Chance
from mock_heidi.state.stubs import matches as body_matches

MOST_RULES = 1_000
_MOST_BYTES = 16_000_000


class ActiveFault:
    """A fault that is set, with its id and its hits."""

    __slots__ = ("_as_set", "_ends", "_path", "_size", "dead", "fault", "hits", "id", "matched", "window")

    def __init__(self, id: str, fault: Fault) -> None:  # noqa: A002 - its name in the control API
        self.id = id
        self.fault = self._as_set = fault
        self.hits = 0
        """The number of responses that it has changed."""
        self.matched = 0
        """The number of requests that it has matched."""
        self.dead: set[bytes] = set()
        """The hashes of the tokens that it has expired or revoked."""
        self.window: tuple[int, int] = (0, 0)
        """The start of the quota's window, in ms since 1970, and the number of requests in it."""
        self._ends = None if fault.ttl is None else precise() + fault.ttl
        self._size: int | None = None
        self._path = None if fault.path is None else PathPattern(fault.path)

    @property
    def over(self) -> bool:
        """True if its time to live has passed."""
        return self._ends is not None and precise() >= self._ends

    @property
    def size(self) -> int:
        """The length of its JSON, in characters."""
        if self._size is None:
            self._size = len(json.dumps(self.fault.model_dump(), ensure_ascii=False))
        return self._size

    def to_dict(self) -> dict[str, Any]:
        """Its fields as JSON values, with its id, its hits and the number of matched requests."""
        return {**self.fault.model_dump(), "id": self.id, "hits": self.hits, "matched": self.matched}

    def fresh(self) -> ActiveFault:
        """The same fault without hits."""
        made = ActiveFault(self.id, self.fault)
        made._as_set, made._size = self._as_set, self._size
        return made

    @property
    def enabled(self) -> bool:
        """False if it is switched off."""
        return self.fault.enabled is not False

    def switch(self, *, on: bool) -> None:
        """Switch the fault on or off. Its hits stay."""
        self.fault = self.fault.replace(enabled=None if on else False)

    def is_one_of(self, faults: Mapping[str, Fault]) -> bool:
        """True if it was set as one of these faults by key, whether it has been switched since or not."""
        return faults.get(self._as_set.key) == self._as_set

    def matches(self, request: RequestFacts) -> bool:
        """True if the fault is for this request."""
        fault = self.fault
        return (
            (fault.operation is None or request.operation in fault.operation)
            and fault.method in (None, request.method)
            and (self._path is None or self._path.matches(request.path))
            and fault.session_id in (None, request.session_id)
            and (fault.header is None or request.has(fault.header))
            and (fault.match is None or body_matches(fault.match, request.body))
            and self._works_on(request.operation)
            and (request.token_counts or not fault.ends_token)
        )

    def _works_on(self, operation: str | None) -> bool:
        """True if its effects work on this operation."""
        fault = self.fault
        if fault.given(STREAM_EFFECTS) and operation not in STREAMS:
            return False
        text, codes = bool(fault.given(TEXT_FAULTS[:-1])), bool(fault.given(TEXT_FAULTS[-1:]))
        return not (text or codes) or (text and operation in WRITERS) or (codes and operation in CODERS)

    def turn(self, chance: Chance) -> bool:
        """True if the fault is due for this request. Counts the request."""
        fault = self.fault
        self.matched += 1
        late = self.matched - 1 - (fault.after or 0)
        return (
            late >= 0
            and late % (fault.every or 1) == 0
            and (fault.nth is None or self.matched in fault.nth)
            and (fault.times is None or self._used < fault.times)
            and (fault.probability is None or chance.random() < fault.probability)
        )

    @property
    def _used(self) -> int:
        """The number of ``times`` that are used up. The same token does not count twice."""
        return len(self.dead) if self.fault.ends_token else self.hits

    def within(self, quota: Quota, now: int) -> bool:
        """True if one more request is within the quota. Counts it. ``now`` is in ms since 1970."""
        begun, count = self.window
        if not begun <= now < begun + quota.seconds * 1000:
            begun, count = now, 0
        self.window = (begun, count + 1)
        return count < quota.requests

    def frees_in(self, quota: Quota, now: int) -> float:
        """Seconds until the quota's window ends."""
        return max(0.0, self.window[0] / 1000 + quota.seconds - now / 1000)


class ActiveFaults:
    """The active faults of a namespace, in the order in which they are tried."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._made = 0
        self._active: list[ActiveFault] = []
        self.extend(faults)

    def _put(self, active: list[ActiveFault]) -> None:
        self._active = active
        # Most requests only test this set. A fault without operations is for all operations. So is a fault that ends
        # tokens, since an ended token fails on every operation.
        enabled = [one for one in active if one.enabled]
        named = [one.fault.operation for one in enabled]
        for_all = None in named or any(one.fault.ends_token for one in enabled)
        self.operations: Container[str | None] = (
            Everything() if for_all else frozenset(chain.from_iterable(filter(None, named)))
        )
        """The operations that a fault may be for."""

    def __iter__(self) -> Iterator[ActiveFault]:
        return iter(tuple(one for one in self._active if not one.over))

    def __len__(self) -> int:
        return len(self._active)

    def add(self, fault: Fault) -> ActiveFault:
        """Add a fault at the end. Raises :class:`FaultError` if its id is taken or there are too many."""
        return self.extend([fault])[0]

    def extend(self, faults: Iterable[Fault]) -> list[ActiveFault]:
        """Add faults at the end. If one raises :class:`FaultError`, none is added."""
        return self._add(list(self), faults)

    def replace(self, faults: Iterable[Fault]) -> None:
        """Replace all faults. If one raises :class:`FaultError`, the old faults stay."""
        self._add([], faults)

    def _add(self, active: list[ActiveFault], faults: Iterable[Fault]) -> list[ActiveFault]:
        """Activate ``faults`` after the active ones. Returns the new active faults."""
        number, before = self._made, len(active)
        taken, size = {one.id for one in active}, sum(one.size for one in active)
        for fault in faults:
            if len(active) >= MOST_RULES:
                raise FaultError(f"there are {MOST_RULES} rules already", "DELETE /_mock/faults makes room")
            if fault.id in taken:
                raise FaultError(f"there is a rule {fault.id!r} already", "remove it first, or choose another id")
            if fault.id is None:
                number = next(free for free in count(number + 1) if f"fault-{free}" not in taken)
            active.append(ActiveFault(fault.id or f"fault-{number}", fault))
            taken.add(active[-1].id)
            size += active[-1].size
            if size > _MOST_BYTES:
                raise FaultError(f"the rules have more than {_MOST_BYTES:,} bytes", "DELETE /_mock/faults makes room")
        self._made = number
        self._put(active)
        return active[before:]

    def copy(self) -> ActiveFaults:
        """The same faults without hits."""
        other = ActiveFaults()
        other._put([one.fresh() for one in self])
        other._made = self._made
        return other

    def remove(self, id: str | None = None) -> int:  # noqa: A002 - as above
        """Remove the fault with that id, or all. Returns the number of removed faults."""
        before = len(self._active)
        self._put([one for one in self._active if id is not None and one.id != id])
        return before - len(self._active)

    def forget(self, faults: Iterable[Fault]) -> None:
        """Remove these faults."""
        gone = {fault.key: fault for fault in faults}
        if gone:
            self._put([one for one in self._active if not one.is_one_of(gone)])

    def switch(self, active: ActiveFault, *, on: bool) -> None:
        """Switch one of these faults on or off. It keeps its place and its hits."""
        active.switch(on=on)
        self._put(self._active)

    def find(self, id: str) -> ActiveFault | None:  # noqa: A002 - as above
        return next((one for one in self if one.id == id), None)

    @property
    def look_into_bodies(self) -> bool:
        """True if a fault needs the body of a request."""
        return any(one.fault.match is not None for one in self._active)

    def choose(
        self, request: RequestFacts, now: int, chance: Chance, first: Sequence[ActiveFault] = ()
    ) -> list[ActiveFault]:
        """The faults for this request up to the first that gives a whole response. Counts a hit for each.

        ``first`` are tried before the faults of the namespace. ``now`` is in ms since 1970. The caller takes back
        the hit of a fault that changes nothing.
        """
        chosen = []
        for active in (*first, *self):
            fault = active.fault
            if not active.enabled:
                continue
            # An ended token fails on every operation.
            if active.dead and request.token_counts and request.token in active.dead:
                active.matched += active.matches(request)
            elif (
                not active.matches(request)
                or not active.turn(chance)
                or (fault.quota is not None and active.within(fault.quota, now))
            ):
                continue
            elif fault.ends_token:
                active.dead.add(request.token)
            active.hits += 1
            chosen.append(active)
            if fault.given(ANSWERS):
                break
        return chosen
