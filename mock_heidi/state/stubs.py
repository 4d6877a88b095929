"""The stubs of a namespace: responses that a test sets in place of the mock's own. Users call them replies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from mock_heidi.base import contract_variants
from mock_heidi.base.assumptions import Assumptions
from mock_heidi.base.json_text import to_json
from mock_heidi.base.settings import ConfigError
from mock_heidi.state.stub_records import Stub

_MOST = 1_000
_MOST_BYTES = 16_000_000


class StubError(ConfigError):
    """A namespace would have too many stubs, or too long ones."""


class ActiveStub:
    """A stub that is set, with its id and its hits."""

    def __init__(self, id: str, stub: Stub) -> None:  # noqa: A002 - its name in the control API
        self.id = id
        self.stub = stub
        self.hits = 0
        # The assumptions that were chosen when the response was last judged, with the result.
        self._judged: tuple[Mapping[str, Any], str | None] | None = None

    @cached_property
    def size(self) -> int:
        """The length of its JSON, in bytes."""
        given = {name: value for name, value in vars(self.stub).items() if value is not None}
        return len(to_json(given))

    def deviation(self, assumptions: Assumptions) -> str | None:
        """A sentence that says how its response breaks the contract under these assumptions, or None.

        Text and pieces never break it.
        """
        if self._judged is None or self._judged[0] != assumptions.chosen:
            self._judged = assumptions.chosen, self._judge(assumptions) if self.stub.whole else None
        return self._judged[1]

    def _judge(self, assumptions: Assumptions) -> str | None:
        stub = self.stub
        own = {name.lower(): value for name, value in (stub.headers or {}).items()}
        media_type = own.get("content-type", "" if stub.body is None else "application/json")
        return contract_variants.deviation(stub.operation, int(stub.status or 200), media_type, stub.body, assumptions)

    def to_dict(self, assumptions: Assumptions) -> dict[str, Any]:
        """Its fields as JSON values, with its id, its hits and ``contract``: ``ok`` or the deviation."""
        given = self.stub.model_dump(mode="json", exclude_none=True)
        return {"id": self.id, **given, "hits": self.hits, "contract": self.deviation(assumptions) or "ok"}


class Stubs:
    """The stubs of a namespace, the newest first."""

    def __init__(self, stubs: Iterable[Stub] = ()) -> None:
        self._put([])
        self._made = 0
        self.extend(list(stubs))

    def __iter__(self) -> Iterator[ActiveStub]:
        return iter(tuple(self._active))

    def __len__(self) -> int:
        return len(self._active)

    def _put(self, active: list[ActiveStub]) -> None:
        self._active = active
        stubs = [one.stub for one in active]
        self.replaced = {stub.operation for stub in stubs if stub.whole}
        """The operations whose whole response a stub replaces."""
        self.judging = {stub.operation for stub in stubs if stub.match or stub.template_id}
        """The operations for which a stub depends on the request's body."""

    def add(self, stub: Stub) -> ActiveStub:
        """Put a stub before all others. Raises :class:`StubError` if there are too many."""
        return self.extend([stub])[0]

    def extend(self, stubs: Sequence[Stub]) -> list[ActiveStub]:
        """Put stubs before all others, in this order, or raise :class:`StubError` and add none if they are too many."""
        if len(self) + len(stubs) > _MOST:
            raise StubError(
                f"a namespace takes {_MOST:,} replies at most", "remove some with DELETE /_mock/replies/{id}"
            )
        made = [ActiveStub(f"reply-{number}", stub) for number, stub in enumerate(reversed(stubs), self._made + 1)]
        if sum(one.size for one in (*made, *self._active)) > _MOST_BYTES:
            problem = f"the replies have more than {_MOST_BYTES:,} bytes"
            raise StubError(problem, "remove some with DELETE /_mock/replies/{id}")
        self._made += len(made)
        self._put([*reversed(made), *self._active])
        return made

    def forget(self, stubs: Iterable[Stub]) -> None:
        """Remove these stubs."""
        gone = {stub.key for stub in stubs}
        if gone:
            self._put([one for one in self._active if one.stub.key not in gone])

    def copy(self) -> Stubs:
        """The same stubs without hits."""
        other = Stubs()
        other._put([ActiveStub(one.id, one.stub) for one in self._active])
        other._made = self._made
        return other

    def remove(self, id: str | None = None) -> int:  # noqa: A002 - as above
        """Remove the stub with that id, or all. Returns the number of removed stubs."""
        before = len(self._active)
        self._put([one for one in self._active if id is not None and one.id != id])
        return before - len(self._active)

    def find(self, operation: str | None, session_id: str | None, body: Any) -> ActiveStub | None:
        """The stub for a request with that JSON body, or None. It counts no hit."""
        for active in self._active:
            stub = active.stub
            used_up = stub.times is not None and active.hits >= stub.times
            if stub.operation != operation or used_up or stub.session_id not in (None, session_id):
                continue
            template_id = body.get("template_id") if isinstance(body, Mapping) else None
            if stub.template_id in (None, template_id) and (stub.match is None or matches(stub.match, body)):
                return active
        return None


def matches(wanted: Any, given: Any) -> bool:
    """True if ``given`` equals ``wanted``, except that objects may have more keys."""
    if isinstance(wanted, Mapping):
        return isinstance(given, Mapping) and all(
            name in given and matches(value, given[name]) for name, value in wanted.items()
        )
    return bool(wanted == given)
