"""The text of a response: from a stub or written by the mock, and changed by faults."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mock_heidi.content import note_writer
from mock_heidi.state.stub_records import Stub
from mock_heidi.web.request import Request


def stubbed_pieces(stub: Stub | None, write: Callable[[], Sequence[str]]) -> Sequence[str]:
    """The pieces of a text: the stub's, unchanged, or those that ``write`` returns."""
    if stub is None or stub.body is not None:
        return write()
    return stub.pieces if stub.pieces is not None else note_writer.pieces(stub.text or "")


def distorted(request: Request, compose: Callable[[Sequence[str]], str]) -> str:
    """A text with the text faults of the request. ``compose`` writes the text with the given effects.

    An effect counts only if the text differs without it.
    """
    counted = list(request.text_faults)
    made = compose(counted)
    # If two effects give the same text, only one is counted.
    for effect in reversed(request.text_faults):
        others = [other for other in counted if other != effect]
        if compose(others) == made:
            counted = others
    request.distorted = tuple(counted)
    return made
