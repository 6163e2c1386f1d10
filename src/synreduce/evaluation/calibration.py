"""From scores to probabilities: logistic calibration on training samples."""

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
