"""Solvers: find the weights that explain the spikes, and say how they did it."""

from synreduce.solvers.base import Solver, SolverOptions
from synreduce.solvers.problem import LINEAR_CAPABILITIES, FitProblem
from synreduce.solvers.records import (
    STATUSES,
    USABLE_STATUSES,
    FitResult,
    PenaltyCurve,
    result_without_weights,
)
from synreduce.solvers.registry import SOLVERS, build_solver
from synreduce.solvers.restarts import Restarts, solve_restarts

__all__ = [
    "LINEAR_CAPABILITIES",
    "SOLVERS",
    "STATUSES",
    "USABLE_STATUSES",
    "FitProblem",
    "FitResult",
    "PenaltyCurve",
    "Restarts",
    "Solver",
    "SolverOptions",
    "build_solver",
    "result_without_weights",
    "solve_restarts",
]
