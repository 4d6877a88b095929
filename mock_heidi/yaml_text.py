"""YAML as its author sees it: unquoted ids and dates stay text, and the line of every value can be found.

A list is read one item at a time, and no item is kept after it was passed on.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Collection, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import yaml

from mock_heidi.fixture_documents import FixtureError, Steps
from mock_heidi.slices import Work
from mock_heidi.yaml_nodes import TOO_DEEP, Composer, Node, find_line, is_read_by_item, nodes_of
from mock_heidi.yaml_values import Builder, PartReader

# Since PyYAML 6.0.4. libyaml reads ahead, so it may refuse before any event shows the depth.
_TOO_DEEP_FOR_LIBYAML = "exceeded maximum nesting depth"
# Of a body, since other requests wait for it; a field and its value take more than 16 bytes.
_MAX_BODY_VALUES = 1_000_000
# Of a part of a body that is read in one go: more than any record has.
_MOST_AT_ONCE = 100_000


def parsing_yaml(text: bytes, name: str) -> Work[Any]:
    """The value of a YAML text, plain scalars as :class:`~mock_heidi.yaml_scalars.Plain`, record by record.

    A value that is deep inside or has an anchor is read in one go and may not be long. Raises :class:`FixtureError`.
    """
    return (yield from YamlText(text, name).parsing())


class YamlText:
    """A YAML text, or the file that holds it. Each method reads it anew. All raise :class:`FixtureError`."""

    def __init__(self, source: bytes | Path, name: str) -> None:
        self._source = source
        self._name = name
        self._size = 0

    def values(self) -> Any:
        """The value of the text, plain scalars as :class:`~mock_heidi.yaml_scalars.Plain`; for a list an iterator that
        reads the text as it goes.
        """
        nodes = self._nodes()
        root = next(nodes, None)
        if root is None:
            return None
        builder = Builder(self._name, self._size)
        return self._items(root, nodes, builder) if is_read_by_item(root) else builder.build(root)

    def parsing(self) -> Work[Any]:
        """The value of the text, read part by part."""
        reader: PartReader | None = None
        value = None
        with self._errors_in_our_words(), self._open() as file:
            composer = Composer(_stream(file), _MOST_AT_ONCE)
            document = composer.begin()
            if document is not None:
                reader = PartReader(composer, Builder(self._name, self._size, _MAX_BODY_VALUES))
                value = yield from reader.value(composer.next())
                composer.end(document)
        if reader is not None and reader.mistake is not None:
            raise reader.mistake
        return value

    def problems(self) -> list[str]:
        """The reasons why the text cannot be read; empty if it can."""
        try:
            values = self.values()
            for _ in values if isinstance(values, Iterator) else ():
                pass
        except FixtureError as error:
            return error.problems
        return []

    def lines(self, wanted: Collection[Steps]) -> dict[Steps, int]:
        """The line of each place, or of the deepest part of it that the text has. Empty for an empty text."""
        nodes = self._nodes()
        root = next(nodes, None)
        if root is None:
            return {}
        lines = {steps: find_line(root, steps) for steps in wanted}
        by_item: dict[str | int, list[Steps]] = {}
        for steps in wanted:
            by_item.setdefault(steps[0] if steps else "", []).append(steps)
        for number, node in enumerate(nodes):
            lines |= {steps: find_line(node, steps[1:]) for steps in by_item.get(number, ())}
        return lines

    def _items(self, root: Node, nodes: Iterator[Node], builder: Builder) -> Iterator[Any]:
        """The items of a list. A mistake in an item is raised at the end, because a syntax error comes first."""
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
        with self._errors_in_our_words(), self._open() as file:
            yield from nodes_of(_stream(file))

    @contextlib.contextmanager
    def _errors_in_our_words(self) -> Iterator[None]:
        """Raise :class:`FixtureError` with the line for what PyYAML raises."""
        try:
            yield
        except OSError as error:
            raise FixtureError([f"{self._name}:1: file: cannot be read: {error.strerror}"]) from None
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            reason = TOO_DEEP if error.problem == _TOO_DEEP_FOR_LIBYAML else error.problem or error.context
            raise FixtureError([f"{self._name}:{line}: no valid YAML: {reason}"]) from None
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
            reason = " ".join(str(error).split())
            raise FixtureError([f"{self._name}:1: no valid YAML: {reason}"]) from None

    def _open(self) -> BinaryIO:
        file: BinaryIO = io.BytesIO(self._source) if isinstance(self._source, bytes) else self._source.open("rb")
        self._size = file.seek(0, io.SEEK_END)
        file.seek(0)
        return file


def _stream(file: BinaryIO) -> Any:
    # The name that PyYAML's own messages give to bytes.
    return SimpleNamespace(read=file.read, name="<byte string>")
