"""Records of invented consultations, which stand for the speech in a session's audio."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field

from mock_heidi.base.values import Record, Value
from mock_heidi.state.field_types import Gender, Number, Texts, Topic

Speaker = Literal["clinician", "patient", "parent", "carer"]


class Utterance(Value):
    """One utterance: it starts at second ``at`` and takes ``for`` seconds. With a ``topic`` it goes into notes."""

    at: Number
    length: Number = Field(alias="for")
    who: Speaker
    text: str
    topic: Topic | None = None
    note: str | None = None
    brief: str | None = None


class Consultation(Record):
    """An invented consultation. It is chosen for audio whose file name contains one of ``match``.

    ``age`` (a range in full years, both ends included) and ``gender`` restrict it to patients; None fits all.
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
