"""Nodes of a YAML text: the parser's events, joined to lists and mappings, each with its line.

PyYAML's own composer in C recurses until the process dies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import yaml
from yaml.composer import ComposerError

from mock_heidi.fixture_documents import Steps

MAX_DEPTH = 64
"""The most levels of a text."""
MAX_VALUES = 5_000_000
"""The most values of a text, and of one item of its list."""
TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Any, since nodes are events that have more than PyYAML gave them.
SCALAR: Any = yaml.ScalarEvent
LIST: Any = yaml.SequenceStartEvent
LIST_END: Any = yaml.SequenceEndEvent
MAPPING: Any = yaml.MappingStartEvent
MAPPING_END: Any = yaml.MappingEndEvent
_ALIAS: Any = yaml.AliasEvent
_END: Any = yaml.StreamEndEvent

Node: TypeAlias = Any
"""The event that begins a value. The ``value`` of a list holds its items, of a mapping pairs of nodes."""


def is_read_by_item(node: Node) -> bool:
    """True for a list without an anchor; one with an anchor may hold itself."""
    return type(node) is LIST and node.anchor is None


def nodes_of(stream: Any) -> Iterator[Node]:
    """The root of a text; if it is a list, an empty one and then each item. Empty for an empty text."""
    composer = Composer(stream)
    document = composer.begin()
    if document is None:
        return
    root = composer.next()
    if is_read_by_item(root):
        root.value = []
        yield root
        while type(event := composer.next()) is not LIST_END:
            yield composer.whole(event, 1)
        composer.end(document)
    else:
        composer.whole(root, 0)
        composer.end(document)
        yield root


class Composer:
    """Makes nodes of the parser's events. Raises PyYAML's errors."""

    def __init__(self, stream: Any, most: int = MAX_VALUES) -> None:
        """``most`` is the number of values that :meth:`whole` may read."""
        self.next: Callable[[], Node] = _LOADER(stream).get_event
        self.most = most
        self.left = most
        """The number of values that may still be read."""
        self._anchors: dict[str, Node] = {}

    def begin(self) -> Node:
        """The start of the document; None for an empty text."""
        self.next()
        event = self.next()
        return None if type(event) is _END else event

    def end(self, document: Node) -> None:
        """Check that no other document follows."""
        self.next()
        event = self.next()
        if type(event) is not _END:
            context, problem = "expected a single document in the stream", "but found another document"
            raise ComposerError(context, document.start_mark, problem, event.start_mark)

    def whole(self, event: Node, depth: int) -> Node:
        """The node that an event begins, with all that it holds."""
        self.left = self.most
        return self._compose(event, depth)

    def _compose(self, event: Node, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise ComposerError(None, None, TOO_DEEP, event.start_mark)
        self.left -= 1
        if self.left < 0:
            raise ComposerError(None, None, f"more than {self.most:,} values in one record", event.start_mark)
        kind = type(event)
        if kind is _ALIAS:
            return self._shared(event)
        if event.anchor is not None:
            self._remember(event)
        if kind is MAPPING:
            event.value = pairs = []
            while type(key := self.next()) is not MAPPING_END:
                pairs.append((self._compose(key, depth + 1), self._compose(self.next(), depth + 1)))
        elif kind is LIST:
            event.value = items = []
            while type(item := self.next()) is not LIST_END:
                items.append(self._compose(item, depth + 1))
        return event

    def _shared(self, alias: Node) -> Node:
        if alias.anchor not in self._anchors:
            raise ComposerError(None, None, f"found undefined alias {alias.anchor!r}", alias.start_mark)
        return self._anchors[alias.anchor]

    def _remember(self, event: Node) -> None:
        first: Node = self._anchors.setdefault(event.anchor, event)
        if first is not event:
            context = f"found duplicate anchor {event.anchor!r}; first occurrence"
            raise ComposerError(context, first.start_mark, "second occurrence", event.start_mark)


def line_of(node: Node) -> int:
    """The line on which a node begins, counted from 1."""
    line: int = node.start_mark.line + 1
    return line


def find_line(node: Node, steps: Steps) -> int:
    """The line of the deepest part of a place that the node has."""
    line = line_of(node)
    for step in steps:
        if type(node) is LIST and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = line_of(node)
        elif type(node) is MAPPING:
            found = [(key, value) for key, value in node.value if key.value == step]
            if not found:
                break
            key, node = found[0]
            line = line_of(key)
        else:
            break
    return line
