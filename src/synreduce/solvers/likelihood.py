"""What solvers of the penalised logistic likelihood share: options, start and record."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from synreduce.solvers.base import Solver, SolverOptions
from synreduce.solvers.budget import Budget
from synreduce.solvers.calibration import calibrate
from synreduce.solvers.lda import discriminant
from synreduce.solvers.newton_steps import NewtonFit, Point
from synreduce.solvers.penalty import PenaltyScale, penalty_scale
from synreduce.solvers.penalty_choice import PenaltyChoice, choose_penalty
from synreduce.solvers.records import FitResult
from synreduce.solvers.training import TrainingData
from synreduce.solvers.uncertainty import assess

FloatArray = NDArray[np.float64]


class LikelihoodOptions(SolverOptions):
    """Options of solvers that maximise the penalised likelihood."""

    ridge: Annotated[float, Field(ge=0)] | Literal["auto"] = "auto"
    """Strength relative to what the data say before any fit; auto: by cross-validation."""
    smoothness: Annotated[float, Field(ge=0)] | Literal["auto"] = 0.0
    """Strength of the penalty on rough kernels, in the same unit; auto: by cross-validation."""
    folds: Annotated[int, Field(ge=2)] = 5
    """Folds of the cross-validation inside the training samples."""
    max_iterations: Annotated[int, Field(ge=1)] = 50
    """Iterations at most."""
    tolerance: Annotated[float, Field(gt=0)] = 1e-7
    """Stop when an iteration lowers the objective by less than this part of it."""


class LikelihoodSolver(Solver):
    """Base of solvers that maximise the penalised likelihood."""

    needs: ClassVar[frozenset[str]] = frozenset({"score", "likelihood", "class_moments"})
    monotone: ClassVar[bool] = True

    @property
    def requirements(self) -> frozenset[str]:
        """Capabilities that the problem must offer; a penalty on roughness needs its form."""
        options = self.options
        smooth = isinstance(options, LikelihoodOptions) and options.smoothness != 0.0
        return self.needs | ({"roughness"} if smooth else frozenset())


def prepare(
    data: TrainingData, options: LikelihoodOptions, start: FloatArray | None, budget: Budget
) -> tuple[PenaltyChoice, FloatArray]:
    """Find a start and the strength of the penalty.

    Parameters
    ----------
    data : TrainingData
        Samples.
    options : LikelihoodOptions
        Strengths, or that they are to be chosen.
    start : numpy.ndarray, shape (n_parameters,), or None
        Parameters in any scale.
    budget : Budget
        Evaluations and time allowed.

    Returns
    -------
    choice : PenaltyChoice
        Strengths, and where to start.
    penalty : numpy.ndarray, shape (n_features, n_features)
        Half its quadratic form is the penalty.
    """
    scale: PenaltyScale = penalty_scale(data)
    choice = choose_penalty(
        data,
        scale,
        starting_point(data, start),
        budget,
        ridge=None if options.ridge == "auto" else options.ridge,
        smoothness=None if options.smoothness == "auto" else options.smoothness,
        n_folds=options.folds,
    )
    return choice, scale.matrix(choice.ridge, choice.smoothness)


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
    *,
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
    uncertainty = assess(model, vector, fit.curvature.total[2], penalty)
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
        bias_corrected=uncertainty.bias_corrected,
        data_share=uncertainty.data_share,
        intercept_se=uncertainty.intercept_error,
        condition=uncertainty.condition,
        effective_degrees_of_freedom=uncertainty.degrees_of_freedom,
        ridge=choice.ridge,
        smoothness=choice.smoothness,
        penalty_curve=choice.curve,
        train_auroc=data.auroc(data.scores(theta)),
    )


def reason_for_stopping(trace: list[float], options: LikelihoodOptions, budget: Budget) -> str:
    """Say why a fit ended before it converged.

    Parameters
    ----------
    trace : list of float
        Objective after each iteration, the start first.
    options : LikelihoodOptions
        Limits.
    budget : Budget
        What was spent.

    Returns
    -------
    str
    """
    if len(trace) > options.max_iterations:
        last = abs(trace[-2] - trace[-1]) / max(abs(trace[-1]), np.finfo(float).tiny)
        return f"did not converge in {options.max_iterations} steps (last change {last:.1e})"
    return budget.message
