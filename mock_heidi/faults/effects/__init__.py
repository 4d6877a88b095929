"""The list of effects. Each effect is a value with a function that changes a delivery.

A rule's fields, its short form, the JSON Schema and the allowed combinations come from this list. Effects never use a
connection, a namespace or a clock.
"""

from __future__ import annotations

from functools import partial

from mock_heidi.faults.effects import body, pauses, stream
from mock_heidi.faults.effects.effect import Effect, Stage, Where
from mock_heidi.faults.fields import (
    Count,
    ErrorName,
    Inside,
    Keys,
    Limit,
    MediaType,
    Renames,
    Retry,
    Status,
    TrueOrText,
    Wait,
    Whole,
)
from mock_heidi.state.field_types import JsonValue

ANSWERS = ("error", "status", "retry_after", "quota", "expire_token", "revoke_token", "close", "rst", "stall")
"""The effects that replace the answer. After a rule with one of these, no further rule is chosen."""

# Effects of one kind share the stage, the answers that they work on, and mostly the type of the argument.
_answer = partial(Effect, stage=Stage.ANSWER)
_pause = partial(Effect, stage=Stage.PAUSE, type=Wait)
_cut = partial(Effect, stage=Stage.END, where=Where.BODIES, type=Count, breaks=True)
_content = partial(Effect, stage=Stage.CONTENT, where=Where.BODIES)
_keys = partial(_content, type=Keys)
_end = partial(Effect, stage=Stage.END, where=Where.STREAMS, type=Count)
_piece = partial(Effect, stage=Stage.PIECES, where=Where.STREAMS, type=Whole)
_write = partial(Effect, stage=Stage.WRITE, where=Where.STREAMS)
_form = partial(Effect, stage=Stage.FORM, where=Where.STREAMS)
_text = partial(Effect, stage=Stage.TEXT, where=Where.WRITTEN)

# The order of the docs. Effects apply by stage, and in this order within a stage.
EFFECTS = (
    _answer(
        "error",
        "SessionNotFoundError",
        "Answers with this error of the API.",
        type=ErrorName,
        says="the answer is the error {value}",
    ),
    _answer("status", "503", "Answers with this status.", type=Status, says="the answer is {value}"),
    _answer(
        "detail",
        '{"msg": "Closed"}',
        "With `status`: the value of `detail` in the body.",
        type=JsonValue,
        goes_with=("status",),
        says="its detail is {value}",
    ),
    _answer(
        "retry_after",
        "30",
        "Answers 429, or the `status`, with `Retry-After` in seconds; `date:30` writes it as a date.",
        type=Retry,
        says="the answer says to try again after {seconds}",
    ),
    _answer(
        "quota",
        "5/60",
        "`REQUESTS/SECONDS`: requests beyond this number in a window get 429 with `Retry-After`.",
        type=Limit,
        says="those beyond {quota} get 429 with Retry-After",
    ),
    _answer("expire_token", "", "The token of the request has expired from then on."),
    _answer("revoke_token", "", "The token of the request is invalid from then on."),
    _answer("close", "", "The connection closes before the answer.", breaks=True),
    _answer("rst", "", "The connection is reset before the answer.", breaks=True),
    _answer("stall", "", "No answer comes until the client gives up.", breaks=True),
    _answer(
        "carried_out",
        "",
        "With another answer, such as `close`: the work is done, only its answer is lost.",
        goes_with=ANSWERS,
        says="the work is done all the same",
    ),
    _pause(
        "delay",
        "uniform:0.1:0.5",
        "Seconds before the work begins: a number, `uniform:LEAST:MOST` or `lognormal:MEDIAN:SIGMA`.",
        stage=Stage.WAIT,
        says="the work begins {seconds} later",
    ),
    _pause(
        "slow_first_byte",
        "2",
        "Seconds between the work, which is done at once, and the head of the answer.",
        pauses.slow_first_byte,
        says="the head of the answer comes {seconds} after the work",
    ),
    _pause(
        "delay_body",
        "2",
        "Seconds between head and body.",
        pauses.delay_body,
        says="the body comes {seconds} after the head",
    ),
    _pause(
        "delay_chunks",
        "0.5",
        "Seconds between the pieces of the body.",
        pauses.delay_chunks,
        says="the pieces of the body come {seconds} apart",
    ),
    _cut(
        "cut_at",
        "20",
        "The body ends after this many bytes, although its length promises more.",
        body.cut_at,
        says="the body ends after {bytes}, although its length promises more",
    ),
    _cut(
        "rst_at",
        "20",
        "The connection is reset after this many bytes of the body.",
        body.rst_at,
        says="the connection is reset after {bytes} of the body",
    ),
    _cut(
        "stall_at",
        "20",
        "Nothing more comes after this many bytes of the body.",
        body.stall_at,
        says="nothing more comes after {bytes} of the body",
    ),
    _content(
        "not_json",
        "",
        "The HTML page of a proxy instead of the body, or your own text.",
        body.not_json,
        type=TrueOrText,
        says="the body is not JSON",
    ),
    _content(
        "media_type",
        "text/plain",
        "Another content type for the same body.",
        body.media_type,
        where=Where.ANY,
        type=MediaType,
        says="the content type is {value}",
    ),
    _content("empty", "", "The right status with an empty body.", body.empty, says="the body is empty"),
    _keys(
        "drop_key",
        "session.duration",
        "This key is missing, or each key of a list; `*` is any name or place, as in `data.*.id`.",
        body.drop_key,
        says="the body lacks {keys}",
    ),
    _content(
        "rename_key",
        "session_id:id",
        "This key has another name.",
        body.rename_key,
        type=Renames,
        says="the body has another name for {renames}",
    ),
    _keys("null_key", "session.patient", "This key is null.", body.null_key, says="the body has null for {keys}"),
    _keys(
        "wrong_type",
        "session.duration",
        "This value has another type: a number becomes text, a text is put into a list.",
        body.wrong_type,
        says="the body has a value of another type for {keys}",
    ),
    _keys(
        "duplicate_key",
        "session.duration",
        "This key occurs twice in its object, the second time with null.",
        body.duplicate_key,
        says="the body has {keys} twice",
    ),
    _keys(
        "add_key",
        "session.new_field",
        "This key is added, with a text as its value.",
        body.add_key,
        says="the body also has {keys}",
    ),
    _end(
        "end_after",
        "3",
        "The stream ends cleanly after this many pieces.",
        stream.end_after,
        says="the stream ends cleanly after {pieces}",
    ),
    _end(
        "end_inside",
        "json",
        "The stream ends cleanly inside the piece after the first, or after `end_after`: before its empty line "
        "(`piece`), inside its JSON (`json`), inside a letter (`utf8`).",
        type=Inside,
        says="the stream ends cleanly {inside}",
    ),
    _end(
        "rst_after",
        "3",
        "The connection is reset after this many pieces.",
        stream.rst_after,
        breaks=True,
        says="the stream is reset after {pieces}",
    ),
    _end(
        "stall_after",
        "3",
        "Nothing more comes after this many pieces.",
        stream.stall_after,
        breaks=True,
        says="the stream goes silent after {pieces}",
    ),
    _piece(
        "empty_piece",
        "2",
        "An empty piece comes before this one.",
        stream.empty_piece,
        says="an empty piece comes before piece {value}",
    ),
    _piece("lose", "2", "This piece is left out.", stream.lose, says="piece {value} is left out"),
    _piece(
        "swap", "2", "This piece comes after the next one.", stream.swap, says="piece {value} comes after the next one"
    ),
    _piece("repeat", "2", "This piece comes twice.", stream.repeat, says="piece {value} comes twice"),
    _write("one_write", "", "All pieces are written at once.", stream.one_write),
    _write("byte_by_byte", "", "Each byte is written separately.", stream.byte_by_byte),
    _form("no_space", "", "No space follows `data:`.", stream.no_space),
    _form("comments", "", "Comment lines and `event:` lines come between the pieces.", stream.comments),
    _form("crlf", "", "Lines end with CR LF.", stream.crlf),
    _end(
        "error_piece",
        "3",
        "After this many pieces comes an object with an error, then the end.",
        stream.error_piece,
        says="an object with an error comes after {pieces}, then the end",
    ),
    _text("empty_note", "", "The text has no words."),
    _text("wrong_patient", "", "The text names another patient."),
    _text("swap_sides", "", "Left is right and right is left."),
    _text("wrong_dose", "", "The first dose is ten times the dose that was said."),
    _text("missing_section", "", "A section of the note is missing."),
    _text("wrong_language", "", "The headings are in another language."),
    _text("html_note", "", "The text is HTML where Markdown was asked for."),
    _text("script_tag", "", "The text contains a script tag."),
    _text("long_note", "", "The text has 200,000 characters or more."),
    _text("wrong_offsets", "", "The offsets of the codes do not fit the note.", where=Where.CODES),
)
BY_NAME = {effect.name: effect for effect in EFFECTS}
