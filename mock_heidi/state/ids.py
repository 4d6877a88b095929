"""The source of chance of a namespace: the same seed, name and requests give the same ids."""

from __future__ import annotations

import random

# The type of a namespace's sources of chance.
Chance = random.Random


class Ids:
    """Ids in the vendor's forms, drawn from a source seeded by the server's seed and the namespace's name."""

    __slots__ = ("_chance", "_jitter", "_tokens", "chance", "drawn")

    def __init__(self, seed: int, namespace: str) -> None:
        self._chance = random.Random(f"{seed}/{namespace}")  # noqa: S311 - repeatable on purpose, guards nothing
        # Pacing draws from another source, so that it does not change the ids.
        self._jitter = random.Random(f"{seed}/{namespace}/jitter")  # noqa: S311 - as above
        self._tokens = 0
        self.drawn = 0
        """The number of ids and numbers drawn so far, without token numbers."""
        self.chance = random.Random(f"{seed}/{namespace}/faults")  # noqa: S311 - as above
        """The source for faults: it decides which requests they meet and how long their delays are."""

    def object_id(self, now: int) -> str:
        """24 hex digits, the first eight being ``now`` (milliseconds since 1970) in whole seconds."""
        self.drawn += 1
        return f"{(now // 1000) & 0xFFFFFFFF:08x}{self._chance.getrandbits(64):016x}"

    def session_id(self) -> str:
        """The decimal form of a random UUID of version 4: 38 or 39 digits as a rule."""
        self.drawn += 1
        bits = self._chance.getrandbits(128)
        bits = bits & ~(0xF << 76) | (4 << 76)
        return str(bits & ~(0x3 << 62) | (0x2 << 62))

    def hex(self, digits: int) -> str:
        """Random hex digits, as many as asked for."""
        self.drawn += 1
        return f"{self._chance.getrandbits(digits * 4):0{digits}x}"

    def jitter(self) -> float:
        """A number from -1 to 1."""
        return self._jitter.uniform(-1, 1)

    def token_number(self) -> int:
        """The next token number of this namespace, from 1. It makes two tokens of the same second differ."""
        self._tokens += 1
        return self._tokens

    def skip_tokens_of(self, other: Ids) -> None:
        """Skip the token numbers that another source has given."""
        self._tokens = max(self._tokens, other._tokens)

    def continue_from(self, draft: Ids) -> None:
        """Continue after the ids that were drawn from a copy. None may have been drawn here since."""
        self._chance, self.drawn = draft._chance, draft.drawn

    def number(self, digits: int) -> str:
        """A decimal number of at most that many digits, such as a recording's id."""
        self.drawn += 1
        return str(self._chance.randrange(10 ** (digits - 1), 10**digits))
