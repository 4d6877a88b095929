"""Documents made from a session: letters, explainers, summaries."""

from typing import Literal

from starlette.responses import Response

from mock_heidi.api.consult_notes import write
from mock_heidi.api.sessions import documents
from mock_heidi.api.templates import find_template
from mock_heidi.base.values import Incoming, Outgoing
from mock_heidi.content.note_writer import Manner
from mock_heidi.namespaces import session_content
from mock_heidi.state.field_types import Brain, ContentType, ObjectId, SessionId, VoiceStyle
from mock_heidi.state.session_records import Session, WrittenDocument
from mock_heidi.web.inputs import find, read
from mock_heidi.web.request import Request
from mock_heidi.web.response import respond, respond_list
from mock_heidi.web.spoken import stubbed_pieces
from mock_heidi.web.stub_answers import stub_of


class DocumentGenerate(Incoming):
    generation_method: Literal["TEMPLATE"]
    template_id: str
    voice_style: VoiceStyle | None = None
    brain: Brain | None = None
    content_type: ContentType | None = None
    document_tab_type: Literal["DOCUMENT"] | None = None


class DocumentCreated(Outgoing):
    """The answer to a creation. Its keys differ from those of a listed document. The vendor documents both."""

    id: ObjectId
    session_id: SessionId
    name: str
    template_id: str
    brain: Brain
    voice_style: VoiceStyle | None
    content_type: ContentType
    content: str


def create_document(request: Request) -> Response:
    given = read(request, DocumentGenerate)
    session = find(request, Session, request.params["session_id"])
    template = find_template(request, given.template_id, "DOCUMENT_TEMPLATE")
    namespace, brain = request.namespace, given.brain or "LEFT"
    material, sources = session_content.material(namespace, session)
    manner = Manner(given.voice_style or "GOLDILOCKS", brain, session.output_language_code)
    content_type: ContentType = given.content_type or request.meet("content_type_default").upper()
    document = WrittenDocument(
        id=namespace.object_id(),
        name=template.name,
        template_id=template.id,
        content="".join(
            stubbed_pieces(stub_of(request), lambda: [write(request, template, material, manner, content_type)])
        ),
        brain=brain,
        voice_style=given.voice_style,
        content_type=content_type,
        sources={**sources, "template_id": template.id},
    )
    stamp = namespace.clock.stamp()
    request.store.put(session.replace(documents=(*session.documents, document), updated_at=stamp))
    return respond(
        DocumentCreated(
            id=document.id,
            session_id=session.session_id,
            name=document.name,
            template_id=template.id,
            brain=brain,
            voice_style=document.voice_style,
            content_type=content_type,
            content=document.content,
        )
    )


def list_documents(request: Request) -> Response:
    return respond_list(documents(request, find(request, Session, request.params["session_id"])), "documents")
