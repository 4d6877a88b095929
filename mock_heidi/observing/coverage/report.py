"""The result of coverage: what was exercised how often, and what never, worst first; as JSON and merged of several."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mock_heidi.base import text_files
from mock_heidi.base.settings import ConfigError
from mock_heidi.observing.coverage.all_points import all_points
from mock_heidi.observing.coverage.hints import hint
from mock_heidi.observing.coverage.points import KINDS, Point

LARGEST = 16 * 1024**2
"""The largest file of JSON in bytes."""
_CURE = "give a file that --json or --mock-heidi-coverage=FILE.json has written"


class Share(NamedTuple):
    """A number of exercised points, and the number of all."""

    covered: int
    points: int

    @property
    def percent(self) -> float:
        """From 0 to 100, rounded down to one decimal place: 100 means all."""
        return 1000 * self.covered // self.points / 10

    def is_below(self, percent: float) -> bool:
        """True if it is less than this, without any rounding."""
        return 100 * self.covered < percent * self.points


class Report:
    """The counts of points that clients have exercised. Unknown points are left out."""

    def __init__(self, counts: Mapping[Point, int]) -> None:
        self.counts = {point: counts[point] for point in all_points() if counts.get(point, 0) > 0}
        """The exercised points with the number of requests that did, in the order of all points."""
        self.missing = [point for point in all_points() if point not in self.counts]
        """The points that were never exercised, worst first."""

    @property
    def share(self) -> Share:
        """The share of all points that were exercised."""
        return Share(len(self.counts), len(all_points()))

    def share_of(self, kind: str) -> Share:
        """The share of a kind's points that were exercised."""
        covered, points = (sum(point.kind == kind for point in some) for some in (self.counts, all_points()))
        return Share(covered, points)

    def to_json(self) -> dict[str, Any]:
        """The report as ``GET /_mock/coverage`` answers it."""
        return {
            **_share_row(self.share),
            "kinds": [{"kind": kind, **_share_row(self.share_of(kind))} for kind in KINDS],
            "exercised": [
                {"kind": point.kind, "name": point.name, "count": count} for point, count in self.counts.items()
            ],
            "missing": [{"kind": point.kind, "name": point.name, **hint(point)._asdict()} for point in self.missing],
        }

    def too_low(self, least: float) -> str | None:
        """A sentence that says that the coverage is below ``least`` percent, or None."""
        if not self.share.is_below(least):
            return None
        return f"coverage of the contract is {self.share.percent:g} %, which is below {least:g} %"


def _share_row(share: Share) -> dict[str, Any]:
    return {"covered": share.covered, "points": share.points, "percent": share.percent}


def merged(all_counts: Iterable[Mapping[Point, int]]) -> Counter[Point]:
    """The sum of several counts."""
    total: Counter[Point] = Counter()
    for counts in all_counts:
        total.update(counts)
    return total


def counts_in(data: Any) -> Counter[Point]:
    """The counts in the JSON of a report. Raises ValueError for other JSON."""
    try:
        rows = [(Point(row["kind"], row["name"]), row["count"]) for row in data["exercised"]]
    except (KeyError, TypeError):
        raise ValueError("it is not a report of coverage") from None
    if not all(isinstance(text, str) for point, _ in rows for text in point):
        raise ValueError("it is not a report of coverage")
    if not all(type(count) is int and count >= 0 for _, count in rows):
        raise ValueError("it has a count that is not a whole number")
    return merged({point: count} for point, count in rows)


def read_counts(path: Path) -> Counter[Point]:
    """The counts in a file of JSON. Raises :class:`ConfigError`."""
    try:
        return counts_in(_json_in(text_files.read(path, LARGEST, _CURE)))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}", _CURE) from None
    except ValueError as error:
        raise ConfigError(f"{path}: {error}", _CURE) from None


def _json_in(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
