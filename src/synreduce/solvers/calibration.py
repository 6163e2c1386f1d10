"""Logistic calibration of a score: scale and intercept that make it log odds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synreduce.solvers.sums import logistic, softplus

FloatArray = NDArray[np.float64]

_MAX_ITERATIONS = 50


def calibrate(score: FloatArray, outcome: FloatArray) -> tuple[float, float]:
    """Fit ``log odds = scale * score + intercept`` by maximum likelihood.

    Parameters
    ----------
    score : numpy.ndarray, shape (n,)
        Finite scores.
    outcome : numpy.ndarray of 0.0 and 1.0, shape (n,)
        Outcomes of both classes.

    Returns
    -------
    scale, intercept : float
        A tiny ridge keeps the scale finite where the score separates the classes.
    """
    centre, spread = float(score.mean()), float(score.std())
    share = float(outcome.mean())
    base = float(np.log(share / (1.0 - share)))
    if not spread > 0.0:
        return 0.0, base
    unit = (score - centre) / spread
    columns = np.stack([unit, np.ones_like(unit)])
    ridge = np.array([1e-6 * outcome.size * share * (1.0 - share), 0.0])
    point = np.array([0.0, base])
    value = _value(point, columns, outcome, ridge)
    for _ in range(_MAX_ITERATIONS):
        chance = logistic(point @ columns)
        gradient = columns @ (chance - outcome) + ridge * point
        hessian = (columns * (chance * (1.0 - chance))) @ columns.T + np.diag(ridge)
        step = -np.linalg.solve(hessian, gradient)
        size = 1.0
        while size > 1e-6 and _value(point + size * step, columns, outcome, ridge) > value:
            size *= 0.5
        point = point + size * step
        value = _value(point, columns, outcome, ridge)
        if -gradient @ step < 1e-10 * outcome.size:
            break
    return float(point[0] / spread), float(point[1] - point[0] * centre / spread)


def _value(point: FloatArray, columns: FloatArray, outcome: FloatArray, ridge: FloatArray) -> float:
    score = point @ columns
    return float(np.sum(softplus(score) - outcome * score) + 0.5 * np.sum(ridge * point**2))
