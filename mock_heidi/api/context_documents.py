"""Context documents: files that a note of the session may draw on."""

from pathlib import PurePosixPath
from typing import Any, Literal
from urllib.parse import parse_qsl

from pydantic import ValidationError, create_model
from starlette.datastructures import UploadFile
from starlette.responses import Response

from mock_heidi.base.document_types import ENDINGS, FIRST_BYTES, MEDIA_TYPES
from mock_heidi.base.errors import UnprocessableError, UnsupportedFileTypeError
from mock_heidi.base.json_text import parse_json
from mock_heidi.base.problems import missing
from mock_heidi.base.refusals import refused
from mock_heidi.base.values import Incoming, Outgoing
from mock_heidi.observing.undocumented import Undocumented
from mock_heidi.state.clock import parse_moment
from mock_heidi.state.field_types import ObjectId, Timestamp
from mock_heidi.state.session_records import ContextFile, Session
from mock_heidi.web.inputs import find, read, rejected
from mock_heidi.web.request import Request
from mock_heidi.web.response import SUCCESS, respond, respond_list
from mock_heidi.web.strictness import accept
from mock_heidi.web.uploads import take, text_of


class ContextDocument(Outgoing):
    id: ObjectId
    name: str
    date: str | None
    additional_context: str | None
    filename: str
    status: Literal["PARSING", "READY"]
    uploaded_at: Timestamp


_NAMELESS = create_model("ContextDocument", __base__=ContextDocument, name=(None, ...))


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
    about = _about(request, text_of(fields, "meta_data"))
    session = find(request, Session, session_id)
    if not all(_is_supported(request, file) for file in files):
        raise UnsupportedFileTypeError
    uploads = [take(file) for file in files]
    namespace = request.namespace
    added = [
        ContextFile(
            id=namespace.object_id(),
            name=about.name or None,
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
    return respond_list([_row(request, one, ready=False) for one in added], "context_documents")


def list_context_documents(request: Request) -> Response:
    session = find(request, Session, request.params["session_id"])
    transition, now = request.namespace.transitions["document_parsing"], request.namespace.clock.now()
    rows = [
        _row(request, one, ready=not one.parsing and transition.ready(one.reads, parse_moment(one.uploaded_at), now))
        for one in session.context_documents
    ]
    counted = tuple(one.replace(reads=one.reads + 1) for one in session.context_documents)
    request.store.put(session.replace(context_documents=counted))
    return respond_list(rows, "context_documents")


def delete_context_documents(request: Request) -> Response:
    """Remove the documents with these ids. Clients send them in a repeated query parameter or in a body."""
    ids = set[str]()
    place = request.meet("context_documents_delete")
    if place != "query":
        ids.update(read(request, ContextDocumentsDelete, optional=True).ids or ())
    if place != "body":
        query = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        ids.update(value for name, value in query if name == "ids")
    without = "nothing" if ids else request.meet("context_documents_delete_none")
    if without == "refused_422":
        raise UnprocessableError([missing("body" if place == "body" else "query", "ids")])
    session = find(request, Session, request.params["session_id"])
    there = {one.id for one in session.context_documents}
    if ids - there and request.meet("context_documents_delete_unknown") != "ignored":
        raise refused(request.assumptions, "context_documents_delete_unknown", "one of the documents is unknown")
    gone = there if without == "all" else ids
    kept = tuple(one for one in session.context_documents if one.id not in gone)
    request.store.put(session.replace(context_documents=kept))
    return respond(SUCCESS)


def _is_supported(request: Request, file: UploadFile) -> bool:
    """True if the API accepts the type of the file."""
    file.file.seek(0)
    supported = {
        "file_name": _has_supported_name(request, file),
        "content_type": (file.content_type or "").partition(";")[0].strip().lower() in MEDIA_TYPES,
        "content": file.file.read(4).startswith(FIRST_BYTES),
    }
    agree = len(set(supported.values())) == 1
    return supported["file_name" if agree else request.meet("file_type_detection")]


def _has_supported_name(request: Request, file: UploadFile) -> bool:
    ending = PurePosixPath((file.filename or "").lower()).suffix
    if ending == ".jpeg" and request.meet("jpeg_extension") == "accepted":
        refusal = rejected("context_documents", ".jpeg is not a documented ending", file.filename)
        accept(request, Undocumented("undocumented_value", f"filename = {file.filename}", refusal.problems[0]))
        return True
    return ending in ENDINGS


def _about(request: Request, text: str | None) -> ContextDocumentMetaData:
    """The fields in ``meta_data``, a part of the form that contains JSON."""
    if not text and request.meet("meta_data_required"):
        raise UnprocessableError([missing("body", "meta_data")])
    try:
        return ContextDocumentMetaData.model_validate(parse_json(text.encode()) if text else {})
    except (UnprocessableError, ValidationError):
        message = "meta_data should be a JSON object with name, date and additional_context"
        refusal = rejected("meta_data", message, text)
        if request.meet("meta_data_form") != "ignored":
            raise refusal from None
        accept(request, Undocumented("undocumented_value", f"meta_data = {text}", refusal.problems[0]))
        return ContextDocumentMetaData()


def _row(request: Request, file: ContextFile, *, ready: bool) -> ContextDocument:
    name: Any = file.name or (file.filename if request.meet("context_document_name") == "file_name" else None)
    view = ContextDocument if name is not None else _NAMELESS
    return view(
        id=file.id,
        name=name,
        date=file.date,
        additional_context=file.additional_context,
        filename=file.filename,
        status="READY" if ready else "PARSING",
        uploaded_at=file.uploaded_at,
    )
