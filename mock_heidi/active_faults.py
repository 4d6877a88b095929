"""Faults in use: which requests they fit, whose turn it is, and what they have done so far."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import chain, count
from typing import Any, NamedTuple

from mock_heidi.clock import precise
from mock_heidi.effects import ANSWERS
from mock_heidi.everything import Everything
from mock_heidi.fault_fields import Quota
from mock_heidi.faults import CLINICAL, STREAM_EFFECTS, Fault, FaultError
from mock_heidi.ids import Chance
from mock_heidi.operations import CODERS, SIGN_IN, STREAMS, WRITERS
from mock_heidi.path_patterns import PathPattern
from mock_heidi.settings import BASE_PATH
from mock_heidi.stubs import matches

MOST_RULES = 1_000
_MOST_BYTES = 16_000_000
_DEATHS = ("expire_token", "revoke_token")


class Asked(NamedTuple):
    """The parts of a request that rules look at; ``body`` is called for those rules that want to see one."""

    operation: str | None
    method: str
    path: str
    session_id: str | None
    headers: Sequence[tuple[bytes, bytes]]
    body: Any = None

    def has(self, wanted: Mapping[str, str]) -> bool:
        given = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.headers]
        return all(any(name == one and text in ("*", value) for one, value in given) for name, text in wanted.items())

    @property
    def token(self) -> bytes:
        """The mark of the bearer token."""
        given = [value for name, value in self.headers if name == b"authorization"]
        return token_mark(given[-1] if given else None)

    @property
    def token_counts(self) -> bool:
        """True if it has a token that is checked: signing in and unknown paths need no token."""
        return self.operation not in (None, SIGN_IN) and self.token != b""


def token_mark(authorization: bytes | None) -> bytes:
    """A mark of a bearer token, the same however its header is written; empty without a header."""
    return b"" if authorization is None else sha256(authorization.strip().rpartition(b" ")[2]).digest()


class Rule:
    """A fault in use: its id and what it has done so far."""

    __slots__ = ("_ends", "_path", "_size", "dead", "fault", "hits", "id", "matched", "window")

    def __init__(self, id: str, fault: Fault) -> None:  # noqa: A002 - what the control plane calls it
        self.id = id
        self.fault = fault
        self.hits = 0
        """The number of answers it has shaped."""
        self.matched = 0
        """The number of requests it has fitted."""
        self.dead: set[bytes] = set()
        """The tokens that it has made worthless."""
        self.window: tuple[int, int] = (0, 0)
        """The beginning of the quota's window, in ms since 1970, and how many requests came in it."""
        self._ends = None if fault.ttl is None else precise() + fault.ttl
        self._size: int | None = None
        self._path = None if fault.path is None else PathPattern(fault.path)

    @property
    def over(self) -> bool:
        """True if its time to live is over."""
        return self._ends is not None and precise() >= self._ends

    @property
    def size(self) -> int:
        """The length of its JSON, in characters."""
        if self._size is None:
            self._size = len(json.dumps(self.fault.model_dump(), ensure_ascii=False))
        return self._size

    def shown(self) -> dict[str, Any]:
        return {**self.fault.model_dump(), "id": self.id, "hits": self.hits, "matched": self.matched}

    def fresh(self) -> Rule:
        """The same rule, which has done nothing yet."""
        made = Rule(self.id, self.fault)
        made._size = self._size
        return made

    def fits(self, asked: Asked) -> bool:
        """True if it is for requests like this one."""
        fault = self.fault
        return (
            (fault.operation is None or asked.operation in fault.operation)
            and fault.method in (None, asked.method)
            and (self._path is None or self._path.matches(asked.path))
            and fault.session_id in (None, asked.session_id)
            and (fault.header is None or asked.has(fault.header))
            and (fault.match is None or matches(fault.match, asked.body))
            and self._placed(asked.operation)
            and (asked.token_counts or not fault.given(_DEATHS))
        )

    def _placed(self, operation: str | None) -> bool:
        """A rule for any operation fits only those that its effects are for."""
        fault = self.fault
        if fault.given(STREAM_EFFECTS) and operation not in STREAMS:
            return False
        text, codes = bool(fault.given(CLINICAL[:-1])), bool(fault.given(CLINICAL[-1:]))
        return not (text or codes) or (text and operation in WRITERS) or (codes and operation in CODERS)

    def turn(self, chance: Chance) -> bool:
        """True if it is this request's turn; counts the request."""
        fault = self.fault
        self.matched += 1
        late = self.matched - 1 - (fault.after or 0)
        return (
            late >= 0
            and late % (fault.every or 1) == 0
            and (fault.nth is None or self.matched in fault.nth)
            and (fault.times is None or self._taken < fault.times)
            and (fault.probability is None or chance.random() < fault.probability)
        )

    @property
    def _taken(self) -> int:
        """The number of ``times`` that are used up. A repeated dead token does not count."""
        return len(self.dead) if self.fault.given(_DEATHS) else self.hits

    def within(self, quota: Quota, now: int) -> bool:
        """True if one more request is within the quota; counts it. ``now`` in ms since 1970."""
        begun, count = self.window
        if not begun <= now < begun + quota.seconds * 1000:
            begun, count = now, 0
        self.window = (begun, count + 1)
        return count < quota.requests

    def frees_in(self, now: int) -> float:
        """Seconds until the quota's window ends."""
        quota = self.fault.quota
        return 0.0 if quota is None else max(0.0, self.window[0] / 1000 + quota.seconds - now / 1000)


def below_base(path: str) -> str:
    """A path below the API's base, or the whole of one that is not below it; doubled slashes count for nothing."""
    path = "/" + "/".join(part for part in path.split("/") if part)
    _, base, below = path.partition(BASE_PATH)
    return below or "/" if base else path


class Faults:
    """The rules of one namespace, in the order in which they are tried."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._made = 0
        self._put([])
        self.extend(faults)

    def _put(self, rules: list[Rule]) -> None:
        self._rules = rules
        # What most requests ask of the rules: whether any is for their operation. One that does not name its
        # operations, or whose dead tokens are dead everywhere, is for all.
        named = [rule.fault.operation for rule in rules]
        deadly = any(rule.fault.expire_token or rule.fault.revoke_token for rule in rules)
        for_all = deadly or None in named
        self.operations: Container[str | None] = (
            Everything() if for_all else frozenset(chain.from_iterable(filter(None, named)))
        )
        """The operations that any rule may be for."""

    def __iter__(self) -> Iterator[Rule]:
        return iter(tuple(rule for rule in self._rules if not rule.over))

    def __len__(self) -> int:
        return len(self._rules)

    def add(self, fault: Fault) -> Rule:
        """Put a rule at the end; :class:`FaultError` where its id is taken or there are too many."""
        return self.extend([fault])[0]

    def extend(self, faults: Iterable[Fault]) -> list[Rule]:
        """Put rules at the end, or none where one cannot be."""
        rules, number = list(self), self._made
        before = len(rules)
        taken, size = {rule.id for rule in rules}, sum(rule.size for rule in rules)
        for fault in faults:
            if len(rules) >= MOST_RULES:
                raise FaultError(f"there are {MOST_RULES} rules already; DELETE /_mock/faults makes room")
            if fault.id in taken:
                raise FaultError(f"there is a rule {fault.id!r} already; remove it first, or choose another id")
            if fault.id is None:
                number = next(free for free in count(number + 1) if f"fault-{free}" not in taken)
            rules.append(Rule(fault.id or f"fault-{number}", fault))
            taken.add(rules[-1].id)
            size += rules[-1].size
            if size > _MOST_BYTES:
                raise FaultError(f"the rules have more than {_MOST_BYTES:,} bytes; DELETE /_mock/faults makes room")
        self._made = number
        self._put(rules)
        return rules[before:]

    def replace(self, faults: Sequence[Fault]) -> None:
        """Put other rules in the place of all, or none where one cannot be."""
        fresh = Faults()
        fresh._made = self._made
        fresh.extend(faults)
        self._made = fresh._made
        self._put(fresh._rules)

    def copy(self) -> Faults:
        """The same rules, of which none has done anything yet."""
        other = Faults()
        other._put([rule.fresh() for rule in self])
        other._made = self._made
        return other

    def remove(self, id: str | None = None) -> int:  # noqa: A002 - as above
        """Forget one, or all; how many there were."""
        before = len(self._rules)
        self._put([rule for rule in self._rules if id is not None and rule.id != id])
        return before - len(self._rules)

    def forget(self, faults: Iterable[Fault]) -> None:
        """Have none of these any more."""
        gone = {fault.key: fault for fault in faults}
        if gone:
            self._put([rule for rule in self._rules if gone.get(rule.fault.key) != rule.fault])

    def find(self, id: str) -> Rule | None:  # noqa: A002 - as above
        return next((rule for rule in self if rule.id == id), None)

    @property
    def look_into_bodies(self) -> bool:
        """True if a rule wants to see the body of a request."""
        return any(rule.fault.match is not None for rule in self._rules)

    def choose(self, asked: Asked, now: int, chance: Chance, first: Sequence[Rule] = ()) -> list[Rule]:
        """The rules that shape this answer, each with a hit: those before the first that answers, and that one.

        ``first`` are tried before the namespace's own. Whoever finds that a rule had nothing to shape gives its hit
        back. ``now`` is in ms since 1970.
        """
        chosen = []
        for rule in (*first, *self):
            fault = rule.fault
            # A dead token is dead everywhere, whatever it met its end with.
            if rule.dead and asked.token_counts and asked.token in rule.dead:
                rule.matched += rule.fits(asked)
            elif (
                not rule.fits(asked)
                or not rule.turn(chance)
                or (fault.quota is not None and rule.within(fault.quota, now))
            ):
                continue
            elif fault.given(_DEATHS):
                rule.dead.add(asked.token)
            rule.hits += 1
            chosen.append(rule)
            if fault.given(ANSWERS):
                break
        return chosen
