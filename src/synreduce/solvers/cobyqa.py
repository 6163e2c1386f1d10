"""COBYQA, the successor of COBYLA, on the AUROC."""

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

_UNLIMITED = 10**6


class CobyqaOptions(SolverOptions):
    """Options of COBYQA."""

    kind: Literal["cobyqa"] = "cobyqa"
    max_evaluations: Annotated[int, Field(ge=1)] | None = 1000
    """Evaluations of one fit at most; each costs more of the solver's own time than with COBYLA."""
    initial_step: Annotated[float, Field(gt=0)] = 1.0
    """First radius of the trust region."""
    tolerance: Annotated[float, Field(gt=0)] = 1e-4
    """Radius below which the search has converged."""


class CobyqaSolver(Solver):
    """Minimises minus the AUROC by quadratic approximation (Ragonneau 2022).

    Parameters
    ----------
    options : CobyqaOptions, optional
        Budget, steps and name.
    """

    kind: ClassVar[str] = "cobyqa"
    Options: ClassVar[type[SolverOptions]] = CobyqaOptions
    needs: ClassVar[frozenset[str]] = frozenset({"score"})

    def _solve(
        self, data: TrainingData, start: FloatArray | None, rng: np.random.Generator
    ) -> FitResult:
        options = self.options if isinstance(self.options, CobyqaOptions) else CobyqaOptions()
        point = data.problem.model.random_start(rng) if start is None else start
        budget = self.budget(data)
        settings = {
            "maxfev": options.max_evaluations or _UNLIMITED,
            "initial_tr_radius": options.initial_step,
            "final_tr_radius": options.tolerance,
        }
        return search_scores(
            data, point, budget, method="COBYQA", tolerance=None, settings=settings
        )
