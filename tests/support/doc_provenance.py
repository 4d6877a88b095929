"""The provenance of the answers of each operation, read from openapi.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from judges import load_contract, operations, resolve

# A body is only as certain as its weakest part.
_STRENGTH = ("documented", "observed", "assumed")


class Success(NamedTuple):
    """The sources of the facts about an operation and its success."""

    operation: str
    itself: str
    status: str
    body: str


def successes() -> Iterator[Success]:
    """A row for each operation, in the order of the contract."""
    contract = load_contract()
    for operation in operations(contract):
        response = resolve(contract, operation.spec["responses"]["200"])
        [media] = response["content"].values()
        body = _weakest(contract, media["schema"])
        yield Success(operation.name, operation.spec["x-provenance"], response["x-provenance"], body)


def answers() -> dict[str, dict[int, tuple[str, str, tuple[str, ...]]]]:
    """By operation and status: the provenances of the status and the body, and the assumptions of a success."""
    contract = load_contract()
    return {
        operation.name: {
            int(status): _answer(contract, operation.spec, resolve(contract, response))
            for status, response in operation.spec["responses"].items()
        }
        for operation in operations(contract)
    }


def _answer(contract: dict[str, Any], operation: Any, response: Any) -> tuple[str, str, tuple[str, ...]]:
    bodies = [_weakest(contract, media["schema"]) for media in response["content"].values()]
    # Every success meets these. An error meets only the assumptions that led to it.
    marks = operation.get("x-assumption"), response.get("x-assumption"), response.get("x-status")
    success = response is resolve(contract, operation["responses"]["200"])
    names = dict.fromkeys(name for name in marks if name is not None) if success else ()
    return response["x-provenance"], max(bodies, key=_STRENGTH.index), tuple(names)


def _weakest(contract: dict[str, Any], schema: dict[str, Any]) -> str:
    """The provenance of a schema; without a mark, that of its weakest part."""
    schema = resolve(contract, schema)
    if "x-provenance" in schema:
        return str(schema["x-provenance"])
    parts = [*schema.get("anyOf", ()), *schema.get("properties", {}).values()]
    return max((_weakest(contract, part) for part in parts), key=_STRENGTH.index, default=_STRENGTH[0])
