"""A line of Python and a command for each point, which exercise it.

A line of Python uses ``heidi``, the handle of a namespace, and ``client``, a signed-in client such as
``heidi.client()``. A command uses the variables of ``mock-heidi env``. A fault exercises its point at the client's next
call of the operation.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from mock_heidi.base.settings import BASE_PATH
from mock_heidi.observing.coverage import points
from mock_heidi.observing.coverage.documented_parts import DocumentedParts, documented_parts
from mock_heidi.observing.coverage.example_calls import (
    answers_with,
    call_with_field,
    call_with_parameter,
    example_call,
)
from mock_heidi.observing.coverage.hint_lines import (
    BEARER,
    Hint,
    call,
    control_command,
    curl_command,
    delayed,
    fault,
    python_value,
    reply,
)
from mock_heidi.observing.coverage.points import Point
from mock_heidi.observing.coverage.schema_fields import Field

# The effect that makes each end of a stream.
_ENDING_EFFECTS = {"early_end": "end_after", "reset": "rst_after", "stall": "stall_after"}
# The delayed work that shows each list of statuses.
_WORK = {
    "AudioStatus": "transcription",
    "ChunkStatus": "transcription",
    "ConsultNoteStatus": "consult_note",
    "ContextDocumentStatus": "document_parsing",
}


def hint(point: Point) -> Hint:
    """The way to exercise a point."""
    return _all()[point]


@cache
def _all() -> dict[Point, Hint]:
    found: dict[Point, Hint] = {}
    for point, made in _found():
        found.setdefault(point, made)
    return found


def _found() -> Iterator[tuple[Point, Hint]]:
    for parts in documented_parts().values():
        yield from _of_operation(parts)
        yield from _words(parts)
    yield from _answers()
    yield from _tokens()
    yield from _changes()


def _of_operation(parts: DocumentedParts) -> Iterator[tuple[Point, Hint]]:
    name = parts.operation
    yield points.operation(name), call(example_call(name))
    yield points.stream_ending(name, "complete"), call(example_call(name))
    for ending, effect in _ENDING_EFFECTS.items():
        yield points.stream_ending(name, ending), fault(name, **{effect: 1})
    for error in parts.errors:
        yield points.error(name, error), fault(name, error=error)
    for field in parts.optional:
        yield points.optional_field(name, field.name), call(call_with_field(name, field))
    for parameter in parts.optional_parameters:
        yield points.optional_parameter(name, parameter), call(call_with_parameter(name, parameter))


def _words(parts: DocumentedParts) -> Iterator[tuple[Point, Hint]]:
    for steps, words in parts.sent:
        for word in words.values:
            made = call_with_field(parts.operation, Field(steps, {}, optional=True), word)
            yield points.sent_word(words.name, word), call(made)
    for parameter, words in parts.sent_parameters.items():
        for word in words.values:
            yield points.sent_word(words.name, word), call(call_with_parameter(parts.operation, parameter, word))


def _answers() -> Iterator[tuple[Point, Hint]]:
    """For each word that an answer can have, the shortest answer with it."""
    # A clinician can set the status of a note, which is much shorter than an answer with a session.
    for word in ("CREATED", "COMPLETED"):
        body = {"consult_note": {"status": word}}
        python = f'heidi.session("1234567890", consult_note={python_value(body["consult_note"])})'
        yield (
            points.received_word("ConsultNoteStatus", word),
            Hint(python, control_command("PUT", "/sessions/1234567890", body)),
        )
    made = [
        (points.received_word(words.name, word), reply(parts.operation, answer))
        for parts in documented_parts().values()
        for steps, words in parts.received
        for word in words.values
        for answer in answers_with(steps, parts.operation, word)
    ]
    yield from sorted(made, key=lambda one: len(one[1].python))


def _tokens() -> Iterator[tuple[Point, Hint]]:
    signed = example_call("get_account_access")
    yield points.token("valid"), call(signed)
    yield points.token("missing"), fault("get_session", error="MissingTokenError")
    yield points.token("expired"), fault("get_session", expire_token=True)
    yield points.token("invalid"), fault("get_session", revoke_token=True)
    yield points.token("wrong_key"), fault("get_jwt", error="InvalidApiKeyError")
    other = '"$MOCK_HEIDI_URL/_mock/namespaces/other"'
    path = f'"$MOCK_HEIDI_URL/ns/other{BASE_PATH}{signed.path}"'
    yield (
        points.token("other_namespace"),
        Hint(
            f'client.get(heidi.namespace("other").base_url + "{signed.path}")',
            f"curl -X POST {other} && curl {path} -H {BEARER}",
        ),
    )


def _changes() -> Iterator[tuple[Point, Hint]]:
    for thing, before, after, operation in (
        ("account", "unlinked", "linked", "link_account"),
        ("account", "linked", "unlinked", "unlink_account"),
        ("patient_profile", "unlinked", "linked", "link_sessions"),
        ("patient_profile", "linked", "deleted", "delete_patient_profiles"),
        ("recording", "absent", "started", "start_recording"),
    ):
        yield points.transition(thing, before, after), call(example_call(operation))
    start = example_call("start_recording")
    url, started = f"$HEIDI_BASE_URL{start.path}", f"{curl_command(start)} | cut -d '\"' -f 4"
    yield (
        points.transition("recording", "started", "finished"),
        Hint(
            f'client.post("{start.path}/" + client.post("{start.path}").json()["recording_id"] + ":finish")',
            f'curl -X POST "{url}/$({started}):finish" -H {BEARER}',
        ),
    )
    for words, work in _WORK.items():
        for point in points.all_points():
            if point.kind == "transition" and point.name.startswith(f"{words} "):
                yield point, delayed(work)
