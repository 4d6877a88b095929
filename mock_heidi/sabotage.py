"""What is done to the bytes of an answer: bodies of JSON, and the frames of streams."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from starlette.types import Message

from mock_heidi.streams import frame

_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"
_ERROR = b'data: {"error": {"msg": "The stream broke", "type": "StreamError"}}\n\n'
_HEAD = b'data: {"data": "'
_MARKS = b": keep-alive\nevent: message\n"


def spoil(body: bytes, value: Callable[[str], Any]) -> tuple[bytes, bytes | None, list[str]]:
    """A body with what is wrong with it, its new content type if it has one, and the effects that did it.

    ``value`` gives what the rules want of an effect.
    """
    if value("empty"):
        return b"", None, ["empty"]
    text = value("not_json")
    if text is not None:
        made, media_type = (_PAGE, b"text/html; charset=utf-8") if text is True else (text.encode(), None)
        return made, media_type, ["not_json"]
    effects = [name for name in ("drop_key", "rename_key", "null_key", "wrong_type") if value(name)]
    if not effects:
        return body, None, []
    try:
        tree = json.loads(body)
    except ValueError:
        return body, None, []
    done = [name for name in effects if _change(tree, name, value(name))]
    return (_dump(tree) if done else body), None, done


def _dump(tree: Any) -> bytes:
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()


def _change(tree: Any, effect: str, wanted: Any) -> bool:
    """Change the keys that are wanted; whether any was there."""
    names: dict[str, str] = wanted if isinstance(wanted, dict) else dict.fromkeys(wanted, "")
    found = [(place, path, new) for path, new in names.items() for place in list(_places(tree, path.split(".")))]
    for (holder, key), _, new in found:
        if effect == "drop_key":
            holder.pop(key, None)  # another path may have led here too
        elif effect == "rename_key":
            # In its own place: the order of the keys is not what is wrong.
            items = [(new if name == key else name, item) for name, item in holder.items()]
            holder.clear()
            holder.update(items)
        else:
            holder[key] = None if effect == "null_key" else _other(holder[key])
    return bool(found)


def _places(tree: Any, path: list[str]) -> Iterator[tuple[dict[str, Any], str]]:
    """Where a key such as ``data.*.id`` stands: the objects that hold it."""
    step, *rest = path
    if isinstance(tree, list):
        chosen = tree if step == "*" else tree[int(step) : int(step) + 1] if step.isdecimal() else []
        for item in chosen if rest else ():
            yield from _places(item, rest)
    elif isinstance(tree, dict):
        for key in list(tree) if step == "*" else [step] if step in tree else []:
            if rest:
                yield from _places(tree[key], rest)
            else:
                yield tree, key


def _other(value: Any) -> Any:
    """The same, as another type: a client that counts on the type breaks on it."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    return {"0": value} if isinstance(value, list) else [value]


class Outlet(Protocol):
    """Where frames go, and what the rules want of them."""

    call: Any

    def value(self, effect: str) -> Any: ...

    def note(self, *effects: str) -> None: ...

    async def send(self, body: bytes, *, more: bool = True) -> None: ...

    async def end(self, effect: str) -> None: ...

    async def delay_body(self) -> bool: ...

    async def delay_chunk(self) -> bool: ...


class Frames:
    """The frames of one stream: put out of order, rewritten, and ended before their time."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._value = outlet.value
        self._came = 0
        self._sent = 0
        self._late: bytes | None = None
        self._together: list[bytes] = []
        self._ended = False

    async def take(self, message: Message) -> None:
        """The next frame of the stream as it should be, or its end."""
        body = message.get("body", b"")
        if body:
            self._came += 1
            for made in self._ordered(body):
                await self._emit(made)
        if not message.get("more_body", False) and not self._ended:
            if self._late is not None:
                await self._emit(self._late)
            if not self._ended:
                await self._write_together(more=False)

    def _ordered(self, body: bytes) -> list[bytes]:
        """The frames that go out now that this one has come in."""
        number = self._came
        before = [frame("")] if self._hit("empty_piece", number) else []
        if self._value("swap") == number:
            self._late = body
            return before
        if self._hit("lose", number):
            return before
        frames = [*before, body, body] if self._hit("repeat", number) else [*before, body]
        if self._late is not None:
            frames.append(self._late)
            self._late = None
            self._outlet.note("swap")
        return frames

    def _hit(self, effect: str, number: int) -> bool:
        if self._value(effect) == number:
            self._outlet.note(effect)
            return True
        return False

    async def _emit(self, made: bytes) -> None:
        if self._ended or await self._end_here(made):
            return
        waited = await (self._outlet.delay_chunk() if self._sent else self._outlet.delay_body())
        if not waited:
            self._ended = True
            return
        await self._write(self._formatted(made))
        self._sent += 1
        # Nobody need wait for the next piece to see the end. After the last one, end_after is no early end, but the
        # others still are no end that a client expects.
        abrupt = any(self._value(effect) is not None for effect in ("rst_after", "stall_after", "error_piece"))
        if abrupt or self._came < self._outlet.call.pieces:
            await self._end_here(None)

    async def _end_here(self, coming: bytes | None) -> bool:
        """End the stream if it is time to; ``coming`` is the frame that would be next, if it is known."""
        value, sent = self._value, self._sent
        inside = value("end_inside")
        after = value("end_after")
        if inside is not None and sent == (1 if after is None else after):
            if coming is None:
                return False  # it is the next one that is cut
            await self._write(self._formatted(_cut(coming, inside)))
            return await self._end("end_inside")
        if inside is None and after == sent and (coming is not None or self._came < self._outlet.call.pieces):
            return await self._end("end_after")
        if value("error_piece") == sent:
            await self._write(self._formatted(_ERROR))
            return await self._end("error_piece")
        for effect in ("rst_after", "stall_after"):
            if value(effect) == sent:
                return await self._end(effect)
        return False

    async def _end(self, effect: str) -> bool:
        self._ended = True
        await self._write_together()
        await self._outlet.end(effect)
        return True

    def _formatted(self, made: bytes) -> bytes:
        for effect, old, new in (("no_space", b"data: ", b"data:"), ("crlf", b"\n", b"\r\n")):
            if effect == "crlf" and self._value("comments"):
                made = _MARKS + made
                self._outlet.note("comments")
            if self._value(effect):
                made = made.replace(old, new, -1 if effect == "crlf" else 1)
                self._outlet.note(effect)
        return made

    async def _write(self, made: bytes) -> None:
        if self._value("one_write"):
            self._together.append(made)
        elif self._value("byte_by_byte"):
            self._outlet.note("byte_by_byte")
            for at in range(len(made)):
                await self._outlet.send(made[at : at + 1])
                await asyncio.sleep(0)  # a turn of the loop, so that each byte is a write of its own
        else:
            await self._outlet.send(made)

    async def _write_together(self, *, more: bool = True) -> None:
        """What was kept for one write; the end of the body, unless there is more."""
        if self._together:
            self._outlet.note("one_write")
            await self._outlet.send(b"".join(self._together))
            self._together = []
        if not more:
            await self._outlet.send(b"", more=False)


def _cut(made: bytes, inside: str) -> bytes:
    """The beginning of a frame: without its empty line, without the end of its JSON, or without half a letter."""
    if inside == "piece":
        return made[:-1]
    text: str = json.loads(made[len(b"data: ") :])["data"]
    if inside == "json":
        return _HEAD + json.dumps(text[: len(text) // 2])[1:-1].encode()
    at = next((at for at, letter in enumerate(text) if letter > "\x7f"), len(text))
    letter = text[at : at + 1] or "é"
    return _HEAD + json.dumps(text[:at])[1:-1].encode() + letter.encode()[:1]
