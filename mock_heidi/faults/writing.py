"""A rule written for each of the ways to set it: as JSON, in the short form, as a command, and in Python."""

from __future__ import annotations

import json
import shlex
from typing import Any

from mock_heidi.faults.rule import Fault, parse
from mock_heidi.faults.short_form import FaultError


def short_form(fault: Fault) -> str:
    """The rule in the short form; as a JSON text if the short form cannot express it."""
    fields = _fields(fault)
    which = _which(fields)
    rest = ",".join(_assignment(name, value) for name, value in fields.items())
    text = f"{which}:{rest}" if which else rest
    try:
        same = parse(text) == fault
    except FaultError:
        same = False
    return text if same else json.dumps(_fields(fault), ensure_ascii=False)


def command(fault: Fault) -> str:
    """The command that sets the rule."""
    return f"mock-heidi fault add {shlex.quote(short_form(fault))}"


def python(fault: Fault) -> str:
    """The line of a test that sets the rule."""
    fields = _fields(fault)
    operation = fields.pop("operation", None)
    arguments = [f"{name}={_literal(value)}" for name, value in fields.items()]
    return f"mock_heidi.fault({', '.join(arguments if operation is None else [_literal(operation), *arguments])})"


def _fields(fault: Fault) -> dict[str, Any]:
    """The fields of a rule as JSON values. A whole number has no fraction."""
    return {name: _whole(value) for name, value in fault.to_dict().items()}


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _which(fields: dict[str, Any]) -> str:
    """Take the requests out of the fields of a rule, as the short form has them at its beginning."""
    if "operation" in fields:
        named = fields.pop("operation")
        return named if isinstance(named, str) else "+".join(named)
    return f"{fields.pop('method')} {fields.pop('path')}" if "method" in fields else ""


def _assignment(name: str, value: Any) -> str:
    if value is True:
        return name
    if isinstance(value, str) and "," not in value and value[:1] not in ("{", "[", '"'):
        return f"{name}={value}"
    return f"{name}={json.dumps(value, ensure_ascii=False)}"


def _literal(value: Any) -> str:
    """A JSON value as Python writes it, with double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_literal(name)}: {_literal(one)}' for name, one in value.items())}}}"
    return repr(value)
