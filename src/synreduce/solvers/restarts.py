"""Several fits from different starts, and how well they agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from synreduce.solvers.base import Solver
from synreduce.solvers.problem import FitProblem
from synreduce.solvers.records import FitResult


@dataclass(frozen=True)
class Restarts:
    """All fits of one solver on one problem.

    Parameters
    ----------
    results : tuple of FitResult
        In the order of the restarts.
    best : int
        Position of the fit that is best on the training samples alone.
    agreement : float
        Least cosine between the kernel of the best fit and those of the other usable fits, in
        feature weights; NaN if fewer than two fits are usable.
    """

    results: tuple[FitResult, ...]
    best: int
    agreement: float

    @property
    def result(self) -> FitResult:
        """The best fit."""
        return self.results[self.best]


def solve_restarts(
    solver: Solver, problem: FitProblem, generator: Callable[[int], np.random.Generator]
) -> Restarts:
    """Fit from as many starts as the solver's options ask for.

    Parameters
    ----------
    solver : Solver
        Its option ``restarts`` is the number of fits. The first uses the solver's own start.
    problem : FitProblem
        Training samples and model.
    generator : callable
        From the number of the restart to its random stream.

    Returns
    -------
    Restarts
        The best has the smallest objective among usable fits, the first of equals.
    """
    results: list[FitResult] = []
    for restart in range(solver.options.restarts):
        rng = generator(restart)
        start = None if restart == 0 else problem.model.random_start(rng)
        results.append(solver.solve(problem, start, rng))
    values = [result.objective if result.usable else np.inf for result in results]
    best = int(np.argmin(values))
    kernels = [result.theta for result in results if result.usable]
    agreement = float("nan")
    if len(kernels) > 1:
        chosen = results[best].theta
        agreement = min(_cosine(chosen, theta) for theta in kernels)
    return Restarts(tuple(results), best, agreement)


def _cosine(first: np.ndarray, second: np.ndarray) -> float:
    length = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / length if length > 0.0 else float("nan")
