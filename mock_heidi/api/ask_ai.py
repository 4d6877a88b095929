"""Ask Heidi: an instruction, some content, and a streamed answer."""

from collections.abc import Sequence

from pydantic import create_model

from mock_heidi.base.errors import UnprocessableError
from mock_heidi.base.values import Incoming
from mock_heidi.content import answers, note_writer, text_faults
from mock_heidi.faults.delivery import Stream
from mock_heidi.namespaces import session_content
from mock_heidi.state.field_types import ContentType
from mock_heidi.state.session_records import Session
from mock_heidi.web.inputs import find, read
from mock_heidi.web.request import Request
from mock_heidi.web.spoken import distorted, stubbed_pieces
from mock_heidi.web.stub_answers import stub_of


class AiCommand(Incoming):
    ai_command_text: str
    content: str
    content_type: ContentType


_INSTRUCTION_ONLY = create_model(
    "AiCommand", __base__=AiCommand, content=(str, ""), content_type=(ContentType, "MARKDOWN")
)


def ask_ai(request: Request) -> Stream:
    try:
        given = read(request, AiCommand)
    except UnprocessableError as error:
        missing = any(row["type"] == "missing" for row in error.problems)
        if not missing or request.meet("ask_ai_required") == "all_three":
            raise
        given = read(request, _INSTRUCTION_ONLY)
    session = find(request, Session, request.params["session_id"])
    material, _ = session_content.material(request.namespace, session)
    note = session.consult_note.result if session.consult_note else None
    html = given.content_type == "HTML"

    def answer(effects: Sequence[str]) -> str:
        form = html or "html_note" in effects
        text = answers.answer(given.ai_command_text, given.content, material, note or "", html=form)
        return text_faults.spoil(effects, text, material.name)

    return Stream(stubbed_pieces(stub_of(request), lambda: note_writer.pieces(distorted(request, answer))))
