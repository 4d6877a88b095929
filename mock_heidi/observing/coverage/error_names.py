"""The names of errors: in the responses of the contract, and in the answers that a client got."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from mock_heidi.base import contract
from mock_heidi.base.error_table import BY_NAME
from mock_heidi.base.errors import UnprocessableError

_UNPROCESSABLE = UnprocessableError.__name__


@cache
def _by_text() -> dict[str, str]:
    """The names of errors by their sentences. Some assumptions send the sentence without the name."""
    texts = {name: _text(error.detail) for name, (error, _) in BY_NAME.items()}
    return {text: name for name, text in texts.items() if text is not None}


def _text(detail: Any) -> str | None:
    text = detail.get("msg") if isinstance(detail, dict) else detail
    return text if isinstance(text, str) else None


def error_in(status: int, body: Any) -> str | None:
    """The name of the error in an answer, or None."""
    detail = body.get("detail") if isinstance(body, dict) else None
    if isinstance(detail, list):
        return _UNPROCESSABLE
    kind = detail.get("type") if isinstance(detail, dict) else None
    if isinstance(kind, str) and kind in BY_NAME:
        return kind
    text = _text(detail)
    if text is None:
        return None
    other = _UNPROCESSABLE if status == HTTPStatus.UNPROCESSABLE_ENTITY else None
    return _by_text().get(text, other)


def documented_errors(response: Mapping[str, Any]) -> Iterator[str]:
    """The names of the errors that a response of the contract documents."""
    content = contract.resolve(response).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    for branch in schema.get("anyOf", [schema]):
        if (detail := contract.resolve(branch).get("properties", {}).get("detail")) is not None:
            yield _documented(contract.resolve(detail))


def _documented(detail: Mapping[str, Any]) -> str:
    if detail.get("type") == "array":
        return _UNPROCESSABLE
    if "const" in detail:
        return _by_text()[detail["const"]]
    name: str = detail["properties"]["type"]["const"]
    return name
