"""Spikes from known separable filters and a known nonlinearity."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from synreduce.basis import RaisedCosineBasis
from synreduce.examples.morphology import FloatArray, IntArray

SPATIAL_BASIS = RaisedCosineBasis(3.0, 5.0, tuple(np.arange(3.0, 11.0, 1.5)), 30)
TEMPORAL_BASIS = RaisedCosineBasis(2.0, 1.0, tuple(np.arange(1.0, 11.0, 0.5)), 80, reversed=True)

# Least-squares weights, to three digits, of: a decay over 350 um with a shoulder in the tuft
# (EXC), a decay over 250 um with a bump at 1000 um (INH), and differences of exponentials of 2 and
# 8 ms (EXC) and of 3 and 20 ms (INH).
_SPATIAL_WEIGHTS = {
    "EXC": (0.854, 0.329, 0.42, 0.104, -0.023, 0.283),
    "INH": (0.974, -0.187, 0.966, -0.684, 0.829, -0.272),
}
_TEMPORAL_WEIGHTS = {
    "EXC": (
        *(0.776, 0.179, -0.347, -0.091, 0.407, 0.509, 0.137, 0.045, 0.061, -0.164),
        *(0.044, -0.276, 0.294, 0.534, -0.299, -0.485, -0.056, 0.331, 0.189, -0.101),
    ),
    "INH": (
        *(-0.491, -0.125, 0.197, 0.029, -0.296, -0.383, -0.178, -0.13, -0.165, -0.026),
        *(-0.12, 0.107, -0.213, -0.348, 0.177, 0.304, 0.05, -0.193, -0.127, 0.047),
    ),
}


@dataclass(frozen=True)
class PlantedFilters:
    """Filters of one group in canonical form.

    Parameters
    ----------
    spatial : numpy.ndarray
        Weight of each bin of 50 um, shape (30,).
    temporal : numpy.ndarray
        Weight of each lag, 79 ms first, shape (80,).
    """

    spatial: FloatArray
    temporal: FloatArray


def planted_filters() -> dict[str, PlantedFilters]:
    """Compute the filters of both groups from their weights on the published raised cosine bases.

    The largest point of a temporal filter is +1 (EXC) or -1 (INH), the largest of the spatial
    filter of EXC is 1.

    Returns
    -------
    dict of str to PlantedFilters

    Examples
    --------
    >>> filters = planted_filters()
    >>> float(filters["EXC"].spatial.max()), float(filters["INH"].temporal.min())
    (1.0, -1.0)
    """
    spatial, temporal = {}, {}
    for group in ("EXC", "INH"):
        course = TEMPORAL_BASIS.superpose(np.asarray(_TEMPORAL_WEIGHTS[group]))
        size = np.abs(course).max()
        temporal[group] = course / size
        spatial[group] = size * SPATIAL_BASIS.superpose(np.asarray(_SPATIAL_WEIGHTS[group]))
    reference = np.abs(spatial["EXC"]).max()
    return {name: PlantedFilters(spatial[name] / reference, temporal[name]) for name in spatial}


@dataclass(frozen=True)
class PlantedModel:
    """A reduced model that draws spikes ms by ms.

    The probability of a spike in a ms is ``1 / (1 + exp(-(slope * score + intercept)))``, where
    the score is the weighted net input minus ``penalty * exp(-time since the last spike /
    penalty_decay_ms)``.

    Parameters
    ----------
    slope, intercept : float
        The nonlinearity.
    penalty, penalty_decay_ms : float
        Post-spike penalty, in units of the score. None by default.
    filters : dict of str to PlantedFilters
        Filters of the groups.
    """

    slope: float = 0.25
    intercept: float = -10.0
    penalty: float = 0.0
    penalty_decay_ms: float = 15.0
    filters: dict[str, PlantedFilters] = field(default_factory=planted_filters)

    @property
    def first_ms(self) -> int:
        """The first ms whose whole input window was recorded."""
        return next(iter(self.filters.values())).temporal.size - 1

    def net_input(self, counts: dict[str, npt.NDArray[np.unsignedinteger]]) -> FloatArray:
        """Weighted net input of every ms with a whole input window.

        Parameters
        ----------
        counts : dict of str to numpy.ndarray
            Per group, shape (trials, ms, distance bins); bins beyond the filter count nothing.

        Returns
        -------
        numpy.ndarray
            Shape (trials, ms - first_ms).
        """
        total: FloatArray | None = None
        for name, filters in self.filters.items():
            binned = counts[name][:, :, : filters.spatial.size]
            drive = binned.astype(np.float64) @ filters.spatial
            windows = np.lib.stride_tricks.sliding_window_view(drive, filters.temporal.size, axis=1)
            added = windows @ filters.temporal
            total = added if total is None else total + added
        return np.asarray(total)

    def draw(
        self, net_input: FloatArray, rng: np.random.Generator
    ) -> tuple[IntArray, FloatArray, FloatArray]:
        """Draw spikes.

        Parameters
        ----------
        net_input : numpy.ndarray
            From :meth:`net_input`, shape (trials, ms - first_ms).
        rng : numpy.random.Generator
            Random stream.

        Returns
        -------
        spike_trial : numpy.ndarray
            Trial of every spike, in order, shape (spikes,).
        spike_time : numpy.ndarray
            Times in ms, in order within a trial, shape (spikes,).
        score : numpy.ndarray
            Net input less the penalty at the time, shape as ``net_input``.
        """
        n_trials, n_ms = net_input.shape
        threshold, place = rng.random((2, n_trials, n_ms))
        place = np.minimum(place, 1.0 - 1e-6)
        score, spiked = net_input.copy(), np.zeros((n_trials, n_ms), dtype=bool)
        last = np.full(n_trials, -np.inf)
        for ms in range(n_ms):
            if self.penalty:
                score[:, ms] -= self.penalty * np.exp((last - ms) / self.penalty_decay_ms)
            probability = 1.0 / (1.0 + np.exp(-(self.slope * score[:, ms] + self.intercept)))
            spiked[:, ms] = threshold[:, ms] < probability
            last = np.where(spiked[:, ms], ms + place[:, ms], last)
        trial, ms_of_spike = np.nonzero(spiked)
        return trial, self.first_ms + ms_of_spike + place[trial, ms_of_spike], score
