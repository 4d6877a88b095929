"""The visible form of a journal entry: parsed, redacted, and of bounded size."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from mock_heidi.base.everything import Everything
from mock_heidi.base.excerpts import beginning, length_of, lengths, size_of
from mock_heidi.base.operations import SIGN_IN
from mock_heidi.faults.rule import parse
from mock_heidi.faults.short_form import FaultError
from mock_heidi.observing import documented, stream_pieces
from mock_heidi.observing.entry import Entry
from mock_heidi.observing.findings import highest_level
from mock_heidi.observing.headlines import Headline, headline_of
from mock_heidi.observing.redaction import REDACTED, Policy
from mock_heidi.observing.text_cache import TextCache
from mock_heidi.state.clock import zulu

MOST_OF_BODY = 64 * 1024
"""The most characters of a body that are visible."""
# The characters after the visible ones that are read too, so that a credential at the end is recognised as a whole.
_MARGIN = 8 * 1024
# The bytes of views that are kept for one journal.
_KEPT = 2 * 1024 * 1024
_LONGEST_NAME = 256
_FORM = re.compile(r"[\w.\[\]%+*~-]+=[^\s&\"'<>{}]*+(?:&[\w.\[\]%+*~-]+=[^\s&\"'<>{}]*+)*+&?")
# The headers whose values stay visible in the mode ``masked``.
_UNMASKED = ("accept", "connection", "content-length", "content-type", "host", "transfer-encoding")

# Redacts a header: its name, its value, and the known names.
_Redact = Callable[[str, str, Container[str]], str]


class View:
    """Makes the visible form of the entries of one journal. ``mode`` is ``normal``, ``full`` or ``masked``."""

    def __init__(self, namespace: str, mode: str, policy: Policy, grow: Callable[[int], None] = lambda _: None) -> None:
        """``grow`` is called with the change of the number of kept bytes."""
        self.policy = policy
        self._namespace = namespace
        self._full, self._masked = mode == "full", mode == "masked"
        self.kept = TextCache(_KEPT, grow)

    def read(self, entry: Entry, *, whole: bool = False) -> dict[str, Any]:
        """The visible form of an entry as JSON values. Long bodies are cut unless ``whole`` is True."""
        if whole or not entry.done:
            return self._read(entry, None if whole else MOST_OF_BODY)
        text = self.kept.get(entry)
        if text is None:
            text = json.dumps(self._read(entry, MOST_OF_BODY))
            self.kept.put(entry, text)
        # Checks may add findings after the text was kept.
        return {**json.loads(text), "findings": list(entry.findings)}

    def _read(self, entry: Entry, most: int | None) -> dict[str, Any]:
        line = self.headline(headline_of(entry))
        pieces, (ending, ended_by) = self._pieces(entry, most), entry.end
        return {
            "id": line["id"],
            "at": line["at"],
            "namespace": self._namespace,
            "operation": line["operation"],
            "method": line["method"],
            "path": line["path"],
            "query": _joined(self.query(entry)),
            "headers": _joined(self._headers(entry.headers, documented.HEADERS, self._special_headers)),
            "body": self._body(entry.body, most) if entry.parts is None else {"parts": self._parts(entry.parts)},
            "body_bytes": line["body_bytes"],
            "status": line["status"],
            "response_headers": self._response_headers(entry, most),
            "response": self._response(entry, most) if pieces is None else None,
            "response_bytes": line["response_bytes"],
            "pieces": pieces,
            "duration": line["duration"],
            "ending": ending,
            "ended_by": ended_by,
            "fault": line["fault"],
            "findings": line["findings"],
            "client_left": line["client_left"],
            "provenance": entry.provenance,
            "assumptions": line["assumptions"],
            "why": line["why"],
            "stray": line["stray"],
        }

    def headline(self, line: Headline) -> dict[str, Any]:
        """A headline as JSON values, without secrets."""
        return {
            "id": line.id,
            "at": zulu(line.at),
            "operation": line.operation,
            "method": self.policy.strict.text(line.method),
            "path": self.path(line.path),
            "body_bytes": line.body_bytes,
            "status": line.status,
            "response_bytes": line.response_bytes,
            "piece_count": line.piece_count,
            "duration": None if line.duration is None else round(line.duration, 6),
            "fault": line.fault[0] if len(line.fault) == 1 else list(line.fault) or None,
            "findings": list(line.findings),
            "finding_level": highest_level(line.findings),
            "client_left": line.client_left,
            "assumptions": list(line.assumptions),
            "why": None if line.why is None else self.policy.text(line.why),
            "stray": line.stray,
        }

    def path(self, path: str) -> str:
        """The visible form of a path."""
        path = _writable(path)
        if not self._masked:
            return self.policy.path(path)
        known = documented.path_parts()
        return "/".join(part if part in known else length_of(part) for part in path.split("/"))

    def query(self, entry: Entry) -> list[tuple[str, str]]:
        """The parameters of the query in the order sent, with repeated ones."""
        known: Container[str] = () if self._masked else Everything() if self._full else documented.parameters()
        return self.policy.query(entry.query.decode("latin-1"), known)

    def named(self, name: str, value: Any) -> Any:
        """The visible form of the value of a body's field."""
        return lengths(value, self.policy.strict.value) if self._masked else self.policy.named(name, value)

    def word(self, text: str) -> str:
        """The visible form of a word that a client chose, such as the name of a file."""
        return length_of(text) if self._masked and text else self.policy.strict.value(text)

    def _headers(
        self, headers: Iterable[tuple[bytes, bytes]], documented: Container[str], special: Mapping[str, _Redact]
    ) -> Iterator[tuple[str, str]]:
        known: Container[str] = _UNMASKED if self._masked else Everything() if self._full else documented
        for raw, value in headers:
            name = raw.decode("latin-1").lower()
            redact = self.policy.parameter if self._masked else special.get(name, self.policy.parameter)
            yield self.policy.strict.value(name), redact(name, value.decode("latin-1"), known)

    @property
    def _special_headers(self) -> dict[str, _Redact]:
        """The functions that redact the headers whose values have a special form."""
        return {"x-mock-fault": self._rule, "referer": self._url, "origin": self._url, "host": self._host}

    def _response_headers(self, entry: Entry, most: int | None) -> dict[str, str] | None:
        """The headers of the answer; None before its head was sent. A reply of a test can have any headers."""
        if entry.head is None:
            return None
        room = None if most is None else most + _MARGIN
        sent = [(name[:room], value[:room]) for name, value in entry.response_headers]
        shown = self._headers(sent, documented.ANSWER_HEADERS, self._special_answer_headers)
        return {name[:most]: value[:most] for name, value in _joined(shown).items()}

    @property
    def _special_answer_headers(self) -> dict[str, _Redact]:
        return {
            "access-control-allow-credentials": self._flag,
            "access-control-allow-origin": self._url,
            "location": self._url,
            "x-mock-reason": self._reason,
        }

    def _flag(self, name: str, value: str, known: Container[str]) -> str:
        """The word ``true``, which is no secret in a header with a secret name."""
        return value if value == "true" else self.policy.parameter(name, value, known)

    def _reason(self, _: str, value: str, __: Container[str]) -> str:
        return self.policy.text(value)

    def _url(self, _: str, value: str, __: Container[str]) -> str:
        return self.policy.url(value, Everything() if self._full else documented.parameters())

    def _host(self, name: str, value: str, known: Container[str]) -> str:
        return self._url(name, f"//{value}", known).removeprefix("//")

    def _rule(self, _: str, value: str, __: Container[str]) -> str:
        """The fault that a header asks for, as JSON; an invalid one by its length."""
        try:
            return json.dumps(self.policy.rule(parse(value).model_dump()), ensure_ascii=False)
        except (FaultError, RecursionError):
            return self.policy.strict.value(value) if self._full else length_of(value)

    def _body(self, body: bytes, most: int | None) -> Any:
        """A body as JSON or as the text of a form, another body by its length; None for an empty one."""
        if not body:
            return None
        try:
            return self._json(json.loads(body), len(body), most)
        except (ValueError, RecursionError):
            pass
        text = body.decode(json.detect_encoding(body), "replace")
        if _FORM.fullmatch(text) and not self._masked:
            return self.policy.form(text if most is None else _fields(text, most))
        return _text(self.policy.strict, text, most) if self._full else size_of(body)

    def _response(self, entry: Entry, most: int | None) -> Any:
        """The body of an answer as JSON or as text, such as that of a fault or a reply; None for an empty one."""
        if entry.operation == SIGN_IN and entry.status == HTTPStatus.OK:
            return REDACTED
        body = b"".join(entry.pieces)
        try:
            answer = json.loads(body) if body else None
            if not self._full:
                documented.hide_unknown_parameters(answer)
            return self._json(answer, len(body), most)
        except (ValueError, RecursionError):
            return size_of(body) if self._masked else _text(self.policy, body.decode("utf-8", "replace"), most)

    def _json(self, value: Any, size: int, most: int | None) -> Any:
        """JSON without secrets. It becomes text if it is longer than ``most`` or if it cannot be encoded again."""
        if most is not None and size > most:
            value, _ = beginning(value, most + _MARGIN)
        visible = lengths(value, self.policy.strict.value) if self._masked else self.policy.json(value)
        try:
            text = json.dumps(visible, ensure_ascii=False, allow_nan=False)
            text.encode()
        except ValueError:  # NaN, or a lone surrogate
            return json.dumps(visible)[:most]
        return visible if most is None or size <= most else text[:most]

    def _parts(self, parts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """The parts of a form, without their content."""
        return [
            {
                "name": self.policy.strict.value(_short(part["name"])),
                "filename": self._part(part, "filename"),
                "content_type": self._part(part, "content_type"),
                "size": part["size"],
                "complete": part["complete"],
            }
            for part in parts
        ]

    def _part(self, part: dict[str, Any], field: str) -> Any:
        value = part[field]
        return None if value is None else self.named(part["name"], _short(value))

    def _pieces(self, entry: Entry, most: int | None) -> list[dict[str, Any]] | None:
        """The pieces of a stream, each with the seconds after which it was sent; None for another answer.

        A secret may be divided between pieces, so they are redacted together.
        """
        if not stream_pieces.is_stream(entry):
            return None
        room, found = None if most is None else most + _MARGIN, []
        for piece in stream_pieces.pieces(entry):
            found.append(piece._replace(text=_writable(piece.text)[:room]))
            if room is not None and (room := room - len(found[-1].text)) <= 0:
                break
        texts = [piece.text for piece in found]
        visible = list(map(length_of, texts)) if self._masked else self.policy.together(texts)
        made, left = [], most
        for text, piece in zip(visible, found, strict=True):
            if left is not None and left <= 0:
                break
            made.append({"text": text[:left], "bytes": piece.size, "after": piece.after})
            left = None if left is None else left - len(text)
        return made


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The values by name. Repeated ones are joined by a comma, as HTTP joins headers."""
    values: dict[str, str] = {}
    for name, value in pairs:
        values[name] = f"{values[name]}, {value}" if name in values else value
    return values


def _fields(text: str, most: int) -> str:
    """The first complete fields of a form, at most ``most`` characters."""
    return text if len(text) <= most else text[:most].rpartition("&")[0]


def _text(policy: Policy, text: str, most: int | None) -> str:
    return policy.value(text) if most is None else policy.value(text[: most + _MARGIN])[:most]


def _short(text: str) -> str:
    return _writable(text[:_LONGEST_NAME])


def _writable(text: str) -> str:
    """A text that UTF-8 can encode: a client may have sent a lone surrogate."""
    return text if text.isascii() else text.encode(errors="replace").decode()
