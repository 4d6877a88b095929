"""Faults as values: rules with the requests that they match, how often they act, and their effects."""

from collections.abc import Container, Iterable
from hashlib import sha256
from typing import Annotated, Any, Self

from pydantic import Field, PrivateAttr, ValidationError, create_model, model_serializer

from mock_heidi.base.operations import CODERS, SIGN_IN, STREAMS, WRITERS
from mock_heidi.base.settings import NAME_PATTERN
from mock_heidi.base.values import Record
from mock_heidi.base.wording import nearest
from mock_heidi.faults import effects
from mock_heidi.faults.effects import ANSWERS
from mock_heidi.faults.effects.effect import Effect, Stage, Where
from mock_heidi.faults.fields import (
    Count,
    Delay,
    Headers,
    Method,
    Operations,
    Path,
    Places,
    Quota,
    RetryAfter,
    Seconds,
    Share,
    Whole,
)
from mock_heidi.faults.short_form import FaultError, parse_text
from mock_heidi.state.field_types import Flag, JsonValue, SessionId


def _optional(example: Any, meaning: str) -> Any:
    """An optional field with its description and an example of its value."""
    return Field(None, description=meaning, examples=[example])


def _field(effect: Effect) -> Any:
    return (effect.type if effect.type is JsonValue else effect.type | None, Field(None, description=effect.doc))


class _Selection(Record):
    """The part of a rule that selects requests and says how often it acts."""

    id: Annotated[str, Field(pattern=f"^{NAME_PATTERN}$")] | None = _optional(
        "mine", "The id of the rule. Without one the rules are called `fault-1`, `fault-2` and so on."
    )
    label: str | None = _optional("outage", "A name for people.")
    enabled: Flag | None = _optional(False, "With `false`, the rule stays in the list and does nothing.")

    operation: Operations | None = _optional(STREAMS[-1], "Only requests of this operation, or of those in a list.")
    method: Method | None = _optional("GET", "Only requests of this method. It goes with `path`.")
    path: Path | None = _optional(
        "/sessions/{session_id}",
        "Only requests of this path below the base path. `{name}` is one segment, or a part of one as in "
        "`{id}:finish`; `*` is anything. A segment takes one `{name}` or stars, not both, and a `{name}` cannot stand "
        "between two stars.",
    )
    session_id: SessionId | None = _optional("1234567890", "Only requests about this session.")
    header: Headers | None = _optional(
        {"X-Client": "mobile"},
        "Only requests with these headers; `*` is any value. In short: `header=X-Client:mobile`.",
    )
    match: dict[str, JsonValue] | None = _optional(
        {"voice_style": "BRIEF"}, "Only requests whose JSON body contains at least this."
    )
    nth: Places | None = _optional([2, 5], "Only these of the requests that match, counted from 1.")

    times: Whole | None = _optional(1, "The most answers that the rule changes.")
    after: Count | None = _optional(5, "The number of matching requests that pass first.")
    every: Whole | None = _optional(3, "Every third one: requests 1, 4, 7 of those that match.")
    probability: Share | None = _optional(
        0.1, "The chance of a match to act, from 0 to 1. It is drawn from the seed, so it repeats."
    )
    ttl: Seconds | None = _optional(
        60, "The rule is removed after this many seconds of real time. For tests that may crash."
    )

    _number: int = PrivateAttr(0)

    @property
    def key(self) -> str:
        if self.id is not None:
            return self.id
        mark = sha256(repr(self.model_dump()).encode()).hexdigest()[:12]
        return f"#{mark}-{self._number}" if self._number else f"#{mark}"

    def again(self, number: int) -> Self:
        """A copy with another key, for use when ``number`` equal rules exist already."""
        other = self.replace()
        other._number = number  # noqa: SLF001 - the copy has the same class
        return other

    def given(self, names: Iterable[str]) -> list[str]:
        """The fields among ``names`` that are set."""
        values = ((name, getattr(self, name)) for name in names)
        return [name for name, value in values if value is not None and value is not False]


_Effects: Any = create_model(
    "_Effects", __base__=_Selection, **{effect.name: _field(effect) for effect in effects.EFFECTS}
)


class Fault(_Effects):  # type: ignore[misc] # its base is made from the list of effects
    """One rule: the requests that it matches, how often it acts, and its effects.

    A rule without a restriction matches every request. Pieces of a stream are counted from 1. Seconds follow the
    namespace's clock, except for ``ttl``.
    """

    @property
    def effects(self) -> dict[str, Any]:
        """Its effects with their arguments, by name."""
        return {name: getattr(self, name) for name in self.given(EFFECTS)}

    @property
    def ends_token(self) -> bool:
        """True if the token of the request is invalid afterwards."""
        return bool(self.expire_token or self.revoke_token)

    def problem(self) -> str | None:
        """The problem with the fault as a whole, or None."""
        try:
            self.check()
        except FaultError as error:
            return str(error)
        return None

    def check(self) -> None:
        """Raise :class:`FaultError` for a wrong combination of fields."""
        answers = self.given(ANSWERS)
        if not self.effects:
            raise FaultError("a fault needs an effect, such as status=503", f"there are {', '.join(EFFECTS)}")
        if self.detail is not None and self.status is None:
            raise FaultError("detail goes with status")
        if self.method is not None and self.path is None:
            raise FaultError("method goes with path")
        if len(answers) > 1 and answers != ["status", "retry_after"]:
            raise FaultError(f"{' and '.join(answers)} are two answers at once", "make two rules of them")
        if self.carried_out and not answers:
            raise FaultError(f"carried_out goes with one of {', '.join(ANSWERS)}")
        self._check_place()

    def _check_place(self) -> None:
        if self.operation is None:
            return
        if self.ends_token and self.operation == (SIGN_IN,):
            name = "expire_token" if self.expire_token else "revoke_token"
            raise FaultError(f"{name} is for operations that take a token, not for {SIGN_IN}")
        for names, operations in ((STREAM_EFFECTS, STREAMS), (TEXT_FAULTS[:-1], WRITERS), (TEXT_FAULTS[-1:], CODERS)):
            found = self.given(names)
            if found and not set(self.operation) & set(operations):
                raise FaultError(f"{found[0]} is for {', '.join(operations)}, not for {', '.join(self.operation)}")
        whole = self.given(WHOLE_BODY)
        if whole and set(self.operation) <= set(STREAMS) and not self.given(ANSWERS):
            others = f"one of {', '.join(STREAM_EFFECTS)}"
            cure = f"say a status too, use {others}, or for a reply with a body say path instead of operation"
            problem = f"{whole[0]} is for whole bodies, not for the streams of {', '.join(self.operation)}"
            raise FaultError(problem, cure)

    @model_serializer
    def to_dict(self) -> dict[str, Any]:
        """The fields that are set, in the form in which they were given."""
        values = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {name: _plain(value) for name, value in values if value is not None}


def _names(*where: Where, stages: Container[Stage] = tuple(Stage)) -> tuple[str, ...]:
    chosen = (effect for effect in effects.EFFECTS if effect.where in where and not effect.goes_with)
    return tuple(effect.name for effect in chosen if effect.stage in stages)


EFFECTS = _names(*Where)
WHOLE_BODY = _names(Where.BODIES)
STREAM_EFFECTS = _names(Where.STREAMS)
STREAM_ENDS = _names(Where.STREAMS, stages=(Stage.END,))
TEXT_FAULTS = _names(Where.WRITTEN, Where.CODES)
"""Effects on the text itself and, last, on codes."""
CONNECTION = tuple(effect.name for effect in effects.EFFECTS if effect.breaks)
"""Effects that need a connection to break."""


def _plain(value: Any) -> Any:
    if isinstance(value, Delay):
        return value.first if value.kind == "fixed" else {value.kind: [value.first, value.second]}
    if isinstance(value, Quota):
        return value._asdict()
    if isinstance(value, RetryAfter):
        return f"date:{value.seconds:g}" if value.dated else value.seconds
    if isinstance(value, tuple):
        return value[0] if len(value) == 1 else list(value)
    return value


class Scenario(Record):
    """Rules that make one situation, with a sentence that explains it."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]
    explanation: str
    faults: Annotated[tuple[Fault, ...], Field(strict=False)]

    @property
    def key(self) -> str:
        return self.name

    @property
    def rules(self) -> list[Fault]:
        """Its faults. A fault without a label gets the name of the scenario as its label."""
        return [fault if fault.label else fault.replace(label=f"scenario {self.name}") for fault in self.faults]

    def problem(self) -> str | None:
        """The first problem with one of its rules, or None."""
        problems = (fault.problem() for fault in self.faults)
        return next((problem for problem in problems if problem), None)


def parse(given: Any) -> Fault:
    """A rule from an object, or from text such as ``generate_consult_note:end_after=3,times=1``."""
    if isinstance(given, Fault):
        return given
    fields = parse_text(given, Fault.model_fields) if isinstance(given, str) else given
    try:
        fault: Fault = Fault.model_validate(fields)
    except ValidationError as error:
        row = error.errors(include_url=False)[0]
        name = ".".join(str(step) for step in row["loc"][:1])
        if row["type"] == "extra_forbidden":
            raise FaultError(f"unknown field {name!r}", nearest(name, Fault.model_fields)) from None
        context = row.get("ctx", {})
        raise FaultError(f"{name or 'fault'}: {context.get('problem', row['msg'])}", context.get("hint", "")) from None
    fault.check()
    return fault
