"""Times of alternatives, measured in turns so that a busy machine slows all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def seconds(function: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def in_turns(functions: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Time every function `repeats` times, in turns, after one call of each to warm up."""
    for function in functions.values():
        function()
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            times[name].append(seconds(function))
    return times


def median_ratio(slower: list[float], faster: list[float]) -> float:
    """Median over turns of the ratio of two times."""
    return statistics.median(a / b for a, b in zip(slower, faster, strict=True))


def spread(values: list[float], digits: int = 3) -> str:
    """Median, smallest and largest value."""
    middle = statistics.median(values)
    return f"{middle:.{digits}g} ({min(values):.{digits}g} to {max(values):.{digits}g})"
