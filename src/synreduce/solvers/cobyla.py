"""The published method: AUROC on the training samples, optimised by COBYLA from a random start."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from synreduce.solvers.base import Solver, SolverOptions
from synreduce.solvers.records import FitResult
from synreduce.solvers.score_search import search_scores
from synreduce.solvers.training import TrainingData

FloatArray = NDArray[np.float64]

_UNLIMITED = 10**9


class CobylaOptions(SolverOptions):
    """Options of COBYLA; the defaults are the published ones."""

    kind: Literal["cobyla"] = "cobyla"
    max_evaluations: Annotated[int, Field(ge=1)] | None = 5000
    """Evaluations of one fit at most; the published budget."""
    initial_step: Annotated[float, Field(gt=0)] = 1.0
    """First change of each parameter (rhobeg)."""
    tolerance: Annotated[float, Field(gt=0)] = 1e-4
    """Step below which the search has converged."""


class CobylaSolver(Solver):
    """Minimises minus the AUROC by linear approximation (Powell 1994), from uniform [-1, 1) starts.

    The evaluation budget is kept to the number, and the best point seen is returned, not the last.

    Parameters
    ----------
    options : CobylaOptions, optional
        Budget, steps and name.
    """

    kind: ClassVar[str] = "cobyla"
    Options: ClassVar[type[SolverOptions]] = CobylaOptions
    needs: ClassVar[frozenset[str]] = frozenset({"score"})

    def _solve(
        self, data: TrainingData, start: FloatArray | None, rng: np.random.Generator
    ) -> FitResult:
        options = self.options if isinstance(self.options, CobylaOptions) else CobylaOptions()
        point = data.problem.model.random_start(rng) if start is None else start
        budget = self.budget(data)
        # The method wants room for its first simplex; the budget itself is kept by the objective.
        limit = max(options.max_evaluations or _UNLIMITED, point.size + 2)
        settings = {"maxiter": limit, "rhobeg": options.initial_step}
        return search_scores(
            data, point, budget, method="COBYLA", tolerance=options.tolerance, settings=settings
        )
