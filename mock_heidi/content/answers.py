"""The answers of Ask Heidi: sentences of the given texts, in the form that the command asks for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from mock_heidi.content.note_writer import BULLET, Material

# Whole words of a command, English and Spanish: "medical" does not ask for a list of medicines.
_MEDICINES_WANTED = re.compile(
    r"\b(?:medications?|medicines?|meds|drugs?|medicación|medicamentos?|medicinas|fármacos?)\b", re.IGNORECASE
)
_TRANSLATION = re.compile(r"\b(?:translat(?:e[sd]?|ing|ions?)|traduc(?:e|ir|ción|ido)|traduzca)\b", re.IGNORECASE)
_LETTER = re.compile(r"\b(?:letters?|cartas?)\b", re.IGNORECASE)
_SUMMARY = re.compile(
    r"\b(?:summari[sz](?:e[sd]?|ing)|summary|summaries|resum(?:en?|ir|a|ido)|resúmenes)\b", re.IGNORECASE
)
# The signs of a medicine: a dose, its form, or the ending of its name.
_MEDICINE = re.compile(
    r"""
    \d\s?(?:mg|µg|mcg|ml|g|units|unidades)\b
    | \b(?:medic(?:ines?|ations?|amentos?|ación)|drugs?|tablets?|pills?|capsules?|inhalers?|puffers?|puffs?|drops
        |creams?|gels?|ointments?|injections?|sprays?|antibiotics?|painkillers?|artificial\stears|insulina?
        |vitamins?|vitaminas?|doses?|dosis|prescribed|prescriptions?|milligrams?|micrograms?
        |pastillas?|comprimidos?|cápsulas?|gotas|cremas?|pomadas?|inhalador(?:es)?|jarabe|antibióticos?
        |miligramos?|microgramos?)\b
    | \b\w{2,}(?:pril|sart[aá]n|olol|statina?|prazole?|cillin|cilina|mycin|micina|cycline|ciclina|floxacin[oa]?
        |conazole?|az[eo]pam|zolam|parina?|farina?|xab[aá]n|gliptina?|gliflozina?|formina?|dipin[eo]|thiazide
        |tiazida|semid[ea]|profeno?|cetamol|butamol|fenaco?|codeine|codeína|morphine|morfina|[ai]sone|[ai]sona
        |solon[ea]|moterol|tropium|tropio|oxetin[ea]|tralin[ea]|pramin[ea]|triptylin[ea]|triptan|setron|dronat[eo]
        |thyroxine|tiroxina|lukast|aspirina?|azepin[ea]|prost)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)


def answer(command: str, content: str, material: Material, note: str, *, html: bool) -> str:
    """The answer to a command about a content. The command decides the form, the content gives the words.

    Without content, the words come from the session's note, or else from the material of a note. The answer never says
    that something is missing: if it recognises no medicine, it summarises the text.
    """
    sentences = _sentences(content) or _sentences(note) or _sentences(_session(material))
    if content.strip() and not _sentences(content):
        sentences = [content.strip()]
    medicines = _medicines(material, sentences) if _MEDICINES_WANTED.search(command) else []
    if medicines:
        lines = [BULLET + medicine for medicine in medicines]
    elif _TRANSLATION.search(command):
        lines = [f"[{command.strip()}]", *sentences]
    elif _LETTER.search(command):
        lines = ["Dear colleague,", *_summary(sentences), "Kind regards"]
    elif _SUMMARY.search(command):
        lines = _summary(sentences)
    else:
        lines = [f"On “{command.strip()}”:", *_summary(sentences)]
    return "\n".join(f"<p>{escape(line)}</p>" for line in lines) if html else "\n".join(lines)


def _sentences(text: str) -> list[str]:
    lines = (line.strip(" ●-*\t") for line in text.splitlines())
    return [sentence for line in lines for sentence in re.split(r"(?<=[.!?])\s+", line) if sentence]


def _session(material: Material) -> str:
    texts = (utterance.text for utterance in material.utterances)
    return "\n".join([*texts, *material.clinician_notes, material.background, *material.earlier, *material.documents])


def _summary(sentences: Sequence[str]) -> list[str]:
    return list(sentences[:3]) or ["There is nothing to go by yet."]


def _medicines(material: Material, sentences: Sequence[str]) -> list[str]:
    """The sentences about medicines without repetition: first those of the transcript, then those of the text."""
    heard = (one.note or one.text for one in material.utterances if one.topic == "medications")
    return list(dict.fromkeys([*heard, *(sentence for sentence in sentences if _MEDICINE.search(sentence))]))
