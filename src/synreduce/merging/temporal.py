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
    sums = ConsensusSums()
    for window, window_variance in zip(value, spread, strict=True):
        sums.add(window, window_variance)
    return sums.consensus()


class ConsensusSums:
    """The sums behind a consensus, from one window after the other.

    Mean and squared deviation are updated together, so that nothing large is subtracted from
    something large (D. H. D. West, Communications of the ACM 22, 532, 1979). Memory does not grow
    with the number of windows; the last bits of the result depend on their order.

    Examples
    --------
    >>> sums = ConsensusSums()
    >>> sums.add(np.array([1.0]), np.array([1.0]))
    >>> sums.add(np.array([3.0]), np.array([3.0]))
    >>> sums.consensus().value.tolist()
    [1.5]
    """

    def __init__(self) -> None:
        self._by_variance = _WeightedSums()
        self._equal = _WeightedSums()
        self._has_value: list[bool] = []
        self._has_variance: list[bool] = []

    def add(self, estimate: FloatArray, variance: FloatArray) -> None:
        """Add a window.

        Parameters
        ----------
        estimate : ndarray, shape (...)
            Weights or kernel; NaN where it failed.
        variance : ndarray, shape (...)
            Sampling variances; NaN or non-positive where unknown.
        """
        known = np.isfinite(estimate)
        weighted = known & np.isfinite(variance) & (variance > 0)
        inverse = np.where(weighted, 1.0 / np.where(weighted, variance, 1.0), 0.0)
        self._by_variance.add(estimate, inverse)
        self._equal.add(estimate, known.astype(np.float64))
        self._has_value.append(bool(known.any()))
        self._has_variance.append(bool(weighted.any()))

    def consensus(self) -> Consensus:
        """Pool the windows added so far, at least one.

        Returns
        -------
        Consensus
        """
        has_value, has_variance = np.array(self._has_value), np.array(self._has_variance)
        lacking = tuple(int(i) for i in np.flatnonzero(has_value & ~has_variance))
        if has_variance.any():
            return _pool(self._by_variance, has_variance, lacking, "inverse_variance")
        return _pool(self._equal, has_value, lacking, "equal")


class _WeightedSums:
    """Running weighted mean and weighted sum of squared deviations from it."""

    def __init__(self) -> None:
        self.weight: FloatArray = np.zeros(())
        self.mean: FloatArray = np.zeros(())
        self.squares: FloatArray = np.zeros(())
        self.count: NDArray[np.int64] = np.zeros((), dtype=np.int64)

    def add(self, value: FloatArray, weight: FloatArray) -> None:
        """Add a value per point; weight 0 leaves it out."""
        counted = weight > 0
        self.count = self.count + counted
        self.weight = self.weight + weight
        deviation = np.where(counted, value - self.mean, 0.0)
        share = np.divide(weight, self.weight, out=np.zeros_like(self.weight), where=counted)
        self.mean = self.mean + share * deviation
        self.squares = self.squares + weight * deviation * np.where(counted, value - self.mean, 0.0)


def _pool(
    sums: _WeightedSums,
    pooled: NDArray[np.bool_],
    without_variance: tuple[int, ...],
    weighting: str,
) -> Consensus:
    total, n_windows = sums.weight, sums.count
    nothing = np.full(total.shape, np.nan)
    error, q, i2, p_value = (nothing.copy() for _ in range(4))
    if weighting == "inverse_variance":
        np.divide(1.0, np.sqrt(total), out=error, where=total > 0)
        freedom = n_windows - 1
        q = np.where(freedom > 0, sums.squares, np.nan)
        positive = np.where(q > 0, q, 1.0)
        i2 = np.where(q > 0, np.maximum(0.0, (q - freedom) / positive), np.where(q == 0, 0.0, q))
        p_value = np.where(freedom > 0, chdtrc(np.maximum(freedom, 1), q), np.nan)
    return Consensus(
        value=np.where(total > 0, sums.mean, np.nan),
        standard_error=error,
        q=np.asarray(q),
        i2=np.asarray(i2),
        p_value=np.asarray(p_value),
        n_windows=np.asarray(n_windows, dtype=np.int64),
        pooled=pooled,
        without_variance=without_variance,
        weighting=weighting,
    )
