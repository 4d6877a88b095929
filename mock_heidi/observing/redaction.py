"""The redaction policy: hides secrets in parsed values, by their names and by their form."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from mock_heidi.base.excerpts import length_of
from mock_heidi.observing import documented
from mock_heidi.observing.secret_names import decoded, is_secret_name, is_secret_word, values_of_secrets

if TYPE_CHECKING:
    from mock_heidi.observing.credentials import Span

REDACTED = "***"

# The fields of a fault that are judged like the parts of a request that they stand for.
_LIKE_REQUESTS = ("label", "path", "header", "match", "detail", "not_json")
# The characters that stay unquoted in a redacted query, so that ``***`` and ``<14 characters>`` can be read.
_MARKS = "*<> "
# The first and the last character of a text that may be JSON.
_NESTED = {"{": "}", "[": "]", '"': '"'}


class Policy:
    """Hides secrets in texts, named values, paths, URLs and JSON.

    ``***`` replaces the value of a secret name, a credential, and each known secret.
    """

    def __init__(self, secrets: Iterable[str] = (), *, prose: bool = True) -> None:
        """``secrets`` are the known secrets. With ``prose``, a word before a colon may belong to a sentence."""
        self._secrets = frozenset(secrets) - {""}
        self._by_length = sorted(self._secrets, key=len)
        self._prose = prose
        self.strict: Policy = Policy(secrets, prose=False) if prose else self
        """The same policy for texts other than prose: names, headers, parameters, parts of paths, labels."""

    def text(self, text: str) -> str:
        """A text without its secrets."""
        return _without(text, self._spans(text))

    def together(self, texts: Sequence[str]) -> list[str]:
        """Consecutive texts without secrets, including secrets that are divided between them."""
        whole = "".join(texts)
        spans = self._spans(whole)
        if not spans:
            return list(texts)
        redacted, at, span = [], 0, 0
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
            redacted.append("".join([*kept, whole[left:at]]))
        return redacted

    def value(self, text: str) -> str:
        """A parsed text without secrets. JSON in it is redacted as JSON; percent-encoded text is decoded first."""
        inside = text.strip()
        if inside[:1] in _NESTED and _NESTED[inside[0]] == inside[-1]:
            try:
                # Written again, because parsing keeps only the last of two values with the same name.
                redacted = json.dumps(self.json(json.loads(inside)), ensure_ascii=False)
                return redacted.encode(errors="replace").decode()
            except (ValueError, RecursionError):
                pass  # it is not JSON
        redacted = self.text(text)
        plain = decoded(redacted)
        hides_more = plain != redacted and any(plain[begin:end] != REDACTED for begin, end in self._spans(plain))
        return REDACTED if hides_more else redacted

    def named(self, name: str, value: Any, secrets: Container[str] = ()) -> Any:
        """The JSON value of a field or parameter, without secrets. ``secrets`` are further secret names."""
        if (name in secrets or is_secret_name(name)) and not (value is None or isinstance(value, bool)):
            return REDACTED
        return self.json(value)

    def json(self, value: Any) -> Any:
        """Any JSON value without secrets. Raises :class:`RecursionError` if it is nested too deeply."""
        if isinstance(value, str):
            return self.value(value)
        if isinstance(value, Mapping):
            secrets = values_of_secrets(value.items())
            return {self.strict.value(name): self.named(name, item, secrets) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.json(item) for item in value]
        if isinstance(value, int) and not isinstance(value, bool) and str(value) in self._secrets:
            return REDACTED
        return value

    def form(self, text: str) -> str:
        """The text of a form without secrets."""
        pairs = parse_qsl(text, keep_blank_values=True)
        secrets = values_of_secrets(pairs)
        redacted = [(self.strict.value(name), self.named(name, value, secrets)) for name, value in pairs]
        return urlencode(redacted, safe="*")

    def path(self, path: str) -> str:
        """A path without secrets. A secret name hides the part after it: ``/password/***``."""
        from mock_heidi.observing.credentials import users  # noqa: PLC0415 - its patterns take long to compile

        redacted = "/".join(self._part(part, before) for part, before in _with_previous(path.split("/")))
        return _without(redacted, _merged([*users(redacted), *self._known(redacted)]))

    def _part(self, part: str, before: str) -> str:
        if part in documented.path_parts():
            return part
        if is_secret_name(before) and not _is_public(part):
            return REDACTED
        plain = decoded(part)
        if "/" in plain and plain != part and self.path(plain) != plain:
            return REDACTED
        return self.strict.value(part)

    def url(self, url: str, known: Container[str]) -> str:
        """A URL without secrets, user and password. Lengths replace unknown parameters and the fragment."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return length_of(url)
        place = parts.netloc.rpartition("@")
        made = parts._replace(
            netloc=(REDACTED + "@" if place[1] else "") + self.value(place[2]),
            path=self.path(parts.path),
            query=urlencode(self.query(parts.query, known), safe=_MARKS, quote_via=quote),
            fragment=parts.fragment and length_of(parts.fragment),
        )
        return made.geturl()

    def query(self, query: str, known: Container[str]) -> list[tuple[str, str]]:
        """The parameters of a query in the order sent, with repeated ones, without secrets."""
        pairs = parse_qsl(query, keep_blank_values=True)
        secrets = values_of_secrets(pairs)
        return [
            (self.strict.value(name), REDACTED if name in secrets else self.parameter(name, value, known))
            for name, value in pairs
        ]

    def parameter(self, name: str, value: str, known: Container[str]) -> str:
        """The value of a parameter or header without secrets. If its name is not ``known``, its length replaces it."""
        if is_secret_name(name):
            return REDACTED
        return self.strict.value(value) if name in known or not value else length_of(value)

    def rule(self, rule: Mapping[str, Any]) -> dict[str, Any]:
        """A fault without secrets. The names of its fields are not secret, even ``expire_token`` and ``drop_key``."""
        redacted = {
            name: self.field(name, value) if name in _LIKE_REQUESTS else self._words(value)
            for name, value in rule.items()
        }
        if "header" in rule:
            redacted["header"] |= {name: text for name, text in rule["header"].items() if text == "*"}
        return redacted

    def _words(self, value: Any) -> Any:
        """The texts in a value, without secrets. A key with the name ``token`` does not hide its value."""
        if isinstance(value, Mapping):
            return {self.value(name): self._words(word) for name, word in value.items()}
        if isinstance(value, list | tuple):
            return tuple(map(self._words, value)) if isinstance(value, tuple) else [*map(self._words, value)]
        return self.value(value) if isinstance(value, str) else value

    def field(self, name: str, value: Any) -> Any:
        """The value of a field of a rule or of a filter, without secrets."""
        if name == "path" and isinstance(value, str):
            return self.path(value)
        return self.strict.json(value) if name in ("label", "header") else self.json(value)

    def _spans(self, text: str) -> list[Span]:
        """The places of secrets in a text, in order and without overlap."""
        from mock_heidi.observing.credentials import found  # noqa: PLC0415 - as above

        return _merged([*found(text, prose=self._prose), *self._known(text)])

    def _known(self, text: str) -> Iterator[Span]:
        fitting = self._by_length[: bisect_right(self._by_length, len(text), key=len)]
        there = [re.escape(secret) for secret in reversed(fitting) if secret in text]
        if there:
            yield from (match.span() for match in re.finditer("|".join(there), text))


def _is_public(part: str) -> bool:
    """True if a part of a path is public even after a secret name. The path of a fault may contain ``*``."""
    return not part.strip("*") or is_secret_word(part) or part in documented.path_parts()


def _with_previous(parts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The parts of a path, each with the previous part that is not empty."""
    before = ""
    for part in parts:
        yield part, before
        before = part or before


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for begin, end in sorted(spans):
        if merged and begin < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((begin, end))
    return merged


def _without(text: str, spans: Iterable[Span]) -> str:
    kept, at = [], 0
    for begin, end in spans:
        kept += [text[at:begin], REDACTED]
        at = end
    return "".join([*kept, text[at:]])
