"""New fixtures for the namespaces of a running server."""

from __future__ import annotations

from typing import NamedTuple

from mock_heidi.faults.short_form import FaultError
from mock_heidi.namespaces.beginning import Beginning
from mock_heidi.namespaces.lifecycle import follow
from mock_heidi.namespaces.registry import Registry
from mock_heidi.state.stubs import StubError


class Reloaded(NamedTuple):
    """The names of the namespaces that begin with the server's fixtures: those whose state was replaced, and others."""

    replaced: list[str]
    kept: list[str]


def reload(registry: Registry, beginning: Beginning) -> Reloaded:
    """Begin every namespace with other fixtures, and replace each state that no client has changed.

    Namespaces that have their own fixtures or API key, and copies, keep what they have. Raises :class:`FaultError` or
    :class:`StubError`, and changes nothing, if the faults or replies do not fit together.
    """
    earlier = registry.start
    registry.begin_with(earlier._replace(base=beginning.base, assumed=beginning.assumed))
    made = Reloaded([], [])
    for namespace in registry:
        start = namespace.start
        if start.has_own_base or start.copied is not None:
            continue
        assumed = beginning.assumed if start.assumed is earlier.assumed else start.assumed
        try:
            replaced = follow(namespace, start._replace(base=beginning.base, assumed=assumed))
        except (FaultError, StubError):  # the namespace has faults that only its own start can have
            replaced = False
        (made.replaced if replaced else made.kept).append(namespace.name)
    return made
