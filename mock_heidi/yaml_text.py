"""YAML as its author sees it: unquoted ids and dates stay text, and every value knows the line it stands on."""

from __future__ import annotations

from typing import Any, NamedTuple

import yaml
from yaml.composer import Composer, ComposerError

from mock_heidi.models import Plain, resolve
from mock_heidi.settings import ConfigError

_MAX_DEPTH = 64
_MAX_VALUES = 5_000_000
# Beyond their own length, texts may grow by so many values: aliases are for sharing, not for bombs.
_MAX_SHARED = 100_000
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_NULLS = ("", "~", "null", "Null", "NULL")


class FixtureError(ConfigError):
    """Fixtures that cannot be used: every problem, a line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Document(NamedTuple):
    """One fixture file, or one list of a body: its records, and where they stand if that is known."""

    kind: str
    name: str
    records: Any
    node: yaml.Node | None = None
    packaged: bool = False

    def place(self, *path: str | int) -> str:
        """``file:line: field`` of a value, or ``kind[0].field`` where there are no lines."""
        field = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
        if self.node is None:
            return self.name + field
        line, _ = _find(self.node, path)
        return f"{self.name}:{line}: {field.lstrip('.') or 'file'}"


def _find(node: yaml.Node, path: tuple[str | int, ...]) -> tuple[int, yaml.Node]:
    """The line of the deepest part of a path that is there."""
    line = node.start_mark.line + 1
    for step in path:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
        elif isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == step]
            if not found:
                break
            key, node = found[0]
            line = key.start_mark.line + 1
            continue
        else:
            break
        line = node.start_mark.line + 1
    return line, node


class _Loader(_LOADER, Composer):  # type: ignore[misc] # PyYAML's C classes have no types
    """Composes nodes in Python, since the C composer recurses until the process dies; a node's tag is its author's."""

    def __init__(self, text: bytes) -> None:
        _LOADER.__init__(self, text)
        Composer.__init__(self)
        self._depth = 0

    get_single_node = Composer.get_single_node

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if self._depth > _MAX_DEPTH + 1:
            raise ComposerError(None, None, f"nested deeper than {_MAX_DEPTH} levels", self.peek_event().start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def descend_resolver(self, *_: Any) -> None: ...

    def ascend_resolver(self) -> None: ...

    def resolve(self, *_: Any) -> str:
        return ""


class _Dumper(_DUMPER):  # type: ignore[misc] # as above
    """Quotes every text that :func:`resolve` would take for something else."""


def _quoted(dumper: Any, text: str) -> yaml.Node:
    style = None if type(resolve(Plain(text))) is str else "'"
    node: yaml.Node = dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)
    return node


_Dumper.add_representer(str, _quoted)


class _Builder:
    """Turns YAML's nodes into values without YAML's guesses: a plain scalar stays the text its author saw."""

    def __init__(self, name: str, size: int, *, tagged: bool) -> None:
        self.name = name
        self.tagged = tagged
        self.values = 0
        self.most = min(_MAX_VALUES, size + _MAX_SHARED)

    def build(self, node: yaml.Node, depth: int = 0) -> Any:
        self.values += 1
        if depth > _MAX_DEPTH or self.values > self.most:
            raise FixtureError([f"{self._at(node)}: too deep or too large; at most {_MAX_DEPTH} levels are read"])
        if node.tag and not self.tagged:
            raise FixtureError([f"{self._at(node)}: the tag {node.tag!r} has no meaning here; remove it"])
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, depth + 1) for item in node.value]
        if getattr(node, "style", None):  # quoted or a block: text, whatever it looks like
            return node.value
        return None if node.value in _NULLS else Plain(node.value)

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise FixtureError([f"{self._at(key)}: a field's name must be plain text"])
            if key.value in values:
                raise FixtureError([f"{self._at(key)}: {key.value}: stands here twice; remove one"])
            values[key.value] = self.build(value, depth + 1)
        return values

    def _at(self, node: yaml.Node) -> str:
        return f"{self.name}:{node.start_mark.line + 1}"


def parse_yaml(text: bytes, name: str, *, ours: bool = False) -> tuple[Any, yaml.Node | None]:
    """The values of a YAML text, plain scalars as :class:`Plain`, and the nodes that know their lines.

    ``ours`` are the packaged files: neither deep nor tagged, so the faster way in C is safe for them.
    """
    try:
        node = yaml.compose(text, _LOADER if ours else _Loader)
        return (None, None) if node is None else (_Builder(name, len(text), tagged=ours).build(node), node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise FixtureError([f"{name}:{line}: no valid YAML: {error.problem or error.context}"]) from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise FixtureError([f"{name}:1: no valid YAML: {reason}"]) from None


def dump_yaml(values: Any) -> bytes:
    """Values as YAML that :func:`parse_yaml` reads back as they are."""
    text: bytes = yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, encoding="utf-8", width=100)
    return text
