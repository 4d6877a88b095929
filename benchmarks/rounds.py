"""Rounds in which the variants of a workload take turns, on a machine that is listened to meanwhile."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from benchmarks.loads import LoadError
from benchmarks.machine import listened
from benchmarks.measures import Bench, Figures
from benchmarks.workloads import Workload

# When others take more of the two cores than this share, a measurement is made again, so often at most.
NOISE, AGAIN = 0.03, 3


class Result(NamedTuple):
    """The figures of one variant of a workload, by round."""

    workload: Workload
    variant: str
    rounds: list[Figures]

    def values(self, figure: str) -> list[float]:
        return [one[figure] for one in self.rounds]


class Outcome(NamedTuple):
    """Every result, what had to be measured again, and what could not be measured."""

    results: list[Result]
    repeated: int
    noisy: int
    failures: dict[str, str]

    def of(self, workload: str, variant: str) -> Result | None:
        found = (one for one in self.results if (one.workload.name, one.variant) == (workload, variant))
        return next(found, None)

    def median(self, result: Result, figure: str) -> float:
        return statistics.median(result.values(figure))

    def ratio(self, result: Result, figure: str) -> float:
        """The median of the ratios to the first variant in the same round."""
        first = next(one for one in self.results if one.workload.name == result.workload.name)
        pairs = zip(result.values(figure), first.values(figure), strict=False)
        return statistics.median([own / limit if limit else 1.0 for own, limit in pairs])


def measure(
    bench: Bench, chosen: list[Workload], rounds: int, tell: Callable[[str], Any], *, again: bool = True
) -> Outcome:
    """Measure these workloads, A B C, A B C; ``tell`` is called with what comes next.

    Ctrl-C ends it with what there is. With ``again``, what was measured while the machine was noisy is measured again.
    """
    results: list[Result] = []
    failures: dict[str, str] = {}
    repeated = noisy = 0
    for workload, number, name in _turns(chosen, rounds):
        tell(f"{workload.name}: {name}, round {number + 1} of {rounds}")
        result = next((one for one in results if (one.workload, one.variant) == (workload, name)), None)
        if result is None:
            result = Result(workload, name, [])
            results.append(result)
        try:
            figures, times, loud = _quietly(bench, workload.variants[name], AGAIN if again else 0)
        except LoadError as error:
            failures[f"{workload.title}: {name}"] = str(error)
        except KeyboardInterrupt:
            failures["whatever is not above"] = "it was interrupted"
            break
        else:
            result.rounds.append(figures)
            repeated, noisy = repeated + times, noisy + loud
    return Outcome([result for result in results if result.rounds], repeated, noisy, failures)


def _turns(chosen: list[Workload], rounds: int) -> Iterator[tuple[Workload, int, str]]:
    """The turns, one after another: workload by workload, round by round, A B C, A B C."""
    for workload in chosen:
        for number in range(rounds):
            for name in workload.variants:
                yield workload, number, name


def _quietly(bench: Bench, variant: Callable[[Bench], Figures], most: int) -> tuple[Figures, int, bool]:
    """The figures, how often they were taken again, and whether the machine was loud to the end."""
    times = 0
    while True:
        with listened(bench.cores, ()) as noise:
            figures = variant(bench)
        if noise.share <= NOISE or times == most:
            return figures, times, noise.share > NOISE
        times += 1
