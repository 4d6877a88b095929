"""The points of each operation, as coverage looks for them in requests and answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, NamedTuple

from mock_heidi.base import contract
from mock_heidi.base.operations import STREAMS
from mock_heidi.observing.coverage.error_names import documented_errors
from mock_heidi.observing.coverage.points import ENDINGS, Point
from mock_heidi.observing.coverage.schema_fields import Field, Steps, Words, fields_of, words_of

_JSON = "application/json"
_FORM = "multipart/form-data"
_REFUSED = str(HTTPStatus.UNAUTHORIZED.value)


class WordPlace(NamedTuple):
    """A place of a documented word, and the point of each word there."""

    steps: Steps
    words: Words
    points: Mapping[str, Point]

    def find(self, value: object) -> Point | None:
        """The point of a value, or None if it is not a documented word."""
        word = self.words.find(value)
        return None if word is None else self.points[word]


class OperationPoints(NamedTuple):
    """The points of one operation. Those of fields and words are about its JSON or form, unless their name differs."""

    operation: str
    called: Point
    errors: Mapping[str, Point]
    """By the names of the errors. Those about the token or the API key are states of the token."""
    endings: Mapping[str, Point]
    """Empty unless it streams."""
    sent: tuple[WordPlace, ...]
    received: tuple[WordPlace, ...]
    """In the answer to a success."""
    optional: tuple[tuple[Field, Point], ...]
    optional_parameters: Mapping[str, Point]
    sent_parameters: Mapping[str, WordPlace]


@cache
def operation_points() -> dict[str, OperationPoints]:
    """The points of each operation, in the order of the contract."""
    return {operation["operationId"]: _points(path, operation) for path, _, operation in contract.operations()}


def _points(path: str, operation: Mapping[str, Any]) -> OperationPoints:
    name = operation["operationId"]
    query = {one["name"]: one for one in contract.parameters(path, operation) if one["in"] == "query"}
    body = _fields(contract.resolve(operation.get("requestBody", {})), _JSON, _FORM)
    responses = operation["responses"]
    answer = [one for status in responses if status < "300" for one in _fields(responses[status], _JSON)]
    parameters = {one: _place("sent_word", (one,), query[one]["schema"]) for one in query}
    return OperationPoints(
        name,
        Point("operation", name),
        {error: Point("error", f"{name} {error}") for error in _errors(responses)},
        {ending: Point("stream_ending", f"{name} {ending}") for ending in ENDINGS if name in STREAMS},
        tuple(_places("sent_word", body)),
        tuple(_places("received_word", answer)),
        tuple((one, Point("optional_field", f"{name} {one.name}")) for one in body if one.optional),
        {one: Point("optional_field", f"{name} ?{one}") for one in query if not query[one]["required"]},
        {one: place for one, place in parameters.items() if place is not None},
    )


def _fields(holder: Mapping[str, Any], *media_types: str) -> list[Field]:
    """The fields of the body of a request or a response."""
    content = contract.resolve(holder).get("content", {})
    found = [one for kind in media_types if kind in content for one in fields_of(content[kind]["schema"])]
    if _FORM in content:
        found = [one for one in found if len(one.steps) == 1]  # the journal keeps no content of parts
    return list({one.steps: one for one in found}.values())


def _places(kind: str, fields: list[Field]) -> Iterator[WordPlace]:
    for field in fields:
        if (place := _place(kind, field.steps, field.schema)) is not None:
            yield place


def _place(kind: str, steps: Steps, schema: Mapping[str, Any]) -> WordPlace | None:
    words = words_of(schema)
    if words is None:
        return None
    return WordPlace(steps, words, {word: Point(kind, f"{words.name} {word}") for word in words.values})


def _errors(responses: Mapping[str, Any]) -> Iterator[str]:
    for status, response in responses.items():
        if status not in (_REFUSED, *(one for one in responses if one < "300")):
            yield from documented_errors(response)
