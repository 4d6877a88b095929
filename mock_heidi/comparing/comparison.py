"""Compares traffic with the contract that holds under the assumptions that the traffic settles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from mock_heidi.base import contract
from mock_heidi.base.assumptions import DEFAULTS, Assumptions
from mock_heidi.base.contract_variants import changed
from mock_heidi.base.operations import OPERATIONS
from mock_heidi.comparing import streams
from mock_heidi.comparing.evidence import Evidence, gather
from mock_heidi.comparing.exchange import NOT_JSON, Exchange
from mock_heidi.comparing.walker import MISSING, NEW, Difference, Fields, Walker, no_fields

_JSON = "application/json"
STATUS, MEDIA_TYPE, BODY, STREAM = "status", "media_type", "body", "stream"
# A place with more new names than this is a map whose names are data.
_MOST_NAMES = 12
# The media types that may be named. Another one may hold a datum.
_KNOWN_TYPES = frozenset(
    f"{kind}/{name}"
    for kind, names in {
        "application": "json problem+json xml octet-stream x-ndjson pdf javascript",
        "text": "html plain event-stream xml csv",
    }.items()
    for name in names.split()
)


class Row(NamedTuple):
    """A difference: the operation and status, the kind, the place in the body and a note, all without values."""

    operation: str
    status: int
    kind: str
    place: str
    note: str


class Absent(NamedTuple):
    """A field that no answer had, and the number of objects that lacked it."""

    operation: str
    place: str
    required: bool
    objects: int


@dataclass
class Comparison:
    """The result: the evidence for assumptions, and the differences from the contract with their numbers."""

    mock: Assumptions
    """The values of the mock that the traffic is compared with."""
    exchanges: int
    evidence: list[Evidence]
    rows: Counter[Row] = field(default_factory=Counter)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    """The number of answers of each operation and status."""
    fields: dict[str, Fields] = field(default_factory=dict)
    """The fields of the successful answers of each operation."""
    unrecorded: int = 0
    """The number of answers whose body was not recorded."""

    @property
    def settled(self) -> list[Evidence]:
        """The assumptions for which all exchanges agree with one value."""
        return [one for one in self.evidence if len(one.values) == 1]

    @property
    def contradicted(self) -> list[Evidence]:
        """The assumptions for which exchanges contradict one another."""
        return [one for one in self.evidence if not one.values]

    @property
    def narrowed(self) -> list[Evidence]:
        """The assumptions for which more than one value is left."""
        return [one for one in self.evidence if len(one.values) > 1]

    @property
    def chosen(self) -> dict[str, Any]:
        """The settled values that differ from those of the mock, by name."""
        found = {one.assumption.name: one.values[0] for one in self.settled}
        return {name: value for name, value in found.items() if value != self.mock[name]}

    @property
    def choices(self) -> Mapping[str, Any]:
        """The values that the mock needs to behave like the traffic, where they differ from the defaults."""
        return self.mock.choose(self.chosen).chosen

    @cached_property
    def absent(self) -> list[Absent]:
        """The fields that no answer had, in the order of the contract."""
        return [
            Absent(operation, place, place in fields.required, count)
            for operation, fields in self.fields.items()
            for place, count in fields.possible.items()
            if not fields.came[place]
        ]

    def of(self, *kinds: str) -> list[tuple[Row, int]]:
        """The differences of these kinds, and how often each came, in the order of the operations."""
        order = list(OPERATIONS)
        found = [(row, count) for row, count in self.rows.items() if row.kind in kinds]
        return sorted(found, key=lambda one: (order.index(one[0].operation), one[0]))

    @property
    def differences(self) -> list[tuple[Row, int]]:
        """The differences other than new fields and fields that never came."""
        never = {(one.operation, one.place) for one in self.absent}
        kinds = {row.kind for row in self.rows} - {NEW}
        return [
            (row, count)
            for row, count in self.of(*kinds)
            if row.kind != MISSING or (row.operation, row.place) not in never or not _success(row.status)
        ]

    @property
    def drifted(self) -> bool:
        """True if the traffic differs from the mock."""
        lost = any(one.required for one in self.absent)
        ruled_out = any(self.mock[one.assumption.name] not in one.values for one in self.narrowed)
        return bool(ruled_out or self.chosen or self.contradicted or self.of(NEW) or self.differences or lost)


def compare(
    exchanges: Sequence[Exchange],
    mock: Assumptions = DEFAULTS,
    step: Callable[[int], object] = lambda _: None,
) -> Comparison:
    """The comparison of some exchanges with a mock that has these values.

    ``step`` is called with 1 twice for each exchange: once for the assumptions, once for the rest.
    """
    evidence, told = gather(exchanges, step)
    result = Comparison(mock, len(exchanges), evidence)
    disputed = {one.assumption.name for one in result.contradicted}
    contracts, choices = _Contracts(), result.choices
    for exchange, said in zip(exchanges, told, strict=True):
        step(1)
        # Where answers contradict one another, each is held to the value that it shows.
        own = {name: next(iter(values)) for name, values in said.items() if name in disputed and len(values) == 1}
        _hold(exchange, contracts.under({**choices, **own}), result)
    _fold_maps(result)
    return result


class _Contracts:
    """The contracts under the choices that were needed."""

    def __init__(self) -> None:
        self._made: dict[tuple[tuple[str, Any], ...], Mapping[str, Any]] = {}

    def under(self, choices: Mapping[str, Any]) -> Mapping[str, Any]:
        """The contract under some choices."""
        chosen = DEFAULTS.choose(choices)
        key = tuple(sorted(chosen.chosen.items()))
        if key not in self._made:
            self._made[key] = changed(chosen) if key else contract.loaded()
        return self._made[key]


def _success(status: int) -> bool:
    return status in range(200, 300)


def _hold(exchange: Exchange, whole: Mapping[str, Any], result: Comparison) -> None:
    """Note the differences of one exchange."""
    result.answers[exchange.operation, exchange.status] += 1
    seen = set()
    for one in _differences(exchange, whole, result):
        # A field that every row of a list lacks counts once for its answer.
        seen.add(Row(exchange.operation, exchange.status, one.kind, one.place, one.note))
    result.rows.update(seen)


def _differences(exchange: Exchange, whole: Mapping[str, Any], result: Comparison) -> Iterator[Difference]:
    responses = _responses(whole, exchange.operation)
    if str(exchange.status) not in responses:
        if not _of_any_path(exchange, whole):
            yield Difference(STATUS, "", f"the contract has {', '.join(responses)}" if responses else "no operation")
        return
    if exchange.body is None:
        result.unrecorded += 1
        return
    content = contract.resolve(responses[str(exchange.status)], whole).get("content", {})
    if exchange.media_type not in content:
        kind = exchange.media_type if exchange.media_type in _KNOWN_TYPES else "another one"
        yield Difference(MEDIA_TYPE, "", f"{kind}, where the contract has {' or '.join(content)}")
        if _JSON not in content or exchange.shown is NOT_JSON:
            return
        yield from _json(exchange, whole, content[_JSON]["schema"], result)
    elif exchange.media_type != _JSON:
        stream = whole["components"]["schemas"]["PieceStream"]
        found = streams.differences(
            exchange.body.decode("utf-8", "replace"), stream.get("x-framing", "sse"), escaped="x-escapes" not in stream
        )
        yield from (Difference(STREAM, "", note) for note in found)
    else:
        yield from _json(exchange, whole, content[_JSON]["schema"], result)


def _json(
    exchange: Exchange, whole: Mapping[str, Any], schema: Mapping[str, Any], result: Comparison
) -> Iterator[Difference]:
    if exchange.shown is NOT_JSON:
        yield Difference(BODY, "", "the body is empty" if not exchange.body else "the body is not JSON")
        return
    fields = result.fields.setdefault(exchange.operation, no_fields()) if exchange.ok else None
    yield from Walker(whole).differences(schema, exchange.shown, fields)


def _responses(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The responses of an operation; empty if the contract does not have it under its assumptions."""
    method, path = OPERATIONS[name].request.split()
    found: Mapping[str, Any] = whole["paths"].get(path, {}).get(method.lower(), {}).get("responses", {})
    return found


def _of_any_path(exchange: Exchange, whole: Mapping[str, Any]) -> bool:
    """True for an answer that any path may have: a redirect or a 404 for slashes, and a 405."""
    slashes = "//" in exchange.path or exchange.path.endswith("/")
    removed = not _responses(whole, exchange.operation)
    return (slashes and (exchange.redirected or exchange.error == "NotFoundError")) or (
        removed and exchange.error == "MethodNotAllowedError"
    )


def _fold_maps(result: Comparison) -> None:
    """Replace the names of new fields by their number where a place has too many of them."""
    places: Counter[tuple[str, int, str]] = Counter()
    new = [row for row in result.rows if row.kind == NEW]
    for row in new:
        places[row.operation, row.status, row.place.rpartition(".")[0]] += 1
    for row in new:
        place = row.place.rpartition(".")[0]
        number = places[row.operation, row.status, place]
        if number > _MOST_NAMES:
            count = result.rows.pop(row)
            folded = row._replace(place=f"{place}.<{number} names>".lstrip("."), note="values of a map")
            result.rows[folded] = max(result.rows[folded], count)
