"""The clock of a namespace. No other module reads the machine's time."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache

from mock_heidi.base.settings import ConfigError

_FIRST_YEAR, _LAST_YEAR = 1970, 9000
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)Z?)?")

# Seconds of the process's clock, for durations and idleness. It runs even if a namespace's clock is frozen.
precise = time.perf_counter


def parse_moment(text: str) -> int:
    """Milliseconds since 1970 of an ISO 8601 moment in UTC (``2025-01-06T09:00:00``, with or without ``Z``)."""
    match = _ISO.fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError
        moment = datetime.fromisoformat(f"{match[1]}T{match[2] or '00:00'}").replace(tzinfo=UTC)
        # Tokens expire later, and ids contain the seconds since 1970: both must stay inside the calendar.
        if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            raise ValueError
    except ValueError:
        raise ConfigError(f"clock: {text!r} is not a moment", "write it like 2025-01-06T09:00:00 (UTC)") from None
    return round(moment.timestamp() * 1000)


# The shortest wait in ms: a timer is not more exact. The longest wait of one timer, in seconds.
_AT_ONCE, _LONGEST = 0.5, 86_400
# The end of the calendar, in ms since 1970. A clock that reaches it stands still.
_END = 253_370_764_800_000


class Clock:
    """The time of one namespace, in whole milliseconds since 1970.

    It follows the machine's clock, or starts at a given moment and passes ``speed`` seconds in each real second. A
    clock of speed 0 is frozen.
    """

    def __init__(self, frozen: int | None = None) -> None:
        self._start = frozen
        self._since = precise()
        self.speed = 1.0 if frozen is None else 0.0
        self._sleepers: set[Alarm] = set()

    @property
    def frozen(self) -> bool:
        return self.speed == 0

    def now(self) -> int:
        """Milliseconds since 1970."""
        return int(time.time() * 1000) if self._start is None else int(self.exact())

    def exact(self) -> float:
        """Milliseconds since 1970, with their fractions."""
        if self._start is None:
            return time.time() * 1000
        if self.speed == 0:
            return self._start
        return min(self._start + (precise() - self._since) * 1000 * self.speed, _END)

    def stamp(self) -> str:
        """The time in the vendor's form."""
        return timestamp(self.now())

    def set(self, now: int | None = None, speed: float | None = None) -> None:
        """Continue from ``now`` (ms since 1970) at ``speed``. None keeps the present value."""
        self._start, self._since = self.now() if now is None else now, precise()
        self.speed = self.speed if speed is None else speed
        self._wake()

    def copy(self) -> Clock:
        """An independent clock with the same time and speed."""
        other = Clock()
        other._start, other._since, other.speed = self._start, self._since, self.speed
        return other

    def go_real(self) -> None:
        """Follow the machine's clock again."""
        self._start, self.speed = None, 1.0
        self._wake()

    def advance(self, seconds: float) -> None:
        """Move the clock forward. Sleepers whose time has come wake up."""
        self.set(self.now() + round(seconds * 1000))

    async def sleep(self, seconds: float) -> None:
        """Wait for ``seconds`` of this clock."""
        await self.wait(self.exact() + seconds * 1000, Alarm())

    async def wait(self, until: float, alarm: Alarm) -> None:
        """Wait until a moment (ms since 1970), or until the alarm rings."""
        while not alarm.rung and (left := until - self.exact()) > _AT_ONCE:
            waiting = alarm.set()
            # A frozen clock moves only when a test moves it, so it needs no timer.
            timer = None
            if not self.frozen:
                delay = min(left / 1000 / self.speed, _LONGEST)
                timer = asyncio.get_running_loop().call_later(delay, alarm.wake)
            self._sleepers.add(alarm)
            try:
                await waiting
            finally:
                self._sleepers.discard(alarm)
                if timer is not None:
                    timer.cancel()

    @property
    def awaited(self) -> bool:
        """True if a sleeper waits for this clock and has not been woken yet."""
        return any(alarm.asleep for alarm in tuple(self._sleepers))

    def _wake(self) -> None:
        # Every sleeper reads the new time; one that continues to sleep computes its timer again.
        for alarm in self._sleepers:
            alarm.wake()


class Alarm:
    """Ends a sleep early and prevents further sleep."""

    def __init__(self) -> None:
        self.rung = False
        self._waiting: asyncio.Future[None] | None = None

    def set(self) -> asyncio.Future[None]:
        """A new future, which is done when the sleeper is woken or the alarm rings."""
        self._waiting = asyncio.get_running_loop().create_future()
        return self._waiting

    @property
    def asleep(self) -> bool:
        return self._waiting is not None and not self._waiting.done()

    def wake(self) -> None:
        """Let the sleeper read the time again."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def ring(self, *_: object) -> None:
        """Wake the sleeper at once. It does not sleep again."""
        self.rung = True
        self.wake()


def timestamp(ms: int) -> str:
    """The vendor's timestamp: UTC without a zone, six digits of which the last three are 0."""
    seconds, rest = divmod(ms, 1000)
    return f"{_second(seconds)}.{rest:03d}000"


@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def zulu(ms: int) -> str:
    """ISO 8601 with milliseconds and ``Z``: the form of ``expiration_time`` and of the control API."""
    return timestamp(ms)[:-3] + "Z"


def http_date(ms: int) -> str:
    """A moment in the form of HTTP headers."""
    return format_datetime(datetime.fromtimestamp(ms // 1000, UTC), usegmt=True)


def seconds_between(start: str, end: str) -> float:
    """Seconds from one ISO 8601 moment to another. A moment without a zone is UTC. Raises :class:`ValueError`."""
    return (_moment(end) - _moment(start)).total_seconds()


def seconds_later(moment: str, seconds: float) -> str:
    """The ISO 8601 moment that is ``seconds`` later."""
    return (_moment(moment) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
