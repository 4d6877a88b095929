"""The life of a namespace: its start, reset, copies and snapshots."""

from __future__ import annotations

import copy

from mock_heidi.base.memory import MemoryBudget
from mock_heidi.base.settings import Settings
from mock_heidi.namespaces.account_links import link_first_user
from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.namespaces.server_secrets import KnownKeys
from mock_heidi.namespaces.snapshots import Snapshot
from mock_heidi.namespaces.start import Copied, Start
from mock_heidi.state.store import Base

PARTS = ("state", "clock", "ids", "requests", "transitions", "assumptions", "replies", "faults", "findings")
"""The parts of a namespace that a reset puts back or keeps."""


def start_namespace(
    name: str, start: Start, settings: Settings, memory: MemoryBudget, all_keys: KnownKeys
) -> Namespace:
    """A new namespace. ``all_keys`` are the API keys of all namespaces of the server.

    Raises :class:`FaultError` or :class:`StubError` if the start's faults or stubs do not fit together.
    """
    namespace = Namespace(name, start, settings, memory, all_keys)
    if start.copied is None:
        link_first_user(namespace)
    namespace.begin_state()
    return namespace


def reset(namespace: Namespace, keep: frozenset[str] = frozenset()) -> list[str]:
    """Put every part of a namespace back to its start except those in ``keep``. Returns the names of these parts.

    Streams that are being sent end. Raises :class:`FaultError` or :class:`StubError`, and changes nothing, if the
    start's faults or stubs do not fit the kept state.
    """
    start, restored = namespace.start, [part for part in PARTS if part not in keep]
    store = namespace.store if "state" in keep else start.new_store()
    faults = namespace.faults if "faults" in keep else start.new_faults(store)
    stubs = namespace.stubs if "replies" in keep else start.new_stubs(store)
    if "findings" in keep:
        namespace.checks.run(namespace.journal)  # before its requests are forgotten
    earlier_ids = namespace.ids
    if "clock" in restored:
        namespace.clock = start.new_clock()
    if "ids" in restored:
        namespace.ids = namespace.new_ids()
    if "state" in restored:
        _reset_state(namespace)
    if "requests" in restored:
        namespace.journal.begin()
    if "transitions" in restored:
        namespace.transitions = start.new_transitions()
    if "assumptions" in restored:
        namespace.assumptions = start.assumptions
    if "findings" in restored:
        namespace.checks.clear(namespace.journal)
    namespace.faults, namespace.stubs = faults, stubs
    if "faults" in keep:
        namespace.ids.skip_tokens_of(earlier_ids)  # as in restore()
    namespace.checks.begin(namespace.journal)
    namespace.end_streams()
    namespace.events.emit("reset", {"reset": restored})
    return restored


def _reset_state(namespace: Namespace) -> None:
    if namespace.start.copied is not None:
        namespace.store = namespace.start.new_store()
        namespace.learn_keys()
    else:
        namespace.store.reset(namespace.start.base)
        namespace.learn_keys()
        link_first_user(namespace)
    namespace.begin_state()


def follow(namespace: Namespace, start: Start) -> bool:
    """Give a namespace another start. Returns True if its state is replaced too: unless a client has changed it.

    With the state go its assumptions, replies and faults, except those that a client has changed; streams that are
    being sent end. Raises :class:`FaultError` or :class:`StubError`, and changes nothing, if the new faults or replies
    do not fit together.
    """
    earlier, store = namespace.start, start.new_store()
    faults, stubs = start.new_faults(store), start.new_stubs(store)
    namespace.start = start
    if namespace.edited:
        return False
    followed, store = ["state"], earlier.new_store()
    if namespace.assumptions is earlier.assumptions:
        namespace.assumptions = start.assumptions
        followed.append("assumptions")
    if [one.stub for one in namespace.stubs] == [one.stub for one in earlier.new_stubs(store)]:
        namespace.stubs = stubs
        followed.append("replies")
    if [one.fault for one in namespace.faults] == [one.fault for one in earlier.new_faults(store)]:
        namespace.faults = faults
        followed.append("faults")
    _reset_state(namespace)
    namespace.end_streams()
    namespace.events.emit("reset", {"reset": followed})
    return True


def replace_state(namespace: Namespace, base: Base) -> None:
    """Replace the whole state until the next reset."""
    namespace.store.reset(base)
    namespace.learn_keys()
    namespace.events.emit("reset", {"reset": ["state"]})


def start_of_copy(namespace: Namespace) -> Start:
    """A start with the present content of a namespace, for a copy of it."""
    content = Copied(
        namespace.store.fork(),
        namespace.clock.copy(),
        dict(namespace.transitions),
        namespace.faults.copy(),
        namespace.stubs.copy(),
        namespace.assumptions,
    )
    return namespace.start._replace(copied=content)


def take_snapshot(namespace: Namespace, name: str) -> Snapshot:
    """Keep the present state under a name. It replaces an older snapshot of that name."""
    snapshot = Snapshot(
        name,
        namespace.clock.now(),
        namespace.store.fork(),
        copy.deepcopy(namespace.ids),
        dict(namespace.transitions),
    )
    namespace.snapshots[name] = snapshot
    return snapshot


def restore(namespace: Namespace, snapshot: Snapshot) -> None:
    """Put back the content of a snapshot. Streams that are being sent end."""
    namespace.store = snapshot.store.fork()
    namespace.learn_keys()
    ids = copy.deepcopy(snapshot.ids)
    ids.skip_tokens_of(namespace.ids)  # a fault may have revoked a token, whose number must not be used again
    namespace.ids = ids
    namespace.transitions = dict(snapshot.transitions)
    namespace.end_streams()
    namespace.events.emit("reset", {"reset": ["state", "ids", "transitions"]})
