"""Polish of a likelihood fit on the AUROC itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, Strict

from synreduce.solvers.base import SolverOptions
from synreduce.solvers.budget import Budget
from synreduce.solvers.calibration import calibrate
from synreduce.solvers.likelihood import (
    LikelihoodOptions,
    LikelihoodSolver,
    likelihood_result,
    prepare,
)
from synreduce.solvers.newton_steps import newton_fit
from synreduce.solvers.quadratic import solve_symmetric
from synreduce.solvers.records import FitResult
from synreduce.solvers.smooth_auroc import pair_weights
from synreduce.solvers.training import TrainingData

FloatArray = NDArray[np.float64]

_STEP_LENGTHS = np.array([4.0, 2.0, 1.0, 0.5, 0.25, 0.1, 0.03])


class AurocOptions(LikelihoodOptions):
    """Options of the polish; those of the penalty are for the likelihood fit it starts from."""

    kind: Literal["auroc"] = "auroc"
    # A list from a file becomes a tuple, also where a configuration is read strictly.
    bandwidths: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Strict(strict=False)] = (
        0.5,
        0.2,
    )
    """Width over which ranks are smoothed, in standard deviations of the score, coarse to fine."""
    polish_iterations: Annotated[int, Field(ge=0)] = 10
    """Steps per bandwidth at most."""


class AurocSolver(LikelihoodSolver):
    """Climbs a smoothed AUROC; a step counts only if the exact AUROC on training samples rises.

    Starts from the fit of `newton` with the same penalties, or polishes the start given. Directions
    are scaled by the curvature of the penalised likelihood at the start, which keeps the climb from
    wandering along directions the data do not determine. The objective is minus the AUROC.

    Parameters
    ----------
    options : AurocOptions, optional
        Bandwidths, limits and name.
    """

    kind: ClassVar[str] = "auroc"
    Options: ClassVar[type[SolverOptions]] = AurocOptions

    def _solve(
        self, data: TrainingData, start: FloatArray | None, rng: np.random.Generator
    ) -> FitResult:
        del rng
        options = self.options if isinstance(self.options, AurocOptions) else AurocOptions()
        budget = self.budget(data)
        choice, penalty = prepare(data, options, start, budget)
        fit = newton_fit(
            data,
            penalty,
            choice.point,
            budget,
            max_iterations=options.max_iterations if start is None else 1,
            tolerance=options.tolerance,
        )
        first = likelihood_result(
            data, fit, penalty, choice, n_evaluations=budget.spent, message="converged"
        )
        vector = first.vector if start is None else choice.point.vector
        climb = _Climb(data, fit.curvature.total[2][:-1, :-1] + penalty, budget, vector)
        for bandwidth in options.bandwidths:
            climb.ascend(bandwidth, options.polish_iterations)
        return _record(data, first, climb, converged=fit.converged or start is not None)


class _Climb:
    """Ascent of the smoothed AUROC, kept only where the exact one rises."""

    def __init__(
        self, data: TrainingData, metric: FloatArray, budget: Budget, vector: FloatArray
    ) -> None:
        self.data, self.model, self.metric, self.budget = data, data.problem.model, metric, budget
        self.vector = vector
        self.score = data.scores(self.model.theta(vector))
        self.value = data.auroc(self.score)
        self.trace = [-self.value]

    def ascend(self, bandwidth: float, max_iterations: int) -> None:
        """Take steps at one bandwidth until none raises the exact AUROC."""
        for _ in range(max_iterations):
            lengths = _STEP_LENGTHS
            if self.budget.left is not None:
                lengths = lengths[: max(self.budget.left, 0)]
            if lengths.size == 0 or not self.budget.spend(lengths.size):
                return
            step = self._direction(bandwidth)
            vectors = [self.vector + size * step for size in lengths.tolist()]
            scores = self.data.scores(
                np.stack([self.model.theta(vector) for vector in vectors], axis=1)
            )
            values = [self.data.auroc(score) for score in scores.T]
            best = int(np.argmax(values))
            if not values[best] > self.value:
                return
            self.vector, self.value = vectors[best], values[best]
            self.score = scores[:, best]
            self.trace.append(-self.value)

    def _direction(self, bandwidth: float) -> FloatArray:
        """Gradient of the smoothed AUROC in the metric of the likelihood, as long as the noise."""
        width = bandwidth * float(self.score.std())
        weights = pair_weights(self.score, self.data.problem.outcome, width)
        gradient = self.data.weighted_sum(weights)
        jacobian = self.model.jacobian(self.vector)
        metric = jacobian.T @ self.metric @ jacobian
        metric += 1e-6 * np.diag(np.diag(metric))
        slope = jacobian.T @ gradient
        step = solve_symmetric(metric, slope)
        # Unit length in the metric is a change of the log-likelihood by about one half.
        squared = float(slope @ step)
        length = squared**0.5 if squared > 0.0 else 0.0
        return step / length if length > 0.0 else step


def _record(data: TrainingData, first: FitResult, climb: _Climb, *, converged: bool) -> FitResult:
    model = data.problem.model
    scale, intercept = calibrate(climb.score, data.outcome)
    vector = model.nearest(model.theta(climb.vector) * scale)
    steps = len(climb.trace) - 1
    gain = climb.trace[0] - climb.trace[-1]
    return replace(
        first,
        parameters=model.factors(vector),
        vector=vector,
        theta=model.theta(vector),
        intercept=intercept,
        objective=climb.trace[-1],
        n_evaluations=climb.budget.spent,
        n_iterations=steps,
        status="ok" if converged else "not_converged",
        message=f"{steps} steps raised the training AUROC by {gain:.2g}",
        trace=np.array(climb.trace),
        covariance=None,
        data_share=None,
        intercept_se=float("nan"),
        train_auroc=climb.value,
    )
