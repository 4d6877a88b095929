"""The provenance of an answer: documents, an observation of the real service, or an assumption."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus

from mock_heidi.base.provenance_table import ANSWERS

MOCK = "mock"
"""The provenance of an answer that only this mock gives, such as the refusal of a host."""

_ASSUMED = ("assumed", "assumed", ())
# The answers to unknown paths and methods.
_UNMATCHED: Mapping[int, tuple[str, str, tuple[str, ...]]] = {
    HTTPStatus.NOT_FOUND: ("observed", "observed", ()),
    HTTPStatus.METHOD_NOT_ALLOWED: ("assumed", "assumed", ("allow_header",)),
}


@lru_cache(1_000)
def provenance(
    operation: str | None, status: int, usual_status: int = 0, met: tuple[str, ...] = ()
) -> tuple[str, tuple[str, ...]]:
    """The provenance of an answer, such as ``status=observed, body=documented; gender_case``, and the names in it.

    ``usual_status`` is its status under the default assumptions, or 0 if no chosen one has changed it. ``met`` are the
    assumptions that the request has met so far. Those that every such answer meets are added.
    """
    answers = _UNMATCHED if operation is None else ANSWERS[operation]
    of_status, of_body, always = answers.get(usual_status or status, _ASSUMED)
    if usual_status not in (0, status):
        of_status = "assumed"
    names = tuple(dict.fromkeys((*always, *met)))
    text = f"status={of_status}, body={of_body}"
    return (f"{text}; {', '.join(names)}" if names else text), names
