"""Effects on the pieces of streams."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mock_heidi.faults.delivery import Delivery, Ending, Part, frame, frame_in_utf_8

_ERROR = b'data: {"error": {"msg": "The stream broke", "type": "StreamError"}}\n\n'
_TAIL = b'"}\n\n'
_MARKS = b": keep-alive\nevent: message\n"


# --- Pieces: their order and number -----------------------------------------------------------------------------------


def repeat(delivery: Delivery, number: int) -> Delivery:
    """Send this piece twice."""
    return _replaced(delivery, number, lambda part: (part, part._replace(pause=0.0)))


def lose(delivery: Delivery, number: int) -> Delivery:
    """Leave this piece out. The next one comes at its usual time."""
    at = _place(delivery, number)
    if at is None:
        return delivery
    before, lost, rest = delivery.parts[:at], delivery.parts[at], delivery.parts[at + 1 :]
    if rest:
        rest = (rest[0]._replace(pause=lost.pause + rest[0].pause), *rest[1:])
    return delivery.with_parts((*before, *rest))


def swap(delivery: Delivery, number: int) -> Delivery:
    """Send this piece after the next one."""
    at = _place(delivery, number)
    later = range(len(delivery.parts) if at is None else at + 1, len(delivery.parts))
    behind = next((index for index in later if delivery.parts[index].number is not None), None)
    if at is None or behind is None:
        return delivery
    parts = list(delivery.parts)
    late = parts.pop(at)
    parts[at] = parts[at]._replace(pause=late.pause + parts[at].pause)
    parts.insert(behind, late._replace(pause=0.0))
    return delivery.with_parts(parts)


def empty_piece(delivery: Delivery, number: int) -> Delivery:
    """Send an empty piece before this one."""
    void = frame("")
    return _replaced(delivery, number, lambda part: (Part(void, part.pause), part._replace(pause=0.0)))


def _place(delivery: Delivery, number: int) -> int | None:
    """The index of the part with this piece; None if there is no such part."""
    return next((at for at, part in enumerate(delivery.parts) if part.number == number), None)


def _replaced(delivery: Delivery, number: int, made: Callable[[Part], tuple[Part, ...]]) -> Delivery:
    """The delivery with the first part of this piece replaced by the parts that ``made`` returns."""
    at = _place(delivery, number)
    if at is None:
        return delivery
    return delivery.with_parts((*delivery.parts[:at], *made(delivery.parts[at]), *delivery.parts[at + 1 :]))


# --- Ends -------------------------------------------------------------------------------------------------------------


def end_after(delivery: Delivery, wanted: tuple[int, str | None]) -> Delivery:
    """End the stream cleanly after this number of pieces, or inside the next one."""
    count, inside = wanted
    if not _is_sooner(delivery, count) or count >= len(delivery.parts):
        return delivery
    parts = delivery.parts[:count]
    if inside is not None:
        coming = delivery.parts[count]
        parts = (*parts, coming._replace(data=_cut(coming.data, inside)))
    return replace(delivery, parts=parts, early=True)


def error_piece(delivery: Delivery, count: int) -> Delivery:
    """Send an object with an error after this number of pieces, then end the stream."""
    if not _is_sooner(delivery, count):
        return delivery
    return replace(delivery, parts=(*delivery.parts[:count], Part(_ERROR)), early=True)


def rst_after(delivery: Delivery, count: int) -> Delivery:
    """Reset the connection after this number of pieces."""
    return _broken(delivery, count, Ending.RESET)


def stall_after(delivery: Delivery, count: int) -> Delivery:
    """Stop after this number of pieces and keep the connection open."""
    return _broken(delivery, count, Ending.STALL)


def _broken(delivery: Delivery, count: int, ending: Ending) -> Delivery:
    if not _is_sooner(delivery, count):
        return delivery
    return replace(delivery, parts=delivery.parts[:count], ending=ending, early=True)


def _is_sooner(delivery: Delivery, count: int) -> bool:
    """True if an end after this number of parts comes before any other end."""
    there = len(delivery.parts)
    return count < there or (count == there and not delivery.early)


def _cut(made: bytes, inside: str) -> bytes:
    """The start of a piece, cut before its empty line, inside its JSON, or inside a letter."""
    if inside == "piece":
        return made[:-1]
    text: str = json.loads(made[len(b"data: ") :])["data"]
    if inside == "json":
        write = frame if made.isascii() else frame_in_utf_8
        return write(text[: len(text) // 2]).removesuffix(_TAIL)
    at = next((at for at, letter in enumerate(text) if letter > "\x7f"), len(text))
    letter = text[at : at + 1] or "é"
    return frame(text[:at]).removesuffix(_TAIL) + letter.encode()[:1]


# --- Form and writes --------------------------------------------------------------------------------------------------


def no_space(delivery: Delivery, _: Any) -> Delivery:
    """Remove the space after ``data:``."""
    return delivery.with_parts(part._replace(data=part.data.replace(b"data: ", b"data:", 1)) for part in delivery.parts)


def comments(delivery: Delivery, _: Any) -> Delivery:
    """Add comment lines and ``event:`` lines between the pieces."""
    return delivery.with_parts(part._replace(data=_MARKS + part.data) for part in delivery.parts)


def crlf(delivery: Delivery, _: Any) -> Delivery:
    """End the lines with CR LF."""
    return delivery.with_parts(part._replace(data=part.data.replace(b"\n", b"\r\n")) for part in delivery.parts)


def one_write(delivery: Delivery, _: Any) -> Delivery:
    """Send all pieces in one write, when the last of them is due."""
    if not delivery.parts:
        return delivery
    body = delivery.body
    return replace(delivery, parts=(Part(body, sum(part.pause for part in delivery.parts)),), write_size=len(body))


def byte_by_byte(delivery: Delivery, _: Any) -> Delivery:
    """Send each byte in a separate write, unless another effect sends all in one."""
    return replace(delivery, write_size=1) if delivery.parts and delivery.write_size is None else delivery
