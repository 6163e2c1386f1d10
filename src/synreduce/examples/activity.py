"""Synapse activations of whisker-like trials, drawn in blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synreduce.examples.network import InputNetwork

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# resolution of the table that turns a uniform number into a ms after the stimulus
_QUANTILES = 4096


@dataclass(frozen=True)
class TrialGain:
    """Spread of the evoked response from trial to trial.

    The evoked rates of a trial are multiplied by a log-normal gain of mean 1, one factor shared by
    all cells and one of its own for each group.

    Parameters
    ----------
    shared, own : float, default: 0.2, 0.1
        Standard deviations of the logarithms of the two factors.
    """

    shared: float = 0.2
    own: float = 0.1

    def draw(self, rng: np.random.Generator, n_trials: int) -> FloatArray:
        """Draw the gains of excitation and inhibition.

        Parameters
        ----------
        rng : numpy.random.Generator
            Random stream.
        n_trials : int
            Number of trials.

        Returns
        -------
        numpy.ndarray
            Gains, shape (n_trials, 2).
        """
        common = self.shared * rng.standard_normal((n_trials, 1))
        own = self.own * rng.standard_normal((n_trials, 2))
        return np.asarray(np.exp(common + own - 0.5 * (self.shared**2 + self.own**2)))


@dataclass(frozen=True)
class Activations:
    """Synapse activations of a block of trials, in no particular order.

    Parameters
    ----------
    n_trials : int
        Trials of the block.
    trial : numpy.ndarray
        Trial within the block, shape (activations,).
    time : numpy.ndarray
        Time in ms, shape (activations,).
    synapse : numpy.ndarray
        Synapse of the network, shape (activations,).
    """

    n_trials: int
    trial: IntArray
    time: FloatArray
    synapse: IntArray

    def sorted_by_trial(self) -> Activations:
        """Sort by trial, then by time.

        Returns
        -------
        Activations
        """
        order = np.lexsort((self.time, self.trial))
        return Activations(self.n_trials, self.trial[order], self.time[order], self.synapse[order])


class _WeightedChoice:
    """Draw positions with given weights in constant time (Walker's alias method)."""

    def __init__(self, weights: FloatArray) -> None:
        self.total = float(weights.sum())
        size = weights.size
        scaled = weights * (size / self.total)
        self._threshold, self._alias = np.ones(size), np.arange(size)
        small = list(np.flatnonzero(scaled < 1.0))
        large = list(np.flatnonzero(scaled >= 1.0))
        while small and large:
            low, high = small.pop(), large[-1]
            self._threshold[low], self._alias[low] = scaled[low], high
            scaled[high] -= 1.0 - scaled[low]
            if scaled[high] < 1.0:
                small.append(large.pop())

    def draw(self, rng: np.random.Generator, size: int) -> IntArray:
        position = rng.integers(self._alias.size, size=size)
        kept = rng.random(size) < self._threshold[position]
        return np.asarray(np.where(kept, position, self._alias[position]))


class InputActivity:
    """Draws the synapse activations of trials.

    Every cell fires as a Poisson process at its ongoing rate; a stimulus adds spikes with the time
    course of the cell's type, scaled by the trial's gain. Each synapse of a cell that fires is
    activated at the time of the spike with the type's release probability, independently of the
    others.

    Parameters
    ----------
    network : InputNetwork
        Cells and synapses.
    gain : TrialGain
        Spread of the evoked response.
    """

    def __init__(self, network: InputNetwork, gain: TrialGain) -> None:
        self.network, self.gain = network, gain
        statistics = network.statistics
        types = statistics.cell_types
        kind, column_class = network.cell_kind, network.cell_column_class
        self._release = np.array([item.release_probability for item in types])[kind]
        self._n_synapses = np.diff(network.first_synapse)
        # a cell with one synapse is drawn with the rate of its releases: the same process, fewer
        # draws
        drawn = np.where(self._n_synapses == 1, self._release, 1.0)
        ongoing = np.array([item.ongoing_rate_hz for item in types])[kind] / 1000.0
        self._ongoing = _WeightedChoice(drawn * ongoing)
        evoked = np.zeros(kind.size)
        for index, item in enumerate(types):
            for source, spikes in enumerate(item.evoked_spikes_per_ms.sum(axis=1)):
                members = (kind == index) & (column_class == source)
                evoked[members] = spikes / max(members.sum(), 1)
        excites = np.array([item.group == "EXC" for item in types])[kind]
        self._evoked = [
            _WeightedChoice(drawn * evoked * excites),
            _WeightedChoice(drawn * evoked * ~excites),
        ]
        # cells of remote columns have no evoked spikes: their rows are never looked up
        self._time_course = 2 * kind + np.minimum(column_class, 1)
        self._evoked_ms = np.stack(
            [_quantiles(spikes) for item in types for spikes in item.evoked_spikes_per_ms]
        )

    def draw(self, rng: np.random.Generator, n_trials: int) -> Activations:
        """Draw the activations of a block of trials.

        Parameters
        ----------
        rng : numpy.random.Generator
            Random stream of the block.
        n_trials : int
            Trials of the block.

        Returns
        -------
        Activations
        """
        statistics = self.network.statistics
        gain = self.gain.draw(rng, n_trials)
        expected = self._ongoing.total * statistics.duration_ms
        trials = [np.repeat(np.arange(n_trials), rng.poisson(expected, n_trials))]
        cells = [self._ongoing.draw(rng, trials[0].size)]
        times = [statistics.duration_ms * rng.random(trials[0].size)]
        for group, choice in enumerate(self._evoked):
            trial = np.repeat(np.arange(n_trials), rng.poisson(choice.total * gain[:, group]))
            cell = choice.draw(rng, trial.size)
            quantile = rng.integers(_QUANTILES, size=trial.size)
            delay = self._evoked_ms[self._time_course[cell], quantile] + rng.random(trial.size)
            trials.append(trial)
            cells.append(cell)
            times.append(statistics.stimulus_ms + delay)
        return self._release_from(
            rng, n_trials, np.concatenate(trials), np.concatenate(times), np.concatenate(cells)
        )

    def _release_from(
        self,
        rng: np.random.Generator,
        n_trials: int,
        trial: IntArray,
        time: FloatArray,
        cell: IntArray,
    ) -> Activations:
        """Decide which synapses of the cells that fired are activated."""
        first = self.network.first_synapse[cell]
        single = self._n_synapses[cell] == 1
        several = np.flatnonzero(~single)
        count = self._n_synapses[cell[several]]
        source = np.repeat(several, count)
        within = np.arange(source.size) - np.repeat(np.cumsum(count) - count, count)
        released = rng.random(source.size) < self._release[cell[source]]
        source, within = source[released], within[released]
        return Activations(
            n_trials,
            np.concatenate((trial[single], trial[source])),
            np.concatenate((time[single], time[source])),
            np.concatenate((first[single], first[source] + within)),
        )


def _quantiles(spikes_per_ms: FloatArray) -> npt.NDArray[np.uint8]:
    """Tabulate the ms after the stimulus at equally spaced probabilities."""
    total = spikes_per_ms.sum()
    if total == 0:
        return np.zeros(_QUANTILES, dtype=np.uint8)
    probability = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    return np.searchsorted(np.cumsum(spikes_per_ms) / total, probability).astype(np.uint8)
