"""The objective of gradient-free solvers: minus the exact, tie-aware AUROC on training samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from synreduce.solvers.budget import Budget, BudgetSpentError
from synreduce.solvers.calibration import calibrate
from synreduce.solvers.records import FitResult, result_without_weights
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
        # Ranks need no double precision, and half the memory is read in half the time.
        self._rows = data.single_precision_blocks()
        self.best: FloatArray | None = None
        self.best_value = np.inf
        self.trace: list[float] = []

    @property
    def n_evaluations(self) -> int:
        """Evaluations so far."""
        return len(self.trace)

    def __call__(self, vector: FloatArray) -> float:
        """Evaluate the objective.

        Parameters
        ----------
        vector : numpy.ndarray, shape (n_parameters,)
            Parameters.

        Returns
        -------
        float
            Minus the AUROC.

        Raises
        ------
        BudgetSpentError
            If the budget is spent.
        OutOfTimeError
            If the job ends.
        """
        point = np.array(vector, dtype=np.float64)
        value = self._recalled(point)
        if value is None:
            value = self._evaluated(point)
        self.trace.append(value)
        if value < self.best_value:
            self.best, self.best_value = point, value
        return value

    def _recalled(self, point: FloatArray) -> float | None:
        value = self._data.continuation.recall(point)
        if value is not None:
            self.budget.count_recalled()
        return value

    def _evaluated(self, point: FloatArray) -> float:
        if not self.budget.spend():
            raise BudgetSpentError(self.budget.message)
        value = -self._data.auroc(self._scores(self._model.theta(point)))
        self._data.continuation.record(point, value)
        return value

    def _scores(self, theta: FloatArray) -> NDArray[np.floating[Any]]:
        if self._rows is None:
            return self._data.scores(theta)
        weights = theta.astype(np.float32)
        return np.concatenate([block @ weights for block in self._rows])

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
        if self.best is None:
            return result_without_weights(self._data.problem, "failed", message)
        vector = self.best
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
            train_auroc=self._data.auroc(self._data.scores(theta)),
        )


def search_scores(
    data: TrainingData,
    start: FloatArray,
    budget: Budget,
    *,
    method: Literal["COBYLA", "COBYQA"],
    tolerance: float | None,
    settings: Mapping[str, Any],
) -> FitResult:
    """Minimise minus the AUROC with a method of `scipy.optimize.minimize`.

    Parameters
    ----------
    data : TrainingData
        Samples.
    start : numpy.ndarray, shape (n_parameters,)
        Where to start.
    budget : Budget
        Evaluations and time allowed.
    method : str
        Name of the method.
    tolerance : float or None
        The method's ``tol``.
    settings : mapping
        Its ``options``.

    Returns
    -------
    FitResult
        The best point seen, not the last.
    """
    objective = ScoreObjective(data, budget)
    try:
        # The stubs of scipy list the options of every method in one closed record.
        answer: Any = minimize(  # type: ignore[call-overload]
            objective, start, method=method, tol=tolerance, options=dict(settings)
        )
        converged, message = bool(answer.success), str(answer.message)
    except BudgetSpentError as spent:
        converged, message = False, str(spent)
    return objective.result(converged=converged, message=message)
