"""What a test wants said instead of what the mock would say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mock_heidi.models import Reply
from mock_heidi.settings import ConfigError

_MOST = 1_000
_MOST_BYTES = 16_000_000


class ReplyError(ConfigError):
    """There are more replies, or longer ones, than a namespace may have."""


class Rule:
    """A reply in use."""

    __slots__ = ("_size", "hits", "id", "reply")

    def __init__(self, id: str, reply: Reply) -> None:  # noqa: A002 - what the control plane calls it
        self.id = id
        self.reply = reply
        self.hits = 0
        self._size: int | None = None

    @property
    def size(self) -> int:
        """How many bytes of JSON it has."""
        if self._size is None:
            self._size = len(self.reply.model_dump_json(exclude_none=True))
        return self._size

    def shown(self) -> dict[str, Any]:
        given = self.reply.model_dump(mode="json", exclude_none=True)
        return {"id": self.id, **given, "hits": self.hits}


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
        self.operations = {rule.reply.operation for rule in rules}
        """The operations that any of them is for."""

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

    def choose(self, operation: str | None, session_id: str | None, body: Any) -> Reply | None:
        """The reply to a request, which counts as a hit; None where the mock speaks for itself."""
        for rule in self._rules:
            reply = rule.reply
            used_up = reply.times is not None and rule.hits >= reply.times
            if reply.operation != operation or used_up or reply.session_id not in (None, session_id):
                continue
            template_id = body.get("template_id") if isinstance(body, Mapping) else None
            if reply.template_id in (None, template_id) and (reply.match is None or matches(reply.match, body)):
                rule.hits += 1
                return reply
        return None


def matches(wanted: Any, given: Any) -> bool:
    """Whether ``given`` has all that is wanted: objects may have more keys, everything else is equal."""
    if isinstance(wanted, Mapping):
        return isinstance(given, Mapping) and all(
            name in given and matches(value, given[name]) for name, value in wanted.items()
        )
    return bool(wanted == given)
