"""The Containerfile, parsed for tests."""

import re
from typing import NamedTuple

from paths import ROOT

CONTAINERFILE = ROOT / "Containerfile"


class Step(NamedTuple):
    """An instruction of the Containerfile with its argument."""

    name: str
    argument: str


def steps() -> list[Step]:
    """The instructions in order, without comments."""
    text = re.sub(r"^#.*\n", "", CONTAINERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    return [Step(*line.split(None, 1)) for line in text.splitlines() if line]


def arguments(name: str) -> list[str]:
    """The arguments of all instructions with this name."""
    return [step.argument for step in steps() if step.name == name]
