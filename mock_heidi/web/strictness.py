"""Strict mode: refuse the parts of a request that no page documents. By default they are accepted with a finding."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from mock_heidi.base.errors import StrictHeaderError, UndocumentedError
from mock_heidi.base.json_text import parse_json
from mock_heidi.base.operations import OPERATIONS, Takes
from mock_heidi.base.wording import shorten
from mock_heidi.observing.documented import documented
from mock_heidi.observing.findings import KINDS
from mock_heidi.observing.parsed_entries import ParsedEntry
from mock_heidi.observing.undocumented import Undocumented, undocumented
from mock_heidi.web.request import Request

HEADER = b"x-mock-strict"
Handler = Callable[[Request], Any]
_WORDS = {b"true": True, b"false": False}


def checking(request: Request, handler: Handler) -> Handler:
    """The handler for an admitted request: in strict mode, it checks the request first.

    Raises :class:`StrictHeaderError` for a word in the header that is not known.
    """
    return partial(_checked, handler) if _is_strict(request) else handler


def _is_strict(request: Request) -> bool:
    """True if the request's header asks for strict mode or, without the header, if the namespace is strict."""
    if request.identity is None:
        return False  # a sign-in with a wrong key, which its handler refuses
    word = request.headers.get(HEADER)
    if word is None:
        return (request.known_namespace or request.registry.start).strict
    if word.lower() not in _WORDS:
        raise StrictHeaderError(shorten(word.decode("latin-1")))
    return _WORDS[word.lower()]


def _checked(handler: Handler, request: Request) -> Any:
    """The handler's answer. Refuses the request first if it alone shows that a part of it is not documented."""
    assert request.operation is not None  # noqa: S101 - an admitted request has an operation
    if request.body and OPERATIONS[request.operation].takes is Takes.JSON:
        parse_json(request.body)  # refuses NaN and the like, which no answer could repeat
    _refuse(request, undocumented(ParsedEntry(request.journaled())))
    return handler(request)


def accept(request: Request, *found: Undocumented) -> None:
    """Accept parts that are not documented, with a finding for each. In strict mode, refuse the request."""
    for one in found:
        request.note(one.code, one.detail)
    if _is_strict(request):
        _refuse(request, found)


def _refuse(request: Request, found: Iterable[Undocumented]) -> None:
    """Raise the 422 for the parts whose findings strict mode refuses, if there are any."""
    refused = [one for one in found if KINDS[one.code].refused]
    if not refused:
        return
    page = documented()[request.operation or ""].page
    request.why = f"strict mode refuses {', '.join(dict.fromkeys(one.code for one in refused))}; see {page}"
    raise UndocumentedError([{**one.row, "msg": f"{one.row['msg']}; strict mode, see {page}"} for one in refused])
