"""Projection of synapse activations onto spatial and temporal basis functions.

With counts D(trial, ms, bin), spatial functions G and temporal functions F, the row of a sample is
``B[k, l] = sum_bin sum_lag G[k, bin] F[l, lag] D[trial, stop - width + lag, bin]``. The spatial sum
is formed once per millisecond, by a product of its own whose bits do not depend on the windows that
share it; the temporal sum of a run of windows is one product with a banded matrix.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from synreduce.errors import InputError, Problem

TRIALS_PER_QUANTUM = 64
"""Trials projected together. Rows are bit-identical for blocks that are multiples of it."""
_SLAB_MS = 2048
"""Milliseconds contracted over space at a time: one long trial needs little memory."""

Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class _WindowRun:
    """Targets whose windows share one banded matrix."""

    targets: slice
    start: int
    stop: int
    band: Float32Array
    """Shape (stop - start, targets * n_temporal)."""


def project_counts(
    counts: Mapping[str, NDArray[Any]],
    spatial: ArrayLike,
    temporal: ArrayLike,
    target_stops: ArrayLike,
) -> Float32Array:
    """Project binned activations.

    Parameters
    ----------
    counts : mapping of str to numpy.ndarray, shape (n_trials, n_ms, n_bins)
        Activations per group, trial, 1 ms bin and soma-distance bin. Blocks of trials that start at
        multiples of `TRIALS_PER_QUANTUM` give the same bits however the trials are cut into blocks.
    spatial : array_like, shape (K, n_bins)
        Spatial basis functions.
    temporal : array_like, shape (L, width)
        Temporal basis functions, lag 0 last.
    target_stops : array_like of int, shape (n_targets,)
        For each target window the time bin one past its last, i.e. the end of the input window.

    Returns
    -------
    numpy.ndarray of float32, shape (n_trials * n_targets, n_groups * K * L)
        Rows trial-major, columns group-major, then k, then l.

    Raises
    ------
    InputError
        If shapes disagree, or a window reaches outside the counts.
    """
    (rows,) = project_together(counts, spatial, temporal, [target_stops])
    return rows


def project_together(
    counts: Mapping[str, NDArray[Any]],
    spatial: ArrayLike,
    temporal: ArrayLike,
    sets_of_stops: Sequence[ArrayLike],
) -> list[Float32Array]:
    """Project binned activations for several sets of target windows.

    Parameters
    ----------
    counts, spatial, temporal
    sets_of_stops : sequence of array_like of int, shape (n_targets,)
        As for `project_counts`; `target_stops` for every set.

    Returns
    -------
    list of numpy.ndarray of float32, shape (n_trials * n_targets, n_groups * K * L)
        One per set: the bits that `project_counts` gives for the set alone.

    Raises
    ------
    InputError
        As `project_counts`.
    """
    checked = [_checked(spatial, temporal, stops) for stops in sets_of_stops]
    space, time, _ = checked[0]
    every_stop = np.concatenate([stops for *_, stops in checked])
    first, last = int(every_stop.min()) - time.shape[1], int(every_stop.max())
    _check_counts(counts, space.shape[1], first, last)
    n_trials = next(iter(counts.values())).shape[0]
    shape = (len(counts), space.shape[0], time.shape[0])
    rows = [np.empty((n_trials, stops.size, *shape), dtype=np.float32) for *_, stops in checked]
    runs = [list(_window_runs(stops, time)) for *_, stops in checked]
    # The products are small: several BLAS threads would wait for each other more than they work.
    with threadpool_limits(1, "blas"):
        for start in range(0, n_trials, TRIALS_PER_QUANTUM):
            trials = slice(start, min(start + TRIALS_PER_QUANTUM, n_trials))
            for position, array in enumerate(counts.values()):
                contracted = _contract_space(array[trials, first:last], space)
                for of_set, own in zip(rows, runs, strict=True):
                    _contract_time(contracted, first, own, of_set[trials, :, position])
    return [of_set.reshape(n_trials * of_set.shape[1], -1) for of_set in rows]


def project_events(
    trial: ArrayLike,
    time_ms: ArrayLike,
    soma_distance: ArrayLike,
    group: ArrayLike,
    *,
    n_trials: int,
    n_groups: int,
    n_ms: int,
    distance_edges: ArrayLike,
    spatial: ArrayLike,
    temporal: ArrayLike,
    target_stops: ArrayLike,
    start_ms: float = 0.0,
) -> Float32Array:
    """Project activations given one by one: the same numbers as `project_counts`.

    Parameters
    ----------
    trial : array_like of int, shape (n_events,)
        Position of the trial, 0 to n_trials - 1, in any order.
    time_ms, soma_distance : array_like, shape (n_events,)
        When (ms) and how far from the soma (um). Events outside the bins count nowhere.
    group : array_like of int, shape (n_events,)
        Position of the group, 0 to n_groups - 1; negative: in no group.
    n_trials, n_groups, n_ms : int
        Numbers of trials, groups and 1 ms time bins.
    distance_edges : array_like, shape (n_bins + 1,)
        Edges of the soma-distance bins in um, rising; bins are half-open.
    spatial, temporal, target_stops
        As for `project_counts`.
    start_ms : float, default: 0.0
        Time of the first bin's left edge.

    Returns
    -------
    numpy.ndarray of float32, shape (n_trials * n_targets, n_groups * K * L)

    Raises
    ------
    InputError
        As `project_counts`.
    """
    space, time, stops = _checked(spatial, temporal, target_stops)
    trials = np.asarray(trial, dtype=np.int64)
    order = (
        slice(None)
        if bool(np.all(trials[1:] >= trials[:-1]))
        else np.argsort(trials, kind="stable")
    )
    columns = [np.asarray(part)[order] for part in (trials, time_ms, soma_distance, group)]
    shape = (n_trials, stops.size, n_groups, space.shape[0], time.shape[0])
    rows = np.empty(shape, dtype=np.float32)
    for first in range(0, n_trials, TRIALS_PER_QUANTUM):
        stop = min(first + TRIALS_PER_QUANTUM, n_trials)
        part = slice(*np.searchsorted(columns[0], (first, stop)).tolist())
        counts = count_events(
            columns[0][part] - first,
            *(column[part] for column in columns[1:]),
            n_trials=stop - first,
            n_groups=n_groups,
            n_ms=n_ms,
            distance_edges=distance_edges,
            start_ms=start_ms,
        )
        named = {str(position): array for position, array in enumerate(counts)}
        rows[first:stop] = project_counts(named, space, time, stops).reshape(-1, *shape[1:])
    return rows.reshape(n_trials * stops.size, -1)


def count_events(
    trial: ArrayLike,
    time_ms: ArrayLike,
    soma_distance: ArrayLike,
    group: ArrayLike,
    *,
    n_trials: int,
    n_groups: int,
    n_ms: int,
    distance_edges: ArrayLike,
    start_ms: float = 0.0,
) -> NDArray[np.int64]:
    """Count activations per group, trial, millisecond and soma-distance bin.

    Parameters
    ----------
    trial, time_ms, soma_distance, group : array_like, shape (n_events,)
        As for `project_events`.
    n_trials, n_groups, n_ms : int
        Numbers of trials, groups and 1 ms time bins.
    distance_edges : array_like, shape (n_bins + 1,)
        Edges of the soma-distance bins in um; bins are half-open.
    start_ms : float, default: 0.0
        Time of the first bin's left edge.

    Returns
    -------
    numpy.ndarray of int64, shape (n_groups, n_trials, n_ms, n_bins)
    """
    edges = np.asarray(distance_edges, dtype=np.float64)
    millisecond = np.floor(np.asarray(time_ms, dtype=np.float64) - start_ms).astype(np.int64)
    place = np.searchsorted(edges, np.asarray(soma_distance, dtype=np.float64), side="right") - 1
    trials, groups = np.asarray(trial, dtype=np.int64), np.asarray(group, dtype=np.int64)
    inside = (millisecond >= 0) & (millisecond < n_ms) & (place >= 0) & (place < edges.size - 1)
    inside &= (groups >= 0) & (groups < n_groups) & (trials >= 0) & (trials < n_trials)
    shape = (n_groups, n_trials, n_ms, edges.size - 1)
    cell = np.ravel_multi_index(
        (groups[inside], trials[inside], millisecond[inside], place[inside]), shape
    )
    return np.bincount(cell, minlength=int(np.prod(shape))).reshape(shape)


def _contract_space(counts: NDArray[Any], spatial: Float32Array) -> Float32Array:
    """Turn counts (trials, ms, bins) of a group into sums (trials, K, ms)."""
    n_trials, n_ms, _ = counts.shape
    contracted = np.empty((n_trials, spatial.shape[0], n_ms), dtype=np.float32)
    for start in range(0, n_ms, _SLAB_MS):
        slab = counts[:, start : start + _SLAB_MS].astype(np.float32, order="C")
        product = slab.transpose(1, 0, 2) @ spatial.T
        contracted[:, :, start : start + _SLAB_MS] = product.transpose(1, 2, 0)
    return contracted


def _contract_time(
    contracted: Float32Array, first: int, runs: Sequence[_WindowRun], rows: Float32Array
) -> None:
    """Fill rows (trials, targets, K, L) of one group from sums that begin at a millisecond."""
    n_trials, n_spatial, _ = contracted.shape
    for run in runs:
        window = contracted[:, :, run.start - first : run.stop - first]
        product = window.reshape(n_trials * n_spatial, -1) @ run.band
        targets = product.reshape(n_trials, n_spatial, run.targets.stop - run.targets.start, -1)
        rows[:, run.targets] = targets.transpose(0, 2, 1, 3)


def _window_runs(stops: NDArray[np.int64], temporal: Float32Array) -> Iterator[_WindowRun]:
    """Group targets so that a run's windows span at most twice the width."""
    n_temporal, width = temporal.shape
    order_ok = bool(np.all(np.diff(stops) >= 0))
    first = 0
    while first < stops.size:
        reach = stops[first] + width if order_ok else stops[first]
        following = stops[first:] > reach if order_ok else stops[first:] != reach
        count = int(np.argmax(following)) if following.any() else stops.size - first
        targets = slice(first, first + count)
        start, stop = int(stops[first]) - width, int(stops[targets].max())
        band = np.zeros((stop - start, count, n_temporal), dtype=np.float32)
        for position, end in enumerate(stops[targets].tolist()):
            band[end - width - start : end - start, position] = temporal.T
        yield _WindowRun(targets, start, stop, band.reshape(stop - start, -1))
        first += count


def _checked(
    spatial: ArrayLike, temporal: ArrayLike, target_stops: ArrayLike
) -> tuple[Float32Array, Float32Array, NDArray[np.int64]]:
    space, time = np.asarray(spatial, np.float32), np.asarray(temporal, np.float32)
    stops = np.asarray(target_stops)
    problems = [
        Problem("bad-basis", f"projection.{name}", f"shape {array.shape}", "give (functions, grid)")
        for name, array in (("spatial", space), ("temporal", time))
        if array.ndim != 2
    ]
    if stops.ndim != 1 or stops.size == 0 or not np.issubdtype(stops.dtype, np.integer):
        what = f"target stops of shape {stops.shape} and type {stops.dtype}"
        problems.append(Problem("bad-window", "projection", what, "give whole bin indices"))
    if problems:
        raise InputError(problems)
    return space, time, stops.astype(np.int64)


def _check_counts(counts: Mapping[str, NDArray[Any]], n_bins: int, start: int, stop: int) -> None:
    shapes = {array.shape for array in counts.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 3 or next(iter(shapes))[2] != n_bins:
        what = f"counts of shapes {sorted(shapes)} for {n_bins} distance bins"
        fix = "give (trials, ms, bins) for every group"
        raise InputError(Problem("bad-counts", "projection.counts", what, fix))
    n_ms = next(iter(shapes))[1]
    if start < 0 or stop > n_ms:
        what = f"input windows need bins {start} to {stop}, the counts have 0 to {n_ms}"
        fix = "use later target windows or a shorter filter"
        raise InputError(Problem("window-outside", "projection", what, fix))
