"""Minimum of a quadratic function of the feature weights over the parameters of a factor model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.sparse import csr_array

from synreduce.strategies import FactorModel

FloatArray = NDArray[np.float64]

_SHRINK, _GROW, _LARGEST_DAMPING = 0.2, 5.0, 1e12


@dataclass(frozen=True)
class Quadratic:
    """``constant + gradient @ theta + theta @ hessian @ theta / 2``.

    Parameters
    ----------
    gradient : numpy.ndarray, shape (n_features,)
        At theta = 0.
    hessian : numpy.ndarray, shape (n_features, n_features)
        Symmetric, positive semi-definite.
    constant : float, default: 0.0
        Value at theta = 0.
    """

    gradient: FloatArray
    hessian: FloatArray
    constant: float = 0.0

    def value(self, theta: FloatArray) -> float:
        """Evaluate the function.

        Parameters
        ----------
        theta : numpy.ndarray, shape (n_features,)
            Feature weights.

        Returns
        -------
        float
        """
        return float(self.constant + theta @ (self.gradient + 0.5 * (self.hessian @ theta)))

    def slope(self, theta: FloatArray) -> FloatArray:
        """Evaluate the gradient.

        Parameters
        ----------
        theta : numpy.ndarray, shape (n_features,)
            Feature weights.

        Returns
        -------
        numpy.ndarray, shape (n_features,)
        """
        return np.asarray(self.gradient + self.hessian @ theta)


def solve_symmetric(matrix: FloatArray, right: FloatArray) -> FloatArray:
    """Solve a symmetric positive semi-definite system, by least norm where it is singular.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (n, n)
        Symmetric.
    right : numpy.ndarray, shape (n,) or (n, m)
        Right-hand sides.

    Returns
    -------
    numpy.ndarray, shape of `right`
    """
    # Scaling to a unit diagonal keeps columns of very different variance solvable.
    scale = np.sqrt(np.maximum(np.diag(matrix), np.finfo(float).tiny))
    scale = np.where(np.diag(matrix) > 0.0, scale, 1.0)
    scaled = matrix / np.outer(scale, scale)
    columns = right / (scale if right.ndim == 1 else scale[:, None])
    try:
        solution = cho_solve(cho_factor(scaled, lower=True, check_finite=False), columns)
    except LinAlgError:
        solution = np.linalg.lstsq(scaled, columns, rcond=1e-12)[0]
    return np.asarray(solution / (scale if right.ndim == 1 else scale[:, None]))


def minimise_quadratic(
    model: FactorModel,
    quadratic: Quadratic,
    start: FloatArray,
    *,
    max_iterations: int = 50,
    tolerance: float = 1e-9,
) -> FloatArray:
    """Minimise a quadratic function of the feature weights over the parameters.

    Parameters
    ----------
    model : FactorModel
        From parameters to feature weights.
    quadratic : Quadratic
        The function.
    start : numpy.ndarray, shape (n_parameters,)
        Where to start; the result is never worse.
    max_iterations : int, default: 50
        Steps at most.
    tolerance : float, default: 1e-9
        Stop when a step lowers the function by less than this times the decrease so far.

    Returns
    -------
    numpy.ndarray, shape (n_parameters,)

    Notes
    -----
    Without products of factors one linear system. With them Newton steps on all factors at once,
    damped as by Levenberg and Marquardt relative to the curvature's diagonal, which also settles
    the freedom to move a scale between the factors of a pair.
    """
    if model.is_linear:
        return solve_symmetric(quadratic.hessian, -quadratic.gradient)
    vector, value, damping, total = start, quadratic.value(model.theta(start)), 1e-3, 0.0
    for _ in range(max_iterations):
        theta = model.theta(vector)
        # A feature weight depends on one pair of parameters per rank, so the Jacobian is nearly
        # empty: with many terms this is ten times faster than dense products.
        slope, transposed = quadratic.slope(theta), csr_array(model.jacobian(vector).T)
        gradient = np.asarray(transposed @ slope)
        gauss_newton = np.asarray(transposed @ np.asarray(transposed @ quadratic.hessian).T)
        curvature = gauss_newton + model.cross_curvature(slope)
        gained = 0.0
        while damping < _LARGEST_DAMPING:
            step = damped_step(curvature, np.diag(gauss_newton), gradient, damping)
            if step is not None:
                trial = quadratic.value(model.theta(vector + step))
                if trial < value:
                    vector, gained, value = vector + step, value - trial, trial
                    damping *= _SHRINK
                    break
            damping *= _GROW
        total += gained
        if gained <= tolerance * total:
            break
    return vector


def damped_step(
    curvature: FloatArray, diagonal: FloatArray, gradient: FloatArray, damping: float
) -> FloatArray | None:
    """One damped Newton step.

    Parameters
    ----------
    curvature : numpy.ndarray, shape (n, n)
        Hessian, perhaps indefinite.
    diagonal : numpy.ndarray, shape (n,)
        Scale of the damping for each parameter.
    gradient : numpy.ndarray, shape (n,)
        Gradient.
    damping : float
        Strength relative to the diagonal.

    Returns
    -------
    numpy.ndarray, shape (n,), or None
        None if the damped curvature is not positive definite.
    """
    floor = max(float(diagonal.max()) * 1e-12, np.finfo(float).tiny)
    damped = curvature + np.diag(damping * np.maximum(diagonal, floor))
    try:
        factor = cho_factor(damped, lower=True, check_finite=False)
    except LinAlgError:
        return None
    return np.asarray(-cho_solve(factor, gradient, check_finite=False))
