"""Finds credentials in a text. All work is linear in the length of the text."""

from __future__ import annotations

import base64
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from mock_heidi.observing import documented
from mock_heidi.observing.secret_names import NAMING, ends_secret, is_secret_name

Span = tuple[int, int]

# A name before "=" or before ":", quoted or not.
_NAMED = re.compile(r"""(?<![\w.%\[\]$@-])([\w.%\[\]$@-]++)(\\?["']?+)\s*+([=:])""")
# Blanks, the second half of an arrow, and the mark before a block of YAML.
_BLANK = re.compile(r"(?:\s|[|>](?:[+0-9-]{1,2}(?=\s))?+)*+")
# The lines of YAML that belong to a name: its block of text, its mapping or its list.
_BLOCK = re.compile(
    r"""
    (?<=:)[ \t]*+
    (?:[!&]\S*+[ \t]++)*+(?:[!&]\S++|[|>][+0-9-]{0,2}+)?+     # a type, an anchor, how the lines are joined
    [ \t]*+(?:\#[^\n]{0,200}+)?+\r?\n(?:[ \t]*+\r?\n)*+
    (?:
        ([ \t]++)(?P<lines>[^\n]++(?:\n(?:[ \t]*+\r?(?=\n)|\1[^\n]*+))*+)
        | (?P<items>-[ \t][^\n]*+(?:\n[ \t-][^\n]*+)*+)
    )
    """,
    re.VERBOSE,
)
# The mark before a block or a typed value of YAML. Prose does not have it after a colon.
_YAML = re.compile(r"[ \t]*+(?:![!\w]|&\w|[|>][+0-9-]{0,2}+[ \t]*+(?:\#[^\n]{0,200}+)?+\r?\n)")
_SCHEME = re.compile(r"(?:bearer|basic|digest|negotiate)\s++", re.IGNORECASE)
_VALUE = re.compile(
    r"""
    (?:(?<=\s)[!&]\S*+[ \t]++)++ [^\s,;<>{}]*+    # of YAML, with a type or an anchor
    | "(?:[^"\\]|\\.|"")*+"?    # in quotes, to their end or the text's
    | '(?:[^'\\]|\\.|'')*+'?
    | \\".*?(?:\\"|\Z)         # in quotes inside quotes
    | [\[{].*+                 # an object or a list that is not complete, else it would have been parsed
    | (?:(?<=\s)&)?[^\s"'&,;<>{}\\]++
    """,
    re.VERBOSE | re.DOTALL,
)

# A field that may name the value beside it, the value of such a field, and the end of fields that belong together.
_FIELD = re.compile(
    rf"""
    (?P<end>[<>{{}}]|\n[ \t]*+-\s)
    | (?<![\w.%$@-])(?:(?P<naming>{"|".join(NAMING)})|values?+|content(?=\s*+=))\\?["']?+\s*+[=:]
    """,
    re.VERBOSE | re.IGNORECASE,
)
# One name, in quotes or alone; before another word it belongs to a sentence.
_NAME = re.compile(
    r"""
    \s*+(?:
        (\\?["'])(?P<quoted>[\w.%\[\]$@-]++)\1
        | (?P<bare>[\w.%\[\]$@-]++)(?=[ \t]*+(?:[\r\n,;&|/<>{}]|\Z|[\w:-]++\s*+=))
    )
    """,
    re.VERBOSE,
)

_TAG = re.compile(r"<([\w.:-]++)(?:\s++([^<>]*+))?>")
_END_TAG = re.compile(r"</([\w.:-]++)\s*+>")
# The content of an element that does not end.
_UNENDED = re.compile(r"(?:<!\[CDATA\[)?[^<]*+")

_BEARER = re.compile(r"(?<!\w)bearer\s++([^\s\"',;]++)", re.IGNORECASE)
_BASIC = re.compile(r"(?<!\w)basic\s++([A-Za-z0-9+/_-]{4,}+={0,2})", re.IGNORECASE)
_USER = re.compile(r"(?<=//)[^\s/?#]*(?=@)")
# Three words with dots between them. The code then searches the first one for the beginning of a token: a pattern with
# that beginning would read a long word once for each place where it stands.
_OPENING = "eyJ"
_JWT = re.compile(r"(?<![A-Za-z0-9_-])([A-Za-z0-9_-]++)(?=\.([A-Za-z0-9_-]++\.[A-Za-z0-9_-]*+))")

# A text without any of these contains no credential. Most texts contain none.
_SUSPECT = re.compile(r"[=:@>]|eyJ|bearer|basic|[A-Za-z0-9_+/~-]{20}", re.IGNORECASE)

# A long word in the letters of keys and tokens, and the forms that no key or token has.
_LONG = 20
_LONG_HEX = 32
_RUN = re.compile(r"(?<![A-Za-z0-9_+/~-])[A-Za-z0-9_+/~-]{20,}+={0,2}")
_PARTS = re.compile(r"[_+/~=-]+")
_PLAIN = re.compile(r"[0-9]+|[0-9a-f]{24}|[A-Z]?[a-z0-9]{0,12}|[A-Z0-9]{0,12}")
_IDS = re.compile(r"kp_[0-9a-f]{32}|[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_CLASSES = re.compile(r"[A-Z]+|[a-z]+|[0-9]+")
_LETTERS = re.compile(r"[A-Za-z]")
_VOWELS = re.compile(r"[AEIOUaeiou]")
# The number of changes between capitals, small letters and digits, per letter: 0.62 in random text of 62 letters, 0.47
# in random hexadecimal text, 0.35 at most in camelCase. The share of vowels among letters: 0.19 in random text, 0.38 in
# English. The share is used only if most characters are letters.
_RESTLESS, _RESTLESS_HEX, _SPOKEN, _WORDY = 0.4, 0.25, 0.36, 0.7


def found(text: str, *, prose: bool = True) -> Iterator[Span]:
    """The places of credentials in a text, unordered. They may overlap.

    In ``prose``, words such as ``pin`` and ``key`` before a colon do not count as secret names.
    """
    if _SUSPECT.search(text) is None:
        return
    if _OPENING in text:
        yield from _tokens(text)
    yield from users(text)
    yield from _schemes(text)
    yield from _named(text, prose=prose)
    yield from _beside_names(text)
    yield from _tagged(text)
    yield from _random(text)


def users(text: str) -> Iterator[Span]:
    """User and password of the URLs in a text."""
    if "@" in text:
        yield from (match.span() for match in _USER.finditer(text) if match[0])


def _tokens(text: str) -> Iterator[Span]:
    """JSON Web Tokens of any issuer."""
    for match in _JWT.finditer(text):
        at = match[1].find(_OPENING)
        if at >= 0:
            yield match.start() + at, match.end(2)


def _schemes(text: str) -> Iterator[Span]:
    """The places of words after ``Bearer`` and ``Basic``, except for words of a sentence."""
    whole = len(text.strip())
    for match in _BEARER.finditer(text):
        word = match[1].rstrip(".)!?:")
        alone = len(match[0]) == whole
        if alone or len(word) >= _LONG or any(letter.isdigit() for letter in word):
            yield match.span(1)
    for match in _BASIC.finditer(text):
        if _is_login(match[1]):
            yield match.span(1)


def _is_login(coded: str) -> bool:
    """True for ``user:password`` in base64."""
    coded = coded.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return b":" in base64.b64decode(coded + "=" * (-len(coded) % 4), validate=True)
    except ValueError:
        return False


def _named(text: str, *, prose: bool) -> Iterator[Span]:
    """Values that stand beside a secret name: ``token=…``, ``"pin": …``, ``password: …``."""
    at = 0
    while match := _NAMED.search(text, at):
        at = match.end()
        name, quote, mark = match.groups()
        if not is_secret_name(name) or _names_operation(match):
            continue
        in_data = not prose or mark == "=" or quote or ends_secret(name) or _YAML.match(text, at)
        value = _value(text, at) if in_data else None
        if value is not None:
            at = value[1]
            yield value


def _names_operation(named: re.Match[str]) -> bool:
    """True for an operation or the end of a documented path as a name in a sentence: ``422 at get_jwt: …``."""
    text, name = named.string, named[1]
    if named[2] or named[3] != ":" or not text[named.end() : named.end() + 1].isspace():
        return False
    in_path = text.endswith("/", 0, named.start())
    return name in (documented.path_parts() if in_path else documented.documented())


def _value(text: str, at: int) -> Span | None:
    if block := _BLOCK.match(text, at):
        return block.span("lines" if block["lines"] else "items")
    for skipped in (_BLANK, _SCHEME):
        match = skipped.match(text, at)
        at = at if match is None else match.end()
    value = _VALUE.match(text, at)
    return None if value is None else value.span()


def _beside_names(text: str) -> Iterator[Span]:
    """Values of fields that stand beside a secret name: ``<input name="password" value="…">``."""
    at, is_secret = 0, False
    values: list[Span] = []
    while match := _FIELD.search(text, at):
        at = match.end()
        if match["end"]:
            yield from values if is_secret else ()
            is_secret, values = False, []
        elif match["naming"]:
            name = _name(text, at)
            is_secret = is_secret or is_secret_name(name)
        elif value := _whole_value(text, at):
            values.append(value)
            at = at if text[value[0]] in "[{" else value[1]
    yield from values if is_secret else ()


def _name(text: str, at: int) -> str:
    match = _NAME.match(text, at)
    return "" if match is None else match["quoted"] or match["bare"]


def _whole_value(text: str, at: int) -> Span | None:
    """The value of a field; an object or a list reaches to the end of the text."""
    blank = _BLANK.match(text, at)
    begin = at if blank is None else blank.end()
    return (begin, len(text)) if text[begin : begin + 1] in ("[", "{") else _value(text, at)


def _tagged(text: str) -> Iterator[Span]:
    """Attributes and contents of elements with a secret name: ``<secret>…</secret>``, ``<entry key="secret">…``."""
    named = [(tag, is_secret_name(tag[1])) for tag in _TAG.finditer(text)]
    tags = [(tag, by_tag) for tag, by_tag in named if by_tag or _has_secret_name(tag[2] or "")]
    ends: dict[str, list[int]] = {}
    for match in _END_TAG.finditer(text) if tags else ():
        ends.setdefault(match[1], []).append(match.start())
    for tag, by_tag in tags:
        if by_tag and "=" in (tag[2] or ""):
            yield tag.span(2)
        following = ends.get(tag[1], ())
        # An element such as <input name="password"> has no content.
        content = tag.end(), _content_end(text, tag.end(), following) if by_tag or following else 0
        if content[0] < content[1]:
            yield content


def _has_secret_name(attributes: str) -> bool:
    """True if one of the attributes names a secret, and the element may have content."""
    fields = _FIELD.finditer(attributes) if not attributes.endswith("/") else ()
    return any(field["naming"] and is_secret_name(_name(attributes, field.end())) for field in fields)


def _content_end(text: str, at: int, ends: Sequence[int]) -> int:
    """The end of an element's content that begins at ``at``; ``ends`` are the places of the end tags of its name."""
    following = bisect_left(ends, at)
    if following < len(ends):
        return ends[following]
    unended = _UNENDED.match(text, at)
    return at if unended is None else unended.end()


def _random(text: str) -> Iterator[Span]:
    """Long words that look random: keys and tokens of other services."""
    for match in _RUN.finditer(text):
        run, at = match[0], match.start()
        # Base64 may hold slashes, but what begins with one is a path.
        if not run.startswith("/") and _is_random(run):
            yield match.span()
            continue
        for part in run.split("/"):
            if len(part) >= _LONG and _is_random(part):
                yield at, at + len(part)
            at += len(part) + 1


def _is_random(run: str) -> bool:
    """True if a word looks random. The vendor's ids, UUIDs, times, names of files and of fields do not."""
    parts = _PARTS.split(run)
    if all(map(_PLAIN.fullmatch, parts)) or _IDS.fullmatch(run):
        return False
    written = "".join(parts)
    changes = len(_CLASSES.findall(written)) - 1
    letters = len(_LETTERS.findall(written))
    if written in (written.lower(), written.upper()):
        return 0 < letters < len(written) and len(written) >= _LONG_HEX and changes >= _RESTLESS_HEX * len(written)
    words = letters > _WORDY * len(written) and len(_VOWELS.findall(written)) >= _SPOKEN * letters
    return changes >= _RESTLESS * len(written) and not words
