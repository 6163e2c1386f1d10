"""The default solver: penalised logistic likelihood by Newton's method."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from synreduce.solvers.base import Solver, SolverOptions
from synreduce.solvers.budget import Budget
from synreduce.solvers.calibration import calibrate
from synreduce.solvers.lda import discriminant
from synreduce.solvers.newton_steps import NewtonFit, Point, newton_fit
from synreduce.solvers.penalty import penalty_scale
from synreduce.solvers.penalty_choice import PenaltyChoice, choose_penalty
from synreduce.solvers.records import FitResult
from synreduce.solvers.training import TrainingData
from synreduce.solvers.uncertainty import laplace

FloatArray = NDArray[np.float64]


class NewtonOptions(SolverOptions):
    """Options of Newton's method."""

    kind: Literal["newton"] = "newton"
    ridge: Annotated[float, Field(ge=0)] | Literal["auto"] = "auto"
    """Strength relative to what the data say before any fit; auto: by cross-validation."""
    smoothness: Annotated[float, Field(ge=0)] | Literal["auto"] = 0.0
    """Strength of the penalty on rough kernels, in the same unit; auto: by cross-validation."""
    folds: Annotated[int, Field(ge=2)] = 5
    """Folds of the cross-validation inside the training samples."""
    max_iterations: Annotated[int, Field(ge=1)] = 50
    """Newton steps at most."""
    tolerance: Annotated[float, Field(gt=0)] = 1e-7
    """Stop when a step is expected to lower the objective by less than this part of it."""


class NewtonSolver(Solver):
    """Maximises the logistic likelihood of the spikes, penalised, over all factors at once.

    Starts from the discriminant analysis. The objective recorded is the penalised negative
    log-likelihood per sample.

    Parameters
    ----------
    options : NewtonOptions, optional
        Penalties, limits and name.
    """

    kind: ClassVar[str] = "newton"
    Options: ClassVar[type[SolverOptions]] = NewtonOptions
    needs: ClassVar[frozenset[str]] = frozenset({"score", "likelihood", "class_moments"})
    monotone: ClassVar[bool] = True

    def _solve(
        self, data: TrainingData, start: FloatArray | None, rng: np.random.Generator
    ) -> FitResult:
        del rng
        options = self.options if isinstance(self.options, NewtonOptions) else NewtonOptions()
        budget = Budget(options.max_evaluations, options.max_seconds)
        scale = penalty_scale(data)
        choice = choose_penalty(
            data,
            scale,
            None if options.ridge == "auto" else options.ridge,
            None if options.smoothness == "auto" else options.smoothness,
            starting_point(data, start),
            options.folds,
            budget,
        )
        penalty = scale.matrix(choice.ridge, choice.smoothness)
        fit = newton_fit(
            data,
            penalty,
            choice.point,
            budget,
            max_iterations=options.max_iterations,
            tolerance=options.tolerance,
        )
        message = "converged" if fit.converged else _reason(fit, options, budget)
        return likelihood_result(data, fit, penalty, choice, budget.spent, message)


def _reason(fit: NewtonFit, options: NewtonOptions, budget: Budget) -> str:
    if len(fit.trace) > options.max_iterations:
        last = abs(fit.trace[-2] - fit.trace[-1]) / max(abs(fit.trace[-1]), 1e-300)
        return f"did not converge in {options.max_iterations} steps (last change {last:.1e})"
    return budget.message


def starting_point(data: TrainingData, start: FloatArray | None) -> Point:
    """Scale a start so that its score is the best log odds, or find one by discriminant analysis.

    Parameters
    ----------
    data : TrainingData
        Samples.
    start : numpy.ndarray, shape (n_parameters,), or None
        Parameters in any scale.

    Returns
    -------
    Point
    """
    model = data.problem.model
    theta = model.theta(discriminant(data, ridge=1e-2) if start is None else start)
    scale, intercept = calibrate(data.scores(theta), data.outcome)
    return Point(model.nearest(theta * scale), intercept)


def likelihood_result(
    data: TrainingData,
    fit: NewtonFit,
    penalty: FloatArray,
    choice: PenaltyChoice,
    n_evaluations: int,
    message: str,
) -> FitResult:
    """Record a fit of the likelihood with its uncertainty.

    Parameters
    ----------
    data : TrainingData
        Samples.
    fit : NewtonFit
        The fit.
    penalty : numpy.ndarray, shape (n_features, n_features)
        Penalty of the fit.
    choice : PenaltyChoice
        Its strength.
    n_evaluations : int
        What was spent.
    message : str
        How it ended.

    Returns
    -------
    FitResult
    """
    model = data.problem.model
    theta = model.theta(fit.point.vector)
    vector = model.nearest(theta)
    uncertainty = laplace(model, vector, fit.curvature.total[2], penalty)
    return FitResult(
        parameters=model.factors(vector),
        vector=vector,
        theta=theta,
        intercept=fit.point.intercept,
        objective=fit.objective / data.n_rows,
        n_evaluations=n_evaluations,
        n_iterations=len(fit.trace) - 1,
        status="ok" if fit.converged else "not_converged",
        message=message,
        seconds=0.0,
        trace=np.array(fit.trace) / data.n_rows,
        covariance=uncertainty.covariance,
        condition=uncertainty.condition,
        effective_degrees_of_freedom=uncertainty.degrees_of_freedom,
        ridge=choice.ridge,
        smoothness=choice.smoothness,
        penalty_curve=choice.curve,
        train_auroc=data.auroc(data.scores(theta)),
    )
