"""YAML as its author sees it: unquoted ids and dates stay text, and every value's line can be found.

A text is read from its parser's events, and of a list one item at a time: nothing is kept that was passed on.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO, TypeAlias

import yaml
from yaml.composer import ComposerError

from mock_heidi.fixture_documents import FixtureError, Steps
from mock_heidi.slices import Work
from mock_heidi.yaml_scalars import Plain, resolve

_MAX_DEPTH = 64
_TOO_DEEP = f"nested deeper than {_MAX_DEPTH} levels"
# What libyaml says since PyYAML 6.0.4; it looks ahead, so it can refuse before any event shows the depth.
_TOO_DEEP_FOR_LIBYAML = "exceeded maximum nesting depth"
_MAX_VALUES = 5_000_000
# Of a body, which others wait for; a field and its value need more bytes than 16.
_MAX_BODY_VALUES = 1_000_000
# Of what is read in one go: more than any record has.
_MOST_AT_ONCE = 100_000
# A body, the fixtures in it, and the lists of records in those.
_UPPER_LEVELS = 3
# What it costs to read one of the parser's events.
_EVENT = 500
# Beyond their own length, texts may grow by so many values: aliases are for sharing, not for bombs.
_MAX_SHARED = 100_000
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
# Any, since nodes are events that have more than PyYAML gave them.
_SCALAR: Any = yaml.ScalarEvent
_ALIAS: Any = yaml.AliasEvent
_LIST: Any = yaml.SequenceStartEvent
_LIST_END: Any = yaml.SequenceEndEvent
_MAPPING: Any = yaml.MappingStartEvent
_MAPPING_END: Any = yaml.MappingEndEvent
_END: Any = yaml.StreamEndEvent
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))

# A node is the event that begins it; of a list or mapping, its ``value`` is then what it holds.
Node: TypeAlias = Any


class YamlText:
    """A YAML text, or the file that holds one. It is read anew each time it is asked for something."""

    def __init__(self, source: bytes | Path, name: str) -> None:
        self.source = source
        self.name = name
        self._size = 0

    def values(self) -> Any:
        """The value of the text, plain scalars as :class:`Plain`; for a list an iterator that reads on as it goes."""
        nodes = self._nodes()
        root = next(nodes, None)
        if root is None:
            return None
        builder = _Builder(self.name, self._size)
        return self._items(root, nodes, builder) if _is_read_by_item(root) else builder.build(root)

    def parsing(self) -> Work[Any]:
        """The value of the text, read part by part."""
        reading: _Reading | None = None
        value = None
        with self._worded(), self._open() as file:
            composer = _Composer(_stream(file), _MOST_AT_ONCE)
            document = composer.begin()
            if document is not None:
                reading = _Reading(composer, _Builder(self.name, self._size, _MAX_BODY_VALUES))
                value = yield from reading.value(composer.next(), 0)
                composer.end(document)
        if reading is not None and reading.mistake is not None:
            raise reading.mistake
        return value

    def problems(self) -> list[str]:
        """The reasons that it cannot be read; empty if it can."""
        try:
            values = self.values()
            for _ in values if isinstance(values, Iterator) else ():
                pass
        except FixtureError as error:
            return error.problems
        return []

    def lines(self, wanted: Collection[Steps]) -> dict[Steps, int]:
        """The lines of the deepest parts of these places that are there; nothing where the text holds nothing."""
        nodes = self._nodes()
        root = next(nodes, None)
        if root is None:
            return {}
        lines = {steps: _find(root, steps) for steps in wanted}
        by_item: dict[str | int, list[Steps]] = {}
        for steps in wanted:
            by_item.setdefault(steps[0] if steps else "", []).append(steps)
        for number, node in enumerate(nodes):
            lines |= {steps: _find(node, steps[1:]) for steps in by_item.get(number, ())}
        return lines

    def _items(self, root: Node, nodes: Iterator[Node], builder: _Builder) -> Iterator[Any]:
        """A mistake in an item is told when the rest has been seen: what is no YAML at all comes first."""
        problem = None
        try:
            builder.build(root)
        except FixtureError as error:
            problem = error
        for node in nodes:
            if problem is None:
                try:
                    value = builder.build(node, 1)
                except FixtureError as error:
                    problem = error
                else:
                    yield value
        if problem is not None:
            raise problem

    def _nodes(self) -> Iterator[Node]:
        """The root, and of a list, which comes empty, then its items; nothing where the text holds nothing."""
        with self._worded(), self._open() as file:
            yield from _compose(_stream(file))

    @contextlib.contextmanager
    def _worded(self) -> Iterator[None]:
        """Says in our own words why a text cannot be read."""
        try:
            yield
        except OSError as error:
            raise FixtureError([f"{self.name}:1: file: cannot be read: {error.strerror}"]) from None
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            reason = _TOO_DEEP if error.problem == _TOO_DEEP_FOR_LIBYAML else error.problem or error.context
            raise FixtureError([f"{self.name}:{line}: no valid YAML: {reason}"]) from None
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
            reason = " ".join(str(error).split())
            raise FixtureError([f"{self.name}:1: no valid YAML: {reason}"]) from None

    def _open(self) -> BinaryIO:
        file: BinaryIO = io.BytesIO(self.source) if isinstance(self.source, bytes) else self.source.open("rb")
        self._size = file.seek(0, io.SEEK_END)
        file.seek(0)
        return file


def _stream(file: BinaryIO) -> Any:
    # The name that PyYAML's own messages give to bytes.
    return SimpleNamespace(read=file.read, name="<byte string>")


def _is_read_by_item(node: Node) -> bool:
    """True for a list; one with an anchor might hold itself, so it does not count."""
    return type(node) is _LIST and node.anchor is None


def _compose(stream: Any) -> Iterator[Node]:
    composer = _Composer(stream)
    document = composer.begin()
    if document is None:
        return
    root = composer.next()
    if _is_read_by_item(root):
        root.value = []
        yield root
        while type(event := composer.next()) is not _LIST_END:
            yield composer.whole(event, 1)
        composer.end(document)
    else:
        composer.whole(root, 0)
        composer.end(document)
        yield root


class _Composer:
    """Makes nodes of a parser's events. PyYAML's own one in C recurses until the process dies."""

    def __init__(self, stream: Any, most: int = _MAX_VALUES) -> None:
        """``most`` values are read in one go."""
        self.next: Callable[[], Node] = _LOADER(stream).get_event
        self.anchors: dict[str, Node] = {}
        self.most = most
        self.left = most

    def whole(self, event: Node, depth: int) -> Node:
        """The node that an event begins."""
        self.left = self.most
        return self.compose(event, depth)

    def begin(self) -> Node:
        """The start of the document, None where there is none."""
        self.next()
        event = self.next()
        return None if type(event) is _END else event

    def end(self, document: Node) -> None:
        self.next()
        event = self.next()
        if type(event) is not _END:
            context, problem = "expected a single document in the stream", "but found another document"
            raise ComposerError(context, document.start_mark, problem, event.start_mark)

    def compose(self, event: Node, depth: int = 0) -> Node:
        if depth > _MAX_DEPTH:
            raise ComposerError(None, None, _TOO_DEEP, event.start_mark)
        self.left -= 1
        if self.left < 0:
            raise ComposerError(None, None, f"more than {self.most:,} values in one record", event.start_mark)
        kind = type(event)
        if kind is _ALIAS:
            return self._shared(event)
        if event.anchor is not None:
            self._remember(event)
        if kind is _MAPPING:
            event.value = pairs = []
            while type(key := self.next()) is not _MAPPING_END:
                pairs.append((self.compose(key, depth + 1), self.compose(self.next(), depth + 1)))
        elif kind is _LIST:
            event.value = items = []
            while type(item := self.next()) is not _LIST_END:
                items.append(self.compose(item, depth + 1))
        return event

    def _shared(self, alias: Node) -> Node:
        if alias.anchor not in self.anchors:
            raise ComposerError(None, None, f"found undefined alias {alias.anchor!r}", alias.start_mark)
        return self.anchors[alias.anchor]

    def _remember(self, event: Node) -> None:
        first: Node = self.anchors.setdefault(event.anchor, event)
        if first is not event:
            context = f"found duplicate anchor {event.anchor!r}; first occurrence"
            raise ComposerError(context, first.start_mark, "second occurrence", event.start_mark)


class _Builder:
    """Turns nodes into values without YAML's guesses: a plain scalar stays the text its author saw."""

    def __init__(self, name: str, size: int, most: int = _MAX_VALUES) -> None:
        self.name = name
        self.values = 0
        self.most = min(most, size + _MAX_SHARED)

    def count(self, node: Node, depth: int = 0) -> None:
        """Count a value; a :class:`FixtureError` where it is one too many, or too deep."""
        self.values += 1
        if depth > _MAX_DEPTH or self.values > self.most:
            raise FixtureError([f"{self._at(node)}: too deep or too large; at most {_MAX_DEPTH} levels are read"])

    def build(self, node: Node, depth: int = 0) -> Any:
        self.count(node, depth)
        if node.tag is not None and node.tag != "!":
            raise FixtureError([f"{self._at(node)}: the tag {node.tag!r} has no meaning here; remove it"])
        kind = type(node)
        if kind is _SCALAR:
            if node.style:  # quoted or a block: text, whatever it looks like
                return node.value
            return None if node.value in _NULLS else Plain(node.value)
        if kind is _MAPPING:
            return self._mapping(node, depth)
        return [self.build(item, depth + 1) for item in node.value]

    def _mapping(self, node: Node, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in node.value:
            self.check_name(key, values)
            values[key.value] = self.build(value, depth + 1)
        return values

    def check_name(self, key: Node, known: Mapping[str, Any]) -> None:
        """Refuse a field's name that is no text, or is there already."""
        if type(key) is not _SCALAR:
            raise FixtureError([f"{self._at(key)}: a field's name must be plain text"])
        if key.value in known:
            raise FixtureError([f"{self._at(key)}: {key.value}: stands here twice; remove one"])

    def _at(self, node: Node) -> str:
        return f"{self.name}:{node.start_mark.line + 1}"


class _Reading:
    """Reads a text part by part: the upper levels value by value, what stands below them as a whole."""

    def __init__(self, composer: _Composer, builder: _Builder) -> None:
        self.composer = composer
        self.builder = builder
        self.mistake: FixtureError | None = None
        """The first mistake. It is told when the rest has been seen: what is no YAML at all comes first."""

    def value(self, event: Node, depth: int) -> Work[Any]:
        """The value that an event begins."""
        kind, plain = type(event), getattr(event, "anchor", None) is None and getattr(event, "tag", None) is None
        if depth < _UPPER_LEVELS and plain and kind in (_MAPPING, _LIST):
            self.builder.count(event, depth)
            yield _EVENT
            return (yield from self._mapping(depth) if kind is _MAPPING else self._list(depth))
        node = self.composer.whole(event, depth)
        yield _EVENT * (self.composer.most - self.composer.left)
        return self._built(node, depth)

    def _list(self, depth: int) -> Work[list[Any]]:
        values = []
        while type(event := self.composer.next()) is not _LIST_END:
            values.append((yield from self.value(event, depth + 1)))
        return values

    def _mapping(self, depth: int) -> Work[dict[str, Any]]:
        values: dict[str, Any] = {}
        while type(event := self.composer.next()) is not _MAPPING_END:
            key = self.composer.whole(event, depth + 1)
            value = yield from self.value(self.composer.next(), depth + 1)
            if self._is_name(key, values):
                values[key.value] = value
        return values

    def _is_name(self, key: Node, known: Mapping[str, Any]) -> bool:
        try:
            self.builder.check_name(key, known)
        except FixtureError as error:
            self.mistake = self.mistake or error
            return False
        return True

    def _built(self, node: Node, depth: int) -> Any:
        try:
            return None if self.mistake else self.builder.build(node, depth)
        except FixtureError as error:
            if self.builder.values > self.builder.most:
                raise  # nobody needs the rest of a text that is too large
            self.mistake = error
            return None


def _find(node: Node, steps: Steps) -> int:
    """The line of the deepest part of a place that is there."""
    line: int = node.start_mark.line + 1
    for step in steps:
        if type(node) is _LIST and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        elif type(node) is _MAPPING:
            found = [(key, value) for key, value in node.value if key.value == step]
            if not found:
                break
            key, node = found[0]
            line = key.start_mark.line + 1
        else:
            break
    return line


def parsing_yaml(text: bytes, name: str) -> Work[Any]:
    """The values of a YAML text, plain scalars as :class:`Plain`, record by record.

    What stands deep inside, or has an anchor, is read in one go and may not be long.
    """
    return (yield from YamlText(text, name).parsing())


class _Dumper(_DUMPER):  # type: ignore[misc] # as above
    """Quotes every text that :func:`resolve` would take for something else."""


def _quoted(dumper: Any, text: str) -> yaml.Node:
    style = None if type(resolve(Plain(text))) is str else "'"
    node: yaml.Node = dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)
    return node


_Dumper.add_representer(str, _quoted)


def dump_yaml(values: Any) -> bytes:
    """Values as YAML that :func:`parsing_yaml` reads back as they are."""
    text: bytes = yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, encoding="utf-8", width=100)
    return text
