"""One clock per namespace, and the only module that asks the machine for the time."""

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from mock_heidi.settings import ConfigError

_FIRST_YEAR, _LAST_YEAR = 1970, 9000
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
    """The time of one namespace, in whole milliseconds since 1970.

    It goes with the machine's, or from a moment of its own at ``speed`` mock seconds a second; at 0 it stands still.
    """

    def __init__(self, frozen: int | None = None) -> None:
        self._start = frozen
        self._since = precise()
        self.speed = 1.0 if frozen is None else 0.0
        self._sleepers: dict[asyncio.Future[None], int] = {}

    @property
    def frozen(self) -> bool:
        return self.speed == 0

    def now(self) -> int:
        """Milliseconds since 1970."""
        if self._start is None:
            return int(time.time() * 1000)
        if self.speed == 0:
            return self._start
        return self._start + int((precise() - self._since) * 1000 * self.speed)

    def stamp(self) -> str:
        """The time as the vendor stores it."""
        return timestamp(self.now())

    def set(self, now: int | None = None, speed: float | None = None) -> None:
        """Go on from ``now`` (ms since 1970) at ``speed``; what is not given stays as it is."""
        self._start, self._since = self.now() if now is None else now, precise()
        self.speed = self.speed if speed is None else speed
        self._wake()

    def copy(self) -> "Clock":
        """A clock of its own that says the same time."""
        other = Clock()
        other._start, other._since, other.speed = self._start, self._since, self.speed
        return other

    def go_real(self) -> None:
        """Go with the machine's time again."""
        self._start, self.speed = None, 1.0
        self._wake()

    def advance(self, seconds: float) -> None:
        """Jump ahead; whoever slept until then is woken."""
        self.set(self.now() + round(seconds * 1000))

    async def sleep(self, seconds: float) -> None:
        """Wait until this clock says that so many seconds have passed."""
        until = self.now() + round(seconds * 1000)
        while (left := until - self.now()) > 0:
            sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._sleepers[sleeper] = until
            try:
                await asyncio.wait_for(sleeper, None if self.frozen else max(left / 1000 / self.speed, 0.001))
            except TimeoutError:
                continue
            finally:
                self._sleepers.pop(sleeper, None)

    def _wake(self) -> None:
        # All look at the new time: with another speed, those that go on sleeping reckon anew.
        for sleeper in self._sleepers:
            if not sleeper.done():
                sleeper.set_result(None)


def timestamp(ms: int) -> str:
    """The vendor's timestamp: UTC without a zone, six digits of which the last three are 0."""
    seconds, rest = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}000"


def zulu(ms: int) -> str:
    """ISO 8601 with milliseconds and ``Z``: the form of ``expiration_time`` and of our own surface."""
    return timestamp(ms)[:-3] + "Z"


def http_date(ms: int) -> str:
    """A moment as HTTP headers say it."""
    return format_datetime(datetime.fromtimestamp(ms // 1000, UTC), usegmt=True)


def seconds_between(start: str, end: str) -> float:
    """Seconds from one ISO 8601 moment to another, UTC where they name no zone; ValueError for what is none."""
    return (_moment(end) - _moment(start)).total_seconds()


def seconds_later(moment: str, seconds: float) -> str:
    """The ISO 8601 moment so many seconds later."""
    return (_moment(moment) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
