"""One filter for all temporal windows: inverse-variance consensus and heterogeneity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from synreduce.errors import InputError, Problem

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Consensus:
    """Filters of several windows pooled, and whether one filter serves them all.

    Parameters
    ----------
    value : ndarray, shape (...)
        Pooled estimate per weight or kernel point; NaN where no window has one.
    standard_error : ndarray, shape (...)
        Of the pooled estimate; NaN without variances.
    q : ndarray, shape (...)
        Cochran's Q: chi-squared with ``n_windows - 1`` degrees of freedom if all windows share the
        filter. NaN with fewer than two windows.
    i2 : ndarray, shape (...)
        Share of the spread between windows that exceeds chance, 0 to 1.
    p_value : ndarray, shape (...)
        Probability of a larger Q by chance.
    n_windows : ndarray of int, shape (...)
        Number of windows pooled.
    pooled : ndarray of bool, shape (n_total_windows,)
        Windows that entered the consensus.
    without_variance : tuple of int
        Windows with an estimate but without variances: they are left out, or, if no window has
        variances, pooled with equal weights and without any statement about heterogeneity.
    weighting : {"inverse_variance", "equal"}
        How the windows were pooled.
    """

    value: FloatArray
    standard_error: FloatArray
    q: FloatArray
    i2: FloatArray
    p_value: FloatArray
    n_windows: NDArray[np.int64]
    pooled: NDArray[np.bool_]
    without_variance: tuple[int, ...]
    weighting: str


def consensus(estimate: ArrayLike, variance: ArrayLike | None = None) -> Consensus:
    """Pool the filters of several windows by inverse variance.

    The estimates must be on one scale. The log-odds scale is: a kernel whose score, after
    calibration on training samples, is the log-odds of a spike changes between windows only if the
    neuron does. The canonical scale is not: it divides each window by its own largest value, so
    noise in one point moves all others.

    Windows are treated as independent. Their outcomes are, given the input; with shared trials and
    strongly overlapping input this is an approximation.

    Parameters
    ----------
    estimate : array_like, shape (n_windows, ...)
        Weights or kernels; NaN for failed windows.
    variance : array_like, shape (n_windows, ...), optional
        Sampling variances, from the curvature of the likelihood or by bootstrap; NaN or
        non-positive where unknown.

    Returns
    -------
    Consensus

    Raises
    ------
    InputError
        Shapes differ or there is no window.

    Examples
    --------
    >>> pooled = consensus([[1.0], [3.0]], [[1.0], [3.0]])
    >>> pooled.value.tolist(), pooled.q.tolist(), pooled.i2.tolist()
    ([1.5], [1.0], [0.0])
    """
    value = np.asarray(estimate, dtype=np.float64)
    if value.ndim == 0 or value.shape[0] == 0:
        problem = Problem("bad-shape", "consensus", "no window", "give at least one window")
        raise InputError(problem)
    spread = np.full(value.shape, np.nan)
    if variance is not None:
        spread = np.asarray(variance, dtype=np.float64)
    if spread.shape != value.shape:
        what = f"estimates of shape {value.shape}, variances of shape {spread.shape}"
        raise InputError(Problem("bad-shape", "consensus", what, "give one variance each"))
    known = np.isfinite(value)
    weighted = known & np.isfinite(spread) & (spread > 0)
    has_value, has_variance = _any_point(known), _any_point(weighted)
    lacking = tuple(int(i) for i in np.flatnonzero(has_value & ~has_variance))
    if has_variance.any():
        weight = np.where(weighted, 1.0 / np.where(weighted, spread, 1.0), 0.0)
        return _pool(value, weight, has_variance, lacking, "inverse_variance")
    return _pool(value, known.astype(np.float64), has_value, lacking, "equal")


def _any_point(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(mask.reshape(mask.shape[0], -1).any(axis=1))


def _pool(
    value: FloatArray,
    weight: FloatArray,
    pooled: NDArray[np.bool_],
    without_variance: tuple[int, ...],
    weighting: str,
) -> Consensus:
    used = np.where(weight > 0, value, 0.0)
    total = weight.sum(axis=0)
    n_windows = (weight > 0).sum(axis=0)
    nothing = np.full(total.shape, np.nan)
    mean = np.divide((weight * used).sum(axis=0), total, out=nothing.copy(), where=total > 0)
    error, q, i2, p_value = (nothing.copy() for _ in range(4))
    if weighting == "inverse_variance":
        np.divide(1.0, np.sqrt(total), out=error, where=total > 0)
        freedom = n_windows - 1
        deviation = np.where(weight > 0, used - mean, 0.0)
        q = np.where(freedom > 0, (weight * deviation**2).sum(axis=0), np.nan)
        positive = np.where(q > 0, q, 1.0)
        i2 = np.where(q > 0, np.maximum(0.0, (q - freedom) / positive), np.where(q == 0, 0.0, q))
        p_value = np.where(freedom > 0, chdtrc(np.maximum(freedom, 1), q), np.nan)
    return Consensus(
        value=mean,
        standard_error=error,
        q=np.asarray(q),
        i2=np.asarray(i2),
        p_value=np.asarray(p_value),
        n_windows=np.asarray(n_windows, dtype=np.int64),
        pooled=pooled,
        without_variance=without_variance,
        weighting=weighting,
    )
