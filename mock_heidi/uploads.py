"""Multipart bodies: streamed to files that are gone when the request is, checked to be whole, and bounded."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import NamedTuple

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from mock_heidi import audio
from mock_heidi.errors import BodyTooLargeError, UnprocessableError, missing
from mock_heidi.http import Request

_BLOCK = 256 * 1024
_MOST_PARTS = 100


class Upload(NamedTuple):
    """What is kept of an uploaded file; ``duration`` is in seconds, None where it could not be told."""

    filename: str
    media_type: str
    length: int
    sha256: str
    duration: float | None


class _WholeParser(MultiPartParser):
    """Starlette's own parser, which would take a body that is cut inside a file for an empty form."""

    whole = False

    def on_end(self) -> None:
        self.whole = True

    async def parse(self) -> FormData:
        fields = await super().parse()
        try:
            if not self.whole:
                raise MultiPartException("The form ends before its last boundary")
            for _, item in fields.multi_items():
                (item if isinstance(item, str) else item.filename or "").encode()
        except (MultiPartException, UnicodeEncodeError):
            for file in self._files_to_close_on_error:  # a cut one is in no field yet
                file.close()
            raise
        return fields


@contextlib.asynccontextmanager
async def form(request: Request) -> AsyncIterator[FormData]:
    """The parts of a multipart body; its files are closed and gone at the end, whatever happens.

    Raises :class:`BodyTooLargeError`, or :class:`UnprocessableError` for what is no complete form.
    """
    fields = FormData()
    if "multipart/form-data" in request.headers.get("content-type", "").lower():
        parser = _WholeParser(request.headers, _bounded(request), max_files=_MOST_PARTS, max_fields=_MOST_PARTS)
        try:
            fields = await parser.parse()
        except MultiPartException as error:
            raise _broken(error.message) from None
        except ValueError:
            raise _broken("Its character set is none, or cannot be read") from None
    else:
        async for _ in _bounded(request):
            continue  # read before refusing, or the client sees a reset instead of the answer
    try:
        yield fields
    finally:
        await fields.close()


async def _bounded(request: Request) -> AsyncGenerator[bytes, None]:
    most, size, more = request.call.space.settings.max_upload, 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body: bytes = message.get("body", b"")
        size += len(body)
        if size > most:
            raise BodyTooLargeError
        if body:
            yield body
        more = message.get("more_body", False)


def _broken(reason: str) -> UnprocessableError:
    row = {"type": "multipart_invalid", "loc": ["body"], "msg": f"Multipart decode error: {reason}", "input": None}
    return UnprocessableError([row])


def file_of(fields: FormData, name: str) -> UploadFile:
    """The file of that name; 422 where there is none, or a plain field in its place."""
    value = fields.get(name)
    if isinstance(value, UploadFile):
        return value
    raise UnprocessableError([missing("body", name)])


def text_of(fields: FormData, name: str) -> str | None:
    """The plain field of that name, or None."""
    value = fields.get(name)
    return value if isinstance(value, str) else None


async def take(file: UploadFile) -> Upload:
    """Measure an uploaded file: its length, hash and, if it is audio, its duration."""
    digest, length = hashlib.sha256(), 0
    while block := await file.read(_BLOCK):
        digest.update(block)
        length += len(block)
    return Upload(
        filename=file.filename or "",
        media_type=file.content_type or "",
        length=length,
        sha256=digest.hexdigest(),
        duration=audio.duration(file.file),
    )
