"""From scores to probabilities: logistic calibration, and how well probabilities hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from synreduce.errors import InputError, Problem
from synreduce.solvers.calibration import calibrate as fit_logistic

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """Log odds of a spike as a linear function of the score (Platt scaling).

    Parameters
    ----------
    slope : float
        Log odds per unit of score; negative if the score points the wrong way.
    intercept : float
        Log odds at score 0.
    """

    slope: float
    intercept: float

    def probability(self, score: ArrayLike) -> FloatArray:
        """Spike probability of a score.

        Parameters
        ----------
        score : array_like, any shape
            Scores.

        Returns
        -------
        ndarray, same shape
        """
        return np.asarray(expit(self.slope * np.asarray(score, dtype=np.float64) + self.intercept))


def calibrate(score: ArrayLike, y: ArrayLike) -> Calibration:
    """Fit slope and intercept by maximum likelihood.

    Parameters
    ----------
    score : array_like, shape (n_samples,)
        Scores of training samples.
    y : array_like of 0 and 1, shape (n_samples,)
        Outcomes.

    Returns
    -------
    Calibration
        NaN where the outcomes hold one class only or a score is not finite.

    Raises
    ------
    InputError
        Lengths differ.

    Examples
    --------
    >>> fitted = calibrate([0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0], [1, 0, 0, 0, 1, 1, 1, 0])
    >>> fitted.probability([0.0, 1.0]).round(3).tolist()
    [0.25, 0.75]
    """
    value = np.asarray(score, dtype=np.float64)
    outcome = np.asarray(y).astype(np.float64)
    if value.ndim != 1 or value.shape != outcome.shape:
        what = f"scores of shape {value.shape}, outcomes of shape {outcome.shape}"
        raise InputError(Problem("bad-shape", "calibration", what, "give one score per outcome"))
    one_class = outcome.size == 0 or outcome.min() == outcome.max()
    if one_class or not np.isfinite(value).all():
        return Calibration(float("nan"), float("nan"))
    return Calibration(*fit_logistic(value, outcome))


@dataclass(frozen=True)
class CalibrationCurve:
    """Predicted against observed spike probability.

    Parameters
    ----------
    predicted : ndarray, shape (n_bins,)
        Mean predicted probability of the samples of each bin.
    observed : ndarray, shape (n_bins,)
        Share of them with a spike.
    n_samples : ndarray of int, shape (n_bins,)
        Samples of each bin.
    """

    predicted: FloatArray
    observed: FloatArray
    n_samples: NDArray[np.int64]


def calibration_curve(y: ArrayLike, probability: ArrayLike, n_bins: int = 10) -> CalibrationCurve:
    """Compare predicted probabilities with spike fractions.

    Bins hold equal numbers of samples, because with rare spikes nearly all samples lie in the
    lowest tenth of the probabilities; samples with equal probability stay together.

    Parameters
    ----------
    y : array_like, shape (n_samples,)
        Outcomes.
    probability : array_like, shape (n_samples,)
        Predicted spike probability.
    n_bins : int
        Largest number of bins.

    Returns
    -------
    CalibrationCurve
    """
    chance = np.asarray(probability, dtype=np.float64)
    outcome = np.asarray(y, dtype=np.float64)
    edges = np.unique(np.quantile(chance, np.linspace(0.0, 1.0, n_bins + 1)[1:-1]))
    index = np.searchsorted(edges, chance, side="right")
    count = np.bincount(index, minlength=edges.size + 1)
    filled = count > 0
    predicted = np.bincount(index, weights=chance, minlength=edges.size + 1)[filled]
    observed = np.bincount(index, weights=outcome, minlength=edges.size + 1)[filled]
    kept = count[filled]
    return CalibrationCurve(predicted / kept, observed / kept, kept.astype(np.int64))
