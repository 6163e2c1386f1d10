"""Poisson bootstrap of a likelihood fit: one pass over the samples for all replicates."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from synreduce.solvers.penalty import penalty_scale
from synreduce.solvers.problem import FitProblem
from synreduce.solvers.quadratic import solve_symmetric
from synreduce.solvers.records import FitResult
from synreduce.solvers.resampling import Resampling, poisson_weights
from synreduce.solvers.row_groups import Block
from synreduce.solvers.sums import logistic
from synreduce.solvers.tangent import Tangent
from synreduce.solvers.training import TrainingData
from synreduce.solvers.uncertainty import UNDERSMOOTHING

FloatArray = NDArray[np.float64]

_PRODUCTS_AT_ONCE = 2**20
"""Products of columns held at a time; it decides the order of sums, so nothing else may."""


def bootstrap(problem: FitProblem, fit: FitResult, resampling: Resampling) -> FloatArray | None:
    """Weights that would have been fitted had trials been drawn with other multiplicities.

    Parameters
    ----------
    problem : FitProblem
        What was fitted.
    fit : FitResult
        Its fit.
    resampling : Resampling
        Units of its samples and number of replicates.

    Returns
    -------
    numpy.ndarray, shape (n_replicates, n_features), or None
        None for a fit that is not a maximum of the penalised likelihood.

    Notes
    -----
    In a replicate every unit (trial, block of time) counts Poisson(1) times, which for many units
    is the bootstrap of Efron (1979) without the constraint on their number (Chamandy et al. 2012).
    A replicate is one Newton step from the fit, with gradient and curvature of the replicate in the
    free directions of the factor model, and with a penalty weaker by `UNDERSMOOTHING`: the
    replicates scatter about the weights that this penalty would give, without the bias of the fit.
    """
    if not fit.usable or fit.covariance is None:
        return None
    data = TrainingData(problem)
    tangent = Tangent.at(problem.model, fit.vector)
    smoothness = fit.smoothness if np.isfinite(fit.smoothness) else 0.0
    penalty = penalty_scale(data).matrix(fit.ridge, smoothness) / UNDERSMOOTHING
    gradients, products = data.total(
        replicate_sums,
        (data.outcome, resampling.unit),
        np.column_stack([np.append(fit.theta, fit.intercept), tangent.basis]),
        resampling.n_replicates,
    )
    own, pull = tangent.penalty(penalty), tangent.of_weights.T @ (penalty @ fit.theta)
    replicates = np.empty((resampling.n_replicates, fit.theta.size))
    for number, (gradient, product) in enumerate(zip(gradients, products, strict=True)):
        step = solve_symmetric(_symmetric(product, gradient.size) + own, gradient + pull)
        replicates[number] = fit.theta - tangent.of_weights @ step
    return replicates


def replicate_sums(
    blocks: Iterable[Block],
    outcome: FloatArray,
    unit: NDArray[np.uint64],
    directions: FloatArray,
    n_replicates: int,
) -> tuple[FloatArray, FloatArray]:
    """Gradient and curvature of every replicate over one group of samples.

    Parameters
    ----------
    blocks : iterable of (slice, numpy.ndarray)
        Rows with a last column of ones.
    outcome : numpy.ndarray of 0 and 1, shape (n_samples,)
        Outcomes.
    unit : numpy.ndarray of uint64, shape (n_samples,)
        Number of the unit of each sample.
    directions : numpy.ndarray, shape (n_features + 1, 1 + n_directions)
        Weights at which the derivatives are taken, then the directions in which they are.
    n_replicates : int
        Replicates.

    Returns
    -------
    gradient : numpy.ndarray, shape (n_replicates, n_directions)
    products : numpy.ndarray, shape (n_replicates, n_directions * (n_directions + 1) / 2)
        Upper triangle of the curvature.
    """
    size = directions.shape[1] - 1
    first, second = np.triu_indices(size)
    gradient = np.zeros((n_replicates, size))
    products = np.zeros((n_replicates, first.size))
    at_once = samples_at_once(first.size)
    for where, block in blocks:
        label, units = outcome[where], unit[where]
        for start in range(0, len(block), at_once):
            part = slice(start, start + at_once)
            projected = block[part] @ directions
            chance, columns = logistic(projected[:, 0]), projected[:, 1:]
            # Samples of one trial follow each other: they are added up before they are weighted.
            runs = np.flatnonzero(np.diff(units[part], prepend=~units[part][:1]))
            draws = poisson_weights(units[part][runs], n_replicates)
            slope = (chance - label[part])[:, np.newaxis] * columns
            gradient += draws @ np.add.reduceat(slope, runs, axis=0)
            curved = (chance * (1.0 - chance))[:, np.newaxis] * columns
            bent = curved[:, first] * columns[:, second]
            products += draws @ np.add.reduceat(bent, runs, axis=0)
    return gradient, products


def samples_at_once(n_products: int) -> int:
    """Count the samples whose products are held at a time.

    Parameters
    ----------
    n_products : int
        Products of one sample.

    Returns
    -------
    int
    """
    return max(16, _PRODUCTS_AT_ONCE // n_products)


def _symmetric(upper: FloatArray, size: int) -> FloatArray:
    matrix = np.zeros((size, size))
    matrix[np.triu_indices(size)] = upper
    return matrix + np.triu(matrix, 1).T
