"""Gradient of a smoothed AUROC by the scores, without forming pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

FloatArray = NDArray[np.float64]

_CELLS_PER_WIDTH = 16
_MAX_CELLS = 1 << 16
_REACH = 20


def pair_weights(score: FloatArray, outcome: NDArray[np.bool_], width: float) -> FloatArray:
    """Differentiate the smoothed AUROC by every score.

    The smoothed AUROC is the mean over (positive, negative) pairs of a logistic function of their
    difference over `width`. Its derivative by a positive's score is the density of the negatives
    there, smoothed by the derivative of that function, and conversely with the sign changed. The
    densities are formed on a grid by linear binning and one convolution, so the cost is
    proportional to the number of samples, not of pairs.

    Parameters
    ----------
    score : numpy.ndarray, shape (n,)
        Finite scores.
    outcome : numpy.ndarray of bool, shape (n,)
        Outcomes of both classes.
    width : float
        Scale of the smoothing, positive.

    Returns
    -------
    numpy.ndarray, shape (n,)
        All zero if all scores are equal.
    """
    low, span = float(score.min()), float(np.ptp(score))
    if not span > 0.0 or not width > 0.0:
        return np.zeros(score.size)
    cell = max(width / _CELLS_PER_WIDTH, span / _MAX_CELLS)
    position = (score - low) / cell
    left = np.floor(position).astype(np.int64)
    right_share = position - left
    n_cells = int(left.max()) + 2
    reach = int(np.ceil(_REACH * width / cell))
    offsets = np.arange(-reach, reach + 1) * (cell / width)
    bump = 0.25 / np.cosh(0.5 * np.clip(offsets, -80.0, 80.0)) ** 2 / width
    weights = np.empty(score.size)
    for own, sign in ((True, 1.0), (False, -1.0)):
        others = outcome != own
        histogram = np.zeros(n_cells)
        histogram += np.bincount(left[others], 1.0 - right_share[others], minlength=n_cells)
        histogram += np.bincount(left[others] + 1, right_share[others], minlength=n_cells)
        density = _convolve(histogram, bump)[reach : reach + n_cells]
        mine = outcome == own
        at, share = left[mine], right_share[mine]
        values = (1.0 - share) * density[at] + share * density[at + 1]
        weights[mine] = sign * values / (int(mine.sum()) * int(others.sum()))
    return weights


def _convolve(first: FloatArray, second: FloatArray) -> FloatArray:
    size = first.size + second.size - 1
    padded = next_fast_len(size, real=True)
    return np.asarray(irfft(rfft(first, padded) * rfft(second, padded), padded)[:size])
