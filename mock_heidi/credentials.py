"""What a credential looks like, in a text or by its name. All work here is linear in the length of the text."""

from __future__ import annotations

import base64
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from urllib.parse import unquote

from mock_heidi import documented

Span = tuple[int, int]

# A name is secret if one of its words is: session_id, template_id, keyboard and pinned are not.
_WORDS = frozenset((
    "apikey", "apikeys", "auth", "authenticate", "authentication", "authorisation", "authorization", "bearer", "cookie",
    "cookies", "cred", "credential", "credentials", "creds", "csrf", "hmac", "jsessionid", "jwt", "jwts", "key", "keys",
    "oauth", "otp", "pass", "passcode", "passphrase", "passphrases", "passwd", "password", "passwords", "phpsessid",
    "pin", "pins", "pwd", "refresh", "saml", "secret", "secrets", "sess", "sessid", "sid", "sig", "signature",
    "signatures", "token", "tokens", "totp", "xsrf",
))  # fmt: skip
# Words that also count at the end of a longer one: mypassword, idtoken. "key" does not, because of monkey. Before a
# colon in prose only these count: a note may say "Pin: removed", "Key: improved" or "Signature: Dr Sample".
_ENDINGS = (
    "accesskey", "apikey", "authkey", "authorization", "bearer", "cookie", "credential", "credentials", "csrf", "jwt",
    "passphrase", "passphrases", "passwd", "password", "passwords", "privatekey", "pwd", "secret", "secretkey",
    "secrets", "sessid", "token", "tokens", "xsrf",
)  # fmt: skip
_SPLIT = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_LONGEST_NAME = 256
_MOST_DECODINGS = 3

# A name before "=" or before ":", quoted or not.
_NAMED = re.compile(r"""(?<![\w.%\[\]$@-])([\w.%\[\]$@-]++)(\\?["']?+)\s*+([=:])""")
# Blanks, an arrow's second half, and what announces a block of YAML.
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
# What announces a block or a typed value of YAML, which no prose has behind a colon.
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

_TAG = re.compile(r"<([\w.:-]++)(?:\s++([^<>]*+))?>")
_END_TAG = re.compile(r"</([\w.:-]++)\s*+>")
# The content of an element that does not end.
_UNENDED = re.compile(r"(?:<!\[CDATA\[)?[^<]*+")

_BEARER = re.compile(r"(?<!\w)bearer\s++([^\s\"',;]++)", re.IGNORECASE)
_BASIC = re.compile(r"(?<!\w)basic\s++([A-Za-z0-9+/_-]{4,}+={0,2})", re.IGNORECASE)
_USER = re.compile(r"(?<=//)[^\s/?#]*(?=@)")
# Three words with dots between them, of which the first holds the beginning of a token: looking for that beginning at
# once would go over a long word as often as it stands there.
_OPENING = "eyJ"
_JWT = re.compile(r"(?<![A-Za-z0-9_-])([A-Za-z0-9_-]++)(?=\.([A-Za-z0-9_-]++\.[A-Za-z0-9_-]*+))")

# Without one of these there is no credential; most texts have none of them.
_SUSPECT = re.compile(r"[=:@>]|eyJ|bearer|basic|[A-Za-z0-9_+/~-]{20}", re.IGNORECASE)

# A long word of the letters that keys and tokens are written in, and what none of them is.
_LONG = 20
_LONG_HEX = 32
_RUN = re.compile(r"(?<![A-Za-z0-9_+/~-])[A-Za-z0-9_+/~-]{20,}+={0,2}")
_PARTS = re.compile(r"[_+/~=-]+")
_PLAIN = re.compile(r"[0-9]+|[0-9a-f]{24}|[A-Z]?[a-z0-9]{0,12}|[A-Z0-9]{0,12}")
_IDS = re.compile(r"kp_[0-9a-f]{32}|[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_CLASSES = re.compile(r"[A-Z]+|[a-z]+|[0-9]+")
_LETTERS = re.compile(r"[A-Za-z]")
_VOWELS = re.compile(r"[AEIOUaeiou]")
# How often the kind of letter changes, per letter: random text of 62 letters 0.62, random hexadecimal text 0.47,
# camelCase 0.35 at most. The share of vowels among letters: random text 0.19, English 0.38; it tells nothing where the
# text is mostly digits.
_RESTLESS, _RESTLESS_HEX, _SPOKEN, _WORDY = 0.4, 0.25, 0.36, 0.7


def is_secret_name(name: str) -> bool:
    """Whether a value of that name is a secret whatever it is: ``api_key``, ``X-CSRF-Token``, ``refreshToken``."""
    return _is_secret(decoded(name[:_LONGEST_NAME]))


@lru_cache(maxsize=4_096)
def _is_secret(name: str) -> bool:
    return any(word in _WORDS or word.endswith(_ENDINGS) for word in _words(name))


def _words(name: str) -> list[str]:
    return [word.lower() for word in _SPLIT.findall(name)]


def _ends_secret(name: str) -> bool:
    """Whether a name is secret even before a colon in prose: ``access_token``, but not ``key``."""
    return "".join(_words(decoded(name[:_LONGEST_NAME]))).endswith(_ENDINGS)


def decoded(text: str) -> str:
    """The text after all its percent-decodings, of which a client may have made several."""
    for _ in range(_MOST_DECODINGS):
        if "%" not in text or (once := unquote(text)) == text:
            break
        text = once
    return text


def found(text: str, *, prose: bool = True) -> Iterator[Span]:
    """Where the credentials stand in a text, in no order; they may overlap.

    In ``prose``, words such as ``pin`` and ``key`` before a colon are no secret names.
    """
    if _SUSPECT.search(text) is None:
        return
    if _OPENING in text:
        yield from _tokens(text)
    yield from users(text)
    yield from _schemes(text)
    yield from _named(text, prose=prose)
    yield from _tagged(text)
    yield from _random(text)


def users(text: str) -> Iterator[Span]:
    """User and password of the URLs in a text."""
    if "@" in text:
        yield from (match.span() for match in _USER.finditer(text) if match[0])


def _tokens(text: str) -> Iterator[Span]:
    """JSON Web Tokens, whoever issued them."""
    for match in _JWT.finditer(text):
        at = match[1].find(_OPENING)
        if at >= 0:
            yield match.start() + at, match.end(2)


def _schemes(text: str) -> Iterator[Span]:
    """What follows ``Bearer`` and ``Basic``, where it is not a word of a sentence."""
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
    """Whether this is ``user:password`` in base64."""
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
        in_data = not prose or mark == "=" or quote or _ends_secret(name) or _YAML.match(text, at)
        value = _value(text, at) if in_data else None
        if value is not None:
            at = value[1]
            yield value


def _names_operation(named: re.Match[str]) -> bool:
    """Whether the name is an operation or the end of a documented path in a sentence: ``422 at get_jwt: …``."""
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


def _tagged(text: str) -> Iterator[Span]:
    """Attributes and contents of elements with a secret name: ``<secret>…</secret>``, ``<secret value=… />``."""
    tags = [tag for tag in _TAG.finditer(text) if is_secret_name(tag[1])]
    ends: dict[str, list[int]] = {}
    for match in _END_TAG.finditer(text) if tags else ():
        ends.setdefault(match[1], []).append(match.start())
    for tag in tags:
        if "=" in (tag[2] or ""):
            yield tag.span(2)
        content = tag.end(), _content_end(text, tag.end(), ends.get(tag[1], ()))
        if content[0] < content[1]:
            yield content


def _content_end(text: str, at: int, ends: Sequence[int]) -> int:
    """Where the content of an element that begins there ends; ``ends`` are the places of the end tags of its name."""
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
    """Whether a word looks random. The vendor's ids, UUIDs, times, names of files and of fields do not."""
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
