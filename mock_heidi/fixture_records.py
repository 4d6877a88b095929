"""Records made of the rows of fixtures, each checked by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from mock_heidi.faults import Fault
from mock_heidi.fixture_documents import Document, Steps
from mock_heidi.fixture_problems import LONGEST_PROBLEM, Problems
from mock_heidi.store import Store
from mock_heidi.values import Record
from mock_heidi.wording import nearest, short_repr

R = TypeVar("R", bound=Record)
LONGEST_VALUE = 60
"""The most characters of a wrong value in a message."""
# Texts in which a repetition is looked for.
_REMEMBERED = 10_000


class Records:
    """The records that are made so far. None has the key of another one, or of one in the store."""

    def __init__(self, store: Store, problems: Problems) -> None:
        self.made: list[Record] = []
        """All of them, in the order of the fixtures."""
        self._store = store
        self._problems = problems
        self._by_key: dict[type[Record], dict[str, Record]] = {}
        self._equal_faults: Counter[str] = Counter()
        self._shared = _SharedValues()

    def find(self, kind: type[R], key: str) -> R | None:
        """The record of that key, among the made ones and in the store; None if neither has it."""
        made = cast("R | None", self._by_key.get(kind, {}).get(key))
        return self._store.get(kind, key) if made is None else made

    def all(self, kind: type[R]) -> Iterator[R]:
        """The records of a kind, the made ones first and then those of the store."""
        yield from self._made_of(kind)
        yield from self._store.all(kind)

    def where(self, kind: type[R], field: str, value: str) -> Iterator[R]:
        """The records whose field has this value, the made ones first; the kind must have an index of the field."""
        yield from (record for record in self._made_of(kind) if getattr(record, field) == value)
        yield from self._store.where(kind, **{field: value})

    def _made_of(self, kind: type[R]) -> Iterable[R]:
        return cast("dict[str, R]", self._by_key.get(kind, {})).values()

    def count_stored(self, kind: type[Record]) -> int:
        """The number of records of a kind in the store."""
        return self._store.size(kind)

    def make(self, kind: type[R], document: Document, path: Steps, row: dict[str, Any]) -> R | None:
        """The record of a row at this place of a document; None if the row has a problem, which is added."""
        try:
            record = kind.model_validate(row)
        except ValidationError as error:
            self._add_errors(kind, document, path, error)
            return None
        if isinstance(record, Fault) and record.id is None:
            record = cast("R", self._numbered(record))
        key = record.key
        if self.find(kind, key) is not None:
            name = short_repr(key.replace("\0", " / "), LONGEST_PROBLEM)
            self._problems.add(document, path, f"{name} is there already; ids must be unique")
            return None
        self._shared.share(record)
        self._by_key.setdefault(kind, {})[key] = record
        self.made.append(record)
        return record

    def _add_errors(self, kind: type[Record], document: Document, path: Steps, error: ValidationError) -> None:
        room = self._problems.room
        for one in error.errors(include_url=False)[:room] if room else ():
            self._problems.add(document, (*path, *one["loc"]), _message(kind, one))
        if error.error_count() > room:
            self._problems.count(error.error_count() - room)

    def _numbered(self, fault: Fault) -> Fault:
        """A fault without an id, with a number in its key if an equal fault is there already."""
        key = fault.key
        while self.find(Fault, fault.key) is not None:
            self._equal_faults[key] += 1
            fault = fault.again(self._equal_faults[key])
        return fault


def _message(kind: type[Record], error: Any) -> str:
    loc = error["loc"]
    if error["type"] == "extra_forbidden":
        fields = [field.alias or name for name, field in kind.model_fields.items()] if len(loc) == 1 else []
        return f"unknown field; {nearest(str(loc[-1]), fields, 1) if fields else 'remove it'}"
    given = "" if error["type"] == "missing" else f", not {short_repr(error['input'], LONGEST_VALUE)}"
    return f"{error['msg']}{given}"


class _SharedValues:
    """Keeps equal values of many records, such as accounts and days, in memory once."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._field_sets: dict[frozenset[str], set[str]] = {}

    def share(self, record: Record) -> None:
        """Replace the record's texts with equal ones of earlier records."""
        given = record.model_fields_set
        # The names of the given fields are bigger than most records; pydantic writes into those of a copy only.
        object.__setattr__(record, "__pydantic_fields_set__", self._field_sets.setdefault(frozenset(given), given))
        values, texts = vars(record), self._texts
        if len(texts) > _REMEMBERED:
            texts.clear()  # most texts stand in one record only
        for name, value in values.items():
            if type(value) is str:
                values[name] = texts.setdefault(value, value)
