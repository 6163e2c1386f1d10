"""Gradient-free optimisers that are asked for points and told their values."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from synreduce.solvers.base import Solver
from synreduce.solvers.budget import BudgetSpentError
from synreduce.solvers.records import FitResult
from synreduce.solvers.score_search import ScoreObjective
from synreduce.solvers.training import TrainingData

FloatArray = NDArray[np.float64]


class AskTellOptimiser(Protocol):
    """The door for other optimisers: whatever has these two methods and says when it is done."""

    def ask(self) -> Sequence[FloatArray]:
        """Propose points, each of shape (n_parameters,)."""
        ...

    def tell(self, points: Sequence[FloatArray], values: Sequence[float]) -> None:
        """Take the values of the points, smaller is better."""
        ...

    def finished(self) -> str:
        """Say why the search has ended by itself; empty while it has not."""
        ...


class AskTellSolver(Solver):
    """Base of solvers that drive an ask/tell optimiser on minus the AUROC.

    A subclass names its options and makes the optimiser; budget, best point, trace and record are
    taken care of here.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"score"})

    @abstractmethod
    def make_optimiser(self, start: FloatArray, rng: np.random.Generator) -> AskTellOptimiser:
        """Make the optimiser.

        Parameters
        ----------
        start : numpy.ndarray, shape (n_parameters,)
            Where to start.
        rng : numpy.random.Generator
            Source of all its draws.

        Returns
        -------
        AskTellOptimiser
        """

    def _solve(
        self, data: TrainingData, start: FloatArray | None, rng: np.random.Generator
    ) -> FitResult:
        point = data.problem.model.random_start(rng) if start is None else start
        objective = ScoreObjective(data, self.budget(data))
        optimiser = self.make_optimiser(point, rng)
        try:
            while not (reason := optimiser.finished()):
                points = optimiser.ask()
                optimiser.tell(points, [objective(point) for point in points])
        except BudgetSpentError as spent:
            return objective.result(converged=False, message=str(spent))
        return objective.result(converged=True, message=reason)
