"""Context documents: files that a note of the session may draw on."""

from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import parse_qsl

from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.responses import Response

from mock_heidi.base.errors import UnprocessableError, UnsupportedFileTypeError, missing
from mock_heidi.base.json_text import parse_json
from mock_heidi.base.values import Incoming, Outgoing
from mock_heidi.state.clock import parse_moment
from mock_heidi.state.field_types import ObjectId, Timestamp
from mock_heidi.state.session_records import ContextFile, Session
from mock_heidi.web.inputs import find, read
from mock_heidi.web.request import Request
from mock_heidi.web.response import SUCCESS, respond, respond_list
from mock_heidi.web.uploads import take, text_of

_TYPES = (".pdf", ".jpg", ".png", ".docx", ".doc")


class ContextDocument(Outgoing):
    id: ObjectId
    name: str
    date: str | None
    additional_context: str | None
    filename: str
    status: Literal["PARSING", "READY"]
    uploaded_at: Timestamp


class ContextDocumentMetaData(Incoming):
    name: str | None = None
    date: str | None = None
    additional_context: str | None = None


class ContextDocumentsDelete(Incoming):
    ids: list[str] | None = None


def upload_context_documents(request: Request) -> Response:
    session_id = request.params["session_id"]
    fields = request.form
    files = [file for file in fields.getlist("context_documents") if isinstance(file, UploadFile)]
    if not files:
        raise UnprocessableError([missing("body", "context_documents")])
    about = _about(text_of(fields, "meta_data"))
    session = find(request, Session, session_id)
    if any(PurePosixPath((file.filename or "").lower()).suffix not in _TYPES for file in files):
        raise UnsupportedFileTypeError
    uploads = [take(file) for file in files]
    namespace = request.namespace
    added = [
        ContextFile(
            id=namespace.object_id(),
            name=about.name or upload.filename,
            date=about.date,
            additional_context=about.additional_context,
            filename=upload.filename,
            length=upload.length,
            sha256=upload.sha256,
            uploaded_at=namespace.clock.stamp(),
        )
        for upload in uploads
    ]
    session = session.replace(context_documents=(*session.context_documents, *added))
    request.store.put(session)
    return respond_list([_row(one, ready=False) for one in added], "context_documents")


def list_context_documents(request: Request) -> Response:
    session = find(request, Session, request.params["session_id"])
    transition, now = request.namespace.transitions["document_parsing"], request.namespace.clock.now()
    rows = [
        _row(one, ready=not one.parsing and transition.ready(one.reads, parse_moment(one.uploaded_at), now))
        for one in session.context_documents
    ]
    looked = tuple(one.replace(reads=one.reads + 1) for one in session.context_documents)
    request.store.put(session.replace(context_documents=looked))
    return respond_list(rows, "context_documents")


def delete_context_documents(request: Request) -> Response:
    """The ids stand in the query, repeated, or in a body: both are in use."""
    given = read(request, ContextDocumentsDelete, optional=True)
    query = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    ids = {value for name, value in query if name == "ids"} | set(given.ids or ())
    session = find(request, Session, request.params["session_id"])
    kept = tuple(one for one in session.context_documents if one.id not in ids)
    request.store.put(session.replace(context_documents=kept))
    return respond(SUCCESS)


def _about(text: str | None) -> ContextDocumentMetaData:
    """The fields of ``meta_data``, a part of the form that holds JSON."""
    try:
        return ContextDocumentMetaData.model_validate(parse_json(text.encode()) if text else {})
    except (UnprocessableError, ValidationError):
        msg = "Value error, meta_data should be a JSON object with name, date and additional_context"
        row = {"type": "value_error", "loc": ["body", "meta_data"], "msg": msg, "input": text}
        raise UnprocessableError([row]) from None


def _row(file: ContextFile, *, ready: bool) -> ContextDocument:
    return ContextDocument(
        id=file.id,
        name=file.name,
        date=file.date,
        additional_context=file.additional_context,
        filename=file.filename,
        status="READY" if ready else "PARSING",
        uploaded_at=file.uploaded_at,
    )
