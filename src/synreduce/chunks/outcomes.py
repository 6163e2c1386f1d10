"""Outcome and time since the last spike of every sample (trial, target window)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

_TRIALS_AT_ONCE = 65_536
"""What is found out of the spikes of so many trials takes far more memory than the result."""


class SpikeTimesLike(Protocol):
    """Spike times of many trials, one after the other."""

    @property
    def times(self) -> NDArray[np.float64]:
        """Spike times of all trials, (n_spikes,), ms."""

    @property
    def pointer(self) -> NDArray[np.int64]:
        """Where each trial starts in `times`, (n_trials + 1,)."""


class _Block(NamedTuple):
    trials: slice
    times: NDArray[np.float64]
    pointer: NDArray[np.int64]

    def trial_of(self, spikes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Look up the trial of spikes of the block; both count from its first."""
        return np.searchsorted(self.pointer, spikes, side="right").astype(np.int64) - 1


def _blocks(spike_times: SpikeTimesLike) -> Iterator[_Block]:
    times, pointer = spike_times.times, spike_times.pointer
    for start in range(0, len(pointer) - 1, _TRIALS_AT_ONCE):
        trials = slice(start, min(start + _TRIALS_AT_ONCE, len(pointer) - 1))
        first, stop = int(pointer[trials.start]), int(pointer[trials.stop])
        yield _Block(trials, times[first:stop], pointer[start : trials.stop + 1] - first)


def outcomes(
    spike_times: SpikeTimesLike, target_starts: NDArray[np.float64], target_width: float
) -> NDArray[np.uint8]:
    """Say for every sample whether at least one spike lies in its target window.

    Parameters
    ----------
    spike_times : SpikeTimesLike
        Spike times, ms, with the pointer of each trial; order within a trial does not matter.
    target_starts : ndarray of float64, (n_targets,)
        Starts of the target windows, ascending, ms.
    target_width : float
        Length of the windows ``[start, start + width)``, ms.

    Returns
    -------
    ndarray of uint8, (n_trials, n_targets)

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> spikes = SimpleNamespace(times=np.array([10.0, 11.0, 30.5]), pointer=np.array([0, 2, 2, 3]))
    >>> outcomes(spikes, np.array([10.0, 11.0, 30.0]), 1.0).tolist()
    [[1, 1, 0], [0, 0, 0], [0, 0, 1]]
    """
    n_trials = len(spike_times.pointer) - 1
    result = np.zeros((n_trials, len(target_starts)), dtype=np.uint8)
    for block in _blocks(spike_times):
        first = np.searchsorted(target_starts + target_width, block.times, side="right")
        stop = np.searchsorted(target_starts, block.times, side="right")
        inside = np.flatnonzero(stop > first)
        hits = (stop - first)[inside]
        trial = np.repeat(block.trial_of(inside), hits)
        offset = np.arange(hits.sum()) - np.repeat(np.cumsum(hits) - hits, hits)
        result[block.trials][trial, np.repeat(first[inside], hits) + offset] = 1
    return result


def time_since_last_spike(
    spike_times: SpikeTimesLike, target_starts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Measure for every sample how long before its target window the last spike was.

    Parameters
    ----------
    spike_times : SpikeTimesLike
        Spike times, ms, with the pointer of each trial; order within a trial does not matter.
    target_starts : ndarray of float64, (n_targets,)
        Starts of the target windows, ascending, ms.

    Returns
    -------
    ndarray of float64, (n_trials, n_targets)
        ms, positive: a spike at the start itself belongs to the target window. Infinite where
        no spike came before.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> spikes = SimpleNamespace(times=np.array([3.0, 7.0]), pointer=np.array([0, 2, 2]))
    >>> time_since_last_spike(spikes, np.array([7.0, 9.0]))
    array([[ 4.,  2.],
           [inf, inf]])
    """
    n_trials, n_targets = len(spike_times.pointer) - 1, len(target_starts)
    last = np.full((n_trials, n_targets), -np.inf)
    for block in _blocks(spike_times):
        first_after = np.searchsorted(target_starts, block.times, side="right")
        early = np.flatnonzero(first_after < n_targets)
        place = (block.trial_of(early), first_after[early])
        np.maximum.at(last[block.trials], place, block.times[early])
    np.maximum.accumulate(last, axis=1, out=last)
    since: NDArray[np.float64] = np.subtract(target_starts, last, out=last)
    return since
