"""The stretch of time that each trial covers."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from synreduce.errors import ConfigurationError, Problem
from synreduce.importers.options import ImportOptions


def check_windows(
    options: ImportOptions, ends: Mapping[str, float]
) -> list[tuple[float, float]] | None:
    """Check the windows into which the user cuts the simulations.

    Parameters
    ----------
    options : ImportOptions
    ends : mapping of str to float
        End of each simulation, ms.

    Returns
    -------
    list of (float, float), or None
        Windows in ascending order; None if the user gives none.

    Raises
    ------
    ConfigurationError
        If windows are empty, overlap, differ in length or leave a simulation.

    Examples
    --------
    >>> options = ImportOptions(trial_windows_ms=((500.0, 1000.0), (0.0, 500.0)))
    >>> check_windows(options, {"run": 1000.0})
    [(0.0, 500.0), (500.0, 1000.0)]
    """
    if options.trial_windows_ms is None:
        return None
    windows = sorted((float(start), float(stop)) for start, stop in options.trial_windows_ms)
    problems = []
    if not windows:
        problems.append(_problem("no window"))
    if options.duration_ms is not None:
        problems.append(_problem("excludes duration_ms", "leave one of them out"))
    for start, stop in windows:
        if not (np.isfinite(start) and np.isfinite(stop) and 0 <= start < stop):
            problems.append(_problem(f"{start:g} to {stop:g} ms is not a window from 0 on"))
        problems += [
            _problem(f"{start:g} to {stop:g} ms ends after simulation {name}, at {end:g} ms")
            for name, end in ends.items()
            if stop > end
        ]
    for (_, before), (start, stop) in pairwise(windows):
        if start < before:
            what = f"{start:g} to {stop:g} ms overlaps the window before"
            problems.append(_problem(what, "events would be in two trials"))
    lengths = {round(stop - start, 9) for start, stop in windows}
    if len(lengths) > 1:
        what = f"windows of different lengths: {sorted(lengths)} ms"
        problems.append(_problem(what, "all trials of a database have one length"))
    if problems:
        raise ConfigurationError(problems)
    return windows


def common_end(options: ImportOptions, ends: Mapping[str, float]) -> float:
    """Find the end of the record that all simulations share.

    Parameters
    ----------
    options : ImportOptions
    ends : mapping of str to float
        End of each simulation, ms.

    Returns
    -------
    float
        ms.

    Raises
    ------
    ConfigurationError
        If the simulations end at different times and the user does not choose, or chooses an end
        that some simulation does not reach.
    """
    if options.duration_ms is not None:
        short = [name for name, end in ends.items() if end < options.duration_ms]
        if short:
            what = (
                f"{options.duration_ms:g} ms, simulation {short[0]} ends at {ends[short[0]]:g} ms"
            )
            raise ConfigurationError(Problem("bad-duration", "duration_ms", what))
        return options.duration_ms
    if len(set(ends.values())) > 1:
        what = ", ".join(f"{name} {end:g} ms" for name, end in ends.items())
        fix = f"set duration_ms, at most {min(ends.values()):g}"
        raise ConfigurationError(
            Problem("unequal-durations", "duration_ms", f"simulations end at: {what}", fix)
        )
    return next(iter(ends.values()))


def _problem(what: str, fix: str = "") -> Problem:
    return Problem("bad-window", "trial_windows_ms", what, fix)
