"""Poisson weights of bootstrap replicates, from the identity of what is resampled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import pdtr

from synreduce.chunks import mixed

FloatArray = NDArray[np.float64]

_MOST = 20
# No weight of a Poisson variable of mean 1 above this occurs in 10^18 draws.
_CUMULATIVE = np.asarray(pdtr(np.arange(_MOST), 1.0))
_REPLICATE_STEP = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Resampling:
    """Which samples are drawn together, and how often.

    Parameters
    ----------
    unit : numpy.ndarray of uint64, shape (n_samples,)
        Number of the trial, or of the block of time, of each sample, from its identity and the
        root seed (`synreduce.chunks.unit_numbers`). Samples of one unit should follow each other.
    n_replicates : int
        Replicates.
    """

    unit: NDArray[np.uint64]
    n_replicates: int


def poisson_weights(unit: NDArray[np.uint64], n_replicates: int) -> FloatArray:
    """Draw the weight of every unit in every replicate from Poisson(1).

    A weight depends on the number of its unit and of its replicate alone, so it is the same
    whatever else is drawn, in which order and where.

    Parameters
    ----------
    unit : numpy.ndarray of uint64, shape (n_units,)
        Numbers of the units.
    n_replicates : int
        Replicates.

    Returns
    -------
    numpy.ndarray, shape (n_replicates, n_units)

    Examples
    --------
    >>> units = np.array([3, 5, 8], dtype=np.uint64)
    >>> few, more = poisson_weights(units, 2), poisson_weights(units[1:], 4)
    >>> bool(np.array_equal(few[:, 1:], more[:2]))
    True
    """
    replicate = np.arange(1, n_replicates + 1, dtype=np.uint64) * _REPLICATE_STEP
    numbers = mixed(unit[np.newaxis, :] ^ mixed(replicate)[:, np.newaxis])
    uniform = (numbers >> np.uint64(11)) * 2.0**-53
    draws = np.searchsorted(_CUMULATIVE, uniform.ravel(), side="right")
    return draws.reshape(uniform.shape).astype(np.float64)
