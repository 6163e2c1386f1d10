"""Solvers: find the weights that explain the spikes, and say how they did it."""

from synreduce.solvers.base import Solver, SolverOptions
from synreduce.solvers.bootstrap import bootstrap
from synreduce.solvers.continuation import Continuation
from synreduce.solvers.problem import LINEAR_CAPABILITIES, FitProblem
from synreduce.solvers.records import (
    STATUSES,
    USABLE_STATUSES,
    BiasCorrected,
    FitResult,
    PenaltyCurve,
    result_without_weights,
)
from synreduce.solvers.registry import SOLVERS, build_solver
from synreduce.solvers.resampling import Resampling
from synreduce.solvers.restarts import Agreement, agreement, next_restarts, restart_start
from synreduce.solvers.uncertainty import DETERMINED_SHARE

__all__ = [
    "DETERMINED_SHARE",
    "LINEAR_CAPABILITIES",
    "SOLVERS",
    "STATUSES",
    "USABLE_STATUSES",
    "Agreement",
    "BiasCorrected",
    "Continuation",
    "FitProblem",
    "FitResult",
    "PenaltyCurve",
    "Resampling",
    "Solver",
    "SolverOptions",
    "agreement",
    "bootstrap",
    "build_solver",
    "next_restarts",
    "restart_start",
    "result_without_weights",
]
