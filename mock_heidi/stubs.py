"""Replies that a test sets in place of the mock's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from mock_heidi import contract
from mock_heidi.json_text import to_json
from mock_heidi.settings import ConfigError
from mock_heidi.stub_records import Reply

_MOST = 1_000
_MOST_BYTES = 16_000_000


class ReplyError(ConfigError):
    """There are more replies, or longer ones, than a namespace may have."""


class Rule:
    """A reply in use."""

    def __init__(self, id: str, reply: Reply) -> None:  # noqa: A002 - what the control plane calls it
        self.id = id
        self.reply = reply
        self.hits = 0

    @cached_property
    def size(self) -> int:
        """The length of its JSON, in bytes."""
        given = {name: value for name, value in vars(self.reply).items() if value is not None}
        return len(to_json(given))

    @cached_property
    def deviation(self) -> str | None:
        """One sentence on how its answer breaks the contract; None if it keeps it. Text and pieces always keep it."""
        reply = self.reply
        if not reply.whole:
            return None
        own = {name.lower(): value for name, value in (reply.headers or {}).items()}
        media_type = own.get("content-type", "" if reply.body is None else "application/json")
        return contract.deviation(reply.operation, int(reply.status or 200), media_type, reply.body)

    def shown(self) -> dict[str, Any]:
        given = self.reply.model_dump(mode="json", exclude_none=True)
        return {"id": self.id, **given, "hits": self.hits, "contract": self.deviation or "ok"}


class Replies:
    """The replies of one namespace, the newest first."""

    def __init__(self, replies: Iterable[Reply] = ()) -> None:
        self._put([])
        self._made = 0
        self.extend(list(replies))

    def __iter__(self) -> Iterator[Rule]:
        return iter(tuple(self._rules))

    def __len__(self) -> int:
        return len(self._rules)

    def _put(self, rules: list[Rule]) -> None:
        self._rules = rules
        self.replaced = {rule.reply.operation for rule in rules if rule.reply.whole}
        """The operations whose whole answer any of them replaces."""
        self.judging = {rule.reply.operation for rule in rules if rule.reply.match or rule.reply.template_id}
        """The operations of which any of them wants to see the body."""

    def add(self, reply: Reply) -> Rule:
        """Put a reply before all others; :class:`ReplyError` where there are too many."""
        return self.extend([reply])[0]

    def extend(self, replies: Sequence[Reply]) -> list[Rule]:
        """Put replies before all others, the first of them foremost; none where there would be too many."""
        if len(self) + len(replies) > _MOST:
            raise ReplyError(f"a namespace takes {_MOST:,} replies and no more; DELETE /_mock/replies makes room")
        made = [Rule(f"reply-{number}", reply) for number, reply in enumerate(reversed(replies), self._made + 1)]
        if sum(rule.size for rule in (*made, *self._rules)) > _MOST_BYTES:
            raise ReplyError(f"the replies have more than {_MOST_BYTES:,} bytes; DELETE /_mock/replies makes room")
        self._made += len(made)
        self._put([*reversed(made), *self._rules])
        return made

    def forget(self, replies: Iterable[Reply]) -> None:
        """Have none of these any more."""
        gone = {reply.key for reply in replies}
        if gone:
            self._put([rule for rule in self._rules if rule.reply.key not in gone])

    def copy(self) -> Replies:
        """The same replies, of which none has been given yet."""
        other = Replies()
        other._put([Rule(rule.id, rule.reply) for rule in self._rules])
        other._made = self._made
        return other

    def remove(self, id: str | None = None) -> int:  # noqa: A002 - as above
        """Forget one, or all; how many there were."""
        before = len(self._rules)
        self._put([rule for rule in self._rules if id is not None and rule.id != id])
        return before - len(self._rules)

    def find(self, operation: str | None, session_id: str | None, body: Any) -> Rule | None:
        """The rule for a request with that JSON body, None where the mock answers itself. It counts no hit."""
        for rule in self._rules:
            reply = rule.reply
            used_up = reply.times is not None and rule.hits >= reply.times
            if reply.operation != operation or used_up or reply.session_id not in (None, session_id):
                continue
            template_id = body.get("template_id") if isinstance(body, Mapping) else None
            if reply.template_id in (None, template_id) and (reply.match is None or matches(reply.match, body)):
                return rule
        return None


def matches(wanted: Any, given: Any) -> bool:
    """True if ``given`` has all that is wanted: objects may have more keys, everything else is equal."""
    if isinstance(wanted, Mapping):
        return isinstance(given, Mapping) and all(
            name in given and matches(value, given[name]) for name, value in wanted.items()
        )
    return bool(wanted == given)
