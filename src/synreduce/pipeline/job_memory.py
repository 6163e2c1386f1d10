"""Memory of a job, from what its stage holds at a time.

Every figure is what the operating system counts as resident, pages that processes share once for
each. Figures of the processes were measured with `benchmarks/estimates.py`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from synreduce.chunks import MOST_TRIALS_PER_BLOCK
from synreduce.design import ROWS_PER_BLOCK
from synreduce.pipeline.job_time import BOOTSTRAPPED, n_bootstrap_products
from synreduce.solvers.bootstrap import samples_at_once
from synreduce.solvers.row_groups import ROWS_PER_GROUP, cached_bytes, group_ranges

if TYPE_CHECKING:
    from synreduce.pipeline.estimates import RunEstimates

_SNAKEMAKE_MB = 400
"""Two Snakemake processes that wait beside the work of a cluster job."""

_PROCESS_MB = 240
"""The process of a job with the libraries loaded."""

_DASK_MB = 30
"""What the Dask scheduler adds to it."""

_WORKER_MB = 190
"""A Dask worker that has done nothing yet."""

_DRAWING_MB = 160
"""What drawing figures adds to the process of a job."""

_EXAMPLE_WORKER_MB = 400
_MARGIN = 1.1

_BYTES_PER_TRIAL = 800
"""Names, spike times and random numbers of the trials, in the process of a job."""

_BYTES_PER_PROJECTED_SAMPLE = 30
"""Outcome, time since the last spike, target and trial of a sample that is written."""

_BYTES_PER_FITTED_SAMPLE = 100
"""Score, probability, role, order and the like of a sample, where it is fitted or scored."""

_BYTES_PER_SENT_SAMPLE = 8
"""Part of a sample in a task that waits for a worker, with the copy that is sent."""

_BLOCKS_HELD_PER_WORKER = 3
_TASKS_PER_WORKER = 2
_READING = 1.3
"""Part of a block of counts, beside itself, that is there while it is read and projected."""

_BLOCKS_IN_A_PASS = 3
"""A quantum of rows, the same shifted or weighted, and what it is read into."""

_MATRICES = 12
"""Curvatures of five folds and of all samples, with the copies that solving makes of them."""

_KEEP_ROWS_TWICE = frozenset({"auroc", "cobyla", "cobyqa", "cma"})
"""Solvers that work on the scores, for which rows are kept in single precision, too."""

_MOST_SUMS_OF_A_BOOTSTRAP = 4
"""The total, that of the last group of samples, that of this one, and what is added to it."""

_ARRAYS_OF_PRODUCTS = 4
"""Both factors of the products, the products, and their sums over trials."""

_FLOAT_BYTES = 8


def job_memory_mb(sizes: RunEstimates, stage: str, n_chunks: int, workers: int) -> int:
    """Memory of a job with the Snakemake processes beside it.

    Parameters
    ----------
    sizes : RunEstimates
        Sizes of the run.
    stage : str
        Name of the rule.
    n_chunks : int
        Chunks of the job.
    workers : int
        Dask workers; one alone is no process of its own.

    Returns
    -------
    int
        MB.
    """
    return math.ceil(
        _MARGIN * (_SNAKEMAKE_MB + _PROCESS_MB + _stage_mb(sizes, stage, n_chunks, workers))
    )


def _stage_mb(sizes: RunEstimates, stage: str, n_chunks: int, workers: int) -> float:
    """Count what a stage adds to the processes that every job has."""
    if stage == "example":
        return workers * _EXAMPLE_WORKER_MB
    trials = sizes.n_trials * _BYTES_PER_TRIAL / 1e6
    if stage == "check":
        return trials + _samples_mb(sizes)
    data_of = {"project": _projected_mb, "fit": _fitted_mb, "merge": _merged_mb}
    if stage not in data_of:
        return _DRAWING_MB
    # Those that project are threads of the job's own process.
    processes = workers if workers > 1 and stage != "project" else 0
    dask = _DASK_MB + processes * _WORKER_MB
    return dask + trials + data_of[stage](sizes, n_chunks, workers)


def _samples_mb(sizes: RunEstimates) -> float:
    return sizes.n_samples * _BYTES_PER_FITTED_SAMPLE / 1e6


def _projected_mb(sizes: RunEstimates, n_chunks: int, workers: int) -> float:
    """Blocks of trials as they are read, projected and written; see `pipeline.projecting`."""
    rows = 4.0 * n_chunks * sizes.n_targets * sizes.n_features
    counts = sizes.count_bytes_per_ms * sizes.reading_ms * sizes.largest_spatial_share
    everything = sizes.n_trials * (counts + rows) / 1e6
    largest = MOST_TRIALS_PER_BLOCK * (counts + rows) / 1e6
    block = min(everything, largest, sizes.budget_mb / (_BLOCKS_HELD_PER_WORKER * workers))
    n_blocks = math.ceil(everything / block)
    at_work = min(workers, n_blocks) * _READING * block
    waiting = min(_TASKS_PER_WORKER * workers, n_blocks) * block * rows / (counts + rows)
    samples = n_chunks * sizes.n_samples * _BYTES_PER_PROJECTED_SAMPLE / 1e6
    return at_work + waiting + samples


def _fitted_mb(sizes: RunEstimates, n_chunks: int, workers: int) -> float:
    """Rows and samples of the fits that are made at a time; see `pipeline.fitting`."""
    n_tasks = n_chunks * sizes.n_fits
    kinds = {fits.kind for fits in sizes.fits}
    copies = 1.5 if kinds & _KEEP_ROWS_TWICE else 1.0
    n_free = sizes.n_free if kinds & BOOTSTRAPPED else 0
    return _tasks_mb(
        sizes, n_tasks, workers, n_columns=sizes.n_features, n_free=n_free, copies=copies
    )


def _merged_mb(sizes: RunEstimates, n_chunks: int, workers: int) -> float:
    """Windows that are merged at a time, however many there are; see `pipeline.merge_window`."""
    n_tasks = math.ceil(n_chunks / sizes.n_spatial) * sizes.n_splits
    n_columns = sizes.n_features * sizes.n_spatial if sizes.n_spatial > 1 else 0
    n_free = sizes.n_free * sizes.n_spatial if sizes.refines else 0
    data = _tasks_mb(sizes, n_tasks, workers, n_columns=n_columns, n_free=n_free)
    # Covariance and replicates of the weights of every fit.
    of_a_fit = sizes.n_features * (sizes.n_features + sizes.n_replicates) * _FLOAT_BYTES / 1e6
    return data + min(workers, n_tasks) * sizes.n_spatial * sizes.n_fits * of_a_fit


def _tasks_mb(
    sizes: RunEstimates,
    n_tasks: int,
    workers: int,
    *,
    n_columns: int,
    n_free: int,
    copies: float = 1.0,
) -> float:
    """Tasks at work and tasks that wait; 0 columns: nothing is fitted, rows are only scored."""
    at_work = sums_at_work = min(workers, n_tasks)
    held = 0.0
    if n_columns and sizes.training_mb(n_columns) <= sizes.cache_mb:
        held = at_work * copies * sizes.training_mb(n_columns)
    elif n_columns and n_tasks < sizes.nodes * workers:
        # More rows than one worker keeps are spread over all where there are fewer fits.
        held, sums_at_work = _spread_mb(sizes, workers, n_columns), workers
    columns = (n_columns or sizes.n_features) + 1
    passing = _BLOCKS_IN_A_PASS * ROWS_PER_BLOCK * columns * _FLOAT_BYTES / 1e6
    matrices = _MATRICES * (n_columns + 1) ** 2 * _FLOAT_BYTES / 1e6
    sent = min(_TASKS_PER_WORKER * workers, n_tasks) * sizes.n_samples * _BYTES_PER_SENT_SAMPLE
    held += at_work * (passing + matrices + _samples_mb(sizes)) + sent / 1e6
    return held + sums_at_work * _bootstrap_mb(sizes, n_free)


def _spread_mb(sizes: RunEstimates, workers: int, n_columns: int) -> float:
    """Rows on one node of a fit that no worker keeps alone; see `execution.spread`."""
    n_groups = len(group_ranges(sizes.n_training))
    groups_per_worker = math.ceil(n_groups / (sizes.nodes * workers))
    share = groups_per_worker * cached_bytes(ROWS_PER_GROUP, n_columns) / 1e6
    return min(sizes.training_mb(n_columns), workers * min(share, sizes.cache_mb))


def _bootstrap_mb(sizes: RunEstimates, n_free: int) -> float:
    """Count sums of every replicate and products that wait to be added; 0 directions: none."""
    if n_free == 0 or sizes.n_replicates == 0:
        return 0.0
    n_products = n_bootstrap_products(n_free)
    n_sums = min(len(group_ranges(sizes.n_training)) + 1, _MOST_SUMS_OF_A_BOOTSTRAP)
    waiting = _ARRAYS_OF_PRODUCTS * samples_at_once(n_products)
    return (n_sums * sizes.n_replicates + waiting) * n_products * _FLOAT_BYTES / 1e6
