"""All solvers by name. A new one adds its module and a line here."""

from __future__ import annotations

from synreduce.errors import ConfigurationError, Problem
from synreduce.solvers.auroc import AurocSolver
from synreduce.solvers.base import Solver, SolverOptions
from synreduce.solvers.cma import CmaSolver
from synreduce.solvers.cobyla import CobylaSolver
from synreduce.solvers.cobyqa import CobyqaSolver
from synreduce.solvers.lbfgs import LbfgsSolver
from synreduce.solvers.lda import LdaSolver
from synreduce.solvers.newton import NewtonSolver
from synreduce.suggestions import did_you_mean

SOLVERS: dict[str, type[Solver]] = {
    solver.kind: solver
    for solver in (
        NewtonSolver,
        LdaSolver,
        LbfgsSolver,
        AurocSolver,
        CobylaSolver,
        CobyqaSolver,
        CmaSolver,
    )
}


def build_solver(options: SolverOptions | str) -> Solver:
    """Make a solver from its options or, with default options, from its kind.

    Parameters
    ----------
    options : SolverOptions or str
        Options with their ``kind``, or the kind.

    Returns
    -------
    Solver

    Raises
    ------
    ConfigurationError
        If there is no solver of that kind.
    """
    kind = options if isinstance(options, str) else str(getattr(options, "kind", ""))
    if kind not in SOLVERS:
        fix = did_you_mean(kind, SOLVERS)
        raise ConfigurationError(Problem("unknown-solver", "solvers", f"'{kind}'", fix))
    return SOLVERS[kind](None if isinstance(options, str) else options)
