"""Writes what follows from the list of effects: ``python tests/generate.py``; a test fails if it is stale.

It writes the rows of effects in the README's table, and the typed arguments of ``heidi.fault(…)``.
"""

from __future__ import annotations

from pathlib import Path

from mock_heidi.effects import EFFECTS
from mock_heidi.faults import Fault

ROOT = Path(__file__).resolve().parent.parent
README, ARGUMENTS = ROOT / "README.md", ROOT / "mock_heidi" / "fault_arguments.py"

_HEAD = '''"""The arguments of ``heidi.fault(…)`` with their types: made by ``python tests/generate.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict


class FaultArguments(TypedDict, total=False):
    """The fields of a rule, but for its operation. The table of effects in the README says what each does."""

'''
# By the JSON Schema of a field, the types of Python that a rule takes there.
_TYPES = {"integer": "int", "number": "float", "string": "str", "boolean": "bool", "object": "Mapping[str, Any]"}


def readme(text: str) -> str:
    """The README with a row for each effect, in the order of the list."""
    start = text.index(f"| `{EFFECTS[0].name}` | `")
    end = text.index("\n\n", start) + 1
    rows = "".join(f"| `{effect.name}` | `{effect.example}` | {effect.doc} |\n" for effect in EFFECTS)
    return text[:start] + rows + text[end:]


def arguments() -> str:
    """The module with the typed arguments."""
    fields = Fault.model_json_schema()["properties"]
    lines = [f"    {name}: {_type(field)}\n" for name, field in fields.items() if name != "operation"]
    return _HEAD + "".join(lines)


def _type(field: dict[str, object]) -> str:
    kinds = field.get("anyOf", [field])
    assert isinstance(kinds, list)
    names = [_name(kind) for kind in kinds if kind.get("type") != "null"]
    return " | ".join(dict.fromkeys(names)) or "Any"


def _name(kind: dict[str, object]) -> str:
    if "anyOf" in kind:
        return _type(kind)
    if "const" in kind:
        return "bool"
    if kind.get("type") == "array":
        items = kind["items"]
        assert isinstance(items, dict)
        return f"Sequence[{_name(items)}]"
    return _TYPES.get(str(kind.get("type", "string" if "enum" in kind else "")), "Any")


if __name__ == "__main__":
    README.write_text(readme(README.read_text(encoding="utf-8")), encoding="utf-8")
    ARGUMENTS.write_text(arguments(), encoding="utf-8")
