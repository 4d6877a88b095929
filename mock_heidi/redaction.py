"""Text, headers and JSON without the secrets in them: by the names they stand under, and by how they look."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

REDACTED = "***"

_TELLING = "auth|cookie|key|token|secret|password"
_SECRET_NAME = re.compile(_TELLING, re.IGNORECASE)
# ``?access_token=…`` within a text, such as a Referer.
_PARAMETER = re.compile(rf"[?&][^\s=?&]{{0,60}}?(?:{_TELLING})[^\s=?&]{{0,60}}=([^\s&#\"']+)", re.IGNORECASE)
# A secret name and its value in what cannot be parsed; an object or a list there may end anywhere.
_LOOSE = re.compile(
    rf"(?:{_TELLING})[\w.%\[\]-]{{0,30}}[\"']?\s{{0,9}}[=:>]\s{{0,9}}(?:(?:bearer|basic)\s+)?"
    r"""("(?:[^"\\]|\\.)*"?|'[^']*'?|[\[{].*|[^\s"'&,;<}]+)""",
    re.IGNORECASE | re.DOTALL,
)
_FORM = re.compile(r"[\w.\[\]%+-]+=")
# Three words with dots between them, of which the first holds the beginning of a token: looking for that beginning at
# once would go over a long word as often as it stands there.
_OPENING = "eyJ"
_TOKEN = re.compile(r"(?<![A-Za-z0-9_-])([A-Za-z0-9_-]++)(?=\.([A-Za-z0-9_-]++\.[A-Za-z0-9_-]*+))")


def _tokens(text: str) -> Iterator[tuple[int, int]]:
    """Where JSON Web Tokens stand, whoever has issued them."""
    for match in _TOKEN.finditer(text):
        at = match[1].find(_OPENING)
        if at >= 0:
            yield match.start() + at, match.end(2)


class Redactor:
    """Takes out what must not be shown: values under secret names, known keys and tokens wherever they stand."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted((re.escape(secret) for secret in secrets if secret), key=len, reverse=True)
        self._known = re.compile("|".join(known) or r"(?!)")

    def text(self, text: str) -> str:
        return self.together([text])[0]

    def together(self, texts: Sequence[str]) -> list[str]:
        """Texts that follow each other, without the secrets in any of them or across several."""
        whole = "".join(texts)
        spans = self._spans(whole)
        if not spans:
            return list(texts)
        shown, at, span = [], 0, 0
        for text in texts:
            start, at = at, at + len(text)
            kept, left = [], start
            while span < len(spans) and spans[span][0] < at:
                begin, end = spans[span]
                kept += [whole[left:begin], REDACTED if begin >= start else ""]
                left = min(end, at)
                if end > at:
                    break  # the next text has the rest of it
                span += 1
            shown.append("".join([*kept, whole[left:at]]))
        return shown

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """Where the secrets stand, in order and not overlapping."""
        found = [match.span() for match in self._known.finditer(text)]
        found += [match.span(1) for match in _PARAMETER.finditer(text)]
        if _OPENING in text:
            found += _tokens(text)
        merged: list[tuple[int, int]] = []
        for begin, end in sorted(found):
            if merged and begin < merged[-1][1]:
                merged[-1] = merged[-1][0], max(end, merged[-1][1])
            else:
                merged.append((begin, end))
        return merged

    def pairs(self, pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Names and values, the values of secret names gone."""
        return [(self.text(name), REDACTED if _SECRET_NAME.search(name) else self.text(value)) for name, value in pairs]

    def fields(self, pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
        """The same by name; repeated ones joined as HTTP joins headers."""
        shown: dict[str, str] = {}
        for name, value in self.pairs(pairs):
            shown[name] = f"{shown[name]}, {value}" if name in shown else value
        return shown

    def body(self, body: bytes) -> Any:
        """A body as JSON, or as a form, or as text; None where there is none."""
        if not body:
            return None
        try:
            value = self.json(json.loads(body))
        except (ValueError, RecursionError):
            return self._no_json(body.decode(json.detect_encoding(body), "replace"))
        try:
            # What was refused may hold what nobody could write again: NaN, half a letter.
            json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        except ValueError:
            return json.dumps(value)
        return value

    def _no_json(self, text: str) -> str:
        if "\n" not in text and _FORM.match(text):
            return urlencode(self.pairs(parse_qsl(text, keep_blank_values=True)), safe="*")
        return self.loose(text)

    def loose(self, text: str) -> str:
        """A text of whatever kind, also without what stands after a secret name in it."""
        return self.text(_LOOSE.sub(lambda match: match[0][: match.start(1) - match.start()] + REDACTED, text))

    def json(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.json(item) for item in value]
        if isinstance(value, dict):
            return {
                self.text(name): REDACTED if _SECRET_NAME.search(name) and item is not None else self.json(item)
                for name, item in value.items()
            }
        return value
