"""The rows of a 422, in FastAPI's form and words."""

from __future__ import annotations

from typing import Any


def problem(kind: str, msg: str, *loc: str | int, given: Any = None, **more: Any) -> dict[str, Any]:
    """A row. ``kind`` is pydantic's name of the problem; ``more`` is ``ctx`` where pydantic gives one."""
    return {"type": kind, "loc": list(loc), "msg": msg, "input": given, **more}


def missing(*loc: str | int, given: Any = None) -> dict[str, Any]:
    """The row of a field that is required and absent."""
    return problem("missing", "Field required", *loc, given=given)


def not_json(content_type: str, body: bytes) -> dict[str, Any] | None:
    """The row of a body whose content type is not JSON, which FastAPI reads as text; None for JSON."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json")):
        return None
    msg = "Input should be a valid dictionary or object to extract fields from"
    return problem("model_attributes_type", msg, "body", given=body.decode("utf-8", "replace"))
