"""The meaning of nulls in bodies, and of updates without fields, under the assumptions."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, TypeVar

from mock_heidi.base.errors import UnprocessableError
from mock_heidi.base.refusals import refused
from mock_heidi.base.values import Incoming
from mock_heidi.web.request import Request

I = TypeVar("I", bound=Incoming)  # noqa: E741


def settled(request: Request, name: str, made: I) -> I:
    """A body with its nulls treated as the assumption ``name`` says: ``null_in_create`` or ``null_in_update``.

    Raises the error if the assumption refuses the body.
    """
    if name == "null_in_update" and not made.model_fields_set and request.meet("empty_update") != HTTPStatus.OK:
        raise refused(request.assumptions, "empty_update", "the body names no field", "body")
    rows = list(_problems(made, ("body",)))
    if not rows:
        return made
    meaning = request.meet(name)
    if meaning == "refused_422":
        raise UnprocessableError(rows)
    return _without_nulls(made) if meaning == "ignored" else made


def _sent(made: Incoming) -> dict[str, Any]:
    """The fields that the client sent."""
    return {name: getattr(made, name) for name in made.model_fields_set}


def _problems(made: Incoming, loc: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for name, value in _sent(made).items():
        if value is None:
            yield {"type": "none_forbidden", "loc": [*loc, name], "msg": "Input should not be null", "input": None}
        elif isinstance(value, Incoming):
            yield from _problems(value, (*loc, name))


def _without_nulls(made: I) -> I:
    kept = {
        name: _without_nulls(value) if isinstance(value, Incoming) else value
        for name, value in _sent(made).items()
        if value is not None
    }
    return type(made).model_construct(set(kept), **kept)
