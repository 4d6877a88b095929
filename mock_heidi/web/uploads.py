"""Multipart bodies: streamed to temporary files, limited in size, and checked to be complete."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from http import HTTPStatus
from typing import Any, NamedTuple

from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from mock_heidi.base.errors import BodyTooLargeError, NoTemporaryFileError, UnprocessableError
from mock_heidi.base.problems import missing, problem
from mock_heidi.base.refusals import RefusedError
from mock_heidi.content import durations
from mock_heidi.web.request import Request

_MOST_PARTS = 100


class Upload(NamedTuple):
    """The record of an uploaded file; ``duration`` is in seconds, None if it is unknown."""

    filename: str
    media_type: str
    length: int
    sha256: str
    duration: float | None


class _WholeParser(MultiPartParser):
    """Starlette's parser, which also checks that the body is complete.

    Starlette reads a body that ends inside a file as an empty form. This parser also measures and hashes each part
    while it arrives, so that no file is read twice.
    """

    whole = False

    def __init__(self, request: Request) -> None:
        super().__init__(Headers(scope=request.scope), _bounded(request), max_files=_MOST_PARTS, max_fields=_MOST_PARTS)
        self.digest = hashlib.sha256()
        self.parts: list[dict[str, Any]] = []
        """The parts as the journal keeps them: without their contents."""

    def on_headers_finished(self) -> None:
        super().on_headers_finished()
        file = self._current_part.file
        self.digest = hashlib.sha256()
        self.parts.append(
            {
                "name": self._current_part.field_name,
                "filename": None if file is None else file.filename,
                "content_type": None if file is None else file.content_type,
                "size": 0,
                "complete": False,
            }
        )

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        super().on_part_data(data, start, end)
        self.digest.update(memoryview(data)[start:end])
        self.parts[-1]["size"] += end - start

    def on_part_end(self) -> None:
        super().on_part_end()
        self.parts[-1]["complete"] = True
        if self._current_part.file is not None:
            vars(self._current_part.file)["sha256"] = self.digest.hexdigest()

    def on_end(self) -> None:
        self.whole = True

    async def parse(self) -> FormData:
        _, options = parse_options_header(self.headers["content-type"])
        # Other charsets can encode text that UTF-8 cannot, such as half a surrogate pair.
        if options.get(b"charset", b"utf-8").lower() not in (b"utf-8", b"utf8"):
            raise MultiPartException("The charset should be UTF-8")
        try:
            fields = await super().parse()
        except OSError:
            self._close_files()
            raise NoTemporaryFileError from None
        if not self.whole:
            self._close_files()  # an incomplete file is not in a field yet
            raise MultiPartException("The form ends before its last boundary")
        return fields

    def _close_files(self) -> None:
        for file in self._files_to_close_on_error:
            with contextlib.suppress(OSError):  # a full disk takes no buffered rest
                file.close()


@contextlib.asynccontextmanager
async def form(request: Request) -> AsyncIterator[None]:
    """Put the parts of a multipart body into ``request.form``. Its files are always deleted at the end.

    Raises :class:`BodyTooLargeError`, :class:`NoTemporaryFileError`, or :class:`UnprocessableError` for an incomplete
    form.
    """
    fields = FormData()
    if "multipart/form-data" in (request.header("content-type") or "").lower():
        parser = _WholeParser(request)
        request.journaled().parts = parser.parts
        try:
            fields = await parser.parse()
        except MultiPartException as error:
            if request.meet("malformed_multipart") == HTTPStatus.BAD_REQUEST:
                raise RefusedError("malformed_multipart", "There was an error parsing the body") from None
            message = f"Multipart decode error: {error.message}"
            raise UnprocessableError([problem("multipart_invalid", message, "body")]) from None
    else:
        async for _ in _bounded(request):
            continue  # read the body first: otherwise the client sees a reset and no answer
    try:
        request.form = fields
        yield
    finally:
        await fields.close()


async def _bounded(request: Request) -> AsyncGenerator[bytes, None]:
    most, size = request.registry.settings.max_upload, len(request.body)
    request.journaled()  # a form takes time, so the journal shows it now
    shown = request.show_soon()
    try:
        while not request.taken:
            piece = await request.next_piece()
            size += len(piece)
            if size > most:
                raise BodyTooLargeError
            yield piece
    finally:
        if shown is not None:
            shown.cancel()
    request.confirm_account()


def file_of(fields: FormData, name: str) -> UploadFile:
    """The file of that name. Raises the 422 if it is missing, or is a plain field."""
    value = fields.get(name)
    if isinstance(value, UploadFile):
        return value
    raise UnprocessableError([missing("body", name)])


def text_of(fields: FormData, name: str) -> str | None:
    """The plain field of that name, or None."""
    value = fields.get(name)
    return value if isinstance(value, str) else None


def take(file: UploadFile) -> Upload:
    """The record of an uploaded file: its length, hash and, if it is audio, its duration."""
    return Upload(
        filename=file.filename or "",
        media_type=file.content_type or "",
        length=file.size or 0,
        sha256=str(vars(file)["sha256"]),
        duration=durations.duration(file.file),
    )
