"""The base classes of all models: bodies that come in and go out, and the values and records of the state.

Values are immutable. To change one, make a copy with other values (:meth:`Value.replace`) and store that.
"""

from collections.abc import Callable, Hashable
from functools import cache
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from mock_heidi.base.model_fields import field_validators, fields_of

T = TypeVar("T")


class Incoming(BaseModel):
    """A request's body: strict types; unknown fields are ignored, as the service does."""

    model_config = ConfigDict(defer_build=True, strict=True, frozen=True, extra="ignore")


class _Immutable(BaseModel):
    """An immutable model. To change a value, store a changed copy."""

    model_config = ConfigDict(defer_build=True)

    def replace(self, sent: Incoming | None = None, /, **values: Any) -> Self:
        """A copy with other values in some fields. Only these fields are validated.

        ``sent`` is a request's body and gives the fields that the client sent: ``null`` restores a field's default, and
        a nested object changes only the fields that it contains. Raises :class:`pydantic.ValidationError`.
        """
        kind, fields = type(self), {**vars(self)}
        if sent is not None:
            _merge(kind, sent, fields, values)
        validators = field_validators(kind)
        try:
            for name, value in values.items():
                fields[name] = validators[name](value)
        except (KeyError, ValidationError):
            fields_of(kind).validator.validate_python(values)  # raises an error that names the fields
            raise
        made, private = object.__new__(kind), self.__pydantic_private__
        _SET_FIELDS(made, fields)
        _SET_NAMES(made, self.__pydantic_fields_set__)
        _SET_EXTRA(made, None)
        _SET_PRIVATE(made, private and {**private})
        return made


# The attributes that pydantic keeps in each object. ``model_copy`` sets the same ones but takes six times as long.
_SET_FIELDS, _SET_NAMES, _SET_EXTRA, _SET_PRIVATE = (
    vars(BaseModel)[name].__set__
    for name in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)


def _merge(kind: type[_Immutable], sent: Incoming, fields: dict[str, Any], values: dict[str, Any]) -> None:
    """Put the sent fields into ``fields``, or into ``values`` if they need validation and are not there yet."""
    given, same = vars(sent), _same_typed_fields(kind, type(sent))
    for name in sent.__pydantic_fields_set__:
        change = given[name]
        if change is None:
            values.setdefault(name, kind.model_fields[name].get_default(call_default_factory=True))
        elif name in same:
            fields[name] = change
        else:
            part = fields[name].replace(change) if isinstance(change, Incoming) else change
            values.setdefault(name, part)


@cache
def _same_typed_fields(kind: type[BaseModel], sent: type[Incoming]) -> frozenset[str]:
    """The names of the fields that have the same type in both models."""
    own, others = (
        {name: (field.annotation, field.metadata) for name, field in model.model_fields.items()}
        for model in (kind, sent)
    )
    return frozenset(name for name, accepted in others.items() if own.get(name) == accepted)


class Outgoing(_Immutable):
    """A response body or a part of one: exactly these keys, in this order."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", from_attributes=True)


class Value(_Immutable):
    """An immutable part of the state. Unknown fields are refused."""

    model_config = ConfigDict(defer_build=True, strict=True, frozen=True, extra="forbid")


class Record(Value):
    """A value that the store keeps under its ``key``.

    ``indexes`` lists the combinations of fields by which the store finds it.
    """

    indexes: ClassVar[tuple[tuple[str, ...], ...]] = ()

    # A slot is not a field: comparisons and copies leave it out.
    __slots__ = ("_made",)

    @property
    def key(self) -> str:
        raise NotImplementedError

    def once(self, name: Hashable, make: Callable[[], T]) -> T:
        """The result of ``make`` for this record. It is made once and kept, since the record never changes."""
        try:
            kept: dict[Hashable, Any] = _MADE.__get__(self)  # attribute access through pydantic is slow
        except AttributeError:
            kept = {}
            _MADE.__set__(self, kept)
        made: T | None = kept.get(name)
        if made is None:
            made = kept[name] = make()
        return made

    def problem(self) -> str | None:
        """The reason why the fields do not fit together, or None."""
        return None


_MADE: Any = vars(Record)["_made"]
