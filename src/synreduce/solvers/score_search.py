"""The objective of gradient-free solvers: minus the exact, tie-aware AUROC on training samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synreduce.solvers.budget import Budget, BudgetSpentError
from synreduce.solvers.calibration import calibrate
from synreduce.solvers.records import FitResult
from synreduce.solvers.training import TrainingData

FloatArray = NDArray[np.float64]


class ScoreObjective:
    """Minus the AUROC as a function of the parameters; counts, remembers the best, keeps budgets.

    Parameters
    ----------
    data : TrainingData
        Samples.
    budget : Budget
        When it is spent, `BudgetSpentError` is raised instead of evaluating.
    """

    def __init__(self, data: TrainingData, budget: Budget) -> None:
        self._data, self._model, self.budget = data, data.problem.model, budget
        self.best: FloatArray | None = None
        self.best_value = np.inf
        self.trace: list[float] = []

    @property
    def n_evaluations(self) -> int:
        """Evaluations so far."""
        return len(self.trace)

    def __call__(self, vector: FloatArray) -> float:
        if not self.budget.spend():
            raise BudgetSpentError(self.budget.message)
        score = self._data.scores(self._model.theta(np.asarray(vector, dtype=np.float64)))
        value = -self._data.auroc(score)
        self.trace.append(value)
        if value < self.best_value:
            self.best, self.best_value = np.array(vector, dtype=np.float64), value
        return value

    def result(self, *, converged: bool, message: str) -> FitResult:
        """Record of the best point seen.

        Parameters
        ----------
        converged : bool
            Whether the search ended by itself.
        message : str
            What the search said.

        Returns
        -------
        FitResult
            Ranks leave the scale open, so scale and intercept are calibrated to give log odds.
        """
        vector = self.best if self.best is not None else np.full(self._model.n_parameters, np.nan)
        theta = self._model.theta(vector)
        intercept = float("nan")
        if np.isfinite(theta).all():
            scale, intercept = calibrate(self._data.scores(theta), self._data.outcome)
            if scale > 0.0:
                vector = self._model.nearest(theta * scale)
                theta = self._model.theta(vector)
            else:
                share = float(self._data.outcome.mean())
                intercept = float(np.log(share / (1.0 - share)))
        return FitResult(
            parameters=self._model.factors(vector),
            vector=vector,
            theta=theta,
            intercept=intercept,
            objective=self.best_value,
            n_evaluations=self.n_evaluations,
            n_iterations=self.n_evaluations,
            status="ok" if converged else "not_converged",
            message=message,
            seconds=0.0,
            trace=np.array(self.trace),
            train_auroc=-self.best_value,
        )
