"""The parts of each operation in the contract that coverage reads from requests and answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, NamedTuple

from mock_heidi.base import contract
from mock_heidi.observing.coverage.error_names import documented_errors
from mock_heidi.observing.coverage.schema_fields import Field, Steps, Words, fields_of, words_of

_JSON = "application/json"
_FORM = "multipart/form-data"
_REFUSED = str(HTTPStatus.UNAUTHORIZED.value)


class DocumentedParts(NamedTuple):
    """The parts of one operation. Fields and words are of its JSON or form body, unless their name says otherwise."""

    operation: str
    optional: tuple[Field, ...]
    optional_parameters: tuple[str, ...]
    """Of the query."""
    sent: tuple[tuple[Steps, Words], ...]
    sent_parameters: Mapping[str, Words]
    received: tuple[tuple[Steps, Words], ...]
    """Of the answer to a success."""
    errors: tuple[str, ...]
    """Without those about the token or the API key, which are states of the token."""


@cache
def documented_parts() -> dict[str, DocumentedParts]:
    """The parts of each operation, in the order of the contract."""
    return {
        operation["operationId"]: _parts(methods, operation)
        for methods in contract.loaded()["paths"].values()
        for method, operation in methods.items()
        if method in contract.METHODS
    }


def _parts(methods: Mapping[str, Any], operation: Mapping[str, Any]) -> DocumentedParts:
    rows = [contract.resolve(one) for one in (*methods.get("parameters", ()), *operation.get("parameters", ()))]
    query = [one for one in rows if one["in"] == "query"]
    body = _fields(contract.resolve(operation.get("requestBody", {})), _JSON, _FORM)
    responses = operation["responses"]
    answer = [one for status in responses if status < "300" for one in _fields(responses[status], _JSON)]
    return DocumentedParts(
        operation["operationId"],
        tuple(one for one in body if one.optional),
        tuple(one["name"] for one in query if not one["required"]),
        tuple(_words(body)),
        {one["name"]: words for one in query if (words := words_of(one["schema"])) is not None},
        tuple(_words(answer)),
        tuple(dict.fromkeys(_errors(responses))),
    )


def _fields(holder: Mapping[str, Any], *media_types: str) -> list[Field]:
    """The fields of the body of a request or a response."""
    content = contract.resolve(holder).get("content", {})
    found = [one for kind in media_types if kind in content for one in fields_of(content[kind]["schema"])]
    if _FORM in content:
        found = [one for one in found if len(one.steps) == 1]  # the journal keeps no content of parts
    return list({one.steps: one for one in found}.values())


def _words(fields: list[Field]) -> Iterator[tuple[Steps, Words]]:
    for field in fields:
        if (words := words_of(field.schema)) is not None:
            yield field.steps, words


def _errors(responses: Mapping[str, Any]) -> Iterator[str]:
    for status, response in responses.items():
        if status not in (_REFUSED, *(one for one in responses if one < "300")):
            yield from documented_errors(response)
