"""The rows of a 422, in FastAPI's form and words."""

from __future__ import annotations

from typing import Any


def problem(kind: str, msg: str, *loc: str | int, given: Any = None, **more: Any) -> dict[str, Any]:
    """A row. ``kind`` is pydantic's name of the problem; ``more`` is ``ctx`` where pydantic gives one."""
    return {"type": kind, "loc": list(loc), "msg": msg, "input": given, **more}


def missing(*loc: str | int, given: Any = None) -> dict[str, Any]:
    """The row of a field that is required and absent."""
    return problem("missing", "Field required", *loc, given=given)


def is_json(content_type: bytes) -> bool:
    """True for the content type of JSON, such as ``application/json; charset=utf-8``."""
    kind = content_type.partition(b";")[0].strip().lower()
    return kind == b"application/json" or (kind.startswith(b"application/") and kind.endswith(b"+json"))


def not_json(body: bytes) -> dict[str, Any]:
    """The row of a body whose content type is not JSON. FastAPI reads such a body as text."""
    msg = "Input should be a valid dictionary or object to extract fields from"
    return problem("model_attributes_type", msg, "body", given=body.decode("utf-8", "replace"))
