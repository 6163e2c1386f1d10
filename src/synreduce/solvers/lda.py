"""Linear discriminant analysis under the factor model: needs class means and covariance alone."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from synreduce.solvers.base import Solver, SolverOptions
from synreduce.solvers.calibration import calibrate
from synreduce.solvers.quadratic import Quadratic, minimise_quadratic, solve_symmetric
from synreduce.solvers.records import FitResult
from synreduce.solvers.training import TrainingData

FloatArray = NDArray[np.float64]


class LdaOptions(SolverOptions):
    """Options of the discriminant analysis."""

    kind: Literal["lda"] = "lda"
    ridge: Annotated[float, Field(ge=0)] = 1e-3
    """Added to the diagonal of the within-class covariance, relative to it."""


class LdaSolver(Solver):
    """Maximises the squared difference of class means over the variance within classes.

    For limited rank the maximiser is also the minimiser of ``theta Sw theta / 2 - d theta`` (d the
    difference of means) up to scale, a quadratic function of the kernels. Scale and intercept are
    then calibrated by logistic regression on the score.

    Parameters
    ----------
    options : LdaOptions, optional
        Ridge and name.
    """

    kind: ClassVar[str] = "lda"
    Options: ClassVar[type[SolverOptions]] = LdaOptions
    needs: ClassVar[frozenset[str]] = frozenset({"score", "class_moments"})

    def _solve(
        self, data: TrainingData, start: FloatArray | None, rng: np.random.Generator
    ) -> FitResult:
        del rng
        options = self.options
        ridge = options.ridge if isinstance(options, LdaOptions) else 0.0
        model = data.problem.model
        vector = discriminant(data, ridge, start)
        score = data.scores(model.theta(vector))
        scale, intercept = calibrate(score, data.outcome)
        vector = model.nearest(model.theta(vector) * scale)
        theta = model.theta(vector)
        objective = float(data.losses(np.append(theta, intercept)[:, None])[0]) / data.n_rows
        return FitResult(
            parameters=model.factors(vector),
            vector=vector,
            theta=theta,
            intercept=intercept,
            objective=objective,
            n_evaluations=1,
            n_iterations=1,
            status="ok",
            message="class moments and calibration",
            seconds=0.0,
            trace=np.array([objective]),
            ridge=ridge,
            train_auroc=data.auroc(score * np.sign(scale)),
        )


def discriminant(data: TrainingData, ridge: float, start: FloatArray | None = None) -> FloatArray:
    """Parameters of the discriminant, in arbitrary scale.

    Parameters
    ----------
    data : TrainingData
        Samples of both classes.
    ridge : float
        Added to the diagonal of the within-class covariance, relative to it.
    start : numpy.ndarray, shape (n_parameters,), optional
        Start of the search over factors; default: the nearest factors of the unlimited solution.

    Returns
    -------
    numpy.ndarray, shape (n_parameters,)
    """
    moments, model = data.class_moments, data.problem.model
    diagonal = np.diag(moments.within)
    floor = float(diagonal.max()) or 1.0
    within = moments.within + np.diag(np.where(diagonal > 0.0, ridge * diagonal, floor))
    difference = moments.mean_positive - moments.mean_negative
    quadratic = Quadratic(-difference, within)
    if start is None:
        strong = within + np.diag(np.where(diagonal > 0.0, 0.1 * diagonal, 0.0))
        start = model.nearest(solve_symmetric(strong, difference))
    return minimise_quadratic(model, quadratic, start)
