"""The words of an answer: those of a test's reply or the mock's own, and what a fault gets wrong in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mock_heidi import note_writer
from mock_heidi.http import Request
from mock_heidi.stub_records import Stub


def said(reply: Stub | None, own: Callable[[], Sequence[str]]) -> Sequence[str]:
    """The pieces of a text: those of the reply, exactly as given, or the mock's own."""
    if reply is None or reply.body is not None:
        return own()
    return reply.pieces if reply.pieces is not None else note_writer.pieces(reply.text or "")


def distorted(request: Request, compose: Callable[[Sequence[str]], str]) -> str:
    """A text with what a fault wants to be wrong in it; ``compose`` writes it with such effects.

    Effects that find nothing to spoil in the text do not count, nor do those of which others leave nothing.
    """
    counted = list(request.call.clinical)
    made = compose(counted)
    # If two effects give the same text, only one is counted.
    for effect in reversed(request.call.clinical):
        others = [other for other in counted if other != effect]
        if compose(others) == made:
            counted = others
    request.call.distorted = tuple(counted)
    return made
