"""Additions of the pytest plugin to the report of a test: its requests, and the reasons to fail a passed test.

Every run of pytest imports this module, so it imports the rest of the package only for a test that has a Heidi.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from mock_heidi.pytest_options import CHECKS, chosen, marked

if TYPE_CHECKING:
    from mock_heidi.client.handle import Handle

OWN = pytest.StashKey["Handle"]()
"""The Heidi of the fixture ``mock_heidi``."""
MADE = pytest.StashKey["list[Handle]"]()
"""The Heidis that the factory has made in this run."""
# The status of a refused preflight, and of a wrong host.
_REFUSED = {400: "was refused", 403: "was refused"}


def sections(item: pytest.Item) -> list[tuple[str, str]]:
    """A title and a text for each Heidi of a failed test: its requests, faults and findings."""
    return [(f"requests to {name}", _report(heidi)) for name, heidi in _heidis(item)]


def _report(heidi: Handle) -> str:
    try:
        return heidi.report() or "no requests"
    except Exception as error:  # noqa: BLE001 - the report of a failure must not fail itself
        return f"cannot ask mock_heidi: {error}"


def _heidis(item: pytest.Item) -> list[tuple[str, Handle]]:
    """The Heidis of a test, each once: its own, those of its fixtures by their names, and those of its factory."""
    own = item.stash.get(OWN, None)
    made = item.config.stash.get(MADE, []) if "mock_heidi_factory" in getattr(item, "fixturenames", ()) else []
    named = [
        *([] if own is None else [("mock_heidi", own)]),
        *getattr(item, "funcargs", {}).items(),
        *((heidi.name, heidi) for heidi in made if not heidi.closed),
    ]
    found: dict[int, tuple[str, Handle]] = {}
    for name, one in named:
        # Tests do not send requests to the server's own namespace. A fixture may return the Heidi of another one.
        if _is_handle(one) and name != "mock_heidi_server":
            found.setdefault(id(one), (name, one))
    return list(found.values())


def _is_handle(value: Any) -> bool:
    # If no test has imported the module, there is no handle.
    module = sys.modules.get("mock_heidi.client.handle")
    return module is not None and isinstance(value, module.Handle)


def objections(item: pytest.Item) -> list[str]:
    """The reasons to fail a passed test, a line each.

    Only its own Heidi counts: a request or a fault of a shared one may belong to another test.
    """
    own = item.stash.get(OWN, None)
    asked = [name for name in CHECKS if chosen(item.config, name) != "ignore"]
    if own is None or not asked:
        return []
    try:
        return [line for name in asked for line in _OBJECTIONS[name](item, own)]
    except Exception as error:  # noqa: BLE001 - one test must not end the whole run
        return [f"cannot ask mock_heidi: {error}"]


def _unfired(_: pytest.Item, own: Handle) -> list[str]:
    return own.unfired()


def _unmatched(_: pytest.Item, own: Handle) -> list[str]:
    from mock_heidi.base.wording import printable

    rows = [] if own.closed else own.requests()
    # A request that is refused for its key, or in strict mode, has a reason too.
    return [
        printable(
            f"#{row['id']} {row['method']} {row['path']} {_REFUSED.get(row['status'], 'matched nothing')}: {row['why']}"
        )
        for row in rows
        if row["why"] and not row["stray"] and row["operation"] is None
    ]


def _findings(item: pytest.Item, own: Handle) -> list[str]:
    from mock_heidi.observing.findings import at_least, finding_line

    levels = at_least(chosen(item.config, "findings"))
    allowed = marked(item).get("allow_findings") or ()
    found = [] if own.closed else own.findings()
    return [finding_line(one) for one in found if one["level"] in levels and one["code"] not in allowed]


_OBJECTIONS = {"unfired": _unfired, "unmatched": _unmatched, "findings": _findings}
