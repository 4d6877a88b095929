"""The text fields of a form as checked values: whole numbers and times."""

from __future__ import annotations

import re

from mock_heidi.base.errors import UnprocessableError, missing
from mock_heidi.state.clock import seconds_later
from mock_heidi.web.request import Request

LONGEST = 86_400
"""The longest time between the start and the end of a recording, in seconds."""
_MOST_SEGMENTS = 10_000
_WHOLE = re.compile(r"[0-9]{1,9}")
_SEGMENT_INDEX = re.compile(r"[0-9]{1,4}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")


def segment_index(request: Request, text: str | None) -> int | None:
    """The index of a segment. None if it is not a number and the assumptions accept any text."""
    strange = text is not None and _SEGMENT_INDEX.fullmatch(text) is None
    if strange and request.meet("segment_index") == "any_text":
        request.note("undocumented_value", f"index = {text}")
        return None
    return whole("index", text, _MOST_SEGMENTS)


def whole(name: str, text: str | None, most: int) -> int:
    """A field as a whole number below ``most``. Raises the 422 for any other text, and for a missing field."""
    if text is None:
        raise UnprocessableError([missing("body", name)])
    if _WHOLE.fullmatch(text) is None:
        msg = "Input should be a valid integer, unable to parse string as an integer"
        raise UnprocessableError([{"type": "int_parsing", "loc": ["body", name], "msg": msg, "input": text}])
    if int(text) >= most:
        row = {"type": "less_than", "loc": ["body", name], "msg": f"Input should be less than {most}", "input": text}
        raise UnprocessableError([{**row, "ctx": {"lt": most}}])
    return int(text)


def moment(request: Request, name: str, text: str | None) -> str | None:
    """A field with a time in ISO 8601, as text; None if it is missing or empty. Raises the 422 for other text."""
    if text is None or text == "":
        return None
    try:
        if _MOMENT.fullmatch(text) is None:
            raise ValueError
        seconds_later(text, LONGEST)
    except (ValueError, OverflowError):
        if request.meet("upload_times") == "any_text":
            request.note("undocumented_value", f"{name} = {text}")
            return None
        msg = "Input should be a valid datetime, such as 2024-12-11T03:57:57Z"
        row = {"type": "datetime_from_date_parsing", "loc": ["body", name], "msg": msg, "input": text}
        raise UnprocessableError([row]) from None
    return text
