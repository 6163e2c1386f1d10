"""Newton's method for the penalised logistic likelihood under a factor model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synreduce.solvers.budget import Budget
from synreduce.solvers.quadratic import Quadratic, minimise_quadratic
from synreduce.solvers.training import Curvature, TrainingData
from synreduce.strategies import FactorModel

FloatArray = NDArray[np.float64]

_STEP_LENGTHS = np.array([1.0, 0.5, 0.2, 0.05, 0.01])
_PROXIMAL = (0.0, 0.1, 1.0, 10.0, 100.0)


@dataclass(frozen=True)
class Point:
    """Parameters and intercept.

    Parameters
    ----------
    vector : numpy.ndarray, shape (n_parameters,)
        Parameters of the factor model.
    intercept : float
        Added to the score.
    """

    vector: FloatArray
    intercept: float

    def weights(self, model: FactorModel) -> FloatArray:
        """Feature weights with the intercept last.

        Parameters
        ----------
        model : FactorModel
            From parameters to feature weights.

        Returns
        -------
        numpy.ndarray, shape (n_features + 1,)
        """
        return np.append(model.theta(self.vector), self.intercept)


@dataclass(frozen=True)
class NewtonFit:
    """Where Newton's method ended.

    Parameters
    ----------
    point : Point
        The solution.
    objective : float
        Penalised negative log-likelihood there, summed over samples.
    curvature : Curvature
        Of the likelihood alone, at the last point it was formed, within `tolerance` of the solution
        if the fit converged.
    trace : list of float
        Objective after each iteration, the start first; never rises.
    converged : bool
        Whether the decrease still to be expected is negligible.
    """

    point: Point
    objective: float
    curvature: Curvature
    trace: list[float]
    converged: bool


@dataclass(frozen=True)
class LocalModel:
    """The likelihood to second order around a point, the intercept eliminated.

    Parameters
    ----------
    quadratic : Quadratic
        Function of the feature weights at the best intercept for them, penalty included.
    intercept_constant, intercept_slope : float, numpy.ndarray of shape (n_features,)
        Best intercept = constant + slope @ theta.
    """

    quadratic: Quadratic
    intercept_constant: float
    intercept_slope: FloatArray

    def minimise(self, model: FactorModel, start: FloatArray) -> Point:
        """Find the best parameters and intercept.

        Parameters
        ----------
        model : FactorModel
            From parameters to feature weights.
        start : numpy.ndarray, shape (n_parameters,)
            Where to start.

        Returns
        -------
        Point
        """
        vector = minimise_quadratic(model, self.quadratic, start)
        slope = float(self.intercept_slope @ model.theta(vector))
        return Point(vector, self.intercept_constant + slope)


def local_model(
    value: float, gradient: FloatArray, hessian: FloatArray, at: FloatArray, penalty: FloatArray
) -> LocalModel:
    """Build the quadratic model of a likelihood and add a penalty.

    Parameters
    ----------
    value : float
        Negative log-likelihood at `at`.
    gradient, hessian : numpy.ndarray, shapes (n_features + 1,), (n_features + 1, n_features + 1)
        Its derivatives there, intercept last.
    at : numpy.ndarray, shape (n_features + 1,)
        Feature weights and intercept.
    penalty : numpy.ndarray, shape (n_features, n_features)
        Half its quadratic form is added.

    Returns
    -------
    LocalModel
    """
    # Rewritten about the origin, so that models at several points can be compared.
    linear = gradient - hessian @ at
    constant = value - gradient @ at + 0.5 * at @ (hessian @ at)
    coupling, own = hessian[:-1, -1], max(float(hessian[-1, -1]), np.finfo(float).tiny)
    quadratic = Quadratic(
        gradient=linear[:-1] - coupling * (linear[-1] / own),
        hessian=hessian[:-1, :-1] - np.outer(coupling, coupling / own) + penalty,
        constant=float(constant - 0.5 * linear[-1] ** 2 / own),
    )
    return LocalModel(quadratic, float(-linear[-1] / own), -coupling / own)


def newton_fit(
    data: TrainingData,
    penalty: FloatArray,
    start: Point,
    budget: Budget,
    *,
    max_iterations: int,
    tolerance: float,
) -> NewtonFit:
    """Minimise the penalised negative log-likelihood.

    Parameters
    ----------
    data : TrainingData
        Samples.
    penalty : numpy.ndarray, shape (n_features, n_features)
        Half its quadratic form is added.
    start : Point
        Where to start.
    budget : Budget
        Evaluations and time allowed.
    max_iterations : int
        Newton steps at most.
    tolerance : float
        Stop when the decrease expected of a step is below this times the objective.

    Returns
    -------
    NewtonFit

    Notes
    -----
    An iteration forms the curvature once, in one pass over the samples, and minimises the quadratic
    model over all factors without touching the samples again. A second pass compares several step
    lengths, so the objective never rises.
    """
    model, point = data.problem.model, start
    trace: list[float] = []
    budget.spend()
    while True:
        weights = point.weights(model)
        curvature = data.curvature(weights)
        objective = float(curvature.value[0] + 0.5 * weights[:-1] @ (penalty @ weights[:-1]))
        trace = trace or [objective]
        step = _best_step(data, penalty, point, objective, curvature, budget)
        if step is None:
            return NewtonFit(point, objective, curvature, trace, converged=False)
        point, lowered, expected = step
        trace.append(lowered)
        converged = expected <= tolerance * abs(objective)
        if converged or len(trace) > max_iterations or not budget.spend():
            return NewtonFit(point, lowered, curvature, trace, converged)


def _best_step(
    data: TrainingData,
    penalty: FloatArray,
    point: Point,
    objective: float,
    curvature: Curvature,
    budget: Budget,
) -> tuple[Point, float, float] | None:
    """Next point, its objective, and the decrease expected; None if the budget is spent."""
    model = data.problem.model
    here = point.weights(model)
    expected = 0.0
    for proximal in _PROXIMAL:
        near = np.diag(proximal * np.diag(curvature.hessian[0]))
        local = local_model(
            float(curvature.value[0]),
            curvature.gradient[0],
            curvature.hessian[0] + near,
            here,
            penalty,
        )
        target = local.minimise(model, point.vector)
        if proximal == 0.0:
            expected = objective - local.quadratic.value(model.theta(target.vector))
        found = line_search(data, penalty, point, target, budget)
        if found is None:
            return None
        if found[1] < objective:
            return (*found, expected)
    return point, objective, min(expected, 0.0)


def line_search(
    data: TrainingData, penalty: FloatArray, start: Point, target: Point, budget: Budget
) -> tuple[Point, float] | None:
    """Compare step lengths along a segment of the parameters, in one pass.

    Parameters
    ----------
    data : TrainingData
        Samples.
    penalty : numpy.ndarray, shape (n_features, n_features)
        Half its quadratic form is added.
    start, target : Point
        Ends of the segment.
    budget : Budget
        One evaluation is spent per length; few left, few lengths.

    Returns
    -------
    (Point, float) or None
        The best point and its objective; None if no evaluation is left.
    """
    model = data.problem.model
    lengths = _STEP_LENGTHS[: max(0, _STEP_LENGTHS.size if budget.left is None else budget.left)]
    if lengths.size == 0 or not budget.spend(lengths.size):
        return None
    points = [
        Point(
            start.vector + size * (target.vector - start.vector),
            start.intercept + size * (target.intercept - start.intercept),
        )
        for size in lengths.tolist()
    ]
    weights = np.stack([point.weights(model) for point in points], axis=1)
    penalties = 0.5 * np.einsum("ip,ij,jp->p", weights[:-1], penalty, weights[:-1], optimize=True)
    objectives = data.losses(weights) + penalties
    best = int(np.argmin(objectives))
    return points[best], float(objectives[best])
