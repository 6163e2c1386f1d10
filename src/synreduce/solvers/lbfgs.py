"""Penalised logistic likelihood by a limited-memory quasi-Newton method, well scaled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize

from synreduce.solvers.base import SolverOptions
from synreduce.solvers.budget import Budget, BudgetSpentError
from synreduce.solvers.likelihood import (
    LikelihoodOptions,
    LikelihoodSolver,
    likelihood_result,
    prepare,
    reason_for_stopping,
)
from synreduce.solvers.newton_steps import NewtonFit, Point
from synreduce.solvers.records import FitResult
from synreduce.solvers.training import TrainingData

FloatArray = NDArray[np.float64]

_DAMPING = 1e-3
_MEMORY = 20


class LbfgsOptions(LikelihoodOptions):
    """Options of L-BFGS."""

    kind: Literal["lbfgs"] = "lbfgs"
    max_iterations: Annotated[int, Field(ge=1)] = 500
    """Iterations at most."""


class LbfgsSolver(LikelihoodSolver):
    """Maximises the penalised likelihood over all factors at once, with gradients alone.

    Parameters of the filters differ in scale by orders of magnitude and are nearly collinear, which
    makes the plain method unstable. Here it works in coordinates in which the curvature at the
    start is the identity.

    Parameters
    ----------
    options : LbfgsOptions, optional
        Penalties, limits and name.
    """

    kind: ClassVar[str] = "lbfgs"
    Options: ClassVar[type[SolverOptions]] = LbfgsOptions

    def _solve(
        self, data: TrainingData, start: FloatArray | None, rng: np.random.Generator
    ) -> FitResult:
        del rng
        options = self.options if isinstance(self.options, LbfgsOptions) else LbfgsOptions()
        budget = self.budget(data)
        choice, penalty = prepare(data, options, start, budget)
        objective = _ScaledObjective.around(data, penalty, choice.point, budget)
        converged, message = False, ""
        try:
            answer = minimize(
                objective,
                np.zeros(objective.unscale.shape[1]),
                method="L-BFGS-B",
                jac=True,
                callback=objective.record,
                options={
                    "maxiter": options.max_iterations,
                    "maxfun": 10**9,
                    "maxcor": _MEMORY,
                    "ftol": options.tolerance,
                    "gtol": 1e-9,
                },
            )
            converged, message = bool(answer.success), "converged"
        except BudgetSpentError as spent:
            message = str(spent)
        if not converged and not message:
            message = reason_for_stopping(objective.trace, options, budget)
        best = objective.best
        at = best.weights(data.problem.model)
        fit = NewtonFit(
            best, objective.trace[-1], data.curvature(at), at, objective.trace, converged
        )
        return likelihood_result(
            data, fit, penalty, choice, n_evaluations=budget.spent, message=message
        )


@dataclass
class _ScaledObjective:
    """The objective and its gradient in coordinates scaled by the curvature at a point."""

    data: TrainingData
    penalty: FloatArray
    origin: Point
    unscale: FloatArray
    budget: Budget
    best: Point
    trace: list[float] = field(default_factory=list)
    lowest: float = np.inf

    @classmethod
    def around(
        cls, data: TrainingData, penalty: FloatArray, point: Point, budget: Budget
    ) -> _ScaledObjective:
        """Measure the curvature at a point."""
        model = data.problem.model
        jacobian = _with_intercept(model.jacobian(point.vector))
        budget.spend()
        value, _, hessian = data.curvature(point.weights(model)).total
        hessian[:-1, :-1] += penalty
        curvature = jacobian.T @ hessian @ jacobian
        # The freedom of scale between factors has no curvature of its own.
        diagonal = np.diag(curvature)
        floor = float(diagonal.max()) * 1e-12
        curvature += _DAMPING * np.diag(np.maximum(diagonal, floor))
        root = cholesky(curvature, lower=True)
        unscale = solve_triangular(root.T, np.eye(root.shape[0]), lower=False)
        theta = model.theta(point.vector)
        first = value + 0.5 * float(theta @ (penalty @ theta))
        # In these coordinates a unit step is a change of the summed likelihood by about one.
        return cls(data, penalty, point, unscale, budget, point, [first], first)

    def _point(self, scaled: FloatArray) -> Point:
        step = self.unscale @ scaled
        return Point(self.origin.vector + step[:-1], self.origin.intercept + float(step[-1]))

    def __call__(self, scaled: FloatArray) -> tuple[float, FloatArray]:
        if not self.budget.spend():
            raise BudgetSpentError(self.budget.message)
        model, point = self.data.problem.model, self._point(scaled)
        weights = point.weights(model)
        value, slope = self.data.slope(weights)
        pull = self.penalty @ weights[:-1]
        slope[:-1] += pull
        value += 0.5 * float(weights[:-1] @ pull)
        gradient = self.unscale.T @ (_with_intercept(model.jacobian(point.vector)).T @ slope)
        if value < self.lowest:
            self.lowest, self.best = value, point
        return value, gradient

    def record(self, intermediate_result: object) -> None:
        """Add an iteration to the trace."""
        del intermediate_result
        self.trace.append(self.lowest)


def _with_intercept(jacobian: FloatArray) -> FloatArray:
    wide = np.zeros((jacobian.shape[0] + 1, jacobian.shape[1] + 1))
    wide[:-1, :-1], wide[-1, -1] = jacobian, 1.0
    return wide
