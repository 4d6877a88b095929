"""The JSON Schemas of fixture files, for editors that complete and check them."""

from __future__ import annotations

from typing import Any

from mock_heidi.account_records import User
from mock_heidi.fixture_kinds import KINDS, OWNED

# Fields that are filled in if a row lacks them.
_FILLED = {"id", "session_id", "session_name", "managed_by", "ehr_provider", "created_at", "updated_at"}
# Kinds whose own fields say which texts and numbers they take.
_EXACT = ("faults", "scenarios")


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schemas of all fixture files, by kind."""
    return {kind: schema(kind) for kind in KINDS}


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of the fixture file of a kind."""
    item = KINDS[kind].model_json_schema(by_alias=True)
    definitions = item.pop("$defs", {})
    if kind in OWNED:
        item["required"] = [name for name in item.get("required", []) if name not in _FILLED]
    if kind == "api_keys":
        item["properties"]["users"] = {"type": "array", "items": _user()}
    if kind not in _EXACT:
        item, definitions = _as_written(item), _as_written(definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"mock_heidi: {kind}.yaml",
        "type": "array",
        "items": item,
        "$defs": definitions,
    }


def _user() -> dict[str, Any]:
    """The schema of a user under an API key, which names the account."""
    user = User.model_json_schema()
    user["properties"].pop("managed_by")
    user["required"].remove("managed_by")
    return user


def _as_written(node: Any) -> Any:
    """A schema that also takes a number for a string: in YAML, an id without quotes is one."""
    if isinstance(node, list):
        return [_as_written(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {name: _as_written(item) for name, item in node.items()}
    if made.get("type") == "string" and "enum" not in made:
        made["type"] = ["string", "number"]
    return made
