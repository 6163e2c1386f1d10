"""The reduced model: filters, nonlinearity and post-spike penalty, applied to other trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synreduce.errors import DataError, InputError, Problem
from synreduce.evaluation.isi_penalty import IsiPenalty, no_penalty
from synreduce.evaluation.nonlinearity import Nonlinearity
from synreduce.seeds import generator

FloatArray = NDArray[np.float64]

_TRIALS_AT_A_TIME = 16
_RANK_TOLERANCE = 1e-12


@dataclass(frozen=True)
class ReducedModel:
    """The small model that stands for the detailed one.

    The net input of a millisecond is the sum over groups, soma distances and lags of kernel times
    counts. The window ends with, and includes, that millisecond.

    Parameters
    ----------
    groups : tuple of str
        Names of the synapse groups, in the order of the kernel.
    kernel : ndarray, shape (n_groups, n_distance_bins, width)
        Space x time filter in units of net input per synapse activation. Time runs forward: the
        last column is lag 0 (the target millisecond), the first lag ``width - 1``.
    distance_edges : ndarray, shape (n_distance_bins + 1,)
        Edges of the soma distance bins, um.
    nonlinearity : Nonlinearity
        Spike probability per millisecond over net input.
    penalty : IsiPenalty
        Subtracted from the net input after a spike.
    """

    groups: tuple[str, ...]
    kernel: FloatArray
    distance_edges: FloatArray
    nonlinearity: Nonlinearity
    penalty: IsiPenalty = field(default_factory=no_penalty)

    def __post_init__(self) -> None:
        expected = (len(self.groups), len(self.distance_edges) - 1)
        if self.kernel.ndim != 3 or self.kernel.shape[:2] != expected:
            what = f"kernel of shape {self.kernel.shape}; groups and edges say {expected} x width"
            raise InputError(Problem("bad-shape", "reduced model", what, "give a fitting kernel"))

    @property
    def width_ms(self) -> int:
        """Length of the filter, ms."""
        return int(self.kernel.shape[2])

    def net_input(self, counts: Mapping[str, ArrayLike]) -> FloatArray:
        """Weighted net input of every millisecond.

        Parameters
        ----------
        counts : mapping of str to array_like, shape (n_trials, n_ms, n_distance_bins)
            Synapse activations per group in bins of 1 ms; what came before the record counts as
            silence, so the first ``width - 1`` ms see a shorter window.

        Returns
        -------
        ndarray, shape (n_trials, n_ms)
            The same for any block of trials, bit for bit.

        Raises
        ------
        DataError
            A group is missing or a shape does not fit the kernel.
        """
        arrays = self._checked(counts)
        n_trials, n_ms = arrays[0].shape[:2]
        result = np.empty((n_trials, n_ms))
        factors = [_low_rank(matrix) for matrix in self.kernel]
        for block in _blocks(n_trials):
            result[block] = _filtered([array[block] for array in arrays], factors, self.width_ms)
        return result

    def spike_probability(
        self, counts: Mapping[str, ArrayLike], spikes: ArrayLike | None = None
    ) -> FloatArray:
        """Spike probability of every millisecond.

        Parameters
        ----------
        counts : mapping of str to array_like, shape (n_trials, n_ms, n_distance_bins)
            As for :meth:`net_input`.
        spikes : array_like, shape (n_trials, n_ms), optional
            Spike history, non-zero in milliseconds with a spike: the penalty of earlier spikes is
            applied. Without it, the probability for a neuron that did not spike recently.

        Returns
        -------
        ndarray, shape (n_trials, n_ms)
        """
        net = self.net_input(counts)
        if spikes is None:
            return self.nonlinearity(net)
        raster = np.asarray(spikes) != 0
        if raster.shape != net.shape:
            raise DataError(
                Problem(
                    "spike-history-shape",
                    "spikes",
                    f"shape {raster.shape} does not match the counts, {net.shape}",
                    "give one row per trial and one column per millisecond of the counts",
                )
            )
        return self.nonlinearity(net - self.penalty(milliseconds_since_spike(raster)))

    def simulate(
        self,
        counts: Mapping[str, ArrayLike],
        seed: int,
        n: int = 1,
        trial_ids: Sequence[str | int] | None = None,
    ) -> NDArray[np.bool_]:
        """Draw spike trains.

        Parameters
        ----------
        counts : mapping of str to array_like, shape (n_trials, n_ms, n_distance_bins)
            As for :meth:`net_input`.
        seed : int
            Root seed.
        n : int
            Number of repetitions; the first ones do not depend on how many there are.
        trial_ids : sequence of str or int, optional
            Identity of each trial, from which its random stream is derived, so that the result of
            a trial does not depend on the block it is in. Default: 0, 1, 2, ...

        Returns
        -------
        ndarray of bool, shape (n, n_trials, n_ms)
            True in milliseconds with a spike.
        """
        net = self.net_input(counts)
        identities = list(range(net.shape[0])) if trial_ids is None else list(trial_ids)
        if len(identities) != net.shape[0]:
            what = f"{len(identities)} trial identities for {net.shape[0]} trials"
            raise InputError(Problem("bad-shape", "trial_ids", what, "give one per trial"))
        result = np.zeros((n, *net.shape), dtype=np.bool_)
        for block in _blocks(net.shape[0]):
            uniform = np.stack(
                [
                    generator(seed, "simulate", identity).random((n, net.shape[1]))
                    for identity in identities[block]
                ],
                axis=1,
            )
            result[:, block] = self._draw(net[block], uniform)
        return result

    def _draw(self, net: FloatArray, uniform: FloatArray) -> NDArray[np.bool_]:
        spikes = np.zeros(uniform.shape, dtype=np.bool_)
        last = np.full(uniform.shape[:2], -np.inf)
        for now in range(net.shape[1]):
            probability = self.nonlinearity(net[:, now] - self.penalty(now - last))
            spiking = uniform[:, :, now] < probability
            spikes[:, :, now] = spiking
            last[spiking] = now
        return spikes

    def _checked(self, counts: Mapping[str, ArrayLike]) -> list[NDArray[np.generic]]:
        missing = [group for group in self.groups if group not in counts]
        if missing:
            raise DataError(
                Problem(
                    "missing-group",
                    "counts",
                    f"no counts for {', '.join(missing)}; found {', '.join(sorted(counts))}",
                    f"give counts for the groups of the model: {', '.join(self.groups)}",
                )
            )
        arrays = [np.asarray(counts[group]) for group in self.groups]
        first = arrays[0].shape
        problems = [
            Problem(
                "counts-shape",
                f"counts of {group}",
                f"shape {array.shape}; expected (trials, ms, {self.kernel.shape[1]}), "
                "the same for every group",
                "bin the activations with the distance edges of the model",
            )
            for group, array in zip(self.groups, arrays, strict=True)
            if array.ndim != 3 or array.shape[2] != self.kernel.shape[1] or array.shape != first
        ]
        if problems:
            raise DataError(problems)
        return arrays


def milliseconds_since_spike(raster: NDArray[np.bool_]) -> FloatArray:
    """Time since the last spike in an earlier millisecond.

    Parameters
    ----------
    raster : ndarray of bool, shape (..., n_ms)
        True in milliseconds with a spike.

    Returns
    -------
    ndarray, same shape
        1, 2, ...; infinite before the first spike.

    Examples
    --------
    >>> milliseconds_since_spike(np.array([False, True, False, False])).tolist()
    [inf, inf, 1.0, 2.0]
    """
    time = np.arange(raster.shape[-1], dtype=np.float64)
    latest = np.maximum.accumulate(np.where(raster, time, -np.inf), axis=-1)
    before = np.concatenate([np.full((*raster.shape[:-1], 1), -np.inf), latest[..., :-1]], axis=-1)
    return np.asarray(time - before)


def spike_raster(
    times: ArrayLike, pointer: ArrayLike, n_ms: int, start_ms: float = 0.0
) -> NDArray[np.bool_]:
    """Mark the milliseconds that hold a spike.

    Parameters
    ----------
    times : array_like, shape (n_spikes,)
        Spike times of all trials one after the other, ms.
    pointer : array_like of int, shape (n_trials + 1,)
        Trial ``i`` owns ``times[pointer[i]:pointer[i + 1]]``.
    n_ms : int
        Number of milliseconds; spikes outside are left out.
    start_ms : float
        Start of the first one.

    Returns
    -------
    ndarray of bool, shape (n_trials, n_ms)
    """
    time = np.asarray(times, dtype=np.float64)
    bounds = np.asarray(pointer, dtype=np.int64)
    trial = np.repeat(np.arange(bounds.size - 1), np.diff(bounds))
    index = np.floor(time - start_ms).astype(np.int64)
    inside = (index >= 0) & (index < n_ms)
    raster = np.zeros((bounds.size - 1, n_ms), dtype=np.bool_)
    raster[trial[inside], index[inside]] = True
    return raster


def _blocks(n_trials: int) -> Iterator[slice]:
    for start in range(0, n_trials, _TRIALS_AT_A_TIME):
        yield slice(start, min(start + _TRIALS_AT_A_TIME, n_trials))


def _low_rank(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Split (bins, width) into spatial (bins, rank) and temporal (rank, width) factors."""
    left, singular, right = np.linalg.svd(matrix, full_matrices=False)
    rank = max(1, int((singular > _RANK_TOLERANCE * singular[0]).sum()))
    return left[:, :rank] * singular[:rank], right[:rank]


def _filtered(
    counts: list[NDArray[np.generic]], factors: list[tuple[FloatArray, FloatArray]], width: int
) -> FloatArray:
    """Net input of a block of trials, slab after slab of time so that long trials fit."""
    n_trials, n_ms = counts[0].shape[:2]
    result = np.zeros((n_trials, n_ms))
    bands = [_band(temporal, width) for _, temporal in factors]
    for start in range(0, n_ms, width):
        stop = min(start + width, n_ms)
        silent = max(width - 1 - start, 0)
        for array, (spatial, _), band in zip(counts, factors, bands, strict=True):
            part = array[:, start + silent - width + 1 : stop]
            # One small product per trial, so that its rounding cannot depend on its neighbours.
            contracted = np.matmul(np.ascontiguousarray(part, dtype=np.float64), spatial)
            seen = band[silent : silent + part.shape[1], :, : stop - start]
            rows = contracted.reshape(n_trials, 1, -1)
            result[:, start:stop] += (rows @ seen.reshape(rows.shape[2], -1))[:, 0]
    return result


def _band(temporal: FloatArray, width: int) -> FloatArray:
    """Weights (input ms, rank, ms) of the input of `width` ms, and of the ``width - 1`` before."""
    band = np.zeros((2 * width - 1, temporal.shape[0], width))
    for ms in range(width):
        band[ms : ms + width, :, ms] = temporal.T
    return band
