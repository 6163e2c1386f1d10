"""The default solver: penalised logistic likelihood by Newton's method."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from synreduce.solvers.base import SolverOptions
from synreduce.solvers.likelihood import (
    LikelihoodOptions,
    LikelihoodSolver,
    likelihood_result,
    prepare,
    reason_for_stopping,
)
from synreduce.solvers.newton_steps import newton_fit
from synreduce.solvers.records import FitResult
from synreduce.solvers.training import TrainingData

FloatArray = NDArray[np.float64]


class NewtonOptions(LikelihoodOptions):
    """Options of Newton's method."""

    kind: Literal["newton"] = "newton"


class NewtonSolver(LikelihoodSolver):
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

    def _solve(
        self, data: TrainingData, start: FloatArray | None, rng: np.random.Generator
    ) -> FitResult:
        del rng
        options = self.options if isinstance(self.options, NewtonOptions) else NewtonOptions()
        budget = self.budget(data)
        choice, penalty = prepare(data, options, start, budget)
        fit = newton_fit(
            data,
            penalty,
            choice.point,
            budget,
            max_iterations=options.max_iterations,
            tolerance=options.tolerance,
        )
        stopped = reason_for_stopping(fit.trace, options, budget)
        message = "converged" if fit.converged else stopped
        return likelihood_result(
            data, fit, penalty, choice, n_evaluations=budget.spent, message=message
        )
