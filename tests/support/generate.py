"""Writes all files that follow from the code; a test fails if one of them is stale.

Run it with ``python tests/support/generate.py``. It writes the tables of the
pages in ``docs``, the Python reference, the typed arguments of ``heidi.fault(…)``,
and the provenance of each answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import doc_provenance
import doc_reference
import doc_tables
from paths import ROOT

from mock_heidi.faults.rule import Fault

PAGES = sorted((ROOT / "docs").glob("*.md"))
ARGUMENTS = ROOT / "mock_heidi" / "faults" / "arguments.py"
PROVENANCE = ROOT / "mock_heidi" / "base" / "provenance_table.py"
REFERENCE = ROOT / "docs" / "reference.md"
TABLE = re.compile(r"(?<=^<!-- generated: )([\w-]+)( -->\n).*?(?=^<!-- end -->$)", re.MULTILINE | re.DOTALL)

_HEAD = '''"""The arguments of ``heidi.fault(…)`` with their types: made by ``python tests/support/generate.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict


class FaultArguments(TypedDict, total=False):
    """The fields of a rule, except its operation. The fault reference in the docs says what each does."""

'''
_PROVENANCE_HEAD = '''"""The provenance of each answer: made by ``python tests/support/generate.py``."""

from __future__ import annotations

from collections.abc import Mapping

# By operation and status: the provenances of the status and of the body, and the assumptions that every such answer
# meets.
ANSWERS: Mapping[str, Mapping[int, tuple[str, str, tuple[str, ...]]]] = {
'''
# The Python types that a rule accepts for a field, by the field's JSON Schema.
_TYPES = {"integer": "int", "number": "float", "string": "str", "boolean": "bool", "object": "Mapping[str, Any]"}


def files() -> Iterator[tuple[Path, str]]:
    """Every file that is generated, wholly or in part, with its text."""
    for path in PAGES:
        if path != REFERENCE:
            yield path, page(path.read_text(encoding="utf-8"))
    yield REFERENCE, doc_reference.text()
    yield ARGUMENTS, arguments()
    yield PROVENANCE, provenances()


def page(text: str) -> str:
    """The text of a page with its tables as they follow from the code."""
    return TABLE.sub(lambda match: f"{match[1]}{match[2]}\n{doc_tables.TABLES[match[1]]()}\n", text)


def arguments() -> str:
    """The text of the module with the typed arguments."""
    fields = Fault.model_json_schema()["properties"]
    lines = [f"    {name}: {_type(field)}\n" for name, field in fields.items() if name != "operation"]
    return _HEAD + "".join(lines)


def provenances() -> str:
    """The text of the module with the provenance of each answer."""
    rows = []
    for operation, answers in doc_provenance.answers().items():
        rows.append(f'    "{operation}": {{\n')
        rows += [f"        {status}: {_tuple(*answer)},\n" for status, answer in answers.items()]
        rows.append("    },\n")
    return _PROVENANCE_HEAD + "".join(rows) + "}\n"


def _tuple(of_status: str, of_body: str, names: tuple[str, ...]) -> str:
    ending = "," if len(names) == 1 else ""
    listed = ", ".join(f'"{name}"' for name in names)
    return f'("{of_status}", "{of_body}", ({listed}{ending}))'


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
    for made, content in files():
        made.write_text(content, encoding="utf-8")
