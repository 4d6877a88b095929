"""The list of effects: everything that can go wrong with an answer, each a value with a function of the delivery.

A rule's fields, its short form, the JSON Schema and what may stand together follow from this list. It knows no HTTP
connection, no namespace and no clock.
"""

from __future__ import annotations

from mock_heidi.effects import body, pauses, stream
from mock_heidi.effects.effect import Effect, Stage, Where
from mock_heidi.fault_fields import (
    Count,
    ErrorName,
    Inside,
    Keys,
    Limit,
    MediaType,
    Place,
    Renames,
    Retry,
    Status,
    Told,
    Wait,
    Yes,
)
from mock_heidi.models import Whatever

ANSWERS = ("error", "status", "retry_after", "quota", "expire_token", "revoke_token", "close", "rst", "stall")
"""The effects that give an answer of their own; of the rules that match, the first with one of these is the last."""

# As people read them. They apply by their stages; within a stage, in this order.
EFFECTS = (
    Effect("error", Stage.ANSWER, ErrorName, "One of the vendor's errors."),
    Effect("status", Stage.ANSWER, Status, "The status of the answer, from 200 to 599."),
    Effect("detail", Stage.ANSWER, Whatever, "What stands under detail, with status.", goes_with=("status",)),
    Effect(
        "retry_after", Stage.ANSWER, Retry, "Seconds, or date:SECONDS for a moment; 429 unless status says otherwise."
    ),
    Effect("quota", Stage.ANSWER, Limit, "REQUESTS/SECONDS; beyond it 429 with Retry-After."),
    Effect("expire_token", Stage.ANSWER, Yes, "The token it meets has expired from then on."),
    Effect("revoke_token", Stage.ANSWER, Yes, "The token it meets is invalid from then on."),
    Effect("close", Stage.ANSWER, Yes, "The connection ends before the answer.", breaks=True),
    Effect("rst", Stage.ANSWER, Yes, "The connection is reset before the answer.", breaks=True),
    Effect("stall", Stage.ANSWER, Yes, "No answer until the client gives up.", breaks=True),
    Effect("carried_out", Stage.ANSWER, Yes, "The work is done, and only its answer is lost.", goes_with=ANSWERS),
    Effect("delay", Stage.WAIT, Wait, "Seconds before the answer."),
    Effect("delay_body", Stage.PAUSE, Wait, "Seconds between the head and the body.", apply=pauses.delay_body),
    Effect("delay_chunks", Stage.PAUSE, Wait, "Seconds between the pieces of the body.", apply=pauses.delay_chunks),
    Effect(
        "cut_at",
        Stage.END,
        Count,
        "The body ends after so many bytes, its length promises more.",
        Where.BODIES,
        body.cut_at,
        breaks=True,
    ),
    Effect(
        "rst_at",
        Stage.END,
        Count,
        "The connection is reset after so many bytes of the body.",
        Where.BODIES,
        body.rst_at,
        breaks=True,
    ),
    Effect(
        "stall_at", Stage.END, Count, "The body stalls after so many bytes.", Where.BODIES, body.stall_at, breaks=True
    ),
    Effect(
        "not_json",
        Stage.CONTENT,
        Told,
        "A proxy's HTML page in place of the body, or a text of your own.",
        Where.BODIES,
        body.not_json,
    ),
    Effect("media_type", Stage.CONTENT, MediaType, "Another content type for the same body.", apply=body.media_type),
    Effect("empty", Stage.CONTENT, Yes, "The right status with no body.", Where.BODIES, body.empty),
    Effect(
        "drop_key",
        Stage.CONTENT,
        Keys,
        "Keys that are missing, as session.duration; * is each of a list.",
        Where.BODIES,
        body.drop_key,
    ),
    Effect("rename_key", Stage.CONTENT, Renames, "Keys with another name.", Where.BODIES, body.rename_key),
    Effect("null_key", Stage.CONTENT, Keys, "Keys that are null.", Where.BODIES, body.null_key),
    Effect("wrong_type", Stage.CONTENT, Keys, "Keys whose value is of another type.", Where.BODIES, body.wrong_type),
    Effect("end_after", Stage.END, Count, "A clean end after so many pieces.", Where.STREAMS, stream.end_after),
    Effect(
        "end_inside",
        Stage.END,
        Inside,
        "A clean end inside the piece after end_after (1): before its empty line, in its JSON, ...",
        Where.STREAMS,
    ),
    Effect(
        "rst_after",
        Stage.END,
        Count,
        "The connection is reset after so many pieces.",
        Where.STREAMS,
        stream.rst_after,
        breaks=True,
    ),
    Effect(
        "stall_after",
        Stage.END,
        Count,
        "Nothing more comes after so many pieces.",
        Where.STREAMS,
        stream.stall_after,
        breaks=True,
    ),
    Effect("empty_piece", Stage.PIECES, Place, "An empty piece before that one.", Where.STREAMS, stream.empty_piece),
    Effect("lose", Stage.PIECES, Place, "That piece does not come.", Where.STREAMS, stream.lose),
    Effect("swap", Stage.PIECES, Place, "That piece comes after the next one.", Where.STREAMS, stream.swap),
    Effect("repeat", Stage.PIECES, Place, "That piece comes twice.", Where.STREAMS, stream.repeat),
    Effect("one_write", Stage.WRITE, Yes, "All pieces in one write.", Where.STREAMS, stream.one_write),
    Effect("byte_by_byte", Stage.WRITE, Yes, "One byte a write.", Where.STREAMS, stream.byte_by_byte),
    Effect("no_space", Stage.FORM, Yes, "No space after data:.", Where.STREAMS, stream.no_space),
    Effect("comments", Stage.FORM, Yes, "Comment and event: lines between the pieces.", Where.STREAMS, stream.comments),
    Effect("crlf", Stage.FORM, Yes, "Lines end with CR LF.", Where.STREAMS, stream.crlf),
    Effect(
        "error_piece",
        Stage.END,
        Count,
        "After so many pieces an error object, then nothing.",
        Where.STREAMS,
        stream.error_piece,
    ),
    Effect("empty_note", Stage.TEXT, Yes, "A note without words.", Where.WRITTEN),
    Effect("wrong_patient", Stage.TEXT, Yes, "Another patient's name.", Where.WRITTEN),
    Effect("swap_sides", Stage.TEXT, Yes, "Left for right and right for left.", Where.WRITTEN),
    Effect("wrong_dose", Stage.TEXT, Yes, "Ten times the dose that was said.", Where.WRITTEN),
    Effect("missing_section", Stage.TEXT, Yes, "A section is missing.", Where.WRITTEN),
    Effect("wrong_language", Stage.TEXT, Yes, "Headings in another language.", Where.WRITTEN),
    Effect("html_note", Stage.TEXT, Yes, "HTML where Markdown was asked.", Where.WRITTEN),
    Effect("script_tag", Stage.TEXT, Yes, "A script tag inside the text.", Where.WRITTEN),
    Effect("long_note", Stage.TEXT, Yes, "Some 200,000 characters.", Where.WRITTEN),
    Effect("wrong_offsets", Stage.TEXT, Yes, "Codes whose offsets do not fit the note.", Where.CODES),
)
BY_NAME = {effect.name: effect for effect in EFFECTS}
