"""Assumptions about context documents."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

from mock_heidi.base.document_types import ENDINGS, FIRST_BYTES, MEDIA_TYPES
from mock_heidi.comparing.additions import named_files
from mock_heidi.comparing.detectors.detector import Detector, on
from mock_heidi.comparing.exchange import Exchange, json_of, texts
from mock_heidi.comparing.forms import Part
from mock_heidi.comparing.history import History

_FILES, _META = "context_documents", "meta_data"
_UNSUPPORTED = "UnsupportedFileTypeError"
_METHOD_NOT_ALLOWED = 405


def _files(exchange: Exchange) -> list[Part]:
    """The files of an upload."""
    return [one for one in exchange.parts if one.name == _FILES]


def _ending(part: Part) -> str:
    return PurePosixPath(part.filename or "").suffix.lower()


def context_documents_methods(exchange: Exchange, _: History) -> Any:
    """A GET or a DELETE of context documents."""
    return "refused_405" if exchange.status == _METHOD_NOT_ALLOWED else "served" if exchange.ok else None


def context_documents_delete(exchange: Exchange, history: History) -> Any:
    """A list after a delete with an id in the query, and after one with an id in the body."""
    session = history.session(exchange)
    left = texts(exchange.rows(_FILES), "id")
    values = {"query_or_body", "query", "body"}
    both = {one for one, place in session.deleting if place == "query"} & {
        one for one, place in session.deleting if place == "body"
    }
    # A service that reads ids elsewhere may delete all.
    for one, place in session.deleting if left and not session.emptied else ():
        # An id that was never shown tells nothing.
        if one in session.files and one not in both:
            other = {"query": "body", "body": "query"}[place]
            values &= {other} if one in left else {"query_or_body", place}
    return values


def context_documents_delete_unknown(exchange: Exchange, history: History) -> Any:
    """A delete with an id that is known to be unknown."""
    sent = {one for ids in named_files(exchange).values() for one in ids}
    session = history.session(exchange)
    if not sent or exchange.status == _METHOD_NOT_ALLOWED:
        return None
    if exchange.status == 404 and exchange.error != "SessionNotFoundError":  # noqa: PLR2004
        return "refused_404"
    return "ignored" if exchange.ok and session.all_files and sent - session.files else None


def context_documents_delete_none(exchange: Exchange, history: History) -> Any:
    """A delete without an id, and the list after it."""
    if exchange.operation == "delete_context_documents":
        none = exchange.sent is not None and not any(named_files(exchange).values())
        return "refused_422" if none and exchange.unprocessable else None
    session = history.session(exchange)
    before = session.files - {one for one, _ in session.deleting}
    if not session.emptied or not before or not exchange.ok:
        return None
    left = texts(exchange.rows(_FILES), "id")
    return "all" if not left & before else "nothing" if before <= left else None


def context_document_name(exchange: Exchange, _: History) -> Any:
    """An upload without a name in its meta_data."""
    part = exchange.part(_META)
    given = json_of(part.content) if part else None
    if isinstance(given, dict) and given.get("name"):
        return None
    rows = exchange.rows(_FILES) if _files(exchange) else []
    found = {"none" if row.get("name", "") is None else _from_file(row) for row in rows}
    return found.pop() if len(found) == 1 else None


def _from_file(row: dict[str, Any]) -> str | None:
    return "file_name" if row.get("name") and row.get("name") == row.get("filename") else None


def meta_data_required(exchange: Exchange, _: History) -> Any:
    """An upload of context documents without meta_data."""
    part = exchange.part(_META)
    if (part is not None and part.text) or not _files(exchange):
        return None
    return False if exchange.ok else True if exchange.blames(_META) else None


def meta_data_form(exchange: Exchange, _: History) -> Any:
    """A meta_data that is not a JSON object of texts."""
    part = exchange.part(_META)
    if part is None or not part.text:
        return None
    try:
        given = json.loads(part.text)
    except (ValueError, RecursionError):
        given = None
    if isinstance(given, dict) and all(value is None or isinstance(value, str) for value in given.values()):
        return None
    return "ignored" if exchange.ok else "refused_422" if exchange.unprocessable and not exchange.error else None


def file_type_detection(exchange: Exchange, _: History) -> Any:
    """A context document whose name, content type and content are of different types."""
    files = _files(exchange)
    if len(files) != 1 or _ending(files[0]) == ".jpeg" or not (exchange.ok or exchange.error == _UNSUPPORTED):
        return None
    part = files[0]
    supported = {"file_name": _ending(part) in ENDINGS, "content_type": part.media_type in MEDIA_TYPES}
    if part.content is not None:
        supported["content"] = part.content.startswith(FIRST_BYTES)
    unknown = {"content"} - supported.keys()
    return unknown | {name for name, fits in supported.items() if fits == exchange.ok}


def jpeg_extension(exchange: Exchange, _: History) -> Any:
    """A context document whose name ends in .jpeg."""
    files = _files(exchange)
    if not files or not any(_ending(one) == ".jpeg" for one in files):
        return None
    if exchange.ok:
        return "accepted"
    others = all(_ending(one) in (*ENDINGS, ".jpeg") for one in files)
    return "refused" if exchange.error == _UNSUPPORTED and others else None


DETECTORS: list[Detector] = [
    *on("list_context_documents delete_context_documents", context_documents_methods, context_documents_delete_none),
    *on("list_context_documents", context_documents_delete),
    *on("delete_context_documents", context_documents_delete_unknown),
    *on(
        "upload_context_documents",
        context_document_name,
        meta_data_required,
        meta_data_form,
        file_type_detection,
        jpeg_extension,
    ),
]
