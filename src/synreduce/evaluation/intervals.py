"""Uncertainty of the AUROC: DeLong intervals, also of dependent samples, and differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri, stdtrit

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """An estimate with its standard error and confidence interval.

    Parameters
    ----------
    value : float
        The estimate; NaN where it is undefined.
    standard_error : float
        Its standard error; NaN with fewer than two samples of a class.
    low, high : float
        Ends of the confidence interval.
    """

    value: float
    standard_error: float
    low: float
    high: float


@dataclass(frozen=True)
class AurocDifference:
    """Difference of two AUROCs on the same samples.

    Parameters
    ----------
    value : float
        First minus second.
    standard_error : float
        Of the difference, with the correlation of the two accounted for.
    p_value : float
        Two-sided; 1 where the two orders are identical.
    """

    value: float
    standard_error: float
    p_value: float


def delong_covariance(
    y: ArrayLike, scores: ArrayLike, units: ArrayLike | None = None
) -> tuple[FloatArray, FloatArray]:
    """AUROCs of several scores on the same samples, with their covariance.

    Ties count half (DeLong, DeLong & Clarke-Pearson 1988); sorting makes it ``n log n`` fast
    (Sun & Xu 2014). Samples of one unit may depend on each other (Obuchowski 1997).

    Parameters
    ----------
    y : array_like of bool, shape (n_samples,)
        Outcome.
    scores : array_like, shape (n_scores, n_samples)
        Finite scores.
    units : array_like of int, shape (n_samples,), optional
        Number of the unit (trial) of each sample; samples of different units are independent.
        Default: every sample is a unit.

    Returns
    -------
    auroc : ndarray, shape (n_scores,)
        NaN where `y` holds one class only.
    covariance : ndarray, shape (n_scores, n_scores)
        NaN where fewer than two units hold samples of a class.
    """
    outcome = np.asarray(y).astype(bool)
    values = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    unknown = np.full((len(values), len(values)), np.nan)
    n_positive = int(outcome.sum())
    n_negative = outcome.size - n_positive
    if min(n_positive, n_negative) == 0:
        return np.full(len(values), np.nan), unknown
    above = np.stack([_share_below(row[outcome], row[~outcome]) for row in values])
    below = 1.0 - np.stack([_share_below(row[~outcome], row[outcome]) for row in values])
    auroc = above.mean(axis=1)
    if min(_units_per_class(outcome, units)) < 2:
        return auroc, unknown
    if units is not None:
        number = np.unique(np.asarray(units), return_inverse=True)[1]
        parts = (above - auroc[:, np.newaxis], below - auroc[:, np.newaxis])
        return auroc, _covariance_of_units(parts, (number[outcome], number[~outcome]))
    covariance = np.atleast_2d(np.cov(above)) / n_positive + np.atleast_2d(np.cov(below)) / (
        n_negative
    )
    return auroc, covariance


def _share_below(values: FloatArray, others: FloatArray) -> FloatArray:
    """Share of other values that are below each value; equal ones count half."""
    ordered = np.sort(others)
    twice = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return np.asarray(twice / (2 * ordered.size))


def _units_per_class(outcome: NDArray[np.bool_], units: ArrayLike | None) -> tuple[int, int]:
    """Units that hold a positive, and units that hold a negative."""
    if units is None:
        return int(outcome.sum()), int((~outcome).sum())
    number = np.asarray(units)
    return np.unique(number[outcome]).size, np.unique(number[~outcome]).size


def _covariance_of_units(
    parts: tuple[FloatArray, FloatArray], units: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> FloatArray:
    """Covariance from the sums over units of the deviations of positives and of negatives."""
    n_units = 1 + int(max(unit.max() for unit in units))
    sums, counts = [], []
    for part, unit in zip(parts, units, strict=True):
        totals = [np.bincount(unit, weights=row, minlength=n_units) for row in part]
        sums.append(np.stack(totals) / unit.size)
        counts.append(np.unique(unit).size)
    positive, negative = sums
    crossed = positive @ negative.T
    variance = counts[0] / (counts[0] - 1) * (positive @ positive.T)
    variance += counts[1] / (counts[1] - 1) * (negative @ negative.T)
    return np.asarray(variance + n_units / (n_units - 1) * (crossed + crossed.T))


def delong_interval(
    y: ArrayLike, score: ArrayLike, level: float = 0.95, *, units: ArrayLike | None = None
) -> Interval:
    """Confidence interval of the AUROC.

    The interval is symmetric on the log-odds scale, so it stays inside (0, 1). With units it is
    that of Student's t, with one degree of freedom less than units that hold the rarer class.

    Parameters
    ----------
    y : array_like of bool, shape (n_samples,)
        Outcome.
    score : array_like, shape (n_samples,)
        Score.
    level : float
        Confidence.
    units : array_like of int, shape (n_samples,), optional
        As for :func:`delong_covariance`.

    Returns
    -------
    Interval

    Examples
    --------
    >>> interval = delong_interval([0, 0, 1, 1, 0, 1], [0.1, 0.4, 0.35, 0.8, 0.2, 0.7])
    >>> round(interval.value, 4), interval.low < interval.value < interval.high
    (0.8889, True)
    """
    auroc, covariance = delong_covariance(y, score, units)
    value, variance = float(auroc[0]), float(covariance[0, 0])
    # The sum over units of both classes is not bound to be positive where units are few.
    error = float(np.sqrt(variance)) if variance >= 0.0 else np.nan
    if not 0.0 < value < 1.0 or not np.isfinite(error):
        return Interval(value, error, np.nan, np.nan)
    log_odds = np.log(value / (1.0 - value))
    half = _quantile(0.5 + level / 2.0, y, units) * error / (value * (1.0 - value))
    low, high = 1.0 / (1.0 + np.exp(-(log_odds + np.array([-half, half]))))
    return Interval(value, error, float(low), float(high))


def _quantile(level: float, y: ArrayLike, units: ArrayLike | None) -> float:
    if units is None:
        return float(ndtri(level))
    return float(stdtrit(min(_units_per_class(np.asarray(y).astype(bool), units)) - 1, level))


def auroc_difference(
    y: ArrayLike, first: ArrayLike, second: ArrayLike, units: ArrayLike | None = None
) -> AurocDifference:
    """Compare two scores on the same samples.

    Parameters
    ----------
    y : array_like of bool, shape (n_samples,)
        Outcome.
    first, second : array_like, shape (n_samples,)
        Scores.
    units : array_like of int, shape (n_samples,), optional
        As for :func:`delong_covariance`.

    Returns
    -------
    AurocDifference
    """
    scores = np.stack([np.asarray(first), np.asarray(second)])
    auroc, covariance = delong_covariance(y, scores, units)
    value = float(auroc[0] - auroc[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2.0 * covariance[0, 1])
    error = float(np.sqrt(max(variance, 0.0))) if np.isfinite(variance) else np.nan
    if error == 0.0:
        return AurocDifference(value, 0.0, 1.0 if value == 0.0 else 0.0)
    return AurocDifference(value, error, float(2.0 * ndtr(-abs(value) / error)))
