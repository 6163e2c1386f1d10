"""What is wrong with a block of events, all at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synreduce.database.model import ActivationEvents, IntArray
from synreduce.database.recording import Recording
from synreduce.errors import Problem


def event_problems(
    recording: Recording, trial_ids: Sequence[str], events: ActivationEvents
) -> list[Problem]:
    """Find out what is wrong with a block of events.

    Parameters
    ----------
    recording : Recording
        Record, types and labels.
    trial_ids : sequence of str
        Trials of the block.
    events : ActivationEvents
        Sorted by trial.

    Returns
    -------
    list of Problem
        At most one per kind, with the number of events and the first of them.
    """
    if not len(events):
        return []
    where = str(recording.path)
    if events.trial[0] < 0 or events.trial[-1] >= len(trial_ids):
        what = f"events of trials {events.trial[0]} to {events.trial[-1]}"
        return [Problem("bad-trial", where, f"{what} in a block of {len(trial_ids)} trials")]
    found = []
    for code, bad, meaning in event_faults(
        events.columns(),
        recording.start_ms,
        recording.duration_ms,
        len(recording.synapse_types),
        len(recording.dendrite_labels),
    ):
        at = int(bad[0])
        trial = trial_ids[int(events.trial[at])]
        what = f"{len(bad):,} activations with {meaning}; the first in trial '{trial}': "
        what += f"{events.time[at]!r} ms, {events.soma_distance[at]!r} um"
        found.append(Problem(code, where, what))
    return found


def type_problems(path: Path, events: ActivationEvents) -> list[Problem]:
    """Find columns that are of the wrong kind of number.

    Parameters
    ----------
    path : Path
        For messages.
    events : ActivationEvents
        As given by the caller.

    Returns
    -------
    list of Problem
    """
    found = []
    for name, values in {"trial": events.trial, **events.columns()}.items():
        measured = name in {"time", "soma_distance"}
        if values.ndim != 1 or values.dtype.kind not in ("fiu" if measured else "iu"):
            wanted = "numbers" if measured else "whole numbers"
            what = f"column '{name}' is of type {values.dtype}, shape {values.shape}"
            found.append(Problem("wrong-type", str(path), what, f"give one axis of {wanted}"))
    return found


def event_faults(
    columns: dict[str, npt.NDArray[Any]],
    start_ms: float,
    duration_ms: float,
    n_types: int,
    n_labels: int,
) -> Iterator[tuple[str, IntArray, str]]:
    """Find events that no database may hold.

    Parameters
    ----------
    columns : dict of str to ndarray
        Stored columns of equal length.
    start_ms, duration_ms : float
        The record.
    n_types, n_labels : int
        Length of the tables.

    Yields
    ------
    tuple of (str, ndarray, str)
        Code of the fault, positions of the events, meaning.
    """
    time, distance = columns["time"], columns["soma_distance"]
    # min and max of clean columns are cheap; positions are looked for only when needed
    if not (time.min(initial=start_ms) >= start_ms and time.max(initial=start_ms) < duration_ms):
        yield from _where(~np.isfinite(time), "bad-time", "a time that is no number")
        early, late = f"a time before {start_ms} ms", f"a time at or after {duration_ms} ms"
        yield from _where(time < start_ms, "time-too-early", early)
        yield from _where((time >= duration_ms) & (time < np.inf), "time-too-late", late)
    if not (distance.min(initial=0.0) >= 0 and distance.max(initial=0.0) < np.inf):
        yield from _where(~np.isfinite(distance), "bad-distance", "a distance that is no number")
        yield from _where(distance < 0, "negative-distance", "a negative soma distance")
    limits = {"synapse_type": (0, n_types), "dendrite_label": (-1, n_labels)}
    for name, (lowest, stop) in limits.items():
        codes = columns.get(name)
        if codes is not None and codes.size and (codes.min() < lowest or codes.max() >= stop):
            meaning = f"a {name.replace('_', ' ')} that is not in the table of {stop}"
            yield from _where((codes < lowest) | (codes >= stop), f"unknown-{name}", meaning)


def _where(bad: npt.NDArray[np.bool_], code: str, meaning: str) -> list[tuple[str, IntArray, str]]:
    return [(code, np.flatnonzero(bad), meaning)] if bad.any() else []
