"""Newton's method for the penalised logistic likelihood under a factor model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from synreduce.solvers.budget import Budget
from synreduce.solvers.quadratic import Quadratic, minimise_quadratic
from synreduce.solvers.sums import Curvature
from synreduce.solvers.training import TrainingData
from synreduce.strategies import FactorModel

FloatArray = NDArray[np.float64]

_SHORTER_STEPS = np.array([0.5, 0.2, 0.05, 0.01])
_ENOUGH = 0.25
"""A full step that gains this part of what the quadratic model promised is taken as it is."""
_PROXIMAL = (0.0, 1e-3, 0.1, 10.0, 1e3)
"""Pull towards the present point when no step gains, relative to the largest curvature possible.

Where all probabilities are 0 or 1 the curvature vanishes and a Newton step is boundless."""


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
        """Join feature weights and intercept.

        Parameters
        ----------
        model : FactorModel
            From parameters to feature weights.

        Returns
        -------
        numpy.ndarray, shape (n_features + 1,)
        """
        return np.append(model.theta(self.vector), self.intercept)

    def towards(self, target: Point, part: float) -> Point:
        """Go part of the way to another point.

        Parameters
        ----------
        target : Point
            Other end of the segment.
        part : float
            0 stays, 1 arrives.

        Returns
        -------
        Point
        """
        return Point(
            self.vector + part * (target.vector - self.vector),
            self.intercept + part * (target.intercept - self.intercept),
        )


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
        Of the likelihood alone, in its parts.
    at : numpy.ndarray, shape (n_features + 1,)
        Weights where the curvature was formed: the last point but one.
    trace : list of float
        Objective after each iteration, the start first; never rises.
    converged : bool
        Whether the decrease still to be expected is negligible.
    """

    point: Point
    objective: float
    curvature: Curvature
    at: FloatArray
    trace: list[float]
    converged: bool


@dataclass(frozen=True)
class LocalModel:
    """The likelihood to second order around a point, the intercept eliminated.

    Parameters
    ----------
    quadratic : Quadratic
        Function of the feature weights at the best intercept for them.
    intercept_constant, intercept_slope : float, numpy.ndarray of shape (n_features,)
        Best intercept = constant + slope @ theta.
    """

    quadratic: Quadratic
    intercept_constant: float
    intercept_slope: FloatArray

    def penalised(self, penalty: FloatArray) -> LocalModel:
        """Add a penalty.

        Parameters
        ----------
        penalty : numpy.ndarray, shape (n_features, n_features)
            Half its quadratic form is added.

        Returns
        -------
        LocalModel
        """
        quadratic = replace(self.quadratic, hessian=self.quadratic.hessian + penalty)
        return replace(self, quadratic=quadratic)

    def minimise(self, model: FactorModel, start: FloatArray, tolerance: float = 1e-14) -> Point:
        """Find the best parameters and intercept.

        Parameters
        ----------
        model : FactorModel
            From parameters to feature weights.
        start : numpy.ndarray, shape (n_parameters,)
            Where to start.
        tolerance : float, default: 1e-14
            As for `minimise_quadratic`.

        Returns
        -------
        Point
        """
        vector = minimise_quadratic(model, self.quadratic, start, tolerance=tolerance)
        slope = float(self.intercept_slope @ model.theta(vector))
        return Point(vector, self.intercept_constant + slope)


def local_model(curvature: Curvature, at: FloatArray) -> LocalModel:
    """Build the quadratic model of a likelihood.

    Parameters
    ----------
    curvature : Curvature
        Value and derivatives; parts are added up.
    at : numpy.ndarray, shape (n_features + 1,)
        Feature weights and intercept where they were formed.

    Returns
    -------
    LocalModel
    """
    value, gradient, hessian = curvature.total
    # Rewritten about the origin, where the penalty has its minimum.
    linear = gradient - hessian @ at
    constant = value - gradient @ at + 0.5 * at @ (hessian @ at)
    coupling, own = hessian[:-1, -1], max(float(hessian[-1, -1]), np.finfo(float).tiny)
    quadratic = Quadratic(
        gradient=linear[:-1] - coupling * (linear[-1] / own),
        hessian=hessian[:-1, :-1] - np.outer(coupling, coupling / own),
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
    parts: tuple[NDArray[np.int64], int] | None = None,
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
    parts : (numpy.ndarray of int, int), optional
        Fold of each sample and their number: the curvature is kept apart for each.

    Returns
    -------
    NewtonFit

    Notes
    -----
    An iteration forms the curvature once, in one pass over the samples, and minimises the quadratic
    model over all factors without touching the samples again. A second, cheap pass evaluates the
    step; only if it gains too little are shorter ones compared. The objective never rises.
    """
    descent, point = _Descent(data, penalty, budget), start
    fold, n_parts = (None, 1) if parts is None else parts
    trace: list[float] = []
    budget.spend()
    while True:
        here = point.weights(data.problem.model)
        curvature = data.curvature(here, fold, n_parts)
        objective = curvature.total[0] + 0.5 * float(here[:-1] @ (penalty @ here[:-1]))
        trace = trace or [objective]
        expected, step = descent.step(point, objective, curvature)
        if step is not None:
            point, objective = step
            trace.append(objective)
        converged = expected <= tolerance * abs(objective)
        finished = converged or step is None or len(trace) > max_iterations
        if finished or not budget.spend():
            return NewtonFit(point, objective, curvature, here, trace, converged)


@dataclass(frozen=True)
class _Descent:
    """Steps that lower the penalised objective."""

    data: TrainingData
    penalty: FloatArray
    budget: Budget

    def step(
        self, point: Point, objective: float, curvature: Curvature
    ) -> tuple[float, tuple[Point, float] | None]:
        """Decrease expected of the full step; next point and its objective, None if none gains."""
        model = self.data.problem.model
        here = point.weights(model)
        expected = 0.0
        for proximal in _PROXIMAL:
            nearby = curvature.damped(proximal * self._curvature_bound)
            local = local_model(nearby, here).penalised(self.penalty)
            target = local.minimise(model, point.vector)
            if proximal == 0.0:
                expected = objective - local.quadratic.value(model.theta(target.vector))
            found = self._compare(point, target, np.ones(1))
            if found is not None and found[1] > objective - _ENOUGH * expected:
                shorter = self._compare(point, target, _SHORTER_STEPS)
                found = min((found, shorter or found), key=lambda pair: pair[1])
            if found is None or found[1] < objective:
                return expected, found
        # Nothing gains within rounding: the point is as good as a minimum.
        return 0.0, None

    @cached_property
    def _curvature_bound(self) -> FloatArray:
        """Diagonal of a quarter of the Gram matrix, intercept last."""
        moments = self.data.class_moments
        squares = np.append(moments.variance + moments.mean**2, 1.0)
        return np.asarray(0.25 * self.data.n_rows * squares)

    def _compare(
        self, start: Point, target: Point, lengths: FloatArray
    ) -> tuple[Point, float] | None:
        """Best of several step lengths, in one pass; None if no evaluation is left."""
        left = lengths.size if self.budget.left is None else max(self.budget.left, 0)
        lengths = lengths[:left]
        if lengths.size == 0 or not self.budget.spend(lengths.size):
            return None
        model = self.data.problem.model
        points = [start.towards(target, part) for part in lengths.tolist()]
        weights = np.stack([point.weights(model) for point in points], axis=1)
        theta = weights[:-1]
        objectives = self.data.losses(weights) + 0.5 * np.sum(
            theta * (self.penalty @ theta), axis=0
        )
        best = int(np.argmin(objectives))
        return points[best], float(objectives[best])
