"""The values everything else is made of: types of fields, what comes in and goes out, and the records of the state.

Records are immutable: to change one, put its copy with other values (:meth:`Value.replace`) in its place.
"""

import math
import re
from collections.abc import Callable, Hashable
from datetime import datetime
from functools import cache, lru_cache
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError, PydanticKnownError, SchemaValidator, core_schema
from typing_extensions import TypedDict

from mock_heidi.operations import OPERATIONS, SPEAKING
from mock_heidi.wording import nearest, short_repr


class Plain(str):
    """An unquoted YAML scalar: the text as the author sees it, whose meaning depends on the field it stands in."""

    __slots__ = ()


_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
# Anything else, such as 00123 or 1_000, is an id.
_PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d{0,4299})(\.\d+([eE][-+]?\d{1,3})?)?")
# Where a field wants a number, whatever is one.
_FIELD_NUMBER = re.compile(r"-?\d{1,4300}(\.\d+)?([eE][-+]?\d{1,3})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?")
_DATES = SchemaValidator(core_schema.date_schema(strict=True))


def resolve(value: Any) -> Any:
    """The value with YAML's unquoted scalars, where no field says more: as numbers, booleans, else text."""
    if isinstance(value, Plain):
        if value.lower() in ("true", "false"):
            return value.lower() == "true"
        if _PLAIN_NUMBER.fullmatch(value) is None:
            return str(value)
        number = float(value) if "." in value else int(value)
        return str(value) if number in (math.inf, -math.inf) else number
    if isinstance(value, dict):
        return {str(key): resolve(item) for key, item in value.items()}
    return [resolve(item) for item in value] if isinstance(value, list) else value


def _boolean(value: Any) -> Any:
    return _WORDS.get(value.lower(), value) if isinstance(value, Plain) else value


def _number(value: Any) -> int | float:
    if isinstance(value, Plain) and _FIELD_NUMBER.fullmatch(value):
        value = int(value) if value.lstrip("-").isdigit() else float(value)
    if type(value) is int or (type(value) is float and math.isfinite(value)):
        return value
    raise PydanticKnownError("finite_number" if type(value) is float else "float_type")


@lru_cache(maxsize=4_096)
def _day(value: str) -> str:
    problem = "input is not of the form YYYY-MM-DD"
    try:
        _DATES.validate_strings(value)  # type: ignore[arg-type] # it takes more than it says
    except ValidationError as error:
        problem = error.errors()[0].get("ctx", {}).get("error", problem)
    else:
        # pydantic alone would also take "631152000" for a date.
        if _DATE.fullmatch(value):
            return value
    raise PydanticKnownError("date_from_datetime_parsing", {"error": problem})


@lru_cache(maxsize=256)
def _stamp(value: str) -> str:
    match = _TIMESTAMP.fullmatch(value)
    try:
        if match is None:
            raise ValueError
        datetime.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError(
            "timestamp", "Input should be a UTC timestamp without a zone, such as 2024-12-11T03:57:57.921000"
        ) from None
    return f"{match[1]}T{match[2]}.{(match[3] or '').ljust(6, '0')}"


def _pattern(pattern: str, meaning: str) -> AfterValidator:
    match = re.compile(pattern).fullmatch

    def check(value: str) -> str:
        if match(value) is None:
            raise PydanticCustomError("string_form", "Input should be {meaning}", {"meaning": meaning})
        return value

    return AfterValidator(check)


def _share(value: float) -> float:
    if not 0 <= value <= 1:
        raise PydanticCustomError("share", "Input should be a number from 0 to 1")
    return value


Flag = Annotated[bool, BeforeValidator(_boolean)]
Number = Annotated[Any, PlainValidator(_number), WithJsonSchema({"type": "number"})]
Whatever = Annotated[Any, BeforeValidator(resolve)]
Date = Annotated[
    str,
    AfterValidator(_day),
    WithJsonSchema({"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"}),
]
Timestamp = Annotated[
    str,
    AfterValidator(_stamp),
    WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}$"}),
]
ObjectId = Annotated[
    str,
    _pattern(r"[0-9a-f]{24}", "24 lower-case hex digits"),
    WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{24}$"}),
]
SessionId = Annotated[
    str,
    _pattern(r"[0-9]{1,39}", "1 to 39 decimal digits"),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,39}$"}),
]
KindeUserId = Annotated[str, Field(min_length=1)]

Gender = Literal["MALE", "FEMALE", "OTHER"]
Brain = Literal["LEFT", "RIGHT"]
VoiceStyle = Literal["GOLDILOCKS", "DETAILED", "BRIEF", "SUPER_DETAILED", "MY_VOICE"]
ContentType = Literal["MARKDOWN", "HTML"]
NoteStatus = Literal["CREATED", "COMPLETED"]


class Incoming(BaseModel):
    """A request's body: strict types, unknown fields ignored as the real service does."""

    model_config = ConfigDict(defer_build=True, strict=True, frozen=True, extra="ignore")


class _Immutable(BaseModel):
    """A value that never changes; another one takes its place."""

    model_config = ConfigDict(defer_build=True)

    def replace(self, sent: Incoming | None = None, /, **values: Any) -> Self:
        """A copy with other values in some fields, each of them validated; the other fields are not looked at.

        ``sent`` gives the fields that a request's body has: ``null`` puts a field's default back, and a part with
        fields of its own replaces only these.
        """
        kind, fields = type(self), {**vars(self)}
        if sent is not None:
            _take(kind, sent, fields, values)
        checks = _checks(kind)
        try:
            for name, value in values.items():
                fields[name] = checks[name](value)
        except (KeyError, ValidationError):
            fields_of(kind).validator.validate_python(values)  # refuses them too, and names the fields
            raise
        made, private = object.__new__(kind), self.__pydantic_private__
        _SET_FIELDS(made, fields)
        _SET_NAMES(made, self.__pydantic_fields_set__)
        _SET_EXTRA(made, None)
        _SET_PRIVATE(made, private and {**private})
        return made


# What pydantic keeps of an object: ``model_copy`` sets the same, and takes six times as long.
_SET_FIELDS, _SET_NAMES, _SET_EXTRA, _SET_PRIVATE = (
    vars(BaseModel)[name].__set__
    for name in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)


def _take(kind: type[_Immutable], sent: Incoming, fields: dict[str, Any], values: dict[str, Any]) -> None:
    """Put what was sent into the fields, and what has still to be validated into the values where these say nothing."""
    given, same = vars(sent), _of_the_same_type(kind, type(sent))
    for name in sent.__pydantic_fields_set__:
        change = given[name]
        if change is None:
            values.setdefault(name, kind.model_fields[name].get_default(call_default_factory=True))
        elif name in same:
            fields[name] = change
        else:
            part = fields[name].replace(change) if isinstance(change, Incoming) else change
            values.setdefault(name, part)


@cache
def _of_the_same_type(kind: type[BaseModel], sent: type[Incoming]) -> frozenset[str]:
    """The fields that take the same in both."""
    own, others = (
        {name: (field.annotation, field.metadata) for name, field in model.model_fields.items()}
        for model in (kind, sent)
    )
    return frozenset(name for name, accepted in others.items() if own.get(name) == accepted)


class _Checks(dict[str, Callable[[Any], Any]]):
    """The validators of a model's fields, each made when its field is first replaced."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model

    def __missing__(self, name: str) -> Callable[[Any], Any]:
        kind = _type_of(self._model.model_fields[name])
        config = None if isinstance(kind, type) and issubclass(kind, BaseModel) else _config(self._model)
        check = self[name] = TypeAdapter(kind, config=config).validator.validate_python
        return check


_checks = cache(_Checks)


@cache
def fields_of(model: type[BaseModel]) -> TypeAdapter[dict[str, Any]]:
    """The adapter that validates and writes some fields of a model as a dict, whichever they are."""
    typed_dict: Any = TypedDict
    types = {name: _type_of(field) for name, field in model.model_fields.items()}
    fields = typed_dict(model.__name__, types, total=False)
    fields.__pydantic_config__ = _config(model)
    return TypeAdapter(fields)


def _type_of(field: FieldInfo) -> Any:
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation


def _config(model: type[BaseModel]) -> ConfigDict:
    return ConfigDict(strict=model.model_config.get("strict", False), extra="forbid")


class Outgoing(_Immutable):
    """An answer, or a part of one: exactly these keys, in this order."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", from_attributes=True)


class Value(_Immutable):
    """A part of the state, immutable; a field that nobody knows is refused."""

    model_config = ConfigDict(defer_build=True, strict=True, frozen=True, extra="forbid")


class Record(Value):
    """A value with a name of its own, kept by the store.

    ``indexes`` lists the combinations of fields that it can be found by.
    """

    indexes: ClassVar[tuple[tuple[str, ...], ...]] = ()

    # No field, so neither a part of the value nor of its copies.
    __slots__ = ("_made",)

    @property
    def key(self) -> str:
        raise NotImplementedError

    def once(self, name: Hashable, make: Callable[[], bytes]) -> bytes:
        """The result of ``make`` for this record, kept beside it: neither ever changes."""
        try:
            kept: dict[Hashable, bytes] = _MADE.__get__(self)  # as an attribute, pydantic would look for it at length
        except AttributeError:
            kept = {}
            _MADE.__set__(self, kept)
        made = kept.get(name)
        if made is None:
            made = kept[name] = make()
        return made

    def problem(self) -> str | None:
        """The problem with it as a whole, or None."""
        return None


_MADE: Any = vars(Record)["_made"]

# Lists in JSON and YAML, tuples in the records.
Texts = Annotated[tuple[str, ...], Field(strict=False)]
Things = Annotated[tuple[Whatever, ...], Field(strict=False)]


class HeidiUser(Value):
    """A clinician's own Heidi account, which a user of the API may be linked to."""

    kinde_user_id: KindeUserId
    heidi_email: str
    linked_account_plan: str


class ApiKey(Record):
    """A key of the API: whose data it opens (``managed_by``) and which provider's name it writes."""

    api_key: Annotated[str, _pattern(r"[!-~]+", "visible ASCII characters without blanks")] = Field(alias="key")
    ehr_provider: str
    managed_by: ObjectId
    heidi_users: Annotated[tuple[HeidiUser, ...], Field(strict=False)] = ()

    @property
    def key(self) -> str:
        return self.api_key


class User(Record):
    """A signed-in user: an e-mail and a third party's id under one owner of data, linked to a Heidi account or not."""

    managed_by: ObjectId
    email: str
    third_party_internal_id: str
    linked_to: KindeUserId | None = None
    account_id: ObjectId | None = None
    linked_at: Timestamp | None = None

    @property
    def key(self) -> str:
        return user_key(self.managed_by, self.email, self.third_party_internal_id)


def user_key(managed_by: str, email: str, third_party_internal_id: str) -> str:
    """The key of a user: the parts can hold anything but the zero byte that joins them."""
    return f"{managed_by}\0{email}\0{third_party_internal_id}"


class PatientProfile(Record):
    """A patient as the partner's system described them."""

    indexes = (("managed_by",), ("managed_by", "ehr_patient_id"), ("managed_by", "ehr_provider"))

    id: ObjectId
    managed_by: ObjectId
    ehr_provider: str
    ehr_patient_id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    birth_date: Date | None = None
    gender: Gender | None = None
    phone: str | None = None
    email: str | None = None
    demographic_string: str = ""
    remember_consent: Flag | None = None
    additional_context: str | None = None
    patient_sex_code: Number | None = None
    identifiers: Things | None = None
    created_at: Timestamp
    updated_at: Timestamp

    @property
    def key(self) -> str:
        return self.id

    @property
    def name(self) -> str:
        """First and last name as one, ``""`` where neither is known."""
        return " ".join(part for part in (self.first_name, self.last_name) if part)


class SessionPatient(Value):
    """The patient as the session itself names them; a linked profile fills the gaps when it is shown."""

    name: str = ""
    gender: Gender | None = None
    dob: Date | None = None
    demographic_details: str | None = None


class Creator(Value):
    """The user that made a session."""

    email: str
    third_party_internal_id: str


class ConsultNote(Value):
    """A session's note, with the keys of the vendor's answer."""

    status: NoteStatus
    result: str | None = None
    heading: str | None = None
    brain: Brain | None = None
    voice_style: VoiceStyle | None = None
    generation_method: str | None = None
    template_id: str | None = None
    ai_command_id: str | None = None
    ai_command_text: str | None = None
    feedback: str | None = None
    dictation_cleanup_mode: str | None = None


class AudioPiece(Value):
    """The record of a piece of audio: everything but its bytes.

    ``track`` is ``upload`` or a recording's id; ``index`` counts within it. ``begun_at`` is when its transcription
    began, ``reads`` how often somebody has looked at it since; lengths are bytes, durations seconds.
    """

    id: ObjectId
    track: str
    index: Number
    media_type: str = ""
    filename: str = ""
    length: Number = 0
    sha256: str = ""
    duration: Number
    detected: Flag = True
    start_time: str | None = None
    end_time: str | None = None
    expiry: Number = 0
    received_at: Timestamp
    begun_at: Timestamp | None = None
    reads: Number = 0
    again: Flag = False
    failed: Flag = False


class Recording(Value):
    """A live recording, to which segments come until it is finished."""

    recording_id: str
    finished: Flag = False


class ContextFile(Value):
    """A document that was given as context: what is known of it, not its content.

    One that is ``parsing`` is so whatever the transition says.
    """

    id: ObjectId
    name: str
    date: str | None = None
    additional_context: str | None = None
    filename: str
    length: Number = 0
    sha256: str = ""
    uploaded_at: Timestamp
    reads: Number = 0
    parsing: Flag = False


class WrittenDocument(Value):
    """A document made of a session, and what went into it."""

    id: ObjectId
    name: str
    template_id: str | None = None
    content: str
    brain: Brain = "LEFT"
    voice_style: VoiceStyle | None = None
    content_type: ContentType = "MARKDOWN"
    sources: Whatever = None


Who = Literal["clinician", "patient", "parent", "carer"]
# What a consultation speaks of, and a template's sections gather.
Topic = Literal[
    "complaint", "history", "past_history", "medications", "allergies", "family", "social", "mental_state", "risk",
    "examination", "investigations", "assessment", "plan", "follow_up", "safety_net", "education",
]  # fmt: skip
CodeSystem = Literal[
    "icd_10", "icd_10_cm_us", "icd_9", "icd_9_cm_us", "snomed", "snomed_ct", "opcs_410_uk", "achi_13_au", "cpt_2025_us"
]


class Utterance(Value):
    """Something said: from second ``at`` on, ``for`` seconds long; with a ``topic`` it matters to a note."""

    at: Number
    length: Number = Field(alias="for")
    who: Who
    text: str
    topic: Topic | None = None
    note: str | None = None
    brief: str | None = None


class Consultation(Record):
    """An invented consultation, which a session's audio speaks. ``match`` is looked for in a file's name.

    ``age`` (full years, both included) and ``gender`` say which patients it fits; None fits any.
    """

    id: str = Field(min_length=1)
    title: str
    specialty: str = ""
    language: str = "en"
    age: Annotated[tuple[Number, Number], Field(strict=False)] | None = None
    gender: Gender | None = None
    match: Texts = ()
    session_name: str
    utterances: Annotated[tuple[Utterance, ...], Field(strict=False, min_length=1)]

    @property
    def key(self) -> str:
        return self.id

    def problem(self) -> str | None:
        if self.age is not None and not _is_range(*self.age):
            return "age should be two whole numbers of years, the lower first, such as [18, 64]"
        for earlier, later in pairwise(self.utterances):
            if later.at < earlier.at + earlier.length:
                return f"two people speak at once at second {later.at}; let {later.text[:20]!r} begin later"
        return None


def _is_range(low: float, high: float) -> bool:
    return type(low) is int and type(high) is int and 0 <= low <= high


Languages = dict[str, str]


class TemplateSection(Value):
    """A part of a template: its heading by language, and the topics that it gathers."""

    heading: Languages
    topics: Annotated[tuple[Topic, ...], Field(strict=False)] = ()
    empty: Languages | None = None
    per_issue: Flag = False


class NoteTemplate(Record):
    """One of Heidi's templates, and how the mock fills it."""

    id: ObjectId
    name: str
    template_category: Literal["CONSULT_NOTE_TEMPLATE", "DOCUMENT_TEMPLATE"]
    structure_template: str
    template_html: str | None = None
    author_name: str = "Heidi"
    opening: Languages | None = None
    closing: Languages | None = None
    sections: Annotated[tuple[TemplateSection, ...], Field(strict=False)] = ()

    @property
    def key(self) -> str:
        return self.id


class Code(Value):
    """A code of one system; ``metadata`` is as free as the systems differ."""

    code: str
    code_name: str
    metadata: dict[str, Whatever] = Field(default_factory=dict)
    score: Annotated[Number, AfterValidator(_share)]
    code_system: CodeSystem


class CodeEntry(Record):
    """A clinical entity: the words it is found by, its code, and codes that resemble it."""

    terms: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    primary: Code
    similar: Annotated[tuple[Code, ...], Field(strict=False)] = ()

    @property
    def key(self) -> str:
        return f"{self.primary.code_system}/{self.primary.code}"


class Session(Record):
    """A consultation."""

    indexes = (("managed_by",), ("patient_profile_id",), ("managed_by", "created_by"))

    session_id: SessionId
    managed_by: ObjectId
    created_by: Creator | None = None
    patient_profile_id: ObjectId | None = None
    session_name: str
    # Constructed, since the first check of any value loads pydantic's plugins.
    patient: SessionPatient = SessionPatient.model_construct()
    clinician_notes: Texts = ()
    consult_note: ConsultNote | None = None
    duration: Number = 0
    language_code: str = "en"
    output_language_code: str = "en"
    ehr_appt_id: str | None = None
    ehr_provider: str
    ehr_patient_id: str | None = None
    linked_sessions_for_context: Texts | None = None
    transcribe_mode: str | None = None
    generate_output_without_recording: Flag | None = None
    recording_status: str | None = None
    session_status: str | None = None
    is_consent: Flag | None = None
    created_time_local: str | None = None
    consultation: str | None = None
    transcript: str | None = None
    audio: Annotated[tuple[AudioPiece, ...], Field(strict=False)] = ()
    recordings: Annotated[tuple[Recording, ...], Field(strict=False)] = ()
    context_documents: Annotated[tuple[ContextFile, ...], Field(strict=False)] = ()
    documents: Annotated[tuple[WrittenDocument, ...], Field(strict=False)] = ()
    note_id: ObjectId | None = None
    note_begun_at: Timestamp | None = None
    note_reads: Number = 0
    note_sources: Whatever = None
    created_at: Timestamp
    updated_at: Timestamp

    @property
    def key(self) -> str:
        return self.session_id


# The server writes these itself.
_FRAMING = ("connection", "content-length", "keep-alive", "transfer-encoding")
# So much of a name is repeated in a message.
_LONGEST_NAME = 100
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e\xa0-\xff]*")
_WITHOUT_BODY = (204, 205, 304)


class Reply(Record):
    """A rule: to which requests, how often, and what they are answered.

    ``text`` and ``pieces`` (sent exactly so) replace what Heidi would write. ``body`` (JSON), ``status`` and
    ``headers`` replace the whole answer.
    """

    operation: str
    session_id: str | None = None
    template_id: str | None = None
    match: dict[str, Whatever] | None = None
    times: Number | None = None
    text: str | None = None
    pieces: Texts | None = None
    body: Whatever = None
    status: Number | None = None
    headers: dict[str, str] | None = None

    @property
    def key(self) -> str:
        return repr(self)

    @property
    def whole(self) -> bool:
        """True where it replaces the whole answer, so that the operation does not run."""
        return self.body is not None or self.status is not None

    def problem(self) -> str | None:
        """The problem with it as a whole, or None."""
        said = [name for name in ("text", "pieces") if getattr(self, name) is not None]
        if len(said) + self.whole != 1:
            return "needs text, or pieces, or a body, or a status; body and status may stand together"
        if self.operation not in OPERATIONS:
            unknown = short_repr(self.operation, _LONGEST_NAME)
            return f"there is no operation {unknown}; {nearest(self.operation, OPERATIONS)}"
        if said and self.operation not in SPEAKING:
            return f"{self.operation} is answered with a body; text and pieces are for {', '.join(sorted(SPEAKING))}"
        if self.times is not None and (type(self.times) is not int or self.times < 1):
            return "times should be a whole number of 1 or more"
        return self._wrong_head(bool(said))

    def _wrong_head(self, said: bool) -> str | None:
        if self.status is not None and (type(self.status) is not int or not 200 <= self.status <= 599):  # noqa: PLR2004 - HTTP's
            return "status should be a whole number from 200 to 599"
        if self.status in _WITHOUT_BODY and self.body is not None:
            return f"an answer with status {self.status} has no body; leave it out"
        if self.headers and said:
            return "headers go with a body or a status, not with text or pieces"
        for name, value in (self.headers or {}).items():
            if _HEADER_NAME.fullmatch(name) is None or name.lower() in _FRAMING:
                return f"the header {short_repr(name, _LONGEST_NAME)} cannot be set"
            if _HEADER_VALUE.fullmatch(value) is None:
                shown = short_repr(name, _LONGEST_NAME)
                return f"the header {shown} holds what no header can; use visible ASCII or Latin-1 characters"
        return None
