"""Scores of a fitted model: how well scores and probabilities predict outcomes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synreduce.errors import InputError, Problem

FloatArray = NDArray[np.float64]

METRICS = ("auroc", "average_precision", "log_loss", "bits_per_spike", "brier")
"""Names of all metrics, as in the table of scores."""


def _outcome_and_values(y: ArrayLike, values: ArrayLike) -> tuple[NDArray[np.bool_], FloatArray]:
    outcome = np.asarray(y)
    numbers = np.asarray(values, dtype=np.float64)
    if outcome.ndim != 1 or outcome.shape != numbers.shape:
        what = f"outcomes of shape {outcome.shape} and values of shape {numbers.shape}"
        raise InputError(Problem("bad-shape", "metrics", what, "give one value per outcome"))
    if outcome.dtype != np.bool_ and not bool(np.isin(outcome, (0, 1)).all()):
        raise InputError(
            Problem("bad-outcome", "metrics", "outcomes other than 0 and 1", "give 0 or 1")
        )
    if np.isnan(numbers).any():
        count = int(np.isnan(numbers).sum())
        raise InputError(
            Problem("nan-score", "metrics", f"{count} values are NaN", "leave failed models out")
        )
    return outcome.astype(bool), numbers


def auroc(y: ArrayLike, score: ArrayLike) -> float:
    """Area under the ROC curve: the chance that a positive outscores a negative, ties half.

    Parameters
    ----------
    y : array_like, shape (n,)
        Outcomes, 0 or 1.
    score : array_like, shape (n,)
        Scores; only their order matters. Infinities are allowed, NaN is not.

    Returns
    -------
    float
        Between 0 and 1; NaN if all outcomes are equal.

    Raises
    ------
    InputError
        If shapes differ, outcomes are not 0 or 1, or a score is NaN.

    Notes
    -----
    Mann-Whitney U counted in whole numbers, so exact with ties and in any order (Hanley & McNeil
    1982, Radiology 143:29).

    Examples
    --------
    >>> auroc([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8])
    0.875
    """
    outcome, scores = _outcome_and_values(y, score)
    n_positive = int(outcome.sum())
    n_negative = outcome.size - n_positive
    if n_positive == 0 or n_negative == 0:
        return float("nan")
    return pair_wins(scores[outcome], scores[~outcome]) / (2 * n_positive * n_negative)


def pair_wins(positive: NDArray[Any], negative: NDArray[Any]) -> int:
    """Count twice the (positive, negative) pairs that the positive wins; a tie counts once.

    Parameters
    ----------
    positive, negative : numpy.ndarray, shape (n_positive,), (n_negative,)
        Scores of both classes, without NaN.

    Returns
    -------
    int
        AUROC is this over ``2 * n_positive * n_negative``. One sort and two searches: several times
        faster than ranks of all scores.

    Examples
    --------
    >>> import numpy as np
    >>> pair_wins(np.array([2.0, 1.0]), np.array([1.0, 0.0]))
    7
    """
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, side="left")
    return int(below.sum() + np.searchsorted(ordered, positive, side="right").sum())


def average_precision(y: ArrayLike, score: ArrayLike) -> float:
    """Area under the precision-recall curve as a step function.

    Parameters
    ----------
    y : array_like, shape (n,)
        Outcomes, 0 or 1.
    score : array_like, shape (n,)
        Scores; only their order matters.

    Returns
    -------
    float
        Between 0 and 1; NaN without positives.

    Raises
    ------
    InputError
        As `auroc`.
    """
    outcome, scores = _outcome_and_values(y, score)
    n_positive = int(outcome.sum())
    if n_positive == 0:
        return float("nan")
    order = np.argsort(-scores)
    last_of_ties = np.append(np.flatnonzero(np.diff(scores[order])), scores.size - 1)
    hits = np.cumsum(outcome[order])[last_of_ties]
    precision = hits / (last_of_ties + 1)
    return float(np.sum(np.diff(hits, prepend=0) * precision) / n_positive)


def log_loss(y: ArrayLike, probability: ArrayLike) -> float:
    """Mean negative log-likelihood of the outcomes, in nats per sample.

    Parameters
    ----------
    y : array_like, shape (n,)
        Outcomes, 0 or 1.
    probability : array_like, shape (n,)
        Predicted probability of 1. Values are kept one double-precision step away from 0 and 1.

    Returns
    -------
    float
        NaN without samples.

    Raises
    ------
    InputError
        If shapes differ, outcomes are not 0 or 1, or a probability is NaN or outside 0 to 1.
    """
    outcome, chance = _probabilities(y, probability)
    if outcome.size == 0:
        return float("nan")
    smallest = np.finfo(np.float64).eps
    chance = np.clip(chance, smallest, 1.0 - smallest)
    return float(-np.where(outcome, np.log(chance), np.log1p(-chance)).mean())


def bits_per_spike(y: ArrayLike, probability: ArrayLike) -> float:
    """Gain in log-likelihood over a constant rate, in bits per positive sample.

    Parameters
    ----------
    y : array_like, shape (n,)
        Outcomes, 0 or 1.
    probability : array_like, shape (n,)
        Predicted probability of 1.

    Returns
    -------
    float
        0 for the constant rate of these samples; NaN if all outcomes are equal.

    Raises
    ------
    InputError
        As `log_loss`.

    Notes
    -----
    Pillow et al. 2008, Nature 454:995.
    """
    outcome, chance = _probabilities(y, probability)
    n_positive = int(outcome.sum())
    if n_positive in (0, outcome.size):
        return float("nan")
    constant = np.full(outcome.size, n_positive / outcome.size)
    gain = log_loss(outcome, constant) - log_loss(outcome, chance)
    return float(gain * outcome.size / n_positive / np.log(2.0))


def brier(y: ArrayLike, probability: ArrayLike) -> float:
    """Mean squared difference of probability and outcome.

    Parameters
    ----------
    y : array_like, shape (n,)
        Outcomes, 0 or 1.
    probability : array_like, shape (n,)
        Predicted probability of 1.

    Returns
    -------
    float
        NaN without samples.

    Raises
    ------
    InputError
        As `log_loss`.
    """
    outcome, chance = _probabilities(y, probability)
    return float(np.mean((chance - outcome) ** 2)) if outcome.size else float("nan")


def _probabilities(y: ArrayLike, probability: ArrayLike) -> tuple[NDArray[Any], FloatArray]:
    outcome, chance = _outcome_and_values(y, probability)
    if chance.size and (chance.min() < 0.0 or chance.max() > 1.0):
        what = f"probabilities from {chance.min():.6g} to {chance.max():.6g}"
        raise InputError(Problem("bad-probability", "metrics", what, "give values from 0 to 1"))
    return outcome, chance


def evaluate(
    y: ArrayLike, score: ArrayLike, probability: ArrayLike | None = None
) -> dict[str, float]:
    """All metrics at once.

    Parameters
    ----------
    y : array_like, shape (n,)
        Outcomes, 0 or 1.
    score : array_like, shape (n,)
        Weighted net input of each sample.
    probability : array_like, shape (n,), optional
        Predicted spike probability; without it the metrics that need it are NaN.

    Returns
    -------
    dict of str to float
        One value per name in `METRICS`.

    Raises
    ------
    InputError
        As `auroc` and `log_loss`.
    """
    values = {"auroc": auroc(y, score), "average_precision": average_precision(y, score)}
    for name, metric in (
        ("log_loss", log_loss),
        ("bits_per_spike", bits_per_spike),
        ("brier", brier),
    ):
        values[name] = float("nan") if probability is None else metric(y, probability)
    return values
