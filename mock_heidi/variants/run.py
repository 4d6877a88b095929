"""``Run``: one run of a test, with its requests but without their bodies."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from mock_heidi.base.operations import OPERATIONS
from mock_heidi.client.client_errors import MockHeidiError, NoAnswerError
from mock_heidi.client.handle import Handle

Row = Mapping[str, Any]


class Run(NamedTuple):
    """One run of a test.

    ``requests`` are those of all its Heidis. ``settled`` are the assumptions whose value the test or the user has
    chosen. ``failure`` is the place or the status of a failure.
    """

    passed: bool
    requests: Sequence[Row] = ()
    settled: frozenset[str] = frozenset()
    failure: str = ""

    @property
    def met(self) -> set[str]:
        """The assumptions that the requests met."""
        return {name for row in self.requests for name in row["assumptions"]}


def last_request(heidi: Handle) -> int:
    """The id of the last request, 0 if there are none."""
    return max((row["id"] for row in _asked(heidi, limit=1)), default=0)


def requests_since(heidi: Handle, last: int = 0) -> list[Row]:
    """The requests after one, without their bodies; an empty list if the server does not answer."""
    return [
        {
            "operation": row["operation"],
            "method": row["method"],
            "path": _documented_path(row["operation"]),
            "status": row["status"],
            "assumptions": row["assumptions"],
        }
        for row in _asked(heidi, since=last)
    ]


def _documented_path(operation: str | None) -> str | None:
    """The path of an operation without its values, so that the results have no data of a client; None for others."""
    return None if operation is None else OPERATIONS[operation].path


def _asked(heidi: Handle, **filters: Any) -> Iterable[Row]:
    with answering():
        return heidi.requests(**filters)
    return []


def settled_names(heidi: Handle) -> frozenset[str]:
    """The assumptions that have another value than the default."""
    with answering():
        return frozenset(row["name"] for row in heidi.assume() if row["value"] != row["default"])
    return frozenset()


def answering() -> contextlib.suppress:
    """Ignore an error of the server: the test may have ended it, or deleted the namespace."""
    return contextlib.suppress(MockHeidiError, NoAnswerError)
