"""Refusals that only a chosen assumption asks for; its value has the status, such as 409 or ``refused_409``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from mock_heidi.base.assumptions import Assumptions
from mock_heidi.base.errors import HeidiError, UnprocessableError


class RefusedError(HeidiError):
    """A refusal in the framework's own form, with a sentence and the status that an assumption decides."""

    def __init__(self, assumption: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = assumption
        self.sentence = sentence

    @property
    def detail(self) -> Any:
        return self.sentence


def refused(chosen: Assumptions, name: str, sentence: str, *loc: str | int) -> HeidiError:
    """The error of an assumption whose chosen value is a refusal.

    With the status 422 it has the form of a body that does not fit, ``loc`` being the place.
    """
    if chosen.status(name) != HTTPStatus.UNPROCESSABLE_ENTITY:
        return RefusedError(name, sentence)
    row = {"type": "value_error", "loc": [*loc], "msg": f"Value error, {sentence}", "input": None}
    return UnprocessableError([row])
