"""A point of the contract, and the kinds of points."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of points: its name in a table, and what was never done with a missing one."""

    title: str
    never: str


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "operation": Kind("operations", "never called"),
        "error": Kind("documented errors", "never met"),
        "stream_ending": Kind("stream endings", "never met"),
        "token": Kind("token states", "never met"),
        "transition": Kind("transitions", "never seen"),
        "sent_word": Kind("enum values sent", "never sent"),
        "received_word": Kind("enum values received", "never received"),
        "optional_field": Kind("optional fields", "never sent"),
    }
)
"""All kinds. The kind whose gaps are worst comes first."""
ENDINGS = ("complete", "early_end", "reset", "stall")
"""The ends of a stream that a client must be able to handle."""
TOKEN_STATES = ("valid", "missing", "expired", "invalid", "other_namespace", "wrong_key")
"""``wrong_key`` is a sign-in with a missing or unknown API key."""


class Point(NamedTuple):
    """One thing that a client can exercise."""

    kind: str
    name: str


TOKENS = {state: Point("token", state) for state in TOKEN_STATES}
"""The points of the states of a token."""
