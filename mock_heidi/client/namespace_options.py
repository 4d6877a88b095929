"""The options of a new namespace, and the JSON that the control API takes for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from mock_heidi.base.settings import FixtureChoice


class NamespaceOptions(TypedDict, total=False):
    """The options of a new namespace. An option that is missing or None has the value that the server started with.

    ``fixtures`` is a folder, a file, ``"empty"`` or the records themselves; ``seed`` a whole number; ``clock`` an
    ISO 8601 time (UTC) at which the clock is frozen; ``linked=True`` links the default user to a Heidi account;
    ``api_key`` replaces the first key; ``faults`` are rules as dicts or as text, or one rule; ``scenario`` is
    the name of a set of faults; ``journal`` is ``normal``, ``full`` or ``masked``;
    ``assume`` chooses values of assumptions by name, in addition to the file ``assumptions.yaml`` of a folder;
    ``strict=True`` refuses requests for what no page documents.
    """

    fixtures: FixtureChoice
    seed: int | None
    clock: str | None
    linked: bool | None
    api_key: str | None
    faults: Sequence[Any] | Mapping[str, Any] | None
    scenario: str | None
    journal: str | None
    assume: Mapping[str, Any] | None
    strict: bool | None


def start_body(options: Mapping[str, Any], user: Mapping[str, str]) -> dict[str, Any]:
    """The body for ``POST /_mock/namespaces/{name}``; ``linked`` links this ``user``.

    A folder or file of fixtures is read here, because the server takes no paths from a request. Raises
    :class:`FixtureError` for wrong fixtures.
    """
    body = {name: value for name, value in options.items() if value is not None}
    if "fixtures" in body:
        if named := _chosen(body["fixtures"]):
            body["assume"] = {**named, **body.get("assume", {})}
        body["fixtures"] = _records(body["fixtures"], body.get("assume", {}))
    if "faults" in body:
        body["faults"] = rule_list(body["faults"])
    if body.get("linked") is True:
        body["linked"] = dict(user)
    return body


def rule_list(faults: Sequence[Any] | Mapping[str, Any]) -> list[Any]:
    """Rules as a list; a single rule becomes a list of one."""
    return list(faults) if isinstance(faults, Sequence) and not isinstance(faults, str) else [faults]


def _chosen(fixtures: FixtureChoice) -> dict[str, Any]:
    from mock_heidi.fixtures.assumption_file import chosen_assumptions

    return chosen_assumptions(fixtures)


def _records(fixtures: FixtureChoice, assume: Mapping[str, Any]) -> Any:
    if fixtures == "empty" or not isinstance(fixtures, str | Path):
        return fixtures
    from mock_heidi.fixtures.export import export
    from mock_heidi.fixtures.loader import load
    from mock_heidi.state.store import Store

    return export(Store(load(Path(fixtures), assume=assume)))
