"""Time of a job on one core, from the work of its stage.

Speeds were measured on one core with `benchmarks/estimates.py` and, of searches and the bootstrap,
on 11,200 training samples of 240 columns of `config/examples/grid.yaml`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synreduce.pipeline.estimates import RunEstimates

_PROJECTION_BYTES_PER_SECOND = 60e6
_EXAMPLE_TRIALS_PER_SECOND = 300
_FIT_CELLS_PER_SECOND = {"newton": 4e6, "lbfgs": 4e6, "auroc": 2e6, "lda": 4e7}
_SCORED_CELLS_PER_SECOND = 1e8
_CHECKED_SAMPLES_PER_SECOND = 3e6
_USUAL_FEATURES = 240
"""Columns at which the speeds of fits hold; with more of them a fit works longer on each entry."""

_SECONDS_TO_START = 5
_SECONDS_PER_FIT = 0.1
"""Of files, records and messages of a fit, or of a window that is merged."""

_SECONDS_TO_DRAW = 20

_CACHED_CELLS_PER_SECOND = 1e9
_READ_CELLS_PER_SECOND = 1e8
"""Design entries of one evaluation of the AUROC, from memory, and from the file each time."""

BOOTSTRAPPED = frozenset({"newton", "lbfgs"})
"""Solvers whose fits are maxima of the penalised likelihood; see `solvers.bootstrap`."""

_SECONDS_PER_PRODUCT = 1.5e-8
_SECONDS_PER_PRODUCT_AND_REPLICATE = 2e-10
"""Of one sample and one pair of directions: to multiply them, and to add them to a replicate."""


@dataclass(frozen=True)
class _Search:
    """How a gradient-free solver searches.

    Parameters
    ----------
    evaluations_per_parameter : float
        Evaluations until it converges; 14 to 42 were seen of COBYLA, 25 of COBYQA, 409 of CMA.
    own_seconds : float
        What the solver itself takes per evaluation and squared number of parameters.
    """

    evaluations_per_parameter: float
    own_seconds: float


_SEARCHES = {
    "cobyla": _Search(40, 1e-7),
    "cobyqa": _Search(40, 3.5e-6),
    "cma": _Search(400, 2e-8),
}
_NOT_MEASURED = _SEARCHES["cma"]
"""A solver that was added counts as the search with most evaluations."""


@dataclass(frozen=True)
class SolverFits:
    """Fits of one chunk by one solver.

    Parameters
    ----------
    kind : str
        Kind of the solver.
    n_fits : int
        Strategies x splits x restarts. All restarts count, although those that prove needless are
        not made: how many that will be is not known before.
    max_evaluations : int or None
        Evaluations of a fit at most.
    """

    kind: str
    n_fits: int
    max_evaluations: int | None = None


def job_seconds(sizes: RunEstimates, stage: str, n_chunks: int) -> float:
    """Time of the work of a job on one core, with all restarts.

    Parameters
    ----------
    sizes : RunEstimates
        Sizes of the run.
    stage : str
        Name of the rule.
    n_chunks : int
        Chunks of the job.

    Returns
    -------
    float
        Seconds.
    """
    work = {
        "example": sizes.n_trials / _EXAMPLE_TRIALS_PER_SECOND,
        "check": sizes.n_splits * sizes.n_samples / _CHECKED_SAMPLES_PER_SECOND,
        "project": n_chunks * _projecting_seconds(sizes),
        "fit": n_chunks * sum(fits.n_fits * _fit_seconds(sizes, fits) for fits in sizes.fits),
        "merge": math.ceil(n_chunks / sizes.n_spatial) * sizes.n_splits * _merge_seconds(sizes),
    }.get(stage, _SECONDS_TO_DRAW)
    return _SECONDS_TO_START + work


def _projecting_seconds(sizes: RunEstimates) -> float:
    window = sizes.count_bytes_per_ms * (sizes.width_ms + sizes.chunk_ms)
    return sizes.n_trials * window / _PROJECTION_BYTES_PER_SECOND


def _fit_seconds(sizes: RunEstimates, fits: SolverFits) -> float:
    seconds = _SECONDS_PER_FIT + sizes.n_samples * sizes.n_features / _SCORED_CELLS_PER_SECOND
    if fits.kind not in _FIT_CELLS_PER_SECOND:
        return seconds + _search_seconds(sizes, fits)
    seconds += _passes_seconds(sizes, sizes.n_features, _FIT_CELLS_PER_SECOND[fits.kind])
    if fits.kind in BOOTSTRAPPED:
        seconds += _bootstrap_seconds(sizes, sizes.n_free)
    return seconds


def _search_seconds(sizes: RunEstimates, fits: SolverFits) -> float:
    search = _SEARCHES.get(fits.kind, _NOT_MEASURED)
    until_converged = search.evaluations_per_parameter * sizes.n_parameters
    n_evaluations = min(until_converged, fits.max_evaluations or math.inf)
    cached = sizes.training_mb(sizes.n_features) <= sizes.cache_mb
    speed = _CACHED_CELLS_PER_SECOND if cached else _READ_CELLS_PER_SECOND
    scoring = sizes.n_training * sizes.n_features / speed
    return n_evaluations * (scoring + search.own_seconds * sizes.n_parameters**2)


def _merge_seconds(sizes: RunEstimates) -> float:
    """Of one temporal chunk and split: read the fits, refit all weights together, score."""
    columns = sizes.n_spatial * sizes.n_features
    seconds = sizes.n_spatial * _SECONDS_PER_FIT
    seconds += 2 * sizes.n_samples * columns / _SCORED_CELLS_PER_SECOND
    if sizes.n_spatial > 1:
        seconds += _passes_seconds(sizes, columns, _FIT_CELLS_PER_SECOND["newton"])
    if sizes.refines:
        seconds += _bootstrap_seconds(sizes, sizes.n_spatial * sizes.n_free)
    return seconds


def _passes_seconds(sizes: RunEstimates, n_columns: int, cells_per_second: float) -> float:
    harder: float = max(1.0, n_columns / _USUAL_FEATURES) ** 1.5
    return sizes.n_fitted * n_columns * harder / cells_per_second


def _bootstrap_seconds(sizes: RunEstimates, n_free: int) -> float:
    if sizes.n_replicates == 0:
        return 0.0
    per_product = _SECONDS_PER_PRODUCT + sizes.n_replicates * _SECONDS_PER_PRODUCT_AND_REPLICATE
    return sizes.n_training * n_bootstrap_products(n_free) * per_product


def n_bootstrap_products(n_free: int) -> int:
    """Count the products of directions that a bootstrap adds up for each replicate.

    Parameters
    ----------
    n_free : int
        Directions in which the weights of a fit can move.

    Returns
    -------
    int
        Pairs of these directions and the intercept.
    """
    return math.comb(n_free + 2, 2)
