"""Faults in generated text. Only a clinician or the client's renderer notices them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from mock_heidi.content.note_writer import Manner, Material, Part
from mock_heidi.state.field_types import ContentType

_OTHER_PATIENT = ("Wilhelmina Ostrander", "1931-07-19", "FEMALE")
_SIDES = {"left": "right", "izquierdo": "derecho", "izquierda": "derecha"}
_OTHER_SIDE = {**_SIDES, **{right: left for left, right in _SIDES.items()}}
_SIDE = re.compile(rf"\b({'|'.join(_OTHER_SIDE)})\b", re.IGNORECASE)
_DOSE = re.compile(
    r"(?<![\w.,])(\d+(?:[.,]\d+)?)(?=[ \u00a0]?(?:mg|µg|mcg|ml|g|milligrams?|micrograms?|miligramos|microgramos)\b)",
    re.IGNORECASE,
)
_SCRIPT = '<script>alert("mock_heidi")</script>'
LONG = 200_000
"""A very long note has at least this many characters."""


def mislead(
    effects: Collection[str], material: Material, manner: Manner, content_type: ContentType
) -> tuple[Material, Manner, ContentType]:
    """The material, manner and content type of a note, with the faults that act before it is written."""
    if "wrong_patient" in effects:
        name, born, gender = _OTHER_PATIENT
        material = material._replace(patient=f"{name}, {born}, {gender}", name=name, born=born)
    if "wrong_language" in effects:
        manner = manner._replace(language="es" if manner.language.lower().startswith("en") else "en")
    return material, manner, "HTML" if "html_note" in effects else content_type


def without_section(effects: Collection[str], parts: Sequence[Part], patient: str) -> list[Part]:
    """The parts of a note; with ``missing_section`` the first section about the case is left out."""
    if "missing_section" in effects:
        for at, part in enumerate(parts):
            if part.heading and part.lines != (patient,):
                return [*parts[:at], *parts[at + 1 :]]
    return list(parts)


def spoil(effects: Collection[str], text: str, name: str = "") -> str:
    """A written text with the faults that change its words. ``name`` is the patient's name."""
    if "wrong_patient" in effects and name:
        text = text.replace(name, _OTHER_PATIENT[0])
    if "swap_sides" in effects:
        text = _SIDE.sub(_other_side, text)
    if "wrong_dose" in effects:
        text = _DOSE.sub(_ten_times, text, count=1)
    if "script_tag" in effects:
        head, line, rest = text.partition("\n")
        text = f"{head}{line}{_SCRIPT}{line}{rest}"
    if "long_note" in effects and text:
        text = "\n\n".join([text] * (LONG // len(text) + 1))
    return "" if "empty_note" in effects else text


def _ten_times(match: re.Match[str]) -> str:
    # A comma separates thousands if three digits follow; otherwise it is a decimal comma.
    number = re.sub(r",(?=\d{3}$)", "", match[1]).replace(",", ".")
    return f"{float(number) * 10:.12g}"


def _other_side(match: re.Match[str]) -> str:
    word = _OTHER_SIDE[match[0].lower()]
    if match[0].isupper():
        return word.upper()
    return word.capitalize() if match[0][0].isupper() else word
