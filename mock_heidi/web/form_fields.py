"""The text fields of a form as checked values: whole numbers and times."""

from __future__ import annotations

import re
from typing import Any

from mock_heidi.base.errors import UnprocessableError
from mock_heidi.base.problems import missing, problem
from mock_heidi.observing.undocumented import Undocumented
from mock_heidi.state.clock import seconds_later
from mock_heidi.web.request import Request
from mock_heidi.web.strictness import accept

LONGEST = 86_400
"""The longest time between the start and the end of a recording, in seconds."""
_MOST_SEGMENTS = 10_000
_WHOLE = re.compile(r"[0-9]{1,9}")
_SEGMENT_INDEX = re.compile(r"[0-9]{1,4}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")


def segment_index(request: Request, text: str | None) -> int | None:
    """The index of a segment. None if it is not a number and the assumptions accept any text."""
    if text is None or _SEGMENT_INDEX.fullmatch(text) or request.meet("segment_index") != "any_text":
        return whole("index", text, _MOST_SEGMENTS)
    accept(request, Undocumented("undocumented_value", f"index = {text}", _no_number("index", text)))
    return None


def whole(name: str, text: str | None, most: int) -> int:
    """A field as a whole number below ``most``. Raises the 422 for any other text, and for a missing field."""
    if text is None:
        raise UnprocessableError([missing("body", name)])
    if _WHOLE.fullmatch(text) is None:
        raise UnprocessableError([_no_number(name, text)])
    if int(text) >= most:
        msg = f"Input should be less than {most}"
        raise UnprocessableError([problem("less_than", msg, "body", name, given=text, ctx={"lt": most})])
    return int(text)


def _no_number(name: str, text: str) -> dict[str, Any]:
    """The row of a field that is not a whole number."""
    msg = "Input should be a valid integer, unable to parse string as an integer"
    return problem("int_parsing", msg, "body", name, given=text)


def moment(request: Request, name: str, text: str | None) -> str | None:
    """A field with a time in ISO 8601, as text; None if it is missing or empty. Raises the 422 for other text."""
    if text is None or text == "":
        return None
    try:
        if _MOMENT.fullmatch(text) is None:
            raise ValueError
        seconds_later(text, LONGEST)
    except (ValueError, OverflowError):
        msg = "Input should be a valid datetime, such as 2024-12-11T03:57:57Z"
        row = problem("datetime_from_date_parsing", msg, "body", name, given=text)
        if request.meet("upload_times") != "any_text":
            raise UnprocessableError([row]) from None
        accept(request, Undocumented("undocumented_value", f"{name} = {text}", row))
        return None
    return text
