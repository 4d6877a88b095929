"""Records of patients: patient profiles, and the patient details of a session."""

from mock_heidi.base.values import Record, Value
from mock_heidi.state.field_types import Date, Flag, JsonValues, Number, ObjectId, StoredGender, Timestamp


class PatientProfile(Record):
    """A patient as the partner's system describes them."""

    indexes = (("managed_by",), ("managed_by", "ehr_patient_id"), ("managed_by", "ehr_provider"))

    id: ObjectId
    managed_by: ObjectId
    ehr_provider: str
    ehr_patient_id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    birth_date: Date | None = None
    gender: StoredGender | None = None
    phone: str | None = None
    email: str | None = None
    demographic_string: str = ""
    remember_consent: Flag | None = None
    additional_context: str | None = None
    patient_sex_code: Number | None = None
    identifiers: JsonValues | None = None
    created_at: Timestamp
    updated_at: Timestamp

    @property
    def key(self) -> str:
        return self.id

    @property
    def name(self) -> str:
        """First and last name joined by a blank; ``""`` if both are unknown."""
        return " ".join(part for part in (self.first_name, self.last_name) if part)


class SessionPatient(Value):
    """The patient details of a session. In responses a linked profile fills the fields that are empty here."""

    name: str = ""
    gender: StoredGender | None = None
    dob: Date | None = None
    demographic_details: str | None = None
