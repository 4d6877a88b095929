"""Validators for the single fields of a model."""

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.fields import FieldInfo
from typing_extensions import TypedDict


class _Validators(dict[str, Callable[[Any], Any]]):
    """The validators of a model's fields by name, each built when it is first used."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model

    def __missing__(self, name: str) -> Callable[[Any], Any]:
        kind = _type_of(self._model.model_fields[name])
        config = None if isinstance(kind, type) and issubclass(kind, BaseModel) else _config(self._model)
        validator = self[name] = TypeAdapter(kind, config=config).validator.validate_python
        return validator


field_validators = cache(_Validators)
"""Returns the validators of a model's fields by name: ``field_validators(model)[name](value)``."""


@cache
def fields_of(model: type[BaseModel]) -> TypeAdapter[dict[str, Any]]:
    """An adapter that validates and serializes any subset of a model's fields as a dict."""
    typed_dict: Any = TypedDict
    types = {name: _type_of(field) for name, field in model.model_fields.items()}
    fields = typed_dict(model.__name__, types, total=False)
    fields.__pydantic_config__ = _config(model)
    return TypeAdapter(fields)


def _type_of(field: FieldInfo) -> Any:
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation


def _config(model: type[BaseModel]) -> ConfigDict:
    return ConfigDict(strict=model.model_config.get("strict", False), extra="forbid")
