"""The documented fields of each resource in order: the only place where tests define what an answer looks like.

The tables are written by hand from the vendor's pages. They read neither the code nor ``openapi.yaml``, so they can
judge both. A test that expects a whole body builds it from a table, and names only the values that matter to it.
"""

import copy
from typing import Any, NamedTuple

STATE = "state"
"""Stands for ``GET /_mock/state``, which shows all that the mock keeps of a record."""


class Field(NamedTuple):
    """One field of a resource."""

    name: str
    documented: Any = None
    """Its value in the vendor's examples."""
    unset: Any = None
    """Its value before a request or a fixture sets it."""
    other: Any = None
    """A value that a request can set, and that no example has."""
    taken: tuple[str, ...] = ()
    """The operations whose requests can set it."""
    shown: tuple[str, ...] | None = None
    """The operations whose answers have it; None for all operations of the resource."""
    optional: bool = False
    """True if an answer leaves it out until it is set."""


class Shape:
    """The fields of a resource, in the order in which answers list them."""

    def __init__(self, *fields: Field) -> None:
        self.fields = {field.name: field for field in fields}

    def keys(self, operation: str = "") -> list[str]:
        """The keys of an operation's answer, including optional ones."""
        return [field.name for field in self._shown(operation)]

    def taken(self, operation: str) -> list[Field]:
        """The fields that an operation sets."""
        fields = [field for field in self.fields.values() if operation in field.taken]
        assert fields, f"no field is set by {operation}"
        return fields

    def request(self, operation: str) -> dict[str, Any]:
        """A body that sets every field that the operation accepts to its other value."""
        return copy.deepcopy({field.name: field.other for field in self.taken(operation)})

    def documented(self, operation: str = "", **values: Any) -> dict[str, Any]:
        """The body that an operation answers in the vendor's examples, with some values changed."""
        return self._body(operation, {field.name: field.documented for field in self._required()} | values)

    def unset(self, operation: str = "", **values: Any) -> dict[str, Any]:
        """The body that an operation answers of a resource in which only these values are set."""
        return self._body(operation, {field.name: field.unset for field in self._required()} | values)

    def _required(self) -> list[Field]:
        return [field for field in self.fields.values() if not field.optional]

    def _shown(self, operation: str) -> list[Field]:
        fields = [field for field in self.fields.values() if field.shown is None or operation in field.shown]
        assert fields, f"no field is shown by {operation}"
        return fields

    def _body(self, operation: str, values: dict[str, Any]) -> dict[str, Any]:
        assert values.keys() <= self.fields.keys(), f"unknown: {values.keys() - self.fields.keys()}"
        return copy.deepcopy({name: values[name] for name in self.keys(operation) if name in values})


# --- Signing in, accounts ---------------------------------------------------------------------------------------------

TOKEN = Shape(Field("token", "JWT_TOKEN"), Field("expiration_time", "2024-08-01T00:00:00.000Z"))

_LINK, _ACCESS = "link_account", "get_account_access"
# The page's answer names another Heidi user than its request, and another address than its token. We use those sent.
LINKED_ACCOUNT = Shape(
    # The vendor uses this underscore only here.
    Field("_id", shown=(_LINK,)),
    Field("user_id", "kp_xxx"),
    Field("ehr_provider", "Heidi", "Heidi"),
    Field("ehr_email", "test@heidihealth.com", "test@heidihealth.com"),
    Field("ehr_user_id", "123", "123"),
    Field("deleted_at", shown=(_LINK,)),
    Field("created_at", shown=(_LINK,)),
    Field("updated_at", shown=(_LINK,)),
)
ACCOUNT_ACCESS = Shape(
    Field("is_valid", True, True),
    Field("is_linked", True, False),
    Field("account", LINKED_ACCOUNT.documented(_ACCESS)),
    Field("heidi_email"),
    Field("linked_account_plan"),
)

# --- Templates --------------------------------------------------------------------------------------------------------

TEMPLATE = Shape(
    Field("id", "659b8042fe093d6592b41ef7"),
    Field("name", "H & P"),
    Field("structure_template"),
    Field("template_category", "CONSULT_NOTE_TEMPLATE"),
    Field("template_html"),
    Field("author_name", "Heidi"),
)

# --- Patient profiles -------------------------------------------------------------------------------------------------

_JOHN = "5eb7cf5a86d9755df3a6c593"
_CREATE, _UPDATE = "create_patient_profile", "update_patient_profile"
_GET, _LIST = "get_patient_profile", "list_patient_profiles"
_BOTH = (_CREATE, _UPDATE)
PATIENT_PROFILE = Shape(
    # name, documented, unset, other, taken by, shown by
    Field("id", _JOHN),
    Field("source", "EHR", "EHR", shown=(_UPDATE,)),
    Field("ehr_patient_id", "EHR123456", None, "EHR9", (_CREATE,)),
    Field("managed_by", _JOHN, _JOHN, shown=(_GET, _LIST, STATE)),
    Field("ehr_provider", "Heidi", "Heidi", shown=(STATE,)),
    Field("first_name", "John", None, "Ada", _BOTH),
    Field("last_name", "Doe", None, "Ünal", _BOTH),
    Field("birth_date", "1990-01-15", None, "2000-02-29", _BOTH),
    Field("gender", "MALE", None, "FEMALE", _BOTH),
    Field("phone", "+1234567890", None, "+1", _BOTH),
    Field("email", "john.doe@example.com", None, "ada@example.org", _BOTH),
    Field("demographic_string", "", "", "Ada, F", _BOTH),
    Field("remember_consent", None, None, True, (_UPDATE,), (_LIST, STATE)),
    Field("additional_context", "Patient has a history of hypertension", None, "likes\ntea", _BOTH),
    Field("session_count", 3, 0, shown=(_LIST,)),
    Field("patient_sex_code", None, None, 1.5, (_CREATE,), (STATE,)),
    Field(
        "identifiers", None, None, [{"system": "s", "value": "007", "n": [1, None, True, 1.5]}, "x", 5], _BOTH, (STATE,)
    ),
    Field("created_at", shown=(STATE,)),
    Field("updated_at", shown=(STATE,)),
)

# --- Sessions ---------------------------------------------------------------------------------------------------------

_READ, _CHANGE = "get_session", "update_session"
_LINKED = "link_sessions"
_WHOLE = (_READ, _CHANGE, STATE)
SESSION_PATIENT = Shape(
    Field("name", "", "", "N", (_CHANGE,)),
    Field("gender", None, None, "OTHER", (_CHANGE,)),
    Field("dob", None, None, "2000-01-02", (_CHANGE,)),
    Field("demographic_details", None, None, "D", (_CHANGE,), (STATE,)),
)
CONSULT_NOTE = Shape(
    Field("status", "CREATED"),
    Field("result", "Consult note content..."),
    Field("heading", "Note"),
    Field("brain", "RIGHT"),
    Field("voice_style"),
    Field("generation_method", "TEMPLATE"),
    Field("template_id"),
    Field("ai_command_id"),
    Field("ai_command_text"),
    Field("feedback"),
    Field("dictation_cleanup_mode"),
)
_CONTEXT = ["1234567891", "1234567892"]
_NOBODY, _SOMEBODY = SESSION_PATIENT.unset(_READ), SESSION_PATIENT.request(_CHANGE)
SESSION = Shape(
    # name, documented, unset, other, taken by, shown by
    Field("session_id", "1234567890"),
    Field("session_name", "Session 123", shown=(_LINKED, *_WHOLE)),
    Field("patient", _NOBODY, _NOBODY, _SOMEBODY, (_CHANGE,), _WHOLE),
    Field("audio", [], [], shown=(_READ, STATE)),
    Field("clinician_notes", [], [], ["**one**", ""], (_CHANGE,), _WHOLE),
    Field("consult_note", CONSULT_NOTE.documented(), shown=_WHOLE),
    Field("duration", 16, 0, 61.5, (_CHANGE,), _WHOLE),
    Field("created_at", "2024-12-11T03:57:57.921000", shown=(_LINKED, *_WHOLE)),
    Field("updated_at", "2024-12-11T23:41:54.138000", shown=(_LINKED, *_WHOLE)),
    Field("language_code", "en", "en", "es", (_CHANGE,), _WHOLE),
    Field("output_language_code", "en", "en", "de", (_CHANGE,), _WHOLE),
    Field("documents", shown=_WHOLE),
    Field("ehr_appt_id", None, None, "A", (_CHANGE,), _WHOLE),
    Field("ehr_provider", "EHR Provider Name", "Heidi", shown=_WHOLE),
    Field("ehr_patient_id", None, None, "P", (_CHANGE,), _WHOLE),
    Field("linked_sessions_for_context", None, None, _CONTEXT, (_CHANGE,), (_CHANGE, STATE), optional=True),
    Field("transcribe_mode", None, None, "dictate", (_CHANGE,), (STATE,)),
    Field("generate_output_without_recording", None, None, True, (_CHANGE,), (STATE,)),
    Field("recording_status", None, None, "paused", (_CHANGE,), (STATE,)),
    Field("session_status", None, None, "open", (_CHANGE,), (STATE,)),
    Field("is_consent", None, None, False, (_CHANGE,), (STATE,)),
    Field("created_time_local", None, None, "2025-01-06T20:00:00+08:00", (_CHANGE,), (STATE,)),
    # Fields of a session that only the mock keeps.
    Field("managed_by", _JOHN, _JOHN, shown=(STATE,)),
    Field("created_by", shown=(STATE,)),
    Field("patient_profile_id", shown=(STATE,)),
    Field("consultation", shown=(STATE,)),
    Field("transcript", shown=(STATE,)),
    Field("recordings", [], [], shown=(STATE,)),
    Field("context_documents", [], [], shown=(STATE,)),
    Field("note_id", shown=(STATE,)),
    Field("note_begun_at", shown=(STATE,)),
    Field("note_reads", 0, 0, shown=(STATE,)),
    Field("note_sources", shown=(STATE,)),
)
SECOND_SESSION = {
    "session_id": "0987654321",
    "session_name": "Session 124",
    "created_at": "2024-12-12T10:30:00.000000",
    "updated_at": "2024-12-12T11:15:00.000000",
}
"""The values of the second documented session."""
SESSION_PAGE = Shape(
    Field("sessions", [], []),
    Field("count", 10, 0),
    Field("total_count", 13, 0),
    # The page shows no next page although ``"has_next_page": true``. We expect a number.
    Field("next_page", 2),
    Field("has_next_page", True, False),
)

# --- Files, audio and transcripts -------------------------------------------------------------------------------------

CONTEXT_DOCUMENT = Shape(
    Field("id"),
    Field("name"),
    Field("date"),
    Field("additional_context"),
    Field("filename"),
    Field("status", "PARSING", "PARSING"),
    Field("uploaded_at"),
)
UPLOADED_AUDIO = Shape(
    Field("id"),
    Field("index", 0, 0),
    Field("status", "INITIALIZED", "INITIALIZED"),
    Field("created_at"),
    Field("access_url"),
    Field("expiry", 0, 0),
)
LIVE_TRANSCRIPT = Shape(
    Field("session_id", "1234567890"),
    Field("transcript", "", ""),
    Field("active_source", "LIVE", "LIVE"),
    Field("chunks", [], []),
)
LIVE_CHUNK = Shape(Field("id"), Field("status"), Field("duration"), Field("text"), Field("source"))

# --- Notes, documents and codes ---------------------------------------------------------------------------------------

# The two answers order their keys differently.
DOCUMENT_CREATED = Shape(
    Field("id"),
    Field("session_id", "1234567890"),
    Field("name"),
    Field("template_id", "66455a5f0b0a1c8d018c6896"),
    Field("brain", "LEFT", "LEFT"),
    Field("voice_style", "GOLDILOCKS"),
    Field("content_type", "MARKDOWN", "MARKDOWN"),
    Field("content"),
)
DOCUMENT_LISTED = Shape(
    Field("id"),
    Field("session_id", "1234567890"),
    Field("index", 0, 0),
    Field("name"),
    Field("template_id", "66455a5f0b0a1c8d018c6896"),
    Field("content"),
    Field("generation_type", "TEMPLATE", "TEMPLATE"),
    Field("brain", "LEFT", "LEFT"),
)
CUSTOM_ANSWER = Shape(
    Field("content", optional=True), Field("questionAnswers", [], []), Field("summary", optional=True)
)
CLINICAL_CODES = Shape(
    Field("id"), Field("session_id", "1234567890"), Field("consult_note_id"), Field("clinical_entities", [], [])
)
CLINICAL_ENTITY = Shape(
    Field("location_in_note"),
    Field("reference_in_transcript"),
    Field("reference_in_context"),
    Field("primary_code"),
    Field("similar_codes"),
)
CLINICAL_CODE = Shape(Field("code"), Field("code_name"), Field("metadata"), Field("score"), Field("code_system"))
