"""What a solver is."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from synreduce.errors import ConfigurationError, Problem
from synreduce.solvers.budget import Budget
from synreduce.solvers.continuation import Continuation
from synreduce.solvers.problem import FitProblem
from synreduce.solvers.records import FitResult, result_without_weights, with_seconds
from synreduce.solvers.training import TrainingData

FloatArray = NDArray[np.float64]


class SolverOptions(BaseModel):
    """Options that all solvers share. The subclass adds its ``kind``."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: str = ""
    """Name in results; empty: the kind."""
    restarts: Annotated[int, Field(ge=1)] = 1
    """Fits from different starts; the best on training samples is kept, all are recorded."""
    agreeing_restarts: Annotated[int, Field(ge=2)] | None = 3
    """No more restarts are made once this many found the same optimum; null: always all."""
    agreement: Annotated[float, Field(gt=0, lt=1)] = 0.99
    """Cosine of two kernels from which on they are the same; objectives then differ by 0.1 %."""
    max_evaluations: Annotated[int, Field(ge=1)] | None = None
    """Evaluations of the objective in one fit at most; null: the solver's own limits."""
    max_seconds: Annotated[float, Field(gt=0)] | None = None
    """Wall-clock budget of one fit; null: none. A fit that it stops differs from run to run."""


class Solver(ABC):
    """Finds parameters that optimise an objective on a problem.

    Parameters
    ----------
    options : SolverOptions, optional
        Of the class `Options`; default: its defaults.
    """

    kind: ClassVar[str]
    Options: ClassVar[type[SolverOptions]]
    needs: ClassVar[frozenset[str]]
    """Capabilities that the problem must offer, whatever the options."""
    monotone: ClassVar[bool] = False
    """Whether the trace of the objective never rises."""

    def __init__(self, options: SolverOptions | None = None) -> None:
        self.options = self.Options() if options is None else options

    @property
    def name(self) -> str:
        """Name in results."""
        return self.options.name or self.kind

    @property
    def requirements(self) -> frozenset[str]:
        """Capabilities that the problem must offer with these options."""
        return self.needs

    @classmethod
    def missing_package(cls) -> str:
        """Name the optional package that must be installed first; empty if nothing is missing.

        Returns
        -------
        str
        """
        return ""

    def refuse_incompatible(self, provides: frozenset[str], problem_name: str) -> None:
        """Refuse a problem that lacks what this solver needs, before any work.

        Parameters
        ----------
        provides : frozenset of str
            Capabilities of the problem or strategy.
        problem_name : str
            Its name.

        Raises
        ------
        ConfigurationError
            If something is missing, or an optional package is not installed.
        """
        package = self.missing_package()
        if package:
            what = f"solver '{self.name}' needs the package {package}, which is not installed"
            fix = f"install {package}, or choose another solver"
            raise ConfigurationError(Problem("missing-package", "solvers", what, fix))
        missing = sorted(self.requirements - provides)
        if missing:
            what = (
                f"solver '{self.name}' needs {', '.join(sorted(self.requirements))}, but "
                f"'{problem_name}' lacks {', '.join(missing)}"
            )
            fix = "choose a solver that needs the score alone, e.g. cobyla"
            raise ConfigurationError(Problem("incompatible-solver", "solvers", what, fix))

    def solve(
        self,
        problem: FitProblem,
        start: FloatArray | None = None,
        rng: np.random.Generator | None = None,
        continuation: Continuation | None = None,
    ) -> FitResult:
        """Fit.

        Parameters
        ----------
        problem : FitProblem
            Training samples and model.
        start : numpy.ndarray, shape (n_parameters,), optional
            Where to start; default: the solver's own choice.
        rng : numpy.random.Generator, optional
            Source of random starts; default: seeded with 0.
        continuation : Continuation, optional
            What an interrupted attempt at the same fit left, and when to stop; default: a fit in
            one go. The result is the same.

        Returns
        -------
        FitResult
            Data that cannot be fitted give a status and NaN weights, never an exception.

        Raises
        ------
        ConfigurationError
            If the problem lacks what this solver needs, or the start has the wrong length.
        OutOfTimeError
            If the continuation ends the attempt.
        """
        self.refuse_incompatible(problem.capabilities, problem.name)
        if start is not None and np.shape(start) != (problem.model.n_parameters,):
            what = f"start of shape {np.shape(start)} for {problem.model.n_parameters} parameters"
            raise ConfigurationError(
                Problem("bad-start", self.name, what, "give one per parameter")
            )
        began = time.perf_counter()
        known = continuation or Continuation()
        result = self._solve_checked(problem, start, rng or np.random.default_rng(0), known)
        return with_seconds(result, known.earlier_seconds + time.perf_counter() - began)

    def _solve_checked(
        self,
        problem: FitProblem,
        start: FloatArray | None,
        rng: np.random.Generator,
        continuation: Continuation,
    ) -> FitResult:
        n_positive = problem.n_positive
        rarer = min(n_positive, problem.rows.n_rows - n_positive)
        if rarer == 0:
            message = f"{n_positive} of {problem.rows.n_rows} samples have a spike: one class only"
            return result_without_weights(problem, "one_class", message)
        if rarer < problem.minimum_positives:
            message = (
                f"{n_positive} of {problem.rows.n_rows} samples have a spike; of either class at "
                f"least {problem.minimum_positives} are needed"
            )
            return result_without_weights(problem, "too_few_spikes", message)
        data = TrainingData(problem, continuation)
        if data.n_bad_rows:
            message = f"{data.n_bad_rows} samples hold values that are not finite"
            return result_without_weights(problem, "failed", message)
        try:
            result = self._solve(data, start, rng)
        except (np.linalg.LinAlgError, FloatingPointError) as error:
            return result_without_weights(problem, "failed", f"{type(error).__name__}: {error}")
        if not (np.isfinite(result.theta).all() and np.isfinite(result.intercept)):
            message = f"weights are not finite ({result.message})"
            return result_without_weights(
                problem, "failed", message, n_evaluations=result.n_evaluations
            )
        return result

    def budget(self, data: TrainingData) -> Budget:
        """Open the budget of one fit, as the options set it.

        Parameters
        ----------
        data : TrainingData
            Samples of the fit.

        Returns
        -------
        Budget
        """
        return Budget(self.options.max_evaluations, self.options.max_seconds, data.continuation)

    @abstractmethod
    def _solve(
        self, data: TrainingData, start: FloatArray | None, rng: np.random.Generator
    ) -> FitResult:
        """Fit samples that have both classes and finite rows."""
