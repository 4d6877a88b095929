"""Consult notes, which are streamed, and the answers to the questions of a partner's template."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal

from pydantic import ConfigDict, ValidationError, create_model
from starlette.responses import Response

from mock_heidi.api.templates import find_template
from mock_heidi.base.errors import (
    ConsultNoteNotFoundError,
    RecordingRequiredError,
    TemplateRequiredError,
    UnprocessableError,
)
from mock_heidi.base.json_text import parse_json, to_json
from mock_heidi.base.problems import problem
from mock_heidi.base.slices import Work
from mock_heidi.base.values import Incoming
from mock_heidi.content import custom_templates, note_writer, text_faults
from mock_heidi.content.note_writer import Manner, Material
from mock_heidi.faults.delivery import Stream
from mock_heidi.namespaces import session_content
from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.observing.undocumented import Undocumented
from mock_heidi.state.field_types import Brain, ContentType, VoiceStyle
from mock_heidi.state.session_records import ConsultNote, Session
from mock_heidi.state.template_records import NoteTemplate
from mock_heidi.web.inputs import find, read, rejected
from mock_heidi.web.request import Request
from mock_heidi.web.response import Answer
from mock_heidi.web.spoken import distorted, stubbed_pieces
from mock_heidi.web.strictness import accept
from mock_heidi.web.stub_answers import stub_of

TemplateMethod = Literal["TEMPLATE"]
NoteMethod = Literal["TEMPLATE", "THIRD_PARTY_TEMPLATE"]
_OLDER_METHODS = ("THIRD_PARTY_TEMPLATE",)
AnswerType = Literal["SingleResponse", "MultipleResponse", "TextArea", "DateResponse"]
DateFormat = Literal["D MMM YYYY", "DD/MM/YYYY", "MM/DD/YYYY", "MMMM DD YYYY", "MMM DD YYYY", "YYYY/MM/DD"]

# A custom template is empty without any of these parts. The newer and the older form name them differently.
_NEW_PARTS, _OLD_PARTS = ("template", "questions"), ("content", "responses")


class ConsultNoteGenerate(Incoming):
    generation_method: NoteMethod
    template_id: str | None = None
    third_party_template: str | None = None
    addition: str
    voice_style: VoiceStyle
    brain: Brain | None = None
    content_type: ContentType | None = None


_BY_TEMPLATE_ALONE = create_model(
    "ConsultNoteGenerate",
    __base__=ConsultNoteGenerate,
    generation_method=(TemplateMethod, ...),
)


class CustomOption(Incoming):
    model_config = ConfigDict(extra="allow")

    value: str | None = None
    metadata: Any = None


class CustomQuestion(Incoming):
    """A question of a partner's template; its unknown fields come back unchanged."""

    model_config = ConfigDict(extra="allow")

    questionId: str | None = None  # noqa: N815 - the vendor's names, here and below
    question: str | None = None
    description: str | None = None
    answerType: AnswerType | None = None  # noqa: N815
    answerOptions: list[CustomOption | str] | None = None  # noqa: N815
    dateFormat: DateFormat | None = None  # noqa: N815
    repeatable: bool | None = None
    childQuestions: list["CustomQuestion"] | None = None  # noqa: N815


class CustomTemplate(Incoming):
    """A partner's template; ``content`` and ``responses`` are the names of an older form."""

    model_config = ConfigDict(extra="allow")

    template: str | None = None
    questions: list[CustomQuestion] | None = None
    summaryRequired: bool | None = None  # noqa: N815
    metadata: list[str] | None = None
    content: str | None = None
    responses: list[CustomQuestion] | None = None


@cache
def _template_model(required: str, answer_types: str) -> type[CustomTemplate]:
    """The model of a template for these values of ``custom_template_required`` and ``answer_types``."""
    if (required, answer_types) == ("none", "four_types"):
        return CustomTemplate

    def field(kind: Any) -> Any:
        return (kind | None, None) if required == "none" else (kind, ...)

    many: Any = list  # mypy cannot check types that are made at run time
    inner = many["CustomQuestion"]  # the name of the class that is made below
    question = create_model(
        "CustomQuestion",
        __base__=CustomQuestion,
        questionId=field(str),
        question=field(str),
        description=field(str),
        answerType=field(str if answer_types == "any_text" else AnswerType),
        repeatable=field(bool),
        childQuestions=(inner | None, None),
    )
    return create_model(
        "CustomTemplate",
        __base__=CustomTemplate,
        template=field(str),
        questions=field(many[question]),
        summaryRequired=field(bool),
        metadata=(list[str] | None, None if required == "none" else ...),
        responses=(many[question] | None, None),
    )


def _fits(request: Request, required: str, answer_types: str) -> bool:
    """True if the body is a template under these values of the two assumptions."""
    try:
        _template_model(required, answer_types).model_validate(request.json)
    except ValidationError:
        return False
    return True


def _check_template(request: Request, given: Mapping[str, Any]) -> None:
    """Raise the 422 for a template that the assumptions refuse."""
    new, old = ([name for name in names if given.get(name)] for names in (_NEW_PARTS, _OLD_PARTS))
    if not (new or old) and request.meet("empty_custom_template") == "refused_422":
        raise rejected("template", "the template has neither a text nor questions", None)
    if old and not new and request.meet("old_custom_template") == "refused_422":
        raise rejected(old[0], "the template has the older form", given[old[0]])


def generate_consult_note(request: Request) -> Stream:
    either = request.assumptions["third_party_template_method"] == "accepted"
    try:
        given = read(request, ConsultNoteGenerate if either else _BY_TEMPLATE_ALONE)
    except UnprocessableError as error:
        if any(row["loc"][-1] == "generation_method" and row["input"] in _OLDER_METHODS for row in error.problems):
            request.meet("third_party_template_method")
        raise
    if given.generation_method in _OLDER_METHODS:
        request.meet("third_party_template_method")
        accept(request, _older_method(given.generation_method))
    if (given.template_id is None) == (given.third_party_template is None):
        raise TemplateRequiredError
    text = given.third_party_template
    partners = None if text is None else _partners_template(request, text)
    session = find(request, Session, request.params["session_id"])
    if not _may_write(session):
        if request.meet("note_without_recording") != "allowed":
            raise RecordingRequiredError
        request.note("note_without_recording")
    template = partners or find_template(request, given.template_id or "", "CONSULT_NOTE_TEMPLATE")

    namespace, brain = request.namespace, given.brain or "LEFT"
    material, sources = session_content.material(namespace, session, given.addition)
    manner = Manner(given.voice_style, brain, session.output_language_code)
    content_type: ContentType = given.content_type or request.meet("content_type_default").upper()
    shown = request.meet("note_request_fields") == "shown"
    pieces = stubbed_pieces(
        stub_of(request), lambda: note_writer.pieces(write(request, template, material, manner, content_type))
    )
    note = ConsultNote(
        status="CREATED",
        result="".join(pieces),
        heading=template.name,
        brain=brain,
        voice_style=given.voice_style if shown else None,
        generation_method=given.generation_method,
        template_id=given.template_id if shown else None,
    )
    made = {**sources, "template_id": given.template_id, "voice_style": given.voice_style, "brain": brain}
    renames = session.consultation is not None and request.meet("session_name_after_note") == "problems"
    return Stream(pieces, lambda: _keep(namespace, session.session_id, note, made, renames=renames))


def _older_method(given: str) -> Undocumented:
    """The part of a request with a method that only an older page of the vendor lists."""
    row = problem("literal_error", "Input should be 'TEMPLATE'", "body", "generation_method", given=given)
    return Undocumented(
        "undocumented_value", f"generation_method = {given}", {**row, "ctx": {"expected": "'TEMPLATE'"}}
    )


def _may_write(session: Session) -> bool:
    """True if the session was recorded, or if its client wants a note without a recording.

    A session that was recorded in Heidi's own application has a duration or a transcript.
    """
    recorded = session.audio or session.transcript or session.duration
    return bool(recorded or session.generate_output_without_recording)


def write(
    request: Request, template: NoteTemplate, material: Material, manner: Manner, content_type: ContentType
) -> str:
    """The text of a note or document, with the text faults of the request."""
    session = find(request, Session, request.params["session_id"])
    # The text cannot contain these uploads: an upload is transcribed when a client reads the transcript.
    unheard = [one.filename or one.id for one in session.audio if one.begun_at is None]
    if unheard:
        request.note("untranscribed_audio", ", ".join(unheard))

    def compose(effects: Sequence[str]) -> str:
        about, how, form = text_faults.mislead(effects, material, manner, content_type)
        parts = text_faults.without_section(effects, note_writer.compose(template, about, how), about.patient)
        text = note_writer.to_html(parts, how.brain) if form == "HTML" else note_writer.to_markdown(parts, how.brain)
        return text_faults.spoil(effects, text, material.name)

    return distorted(request, compose)


def _keep(namespace: Namespace, session_id: str, note: ConsultNote, sources: dict[str, Any], *, renames: bool) -> None:
    """Store the note with its session. With ``renames``, the session gets the name of its problems."""
    # Read the session again, since other requests may have changed it after the stream began.
    session = namespace.store.get(Session, session_id)
    if session is None:
        return
    stamp, name = namespace.clock.stamp(), session.session_name
    if renames:
        name = session_content.problems(namespace, session) or name
    namespace.store.put(
        session.replace(
            session_name=name,
            consult_note=note,
            note_id=namespace.object_id(),
            note_begun_at=stamp,
            note_reads=0,
            note_sources=sources,
            updated_at=stamp,
        )
    )


def _partners_template(request: Request, text: str) -> NoteTemplate:
    """A template with the headings in a partner's JSON. Text that is not JSON gives a template with one section."""
    try:
        template = parse_json(text.encode())
    except UnprocessableError:
        refusal = rejected("third_party_template", "third_party_template is not JSON", text)
        accept(request, Undocumented("template_not_json", "", refusal.problems[0]))
        if request.meet("third_party_template_form") == "refused_422":
            raise refusal from None
        template = None
    try:
        return custom_templates.template_of(template)
    except custom_templates.TemplateTooLargeError as error:
        raise rejected("third_party_template", str(error), text) from None


def answer_custom_template(request: Request) -> Work[Response]:
    """Answer each question of the template. The body of the request is the template itself."""
    # Each assumption counts only for a template to which it makes a difference.
    whole = _fits(request, "not_optional", "any_text")
    required = "not_optional" if whole else request.meet("custom_template_required")
    answer_types = "four_types" if _fits(request, "none", "four_types") else request.meet("answer_types")
    given = read(request, _template_model(required, answer_types)).model_dump(exclude_unset=True)
    _check_template(request, given)
    session = find(request, Session, request.params["session_id"])
    if session.consult_note is None:
        raise ConsultNoteNotFoundError
    try:
        made = yield from custom_templates.answering(given, session.consult_note.result or "", session.created_at[:10])
    except custom_templates.TemplateTooLargeError as error:
        field = "questions" if "questions" in given else "responses"
        raise rejected(field, str(error), given[field]) from None
    return Answer(to_json(made))
