"""Writes YAML that means the same when it is read back."""

from __future__ import annotations

from typing import Any

import yaml

from mock_heidi.yaml_scalars import Plain, resolve

_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def dump_yaml(values: Any) -> bytes:
    """Values as YAML that :func:`~mock_heidi.yaml_text.parsing_yaml` reads back as they are."""
    text: bytes = yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, encoding="utf-8", width=100)
    return text


class _Dumper(_DUMPER):  # type: ignore[misc] # the C class has no types
    """Quotes each text that :func:`resolve` would turn into another value."""


def _text_node(dumper: Any, text: str) -> yaml.Node:
    style = None if type(resolve(Plain(text))) is str else "'"
    node: yaml.Node = dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)
    return node


_Dumper.add_representer(str, _text_node)
