"""Effects on whole bodies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from mock_heidi.faults.delivery import Delivery, Ending, Part

_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"
_HTML = b"text/html; charset=utf-8"
# Marks the second of two equal keys until the text is written, since a dict cannot have a key twice.
_AGAIN = "\ue000again\ue000"


def not_json(delivery: Delivery, text: Any) -> Delivery:
    """Replace the body with the HTML page of a proxy, or with this text."""
    if not delivery.has_body:
        return delivery
    if text is True:
        return delivery.with_body(_PAGE).with_header(b"content-type", _HTML)
    return delivery.with_body(text.encode())


def empty(delivery: Delivery, _: Any) -> Delivery:
    """Remove the body and keep the status."""
    return delivery.with_body(b"") if delivery.has_body else delivery


def media_type(delivery: Delivery, wanted: str) -> Delivery:
    """Change the content type and keep the body."""
    return delivery.with_header(b"content-type", wanted.encode("latin-1"))


def drop_key(delivery: Delivery, paths: tuple[str, ...]) -> Delivery:
    """Remove these keys."""
    return _changed(delivery, paths, lambda holder, key, _: holder.pop(key, None))  # two paths may lead to one key


def rename_key(delivery: Delivery, names: dict[str, str]) -> Delivery:
    """Rename these keys. The order of the keys stays the same."""

    def change(holder: dict[str, Any], key: str, path: str) -> None:
        items = [(names[path] if name == key else name, item) for name, item in holder.items()]
        holder.clear()
        holder.update(items)

    return _changed(delivery, names, change)


def null_key(delivery: Delivery, paths: tuple[str, ...]) -> Delivery:
    """Set these keys to null."""
    return _changed(delivery, paths, lambda holder, key, _: holder.update({key: None}))


def wrong_type(delivery: Delivery, paths: tuple[str, ...]) -> Delivery:
    """Give these keys a value of another type."""
    return _changed(delivery, paths, lambda holder, key, _: holder.update({key: _other_type(holder[key])}))


def duplicate_key(delivery: Delivery, paths: tuple[str, ...]) -> Delivery:
    """Write these keys twice, the second time with null."""

    def change(holder: dict[str, Any], key: str, _: str) -> None:
        items = [*holder.items()]
        holder.clear()
        for name, item in items:
            holder[name] = item
            if name == key:
                holder[name + _AGAIN] = None

    made = _changed(delivery, paths, change)
    return delivery if made is delivery else made.with_body(made.body.replace(_AGAIN.encode(), b""))


def add_key(delivery: Delivery, paths: tuple[str, ...]) -> Delivery:
    """Add these keys at the end of their objects. An object that has the key keeps its value."""
    tree = _tree(delivery)
    found = [
        (holder, name)
        for path in paths
        for holder, name in _holders(tree, path.split("."))
        if name not in {*holder, "*"}
    ]
    for holder, name in found:
        holder[name] = "added"
    return delivery.with_body(_text(tree)) if found else delivery


def _changed(delivery: Delivery, paths: Iterable[str], change: Callable[[dict[str, Any], str, str], None]) -> Delivery:
    """The delivery with a change at each of these keys; the same delivery if it has none of them.

    ``change`` gets the object that has the key, the key, and the path of the key.
    """
    tree = _tree(delivery)
    found = [(*place, path) for path in paths for place in _places(tree, path.split("."))]
    for holder, key, path in found:
        change(holder, key, path)
    return delivery.with_body(_text(tree)) if found else delivery


def _tree(delivery: Delivery) -> Any:
    """The JSON value of the body; None if it has none."""
    try:
        return json.loads(delivery.body) if delivery.has_body else None
    except ValueError:
        return None


def _text(tree: Any) -> bytes:
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()


def _holders(tree: Any, path: list[str]) -> Iterator[tuple[dict[str, Any], str]]:
    """The objects that have or could have a key such as ``data.*.new``, each with the name of the key."""
    step, *rest = path
    if not rest:
        if isinstance(tree, dict):
            yield tree, step
    elif isinstance(tree, list):
        for item in tree if step == "*" else tree[int(step) : int(step) + 1] if step.isdecimal() else []:
            yield from _holders(item, rest)
    elif isinstance(tree, dict):
        for key in list(tree) if step == "*" else [step] if step in tree else []:
            yield from _holders(tree[key], rest)


def _places(tree: Any, path: list[str]) -> Iterator[tuple[dict[str, Any], str]]:
    """The objects that have a key such as ``data.*.id``, each with the name of the key."""
    for holder, name in _holders(tree, path):
        for key in list(holder) if name == "*" else [name] if name in holder else []:
            yield holder, key


def _other_type(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    return {"0": value} if isinstance(value, list) else [value]


def cut_at(delivery: Delivery, size: int) -> Delivery:
    """End the body after this number of bytes, although its length promises more."""
    return _ended(delivery, size, Ending.CLOSE) if size < len(delivery.body) else delivery


def rst_at(delivery: Delivery, size: int) -> Delivery:
    """Reset the connection after this number of bytes of the body."""
    return _ended(delivery, size, Ending.RESET)


def stall_at(delivery: Delivery, size: int) -> Delivery:
    """Stop after this number of bytes of the body and keep the connection open."""
    return _ended(delivery, size, Ending.STALL)


def _ended(delivery: Delivery, size: int, ending: Ending) -> Delivery:
    """The delivery with this end, unless another effect ends it here or earlier."""
    body = delivery.body
    if delivery.ending is not Ending.COMPLETE and len(body) <= size:
        return delivery
    return replace(delivery, parts=(Part(body[:size]),), ending=ending)
