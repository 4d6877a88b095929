"""The parts of a recorded multipart form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

_BOUNDARY = re.compile(r'boundary="?([^";]+)', re.IGNORECASE)
_NAME = re.compile(rb'[; ]name="([^"]*)"', re.IGNORECASE)
_FILE_NAME = re.compile(rb'[; ]filename="([^"]*)"', re.IGNORECASE)
_TYPE = re.compile(rb"^content-type:\s*([^;\r\n]*)", re.IGNORECASE | re.MULTILINE)


class Part(NamedTuple):
    """A part of a form. ``filename`` is None for a field; ``content`` is None if it was not recorded."""

    name: str
    filename: str | None
    media_type: str
    content: bytes | None

    @property
    def text(self) -> str:
        """The content as a text."""
        return (self.content or b"").decode("utf-8", "replace")


class Form(NamedTuple):
    """The parts of a body. ``whole`` is False for a body that is not a complete form."""

    parts: tuple[Part, ...] = ()
    whole: bool = True


def read(content_type: str, body: bytes | None, length: int | None, params: Iterable[Mapping[str, Any]]) -> Form:
    """The form of a request.

    ``length`` is the length of the body that was sent, None if it is unknown. ``params`` are the parts in a HAR file
    without the text of the body. A recorder may leave out the content of files.
    """
    if not content_type.lower().startswith("multipart/form-data"):
        return Form()
    if not body:
        return Form(tuple(map(_param, params)))
    found = _BOUNDARY.search(content_type)
    first, *pieces = (b"\r\n" + body).split(b"\r\n--" + (found[1].strip() if found else "").encode())
    if not found or first or not pieces or not pieces[-1].startswith(b"--"):
        # A recorder may have cut the body.
        return Form((), whole=length not in (None, len(body)))
    parts = tuple(_part(piece) for piece in pieces[:-1])
    complete = length == len(body) or (length is None and all(one.content for one in parts if one.filename))
    return Form(parts if complete else tuple(map(_without_content, parts)))


def _part(piece: bytes) -> Part:
    head, _, content = piece.partition(b"\r\n\r\n")
    name, filename, kind = (pattern.search(head) for pattern in (_NAME, _FILE_NAME, _TYPE))
    return Part(
        name[1].decode("utf-8", "replace") if name else "",
        filename[1].decode("utf-8", "replace") if filename else None,
        kind[1].decode("latin-1").strip().lower() if kind else "",
        content,
    )


def _without_content(part: Part) -> Part:
    return part if part.filename is None else part._replace(content=None)


def _param(param: Mapping[str, Any]) -> Part:
    name, filename, kind, value = (param.get(key) for key in ("name", "fileName", "contentType", "value"))
    is_file = isinstance(filename, str) and filename != ""
    known = isinstance(value, str) and not is_file
    return Part(
        str(name or ""),
        str(filename) if is_file else None,
        str(kind or "").partition(";")[0].strip().lower(),
        str(value).encode("utf-8", "replace") if known else None,
    )
