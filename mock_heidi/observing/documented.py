"""The documented fields, parameters and paths, read from ``openapi.yaml`` at the first use; and common headers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from mock_heidi.base import contract
from mock_heidi.base.excerpts import length_of
from mock_heidi.base.settings import BASE_PATH

# Questions contain questions. The vendor recommends five levels at most.
_DEEPEST = 6


# The headers of requests and of answers that browsers, libraries, proxies, the API and the mock send.
HEADERS = frozenset((
    "accept", "accept-charset", "accept-encoding", "accept-language", "access-control-request-headers",
    "access-control-request-local-network", "access-control-request-method", "access-control-request-private-network",
    "authorization", "cache-control", "connection", "content-disposition", "content-encoding", "content-language",
    "content-length", "content-md5", "content-range", "content-type", "cookie", "date", "dnt", "expect", "forwarded",
    "from", "heidi-api-key", "host", "if-match", "if-modified-since", "if-none-match", "if-range",
    "if-unmodified-since", "keep-alive", "last-event-id", "max-forwards", "origin", "pragma", "prefer", "priority",
    "proxy-authorization", "proxy-connection", "range", "referer", "sec-ch-ua", "sec-ch-ua-mobile",
    "sec-ch-ua-platform", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "sec-fetch-storage-access",
    "sec-fetch-user", "sec-gpc", "te", "traceparent", "trailer", "transfer-encoding", "upgrade",
    "upgrade-insecure-requests", "user-agent", "via", "x-correlation-id", "x-forwarded-for", "x-forwarded-host",
    "x-forwarded-port", "x-forwarded-prefix", "x-forwarded-proto", "x-mock-admin-token", "x-mock-fault",
    "x-mock-strict", "x-real-ip", "x-request-id", "x-requested-with",
))  # fmt: skip

ANSWER_HEADERS = frozenset((
    "access-control-allow-credentials", "access-control-allow-headers", "access-control-allow-methods",
    "access-control-allow-origin", "access-control-allow-private-network", "access-control-expose-headers",
    "access-control-max-age", "age", "allow", "cache-control", "content-disposition", "content-encoding",
    "content-language", "content-length", "content-range", "content-security-policy", "content-type", "date", "etag",
    "expires", "last-modified", "location", "pragma", "retry-after", "server", "vary", "x-correlation-id",
    "x-mock-fault", "x-mock-provenance", "x-mock-reason", "x-mock-request-id", "x-request-id",
))  # fmt: skip


class Documented(NamedTuple):
    """The contract of an operation: its path, the fields of its body, its parameters, and whether it takes JSON.

    ``fields`` maps each field to the fields inside it; None allows any field. ``filters`` are the parameters whose
    empty value no page explains. ``page`` is the URL of the vendor's page.
    """

    path: str
    fields: Mapping[str, Any] | None
    parameters: frozenset[str]
    filters: frozenset[str]
    takes_json: bool
    page: str


@cache
def documented() -> dict[str, Documented]:
    """The contract of each operation, by its name."""
    return {operation["operationId"]: _documented(path, operation) for path, _, operation in contract.operations()}


def _documented(path: str, operation: Mapping[str, Any]) -> Documented:
    rows = contract.parameters(path, operation)
    query = {one["name"]: one.get("x-assumptions", ()) for one in rows if one["in"] == "query"}
    content = contract.resolve(operation.get("requestBody", {})).get("content", {})
    schema: Any = next((media["schema"] for media in content.values()), {})
    return Documented(
        path,
        _properties(schema),
        frozenset(query),
        frozenset(name for name, assumed in query.items() if "empty_filter" in assumed),
        "application/json" in content,
        operation["externalDocs"]["url"],
    )


@cache
def parameters() -> frozenset[str]:
    """The documented query parameters of all operations, and ``page``, which clients expect at lists."""
    return frozenset({"page"}).union(*(one.parameters for one in documented().values()))


@cache
def path_parts() -> frozenset[str]:
    """The fixed parts of all documented paths, such as ``sessions`` and ``consult-note``."""
    parts = {part for one in documented().values() for part in one.path.split("/") if "{" not in part}
    return frozenset(parts.union(BASE_PATH.split("/"), ("ns",)))


def _properties(schema: Any, depth: int = 0) -> dict[str, Any] | None:
    schema = contract.resolve(schema)
    if "items" in schema:
        return _properties(schema["items"], depth)
    if schema.get("additionalProperties") is True or depth > _DEEPEST:
        return None
    known = {name: _properties(one, depth + 1) for name, one in schema.get("properties", {}).items()}
    for choice in (one for word in ("allOf", "anyOf", "oneOf") for one in schema.get(word, [])):
        known |= _properties(choice, depth) or {}
    return known or None


def hide_unknown_parameters(answer: Any) -> None:
    """In an answer with the rows of a 422, show the value of an unknown parameter of the query by its length."""
    rows = answer.get("detail") if isinstance(answer, dict) else None
    for row in rows if isinstance(rows, list) else ():
        loc = row.get("loc") if isinstance(row, dict) else None
        if isinstance(loc, list) and loc[:1] == ["query"] and loc[-1] not in parameters() and row.get("input"):
            row["input"] = length_of(str(row["input"]))
