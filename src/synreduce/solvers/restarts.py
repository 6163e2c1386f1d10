"""Fits of one problem from several starts: how well they agree, and whether more are needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synreduce.solvers.base import SolverOptions
from synreduce.solvers.problem import FitProblem

FloatArray = NDArray[np.float64]

OBJECTIVE_TOLERANCE = 1e-3
"""Relative difference of objectives up to which two fits have found the same optimum."""


@dataclass(frozen=True)
class Agreement:
    """How well the usable fits of one problem agree.

    Parameters
    ----------
    n_usable : int
        Fits with weights.
    n_agreeing : int
        Those that found the optimum of the best one, itself included.
    cosine : float
        Least cosine between the kernel of the best fit and the others; NaN if there is no other.
    spread : float
        Largest less smallest objective; NaN if there is one fit or none.
    """

    n_usable: int
    n_agreeing: int
    cosine: float
    spread: float


def restart_start(problem: FitProblem, restart: int, rng: np.random.Generator) -> FloatArray | None:
    """Choose where a restart starts.

    Parameters
    ----------
    problem : FitProblem
        What is fitted.
    restart : int
        Number of the restart.
    rng : numpy.random.Generator
        Its own random stream.

    Returns
    -------
    numpy.ndarray, shape (n_parameters,), or None
        None for the first: the solver's own start. The others start at random.
    """
    return None if restart == 0 else problem.model.random_start(rng)


def agreement(
    kernels: Sequence[FloatArray], objectives: Sequence[float], least_cosine: float
) -> Agreement:
    """Compare fits of one problem from different starts.

    Parameters
    ----------
    kernels : sequence of numpy.ndarray, all of one shape
        Kernel of every usable fit, in any scale. Kernels are compared rather than weights, because
        overlapping basis functions let different weights give the same kernel.
    objectives : sequence of float
        Objective of each, smaller is better.
    least_cosine : float
        Cosine from which on two kernels count as the same.

    Returns
    -------
    Agreement

    Examples
    --------
    >>> ahead, aside = np.array([2.0, 0.0]), np.array([0.6, 0.8])
    >>> agreement([ahead, aside, ahead / 2], [0.5, 0.5, 0.5], 0.9)
    Agreement(n_usable=3, n_agreeing=2, cosine=0.6, spread=0.0)
    """
    if not objectives:
        return Agreement(0, 0, float("nan"), float("nan"))
    values = np.asarray(objectives, dtype=np.float64)
    best = int(np.argmin(values))
    cosines = np.array([_cosine(kernels[best], kernel) for kernel in kernels])
    near = values - values[best] <= OBJECTIVE_TOLERANCE * abs(values[best])
    same = near & (cosines >= least_cosine)
    same[best] = True
    others = np.delete(cosines, best)
    return Agreement(
        n_usable=values.size,
        n_agreeing=int(same.sum()),
        cosine=float(others.min()) if others.size else float("nan"),
        spread=float(np.ptp(values)) if others.size else float("nan"),
    )


def next_restarts(options: SolverOptions, n_made: int, found: Agreement) -> range:
    """Decide which restarts to make next: rounds end when enough of them agree.

    The rounds are as large as the number that has to agree, whatever can run at a time. So what is
    made follows from the data alone.

    Parameters
    ----------
    options : SolverOptions
        Restarts at most, and how many have to agree.
    n_made : int
        Restarts made so far.
    found : Agreement
        How well they agree.

    Returns
    -------
    range
        Numbers of the restarts; empty if no more are needed.
    """
    enough = options.agreeing_restarts
    if enough is None:
        return range(n_made, options.restarts)
    if found.n_agreeing >= enough:
        return range(0)
    return range(n_made, min(n_made + enough, options.restarts))


def _cosine(first: FloatArray, second: FloatArray) -> float:
    length = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(np.vdot(first, second)) / length if length > 0.0 else float("nan")
