"""Penalties on the kernels, measured in the data's own scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synreduce.solvers.training import TrainingData

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class PenaltyScale:
    """Quadratic penalties such that strength 1 weighs as much as the data do before any fit.

    The negative log-likelihood of n samples with share p of positives has curvature
    ``n p (1 - p) Cov`` where all weights are 0. The ridge is the same with the diagonal of the
    covariance, so it does not change when a column is rescaled; the roughness is scaled to the same
    trace.

    Parameters
    ----------
    ridge : numpy.ndarray, shape (n_features,)
        Diagonal of the ridge at strength 1.
    roughness : numpy.ndarray, shape (n_features, n_features), or None
        Roughness at strength 1.
    """

    ridge: FloatArray
    roughness: FloatArray | None

    def matrix(self, ridge: float, smoothness: float = 0.0) -> FloatArray:
        """Build the matrix of which the penalty is half the quadratic form.

        Parameters
        ----------
        ridge, smoothness : float
            Strengths.

        Returns
        -------
        numpy.ndarray, shape (n_features, n_features)
        """
        result = np.diag(ridge * self.ridge)
        if smoothness > 0.0 and self.roughness is not None:
            result = result + smoothness * self.roughness
        return result


def penalty_scale(data: TrainingData) -> PenaltyScale:
    """Measure the scale of penalties on the training samples.

    Parameters
    ----------
    data : TrainingData
        Samples.

    Returns
    -------
    PenaltyScale
    """
    moments = data.class_moments
    share = moments.n_positive / data.n_rows
    variance = moments.variance
    # A column that never varies says nothing: the ridge of an average column holds its weight at 0.
    constant = variance <= 1e-12 * max(float(variance.max()), np.finfo(float).tiny)
    typical = float(variance[~constant].mean()) if not constant.all() else 1.0
    ridge = data.n_rows * share * (1.0 - share) * np.where(constant, typical, variance)
    roughness = data.problem.roughness
    if roughness is not None:
        trace = float(np.trace(roughness))
        roughness = roughness * (float(ridge.sum()) / trace) if trace > 0.0 else None
    return PenaltyScale(ridge, roughness)
