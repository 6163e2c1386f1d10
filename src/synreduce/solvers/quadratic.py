"""Minimum of a quadratic function of the feature weights over the parameters of a factor model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.linalg.lapack import dposv

from synreduce.strategies import FactorModel

FloatArray = NDArray[np.float64]

_SHRINK, _GROW, _LARGEST_DAMPING = 0.2, 5.0, 1e12
_EXACT, _REFINING_STEPS, _FLAT = 1e-12, 4, 1e-10


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
    tolerance: float = 1e-14,
) -> FloatArray:
    """Minimise a quadratic function of the feature weights over the parameters.

    Parameters
    ----------
    model : FactorModel
        From parameters to feature weights.
    quadratic : Quadratic
        The function.
    start : numpy.ndarray, shape (n_parameters,)
        Where to start; the result is never worse, but for rounding.
    max_iterations : int, default: 50
        Steps at most.
    tolerance : float, default: 1e-14
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
        gradient, curvature, diagonal = _derivatives(model, quadratic, vector)
        gained = 0.0
        while damping < _LARGEST_DAMPING:
            step = damped_step(curvature, diagonal, gradient, damping)
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
    return _refine(model, quadratic, vector) if tolerance < _EXACT else vector


def _derivatives(
    model: FactorModel, quadratic: Quadratic, vector: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Gradient, Hessian and scale of the damping by the parameters."""
    slope = quadratic.slope(model.theta(vector))
    gradient = model.pull_back(vector, slope[:, None])[:, 0]
    gauss_newton = model.pull_back(vector, model.pull_back(vector, quadratic.hessian).T)
    return gradient, gauss_newton + model.cross_curvature(slope), np.diag(gauss_newton)


def _refine(model: FactorModel, quadratic: Quadratic, vector: FloatArray) -> FloatArray:
    """Take the last Newton steps by the gradient.

    Near the minimum rounding hides the decrease while the parameters are still off by the root of
    it, so that results would differ in the eighth digit between equivalent orders of summation.
    """
    value = quadratic.value(model.theta(vector))
    refined = vector
    for _ in range(_REFINING_STEPS):
        gradient, curvature, diagonal = _derivatives(model, quadratic, refined)
        step = _least_step(curvature, diagonal, gradient)
        if np.linalg.norm(step) > 1e-3 * np.linalg.norm(refined):
            return vector
        refined = refined + step
    worse = quadratic.value(model.theta(refined)) - value
    return refined if worse <= 1e-12 * abs(value) else vector


def _least_step(curvature: FloatArray, diagonal: FloatArray, gradient: FloatArray) -> FloatArray:
    """Newton step of least norm: none along the freedom of scale between factors."""
    scale = np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    values, directions = np.linalg.eigh(curvature / np.outer(scale, scale))
    kept = np.abs(values) > _FLAT * np.abs(values).max()
    inside = directions[:, kept]
    return np.asarray(-(inside / values[kept]) @ (inside.T @ (gradient / scale)) / scale)


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
    damped = curvature.copy(order="C")
    damped.ravel()[:: len(damped) + 1] += damping * np.maximum(diagonal, floor)
    # Straight to LAPACK: systems this small take less time than the wrappers around it.
    _, solution, failed = dposv(damped.T, gradient, lower=True)
    return None if failed else np.asarray(-solution)
