"""The forms of an error's detail under assumptions that differ from the defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mock_heidi.base.assumptions import Assumptions
from mock_heidi.base.errors import ExpiredTokenError, HeidiError, InvalidTokenError, UnprocessableError

# The words of pydantic 1 for the problems of pydantic 2, by their types.
_PYDANTIC_1 = {
    "missing": ("field required", "value_error.missing"),
    "string_type": ("str type expected", "type_error.str"),
    "float_type": ("value is not a valid float", "type_error.float"),
    "float_parsing": ("value is not a valid float", "type_error.float"),
    "int_parsing": ("value is not a valid integer", "type_error.integer"),
    "bool_type": ("value could not be parsed to a boolean", "type_error.bool"),
    "bool_parsing": ("value could not be parsed to a boolean", "type_error.bool"),
    "list_type": ("value is not a valid list", "type_error.list"),
    "dict_type": ("value is not a valid dict", "type_error.dict"),
    "model_attributes_type": ("value is not a valid dict", "type_error.dict"),
    "date_from_datetime_parsing": ("invalid date format", "value_error.date"),
}


def detail_of(error: HeidiError, chosen: Assumptions) -> Any:
    """The detail of an error under these assumptions."""
    if isinstance(error, InvalidTokenError | ExpiredTokenError) and str(chosen["bad_token"]).startswith("string"):
        return error.msg
    if isinstance(error, UnprocessableError):
        return _FORMS[chosen["validation_errors"]](error.problems)
    return error.detail


def _pydantic_1(problems: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for problem in problems:
        msg, kind = _PYDANTIC_1.get(problem["type"], (problem["msg"], "value_error"))
        if problem["type"] == "json_invalid":
            msg, kind = problem["ctx"]["error"], "value_error.jsondecode"
        elif problem["type"] == "literal_error":
            msg, kind = f"unexpected value; permitted: {problem['ctx']['expected']}", "value_error.const"
        rows.append({"loc": problem["loc"], "msg": msg, "type": kind})
    return rows


def _sentence(problems: list[dict[str, Any]]) -> str:
    return "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in problems)


_FORMS: dict[str, Callable[[list[dict[str, Any]]], Any]] = {
    "pydantic2": list,
    "pydantic1": _pydantic_1,
    "sentence": _sentence,
}
