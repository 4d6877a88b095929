"""Writes the state as JSON or YAML, piece by piece. Lists in it are iterators, whose items are made while it writes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from mock_heidi.base.json_text import to_json


def json_pieces(value: Any) -> Iterator[bytes]:
    """The JSON of a value; an iterator in it becomes a list."""
    if isinstance(value, Iterator):
        yield b"["
        for at, item in enumerate(value):
            yield b"," if at else b""
            yield from json_pieces(item)
        yield b"]"
    elif isinstance(value, Mapping) and _lists(value):
        for at, (name, item) in enumerate(value.items()):
            yield (b"," if at else b"{") + to_json(name) + b":"
            yield from json_pieces(item)
        yield b"}"
    else:
        yield to_json(value)


def yaml_pieces(value: Mapping[str, Any], indent: str = "") -> Iterator[bytes]:
    """The YAML of a mapping of iterators. The last fields of an item may be iterators too."""
    from mock_heidi.fixtures.yaml_dump import dump_yaml

    for name, items in value.items():
        line, end = f"{indent}{name}:", " []\n"
        for item in items:
            lists = _lists(item)
            plain = [{field: given for field, given in item.items() if field not in lists}]
            text = textwrap.indent(dump_yaml(plain).decode(), indent)
            yield f"{line}\n{text}".encode() if line else text.encode()
            yield from yaml_pieces(lists, indent + "  ")
            line = end = ""
        yield f"{line}{end}".encode()


def _lists(value: Mapping[str, Any]) -> dict[str, Iterator[Any]]:
    return {name: item for name, item in value.items() if isinstance(item, Iterator)}
