"""Records of clinical entities and their codes."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from mock_heidi.base.values import Record, Value
from mock_heidi.state.field_types import JsonValue, Number

CodeSystem = Literal[
    "icd_10", "icd_10_cm_us", "icd_9", "icd_9_cm_us", "snomed", "snomed_ct", "opcs_410_uk", "achi_13_au", "cpt_2025_us"
]


def _share(value: float) -> float:
    if not 0 <= value <= 1:
        raise PydanticCustomError("share", "Input should be a number from 0 to 1")
    return value


def _term(value: str) -> str:
    if not value or value[0].isspace():
        raise PydanticCustomError("term", "A term should begin with a word or a sign, not with a space")
    return value


class Code(Value):
    """A code of one system. The keys of ``metadata`` differ by system."""

    code: str
    code_name: str
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    score: Annotated[Number, AfterValidator(_share)]
    code_system: CodeSystem


class CodeEntry(Record):
    """A clinical entity: the terms that identify it, its code, and similar codes."""

    terms: Annotated[tuple[Annotated[str, AfterValidator(_term)], ...], Field(strict=False, min_length=1)]
    primary: Code
    similar: Annotated[tuple[Code, ...], Field(strict=False)] = ()

    @property
    def key(self) -> str:
        return f"{self.primary.code_system}/{self.primary.code}"
