"""Uncertainty of the AUROC: DeLong intervals, differences, and what chance would give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

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


@dataclass(frozen=True)
class PermutationBaseline:
    """Distribution of the AUROC when outcomes are dealt out at random.

    Parameters
    ----------
    mean, standard_deviation : float
        Of the permuted AUROCs.
    quantile_95 : float
        The 95 % quantile.
    p_value : float
        Share of permutations, the data counted as one, that reach the observed AUROC.
    n_permutations : int
        Number of permutations.
    """

    mean: float
    standard_deviation: float
    quantile_95: float
    p_value: float
    n_permutations: int


def delong_covariance(y: ArrayLike, scores: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """AUROCs of several scores on the same samples, with their covariance.

    Midranks make it exact with ties and ``n log n`` fast (DeLong, DeLong & Clarke-Pearson 1988;
    Sun & Xu 2014).

    Parameters
    ----------
    y : array_like of bool, shape (n_samples,)
        Outcome.
    scores : array_like, shape (n_scores, n_samples)
        Finite scores.

    Returns
    -------
    auroc : ndarray, shape (n_scores,)
        NaN where `y` holds one class only.
    covariance : ndarray, shape (n_scores, n_scores)
        NaN with fewer than two samples of a class.
    """
    outcome = np.asarray(y).astype(bool)
    values = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    n_positive = int(outcome.sum())
    n_negative = outcome.size - n_positive
    if min(n_positive, n_negative) == 0:
        undefined = np.full(len(values), np.nan)
        return undefined, np.full((len(values), len(values)), np.nan)
    overall = rankdata(values, axis=1)
    above = (overall[:, outcome] - rankdata(values[:, outcome], axis=1)) / n_negative
    below = 1.0 - (overall[:, ~outcome] - rankdata(values[:, ~outcome], axis=1)) / n_positive
    auroc = above.mean(axis=1)
    if min(n_positive, n_negative) < 2:
        return auroc, np.full((len(values), len(values)), np.nan)
    covariance = np.atleast_2d(np.cov(above)) / n_positive + np.atleast_2d(np.cov(below)) / (
        n_negative
    )
    return auroc, covariance


def delong_interval(y: ArrayLike, score: ArrayLike, level: float = 0.95) -> Interval:
    """Confidence interval of the AUROC.

    The interval is symmetric on the log-odds scale, so it stays inside (0, 1).

    Parameters
    ----------
    y : array_like of bool, shape (n_samples,)
        Outcome.
    score : array_like, shape (n_samples,)
        Score.
    level : float
        Confidence.

    Returns
    -------
    Interval

    Examples
    --------
    >>> interval = delong_interval([0, 0, 1, 1, 0, 1], [0.1, 0.4, 0.35, 0.8, 0.2, 0.7])
    >>> round(interval.value, 4), interval.low < interval.value < interval.high
    (0.8889, True)
    """
    auroc, covariance = delong_covariance(y, score)
    value, error = float(auroc[0]), float(np.sqrt(covariance[0, 0]))
    if not 0.0 < value < 1.0 or not np.isfinite(error):
        return Interval(value, error, np.nan, np.nan)
    log_odds = np.log(value / (1.0 - value))
    half = float(ndtri(0.5 + level / 2.0)) * error / (value * (1.0 - value))
    low, high = 1.0 / (1.0 + np.exp(-(log_odds + np.array([-half, half]))))
    return Interval(value, error, float(low), float(high))


def auroc_difference(y: ArrayLike, first: ArrayLike, second: ArrayLike) -> AurocDifference:
    """Compare two scores on the same samples.

    Parameters
    ----------
    y : array_like of bool, shape (n_samples,)
        Outcome.
    first, second : array_like, shape (n_samples,)
        Scores.

    Returns
    -------
    AurocDifference
    """
    auroc, covariance = delong_covariance(y, np.stack([np.asarray(first), np.asarray(second)]))
    value = float(auroc[0] - auroc[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2.0 * covariance[0, 1])
    error = float(np.sqrt(max(variance, 0.0))) if np.isfinite(variance) else np.nan
    if error == 0.0:
        return AurocDifference(value, 0.0, 1.0 if value == 0.0 else 0.0)
    return AurocDifference(value, error, float(2.0 * ndtr(-abs(value) / error)))


def permutation_baseline(
    y: ArrayLike, score: ArrayLike, rng: np.random.Generator, n_permutations: int = 1000
) -> PermutationBaseline:
    """AUROC of the score when the outcomes are dealt out at random.

    Parameters
    ----------
    y : array_like of bool, shape (n_samples,)
        Outcome.
    score : array_like, shape (n_samples,)
        Score.
    rng : numpy.random.Generator
        From :func:`synreduce.seeds.generator`.
    n_permutations : int
        Number of permutations.

    Returns
    -------
    PermutationBaseline
        All NaN where `y` holds one class only.
    """
    outcome = np.asarray(y).astype(bool)
    ranks = rankdata(np.asarray(score, dtype=np.float64))
    n_positive = int(outcome.sum())
    n_negative = outcome.size - n_positive
    if min(n_positive, n_negative) == 0:
        return PermutationBaseline(np.nan, np.nan, np.nan, np.nan, n_permutations)
    sums = np.array(
        [rng.permuted(ranks)[:n_positive].sum() for _ in range(n_permutations)], dtype=np.float64
    )
    smallest = n_positive * (n_positive + 1) / 2.0
    permuted = (sums - smallest) / (n_positive * n_negative)
    observed = (float(ranks[outcome].sum()) - smallest) / (n_positive * n_negative)
    reached = int((permuted >= observed - 1e-12).sum())
    return PermutationBaseline(
        mean=float(permuted.mean()),
        standard_deviation=float(permuted.std()),
        quantile_95=float(np.quantile(permuted, 0.95)),
        p_value=(1 + reached) / (1 + n_permutations),
        n_permutations=n_permutations,
    )
