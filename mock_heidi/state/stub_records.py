"""Records of the answers that a test sets in place of the mock's own."""

import re

from mock_heidi.base.operations import OPERATIONS, WITH_TEXT
from mock_heidi.base.values import Record
from mock_heidi.base.wording import nearest, short_repr
from mock_heidi.state.field_types import JsonValue, Number, Texts

# The server sets these headers itself.
_FRAMING = ("connection", "content-length", "keep-alive", "transfer-encoding")
# A message quotes at most this many characters of a name.
_LONGEST_NAME = 100
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e\xa0-\xff]*")
_WITHOUT_BODY = (204, 205, 304)


class Stub(Record):
    """A response that a test sets: for which requests, how often, and with what content.

    ``text`` and ``pieces`` (sent unchanged) replace the text that the mock would write. ``body`` (JSON), ``status`` and
    ``headers`` replace the whole response.
    """

    operation: str
    session_id: str | None = None
    template_id: str | None = None
    match: dict[str, JsonValue] | None = None
    times: Number | None = None
    text: str | None = None
    pieces: Texts | None = None
    body: JsonValue = None
    status: Number | None = None
    headers: dict[str, str] | None = None

    @property
    def key(self) -> str:
        return repr(self)

    @property
    def whole(self) -> bool:
        """True if it replaces the whole response, so that the operation does not run."""
        return self.body is not None or self.status is not None

    def problem(self) -> str | None:
        """The reason why the fields do not fit together, or None."""
        texts = [name for name in ("text", "pieces") if getattr(self, name) is not None]
        if len(texts) + self.whole != 1:
            return "needs text, or pieces, or a body, or a status; only body and status can be combined"
        if self.operation not in OPERATIONS:
            unknown = short_repr(self.operation, _LONGEST_NAME)
            return f"there is no operation {unknown}; {nearest(self.operation, OPERATIONS)}"
        if texts and self.operation not in WITH_TEXT:
            return f"{self.operation} takes a body; text and pieces are for {', '.join(sorted(WITH_TEXT))}"
        if self.times is not None and (type(self.times) is not int or self.times < 1):
            return "times should be a whole number of 1 or more"
        return self._head_problem(bool(texts))

    def _head_problem(self, has_text: bool) -> str | None:
        if self.status is not None and (type(self.status) is not int or not 200 <= self.status <= 599):  # noqa: PLR2004 - HTTP's
            return "status should be a whole number from 200 to 599"
        if self.status in _WITHOUT_BODY and self.body is not None:
            return f"an answer with status {self.status} has no body; leave the body out"
        if self.headers and has_text:
            return "headers go with a body or a status, not with text or pieces"
        for name, value in (self.headers or {}).items():
            if _HEADER_NAME.fullmatch(name) is None or name.lower() in _FRAMING:
                return f"the header {short_repr(name, _LONGEST_NAME)} cannot be set"
            if _HEADER_VALUE.fullmatch(value) is None:
                quoted = short_repr(name, _LONGEST_NAME)
                return f"the header {quoted} has invalid characters; use visible ASCII or Latin-1 characters"
        return None
