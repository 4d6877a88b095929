"""One clock per namespace, and the only module that asks the machine for the time."""

import re
import time
from datetime import UTC, datetime

from mock_heidi.settings import ConfigError

_FIRST_YEAR, _LAST_YEAR = 1970, 2105
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)Z?)?")

# Seconds of the process's own clock, for durations and idleness: no mock time stops it.
precise = time.perf_counter


def parse_moment(text: str) -> int:
    """Milliseconds since 1970 of an ISO 8601 moment in UTC (``2025-01-06T09:00:00``, with or without ``Z``)."""
    match = _ISO.fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError
        moment = datetime.fromisoformat(f"{match[1]}T{match[2] or '00:00'}").replace(tzinfo=UTC)
        # Tokens expire later and ids hold the seconds since 1970: the ends of the calendar leave no room for them.
        if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            raise ValueError
    except ValueError:
        raise ConfigError(f"clock: {text!r} is no moment; write it like 2025-01-06T09:00:00 (UTC)") from None
    return round(moment.timestamp() * 1000)


class Clock:
    """The time of one namespace, in whole milliseconds since 1970: real, or standing still at ``frozen``."""

    __slots__ = ("_frozen",)

    def __init__(self, frozen: int | None = None) -> None:
        self._frozen = frozen

    @property
    def frozen(self) -> bool:
        return self._frozen is not None

    def now(self) -> int:
        """Milliseconds since 1970."""
        return int(time.time() * 1000) if self._frozen is None else self._frozen

    def stamp(self) -> str:
        """The time as the vendor stores it."""
        return timestamp(self.now())


def timestamp(ms: int) -> str:
    """The vendor's timestamp: UTC without a zone, six digits of which the last three are 0."""
    seconds, rest = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}000"


def zulu(ms: int) -> str:
    """ISO 8601 with milliseconds and ``Z``: the form of ``expiration_time`` and of our own surface."""
    return timestamp(ms)[:-3] + "Z"
