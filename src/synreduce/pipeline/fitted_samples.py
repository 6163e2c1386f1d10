"""How many samples a fit sees at most, before the splits are made."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from synreduce.database import open_database

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synreduce.chunks import TemporalRange
    from synreduce.configuration import Configuration


def most_fitted_samples(configuration: Configuration, n_samples: int) -> int:
    """Bound the samples that fits of any chunk see.

    Parameters
    ----------
    configuration : Configuration
        The run.
    n_samples : int
        Samples of the largest chunk.

    Returns
    -------
    int
        All of them, unless negatives are sampled and the databases are there, whose spikes bound
        the positives.
    """
    wanted = configuration.sampling.negatives_per_positive
    files = [database.file for database in configuration.databases]
    if wanted is None or not all(file.exists() for file in files):
        return n_samples
    times = []
    for file in files:
        with open_database(file) as database:
            times.append(np.asarray(database.spike_times.times))
    spikes = np.sort(np.concatenate(times))
    n_positive = max(_most_positives(spikes, window) for window in configuration.grid().temporal)
    return min(n_samples, n_positive + math.ceil(wanted * n_positive))


def _most_positives(spikes: NDArray[np.float64], window: TemporalRange) -> int:
    """Spikes in the target windows, counted as often as windows overlap."""
    first, last = window.target_starts[0], window.target_stops[-1]
    n_spikes = int(np.diff(np.searchsorted(spikes, (first, last)))[0])
    return n_spikes * math.ceil(window.target_width_ms / window.step_ms)
