"""A line of Python and a command for each point, which exercise it.

A line of Python uses ``heidi``, the handle of a namespace, and ``client``, a signed-in client such as
``heidi.client()``. A command uses the variables of ``mock-heidi env``. A fault or a reply exercises its point at the
client's next call of the operation.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from mock_heidi.base.operations import OPERATIONS, SIGN_IN
from mock_heidi.base.settings import BASE_PATH
from mock_heidi.observing.coverage.example_calls import (
    answers_with,
    call_with_field,
    call_with_parameter,
    example_call,
)
from mock_heidi.observing.coverage.hint_lines import (
    BEARER,
    Hint,
    both,
    call,
    control_command,
    curl_command,
    delayed,
    fault,
    python_value,
    reply,
)
from mock_heidi.observing.coverage.object_states import FIRST, MAKERS, Change, all_changes
from mock_heidi.observing.coverage.operation_points import OperationPoints, operation_points
from mock_heidi.observing.coverage.points import TOKENS, Point
from mock_heidi.observing.coverage.schema_fields import Field

# The effect that makes each end of a stream.
_ENDING_EFFECTS = {"early_end": "end_after", "reset": "rst_after", "stall": "stall_after"}
_STARTED, _FINISHED = Change("recording", "absent", "started"), Change("recording", "started", "finished")
# An operation that most clients call, and one that needs nothing but a token.
_USUAL = next(one.name for one in OPERATIONS.values() if one.polled)
_SIGNED = next(one.name for one in OPERATIONS.values() if one.signed and one.request.startswith("GET"))
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
    for one in operation_points().values():
        yield from _of_operation(one)
        yield from _words(one)
    yield from _answers()
    yield from _tokens()
    yield from _changes()


def _of_operation(one: OperationPoints) -> Iterator[tuple[Point, Hint]]:
    name = one.operation
    yield one.called, call(example_call(name))
    for ending, point in one.endings.items():
        effect = _ENDING_EFFECTS.get(ending)
        yield point, call(example_call(name)) if effect is None else fault(name, **{effect: 1})
    for error, point in one.errors.items():
        yield point, fault(name, error=error)
    for field, point in one.optional:
        yield point, call(call_with_field(name, field))
    for parameter, point in one.optional_parameters.items():
        yield point, call(call_with_parameter(name, parameter))


def _words(one: OperationPoints) -> Iterator[tuple[Point, Hint]]:
    for place in one.sent:
        for word, point in place.points.items():
            made = call_with_field(one.operation, Field(place.steps, {}, optional=True), word)
            yield point, call(made)
    for parameter, place in one.sent_parameters.items():
        for word, point in place.points.items():
            yield point, call(call_with_parameter(one.operation, parameter, word))


def _answers() -> Iterator[tuple[Point, Hint]]:
    """The shortest answer with each word that an answer can have."""
    # A clinician can set the status of a note, which is much shorter than an answer with a session.
    for word in ("CREATED", "COMPLETED"):
        body = {"consult_note": {"status": word}}
        python = f'heidi.session("1234567890", consult_note={python_value(body["consult_note"])})'
        command = control_command("PUT", "/sessions/1234567890", body)
        yield Point("received_word", f"ConsultNoteStatus {word}"), Hint(python, command)
    made = [
        (point, reply(one.operation, answer))
        for one in operation_points().values()
        for place in one.received
        for word, point in place.points.items()
        for answer in answers_with(place.steps, one.operation, word)
    ]
    yield from sorted(made, key=lambda one: len(one[1].python))


def _tokens() -> Iterator[tuple[Point, Hint]]:
    signed = example_call(_SIGNED)
    yield TOKENS["valid"], call(signed)
    yield TOKENS["missing"], fault(_USUAL, error="MissingTokenError")
    yield TOKENS["expired"], fault(_USUAL, expire_token=True)
    yield TOKENS["invalid"], fault(_USUAL, revoke_token=True)
    yield TOKENS["wrong_key"], fault(SIGN_IN, error="InvalidApiKeyError")
    python = f'client.get(heidi.namespace("other").base_url + "{signed.path}")'
    made = 'curl -X POST "$MOCK_HEIDI_URL/_mock/namespaces/other"'
    yield (
        TOKENS["other_namespace"],
        Hint(python, f'{made} && curl "$MOCK_HEIDI_URL/ns/other{BASE_PATH}{signed.path}" -H {BEARER}'),
    )


def _changes() -> Iterator[tuple[Point, Hint]]:
    for change, point in all_changes().items():
        yield point, _finish_recording() if change == _FINISHED else _change(change)


def _change(change: Change) -> Hint:
    operation = MAKERS.get(change)
    if operation is None:
        return delayed(_WORK[change.thing])
    made = call(example_call(operation))
    if change.before == FIRST[change.thing]:
        return made
    earlier = next(one for one in MAKERS if (one.thing, one.after) == (change.thing, change.before))
    return both(_change(earlier), made)


def _finish_recording() -> Hint:
    """The end of a recording, whose id is in the answer to its start."""
    start = example_call(MAKERS[_STARTED])
    url, started = f"$HEIDI_BASE_URL{start.path}", f"{curl_command(start)} | cut -d '\"' -f 4"
    return Hint(
        f'client.post("{start.path}/" + client.post("{start.path}").json()["recording_id"] + ":finish")',
        f'curl -X POST "{url}/$({started}):finish" -H {BEARER}',
    )
