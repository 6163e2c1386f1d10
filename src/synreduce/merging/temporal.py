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
    value : ndarray, shape (n_filters, ...)
        Pooled estimate per weight or kernel point; NaN where no window has one.
    fitted : ndarray, same shape
        Filters as fitted, with the bias of their penalties, pooled with the same weights.
    standard_error : ndarray, same shape
        Of `value`; NaN without variances.
    q : ndarray, same shape
        Cochran's Q: chi-squared with ``n_windows - 1`` degrees of freedom if all windows share the
        filter. NaN with fewer than two windows.
    i2 : ndarray, same shape
        Share of the spread between windows that exceeds chance, 0 to 1.
    p_value : ndarray, same shape
        Probability of a larger Q by chance.
    n_windows : ndarray of int, same shape
        Number of windows pooled.
    pooled : ndarray of bool, shape (n_total_windows,)
        Windows that entered the consensus.
    without_variance : tuple of int
        Windows with an estimate but without variances: they are left out, or, if no window has
        variances, pooled with equal weights and without any statement about heterogeneity.
    weighting : {"inverse_variance", "equal"}
        How the windows were pooled; inverse is the mean variance of each filter.
    """

    value: FloatArray
    fitted: FloatArray
    standard_error: FloatArray
    q: FloatArray
    i2: FloatArray
    p_value: FloatArray
    n_windows: NDArray[np.int64]
    pooled: NDArray[np.bool_]
    without_variance: tuple[int, ...]
    weighting: str


def consensus(estimate: ArrayLike, variance: ArrayLike | None = None) -> Consensus:
    """Pool the filters of several windows by the inverse of their mean variances.

    Whether one filter serves all windows is tested point by point, with weights of each point.

    The estimates must be on one scale. The log-odds scale is: a kernel whose score, after
    calibration on training samples, is the log-odds of a spike changes between windows only if the
    neuron does. The canonical scale is not: it divides each window by its own largest value, so
    noise in one point moves all others.

    Windows are treated as independent. Their outcomes are, given the input; with shared trials and
    strongly overlapping input this is an approximation.

    The error of each estimate must be its own. A bias that all windows share, as that of a penalty,
    does not average out, and mean squared errors that count it pass for noise that does: give
    estimates without it.

    Parameters
    ----------
    estimate : array_like, shape (n_windows, n_filters, ...)
        Weights or kernels without shared bias; NaN for failed windows.
    variance : array_like, same shape, optional
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
        self._value = _WeightedSums()
        self._fitted = _WeightedSums()
        self._equal = _WeightedSums()
        self._scatter: FloatArray = np.zeros(())
        self._has_value: list[bool] = []
        self._has_variance: list[bool] = []

    def add(
        self, estimate: FloatArray, variance: FloatArray, fitted: FloatArray | None = None
    ) -> None:
        """Add a window.

        Parameters
        ----------
        estimate : ndarray, shape (n_filters, ...)
            Filters without shared bias; NaN where they failed.
        variance : ndarray, shape (n_filters, ...)
            Sampling variances; NaN or non-positive where unknown.
        fitted : ndarray, shape (n_filters, ...), optional
            Filters as fitted. Default: `estimate`.
        """
        known = np.isfinite(estimate)
        weighted = known & np.isfinite(variance) & (variance > 0)
        spread = np.where(weighted, variance, 1.0)
        weight = np.where(weighted, _weight_of_filters(spread, weighted), 0.0)
        self._by_variance.add(estimate, np.where(weighted, 1.0 / spread, 0.0))
        self._value.add(estimate, weight)
        self._fitted.add(estimate if fitted is None else fitted, weight)
        self._scatter = self._scatter + weight**2 * spread
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
        known = bool(has_variance.any())
        # Without variances there is no estimate of the bias either.
        value, fitted = (self._value, self._fitted) if known else (self._equal, self._equal)
        freedom = self._by_variance.count - 1
        q = np.where(freedom > 0, self._by_variance.squares, np.nan)
        beyond = np.maximum(0.0, (q - freedom) / np.where(q > 0, q, 1.0))
        return Consensus(
            value=value.pooled(),
            fitted=fitted.pooled(),
            standard_error=self._value.divide(np.sqrt(self._scatter)),
            q=q,
            i2=np.where(freedom > 0, np.where(q > 0, beyond, 0.0), np.nan),
            p_value=np.where(freedom > 0, chdtrc(np.maximum(freedom, 1), q), np.nan),
            n_windows=np.asarray(value.count, dtype=np.int64),
            pooled=has_variance if known else has_value,
            without_variance=tuple(np.flatnonzero(has_value & ~has_variance).tolist()),
            weighting="inverse_variance" if known else "equal",
        )


def _weight_of_filters(variance: FloatArray, known: NDArray[np.bool_]) -> FloatArray:
    """Inverse of the mean variance of each filter, the same at all its points.

    With products of factors the variance of a point follows the estimate: it is small where the
    factors came out small. Weights of single points would prefer these and bias the pool to zero.
    """
    of_filter = tuple(range(1, variance.ndim))
    total = np.sum(np.where(known, variance, 0.0), axis=of_filter, keepdims=True)
    return np.asarray(known.sum(axis=of_filter, keepdims=True) / np.where(total > 0, total, 1.0))


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

    def pooled(self) -> FloatArray:
        """Give the mean; NaN where nothing was counted."""
        return np.asarray(np.where(self.weight > 0, self.mean, np.nan))

    def divide(self, value: FloatArray) -> FloatArray:
        """Divide by the weight; NaN where nothing was counted."""
        nothing = np.full(self.weight.shape, np.nan)
        return np.asarray(np.divide(value, self.weight, out=nothing, where=self.weight > 0))
