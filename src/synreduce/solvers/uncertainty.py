"""Standard errors from the curvature of the likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synreduce.strategies import FactorModel

FloatArray = NDArray[np.float64]

_SINGULAR = 1e-10
"""Directions with less curvature than this part of the largest are the freedom of scale."""


@dataclass(frozen=True)
class Uncertainty:
    """What the curvature says about a solution.

    Parameters
    ----------
    covariance : numpy.ndarray, shape (n_features, n_features)
        Of the feature weights.
    condition : float
        Condition number of the penalised curvature in the free directions, columns scaled to one.
    degrees_of_freedom : float
        Effective number of parameters, intercept included.
    """

    covariance: FloatArray
    condition: float
    degrees_of_freedom: float


def laplace(
    model: FactorModel, vector: FloatArray, hessian: FloatArray, penalty: FloatArray
) -> Uncertainty:
    """Gaussian approximation at a minimum of the penalised negative log-likelihood.

    Parameters
    ----------
    model : FactorModel
        From parameters to feature weights.
    vector : numpy.ndarray, shape (n_parameters,)
        The minimum.
    hessian : numpy.ndarray, shape (n_features + 1, n_features + 1)
        Of the likelihood, intercept last.
    penalty : numpy.ndarray, shape (n_features, n_features)
        Of the penalty.

    Returns
    -------
    Uncertainty

    Notes
    -----
    With products of factors only directions that keep the rank are free: the curvature is
    restricted to the tangent of the factor model. It is the expected information, so the second
    derivative of the products drops out.
    """
    jacobian = model.jacobian(vector)
    tangent = _orthonormal(jacobian)
    size = tangent.shape[1]
    lifted = np.zeros((hessian.shape[0], size + 1))
    lifted[:-1, :-1], lifted[-1, -1] = tangent, 1.0
    information = lifted.T @ hessian @ lifted
    penalised = information.copy()
    penalised[:-1, :-1] += tangent.T @ penalty @ tangent
    diagonal = np.diag(penalised)
    scale = np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    values, directions = np.linalg.eigh(penalised / np.outer(scale, scale))
    kept = values > _SINGULAR * values[-1]
    root = directions[:, kept] / np.sqrt(values[kept]) / scale[:, None]
    spread = lifted[:-1] @ root
    freedom = float(np.einsum("ip,ij,jp->", root, information, root, optimize=True))
    condition = float(values[-1] / values[0]) if values[0] > 0.0 else float("inf")
    return Uncertainty(spread @ spread.T, condition, freedom)


def _orthonormal(jacobian: FloatArray) -> FloatArray:
    left, values, _ = np.linalg.svd(jacobian, full_matrices=False)
    if not values.size or values[0] <= 0.0:
        return left[:, :0]
    return np.asarray(left[:, values > _SINGULAR * values[0]])
