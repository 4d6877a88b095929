"""Assumptions about notes, documents, codes and streams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mock_heidi.base.operations import STREAMS
from mock_heidi.comparing import streams
from mock_heidi.comparing.detectors.detector import Detector, on
from mock_heidi.comparing.exchange import NOT_JSON, Exchange, json_of, texts
from mock_heidi.comparing.history import History

_TEMPLATE_PARTS = ("template", "questions", "summaryRequired", "metadata")
_QUESTION_PARTS = ("questionId", "question", "description", "answerType", "repeatable")
_OLD_PARTS = ("content", "responses")
_ANSWER_TYPES = ("SingleResponse", "MultipleResponse", "TextArea", "DateResponse")
_CONSULT, _DOCUMENT = "CONSULT_NOTE_TEMPLATE", "DOCUMENT_TEMPLATE"


def consult_note_template_list(exchange: Exchange, history: History) -> Any:
    """The list for consult notes, after the list of all templates."""
    categories = texts(exchange.rows("templates"), "template_category")
    if _DOCUMENT in categories:
        return "all"
    return "for_notes" if categories and _DOCUMENT in history.templates.values() else None


def note_status(exchange: Exchange, history: History) -> Any:
    """A note after its generation in the same recording."""
    note = exchange.value("session", "consult_note")
    if history.session(exchange).note is None or not isinstance(note, dict) or not note.get("result"):
        return None
    return {"COMPLETED": "completed", "CREATED": "created"}.get(str(note.get("status")))


def note_request_fields(exchange: Exchange, history: History) -> Any:
    """A note after its generation with a template in the same recording."""
    note, sent = exchange.value("session", "consult_note"), history.session(exchange).note or {}
    if not sent.get("template_id") or not isinstance(note, dict) or "template_id" not in note:
        return None
    return "shown" if note["template_id"] == sent["template_id"] else "hidden" if note["template_id"] is None else None


def note_without_recording(exchange: Exchange, history: History) -> Any:
    """A note in a session that was created in the same recording and has no audio."""
    if exchange.error == "RecordingRequiredError":
        return "refused_400"
    session = history.session(exchange)
    if not session.made or session.uploads or session.recordings or session.output_allowed:
        return None
    unknown = exchange.status == 400 and not exchange.error  # noqa: PLR2004
    return "allowed" if exchange.ok else "refused_400" if unknown else None


def template_of_other_category(exchange: Exchange, history: History) -> Any:
    """A note with a listed template for documents, or a document with one for notes."""
    wrong = _DOCUMENT if exchange.operation == "generate_consult_note" else _CONSULT
    if history.templates.get(str(exchange.fields.get("template_id"))) != wrong:
        return None
    if exchange.error == "TemplateNotFoundError" or (not exchange.error and not exchange.ok):
        return f"refused_{exchange.status}" if exchange.status in (404, 422) else None
    return "allowed" if exchange.ok else None


def third_party_template_method(exchange: Exchange, _: History) -> Any:
    """A note with the generation_method THIRD_PARTY_TEMPLATE."""
    if exchange.fields.get("generation_method") != "THIRD_PARTY_TEMPLATE":
        return None
    return "accepted" if exchange.ok else "refused" if exchange.blames("generation_method") else None


def third_party_template_form(exchange: Exchange, _: History) -> Any:
    """A note with a third_party_template that is not JSON."""
    sent = exchange.fields.get("third_party_template")
    if not isinstance(sent, str) or json_of(sent.encode("utf-8", "replace")) is not NOT_JSON:
        return None
    return "not_checked" if exchange.ok else "refused_422" if exchange.blames("third_party_template") else None


def content_type_default(exchange: Exchange, _: History) -> Any:
    """A document whose request has no content_type."""
    if not exchange.ok or exchange.given is NOT_JSON or exchange.fields.get("content_type"):
        return None
    return {"MARKDOWN": "markdown", "HTML": "html"}.get(str(exchange.value("content_type")))


def document_without_template(exchange: Exchange, _: History) -> Any:
    """A list with a document that was made without a template, and one that was made with one."""
    rows = exchange.rows("documents")
    if any(row.get("template_id", "") is None for row in rows):
        return "none"
    return "left_out" if len({"template_id" in row for row in rows}) > 1 else None


def _questions(fields: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All questions of a custom template, also those below others."""
    for name in ("questions", "responses", "childQuestions"):
        rows = fields.get(name)
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, dict):
                yield row
                yield from _questions(row)


def _is_old(exchange: Exchange) -> bool:
    return any(exchange.fields.get(name) for name in _OLD_PARTS) and not any(
        exchange.fields.get(name) for name in _TEMPLATE_PARTS[:2]
    )


def _is_empty(exchange: Exchange) -> bool:
    names = (*_TEMPLATE_PARTS[:2], *_OLD_PARTS)
    return exchange.given is not NOT_JSON and not any(exchange.fields.get(name) for name in names)


def custom_template_required(exchange: Exchange, _: History) -> Any:
    """A custom template that has a text or questions, and lacks a part that is not optional."""
    questions = list(_questions(exchange.fields))
    lost = {name for name in _TEMPLATE_PARTS if name not in exchange.fields}
    lost |= {name for name in _QUESTION_PARTS for row in questions if name not in row}
    if not lost or _is_old(exchange) or _is_empty(exchange):
        return None
    return "none" if exchange.ok else "not_optional" if exchange.blames(*lost) else None


def empty_custom_template(exchange: Exchange, _: History) -> Any:
    """A custom template with all its parts, and neither a text nor questions."""
    if not _is_empty(exchange):
        return None
    whole = exchange.fields.keys() >= set(_TEMPLATE_PARTS)
    return "accepted" if exchange.ok else "refused_422" if whole and exchange.unprocessable else None


def old_custom_template(exchange: Exchange, history: History) -> Any:
    """A custom template of the older form, after one of the newer form without its optional parts."""
    if not _is_old(exchange):
        return None
    return "accepted" if exchange.ok else "refused_422" if exchange.unprocessable and history.partial_template else None


def answer_types(exchange: Exchange, _: History) -> Any:
    """A question of a custom template with another answerType."""
    kinds = {row["answerType"] for row in _questions(exchange.fields) if isinstance(row.get("answerType"), str)}
    if not kinds - set(_ANSWER_TYPES):
        return None
    return "any_text" if exchange.ok else "four_types" if exchange.blames("answerType") else None


def ask_ai_required(exchange: Exchange, _: History) -> Any:
    """A request to Ask Heidi without content or content_type."""
    lost = [name for name in ("content", "content_type") if name not in exchange.fields]
    if not lost or not exchange.fields.get("ai_command_text"):
        return None
    return "instruction_only" if exchange.ok else "all_three" if exchange.blames(*lost) else None


def clinical_codes_need_note(exchange: Exchange, _: History) -> Any:
    """A request for codes of a session without a note."""
    if exchange.error == "ConsultNoteNotFoundError":
        return True
    return False if exchange.value("consult_note_id") is None else None


def coding_enabled(exchange: Exchange, _: History) -> Any:
    """A request for codes."""
    if exchange.error == "CodingNotEnabledError":
        return f"refused_{exchange.status}"
    return "enabled" if exchange.ok or exchange.error == "ConsultNoteNotFoundError" else None


def _places(exchange: Exchange) -> Iterator[tuple[str, int, int]]:
    """The quotations of a transcript in the codes, each with its start and its end."""
    for entity in exchange.rows("clinical_entities"):
        rows = entity.get("reference_in_transcript")
        for row in rows if isinstance(rows, list) else ():
            place = row.get("location_in_transcript") if isinstance(row, dict) else None
            if isinstance(place, dict) and isinstance(row.get("transcript_text"), str):
                start, end = place.get("start"), place.get("end")
                if type(start) is int and type(end) is int:
                    yield row["transcript_text"], start, end


def offset_end(exchange: Exchange, _: History) -> Any:
    """A code with a quotation of the transcript, without letters beyond U+FFFF."""
    lengths = {
        len(text) - (end - start) for text, start, end in _places(exchange) if max(text, default="a") < "\U00010000"
    }
    return {0: "after", 1: "last"}.get(lengths.pop()) if len(lengths) == 1 else None


def offset_unit(exchange: Exchange, history: History) -> Any:
    """A code with a quotation after a letter beyond U+FFFF of a transcript that was read before."""
    whole = history.session(exchange).transcript
    if not whole:
        return None
    units = whole.encode("utf-16-le", "surrogatepass")
    values = {"code_points", "utf16"}
    for text, start, _ in _places(exchange):
        here = {"code_points": whole.startswith(text, start)}
        here["utf16"] = units.startswith(text.encode("utf-16-le", "surrogatepass"), 2 * start)
        if any(here.values()):
            values &= {name for name, fits in here.items() if fits}
    return values


def stream_framing(exchange: Exchange, _: History) -> Any:
    """A stream."""
    return streams.framing(_text(exchange), exchange.media_type)


def stream_escapes(exchange: Exchange, _: History) -> Any:
    """A stream with a letter beyond ASCII."""
    return streams.escapes(_text(exchange))


def _text(exchange: Exchange) -> str:
    return (exchange.body or b"").decode("utf-8", "replace") if exchange.ok else ""


DETECTORS: list[Detector] = [
    *on("list_consult_note_templates", consult_note_template_list),
    *on("get_session update_session", note_status, note_request_fields),
    *on("generate_consult_note", note_without_recording, third_party_template_method, third_party_template_form),
    *on("generate_consult_note create_document", template_of_other_category),
    *on("create_document", content_type_default),
    *on("list_documents", document_without_template),
    *on(
        "answer_custom_template",
        custom_template_required,
        empty_custom_template,
        old_custom_template,
        answer_types,
    ),
    *on("ask_ai", ask_ai_required),
    *on("generate_clinical_codes", clinical_codes_need_note, coding_enabled, offset_end, offset_unit),
    *on(" ".join(STREAMS), stream_framing, stream_escapes),
]
