"""Covariance matrix adaptation on the AUROC, with the package ``cma``."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from synreduce.solvers.ask_tell import AskTellOptimiser, AskTellSolver
from synreduce.solvers.base import SolverOptions

FloatArray = NDArray[np.float64]


class CmaOptions(SolverOptions):
    """Options of covariance matrix adaptation."""

    kind: Literal["cma"] = "cma"
    max_evaluations: Annotated[int, Field(ge=1)] | None = 5000
    """Evaluations of one fit at most."""
    initial_step: Annotated[float, Field(gt=0)] = 0.5
    """Standard deviation of the first points."""
    population: Annotated[int, Field(ge=3)] | None = None
    """Points per generation; null: the package's own choice."""


class _CmaSearch:
    """The package's strategy behind the ask/tell door."""

    def __init__(self, strategy: Any) -> None:  # noqa: ANN401 (a class of an optional package)
        self._strategy = strategy

    def ask(self) -> Sequence[FloatArray]:
        points: Sequence[FloatArray] = self._strategy.ask()
        return points

    def tell(self, points: Sequence[FloatArray], values: Sequence[float]) -> None:
        self._strategy.tell(points, values)

    def finished(self) -> str:
        return ", ".join(f"{key}: {value}" for key, value in self._strategy.stop().items())


class CmaSolver(AskTellSolver):
    """CMA-ES (Hansen & Ostermeier 2001) on minus the AUROC.

    Parameters
    ----------
    options : CmaOptions, optional
        Budget, first step and name.
    """

    kind: ClassVar[str] = "cma"
    Options: ClassVar[type[SolverOptions]] = CmaOptions

    @classmethod
    def missing_package(cls) -> str:
        """Name the package ``cma`` if it is not installed.

        Returns
        -------
        str
        """
        return "" if importlib.util.find_spec("cma") else "cma"

    def make_optimiser(self, start: FloatArray, rng: np.random.Generator) -> AskTellOptimiser:
        """Make the package's strategy.

        Parameters
        ----------
        start : numpy.ndarray, shape (n_parameters,)
            Mean of the first points.
        rng : numpy.random.Generator
            Source of its draws.

        Returns
        -------
        AskTellOptimiser
        """
        options = self.options if isinstance(self.options, CmaOptions) else CmaOptions()

        # Left to itself the package draws from NumPy's global state, which all threads share.
        def normal(*shape: int) -> FloatArray:
            return rng.standard_normal(shape)

        settings: dict[str, Any] = {
            "randn": normal,
            "seed": float("nan"),
            "verbose": -9,
            "maxfevals": float("inf"),
        }
        if options.population is not None:
            settings["popsize"] = options.population
        package = importlib.import_module("cma")
        strategy = package.CMAEvolutionStrategy(start, options.initial_step, settings)
        # The start itself is among the first points, so that the best is never worse.
        strategy.inject([start], force=True)
        return _CmaSearch(strategy)
