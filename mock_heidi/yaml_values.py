"""Values of YAML nodes, without YAML's guesses: a plain scalar stays the text that its author sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mock_heidi.fixture_documents import FixtureError
from mock_heidi.slices import Work
from mock_heidi.yaml_nodes import (
    LIST,
    LIST_END,
    MAPPING,
    MAPPING_END,
    MAX_DEPTH,
    MAX_VALUES,
    SCALAR,
    Composer,
    Node,
    line_of,
)
from mock_heidi.yaml_scalars import Plain

# A text may have more values than bytes by so many: aliases share values, they do not multiply them.
_MAX_SHARED = 100_000
# These levels are read value by value: a body, the fixtures in it, and the lists of records in those.
_UPPER_LEVELS = 3
# What it costs to read one of the parser's events.
_EVENT = 500
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))


class Builder:
    """Turns nodes into values. Raises :class:`FixtureError` for the first mistake."""

    def __init__(self, name: str, size: int, most: int = MAX_VALUES) -> None:
        """``size`` is the length of the text in bytes; ``most`` is the number of values that it may have."""
        self.most = min(most, size + _MAX_SHARED)
        self.values = 0
        """The number of values so far."""
        self._name = name

    def build(self, node: Node, depth: int = 0) -> Any:
        """The value of a node, plain scalars as :class:`Plain`."""
        self.count(node, depth)
        if node.tag is not None and node.tag != "!":
            raise FixtureError([f"{self._at(node)}: the tag {node.tag!r} has no meaning here; remove it"])
        kind = type(node)
        if kind is SCALAR:
            if node.style:  # quoted or a block: text, whatever it looks like
                return node.value
            return None if node.value in _NULLS else Plain(node.value)
        if kind is MAPPING:
            return self._mapping(node, depth)
        return [self.build(item, depth + 1) for item in node.value]

    def count(self, node: Node, depth: int = 0) -> None:
        """Count a value. Raises :class:`FixtureError` if there are too many, or if it is too deep."""
        self.values += 1
        if depth > MAX_DEPTH or self.values > self.most:
            raise FixtureError([f"{self._at(node)}: too deep or too large; at most {MAX_DEPTH} levels are read"])

    def check_name(self, key: Node, known: Mapping[str, Any]) -> None:
        """Check that a field's name is text and new. Raises :class:`FixtureError`."""
        if type(key) is not SCALAR:
            raise FixtureError([f"{self._at(key)}: a field's name must be plain text"])
        if key.value in known:
            raise FixtureError([f"{self._at(key)}: {key.value}: stands here twice; remove one"])

    def _mapping(self, node: Node, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in node.value:
            self.check_name(key, values)
            values[key.value] = self.build(value, depth + 1)
        return values

    def _at(self, node: Node) -> str:
        return f"{self._name}:{line_of(node)}"


class PartReader:
    """Reads a text part by part: the upper levels value by value, a value below them in one go."""

    def __init__(self, composer: Composer, builder: Builder) -> None:
        self.mistake: FixtureError | None = None
        """The first mistake. It is raised at the end, because a syntax error further on comes first."""
        self._composer = composer
        self._builder = builder

    def value(self, event: Node, depth: int = 0) -> Work[Any]:
        """The value that an event begins."""
        kind, plain = type(event), getattr(event, "anchor", None) is None and getattr(event, "tag", None) is None
        if depth < _UPPER_LEVELS and plain and kind in (MAPPING, LIST):
            self._builder.count(event, depth)
            yield _EVENT
            return (yield from self._mapping(depth) if kind is MAPPING else self._list(depth))
        node = self._composer.whole(event, depth)
        yield _EVENT * (self._composer.most - self._composer.left)
        return self._build(node, depth)

    def _list(self, depth: int) -> Work[list[Any]]:
        values = []
        while type(event := self._composer.next()) is not LIST_END:
            values.append((yield from self.value(event, depth + 1)))
        return values

    def _mapping(self, depth: int) -> Work[dict[str, Any]]:
        values: dict[str, Any] = {}
        while type(event := self._composer.next()) is not MAPPING_END:
            key = self._composer.whole(event, depth + 1)
            value = yield from self.value(self._composer.next(), depth + 1)
            if self._is_name(key, values):
                values[key.value] = value
        return values

    def _is_name(self, key: Node, known: Mapping[str, Any]) -> bool:
        try:
            self._builder.check_name(key, known)
        except FixtureError as error:
            self.mistake = self.mistake or error
            return False
        return True

    def _build(self, node: Node, depth: int) -> Any:
        try:
            return None if self.mistake else self._builder.build(node, depth)
        except FixtureError as error:
            if self._builder.values > self._builder.most:
                raise  # the rest of a text that is too large is not read
            self.mistake = error
            return None
