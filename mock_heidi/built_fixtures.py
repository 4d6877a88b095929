"""The packaged records as JSON. The build of the package writes and checks them; a start only reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_origin

from mock_heidi import built, spec
from mock_heidi.faults import Fault, Scenario
from mock_heidi.values import Record, Value


def texts(kinds: Mapping[str, type[Record]], records: Mapping[type[Record], Mapping[str, Record]]) -> dict[str, bytes]:
    """The JSON of the records of each kind, by its name."""
    rows = {name: [_row(record) for record in records[kind].values()] for name, kind in kinds.items()}
    return {name: built.text(rows[name], spec.fixtures_digest()) for name in kinds}


def _row(record: Record) -> dict[str, Any]:
    return record.model_dump(mode="json", exclude_unset=True)


def records(kinds: Mapping[str, type[Record]]) -> list[Record] | None:
    """The records of these kinds; None unless the build wrote all of them, out of the fixtures that are there."""
    found = {kind: built.rows(name, spec.fixtures_digest()) for name, kind in kinds.items()}
    if None in found.values():
        return None
    return [_record(kind, row) for kind, rows in found.items() for row in rows]


def _record(kind: type[Record], row: dict[str, Any]) -> Record:
    # The fields of a fault turn JSON into values of other types.
    made: Record = kind.model_validate(row) if issubclass(kind, Fault | Scenario) else _constructed(kind, row)
    return made


def _constructed(kind: type[Value], row: dict[str, Any]) -> Any:
    fields = kind.model_fields
    return kind.model_construct(**{name: _value(fields[name].annotation, value) for name, value in row.items()})


def _value(form: Any, value: Any) -> Any:
    """The value of a field from JSON, which has lists for tuples and objects for values; ``form`` is its type."""
    if isinstance(value, dict) and isinstance(form, type) and issubclass(form, Value):
        return _constructed(form, value)
    parts = get_args(form) if isinstance(value, list | dict) else ()
    if isinstance(value, list) and get_origin(form) is tuple:
        return tuple(_value(parts[0], item) for item in value)
    # Of a union or an annotated type, at most one part fits.
    made = (_value(part, value) for part in parts)
    return next((one for one in made if one is not value), value)
