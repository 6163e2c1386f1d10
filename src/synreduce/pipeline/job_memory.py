"""Memory of a job, from what its stage holds at a time.

Every figure is what the operating system counts as resident, pages that processes share once for
each. Figures of the processes were measured with `benchmarks/estimates.py`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from synreduce.design import ROWS_PER_BLOCK
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
_CACHED_SHARE = 0.6
_READING = 1.3
"""Part of a block of counts, beside itself, that is there while it is read and projected."""

_BLOCKS_IN_A_PASS = 3
"""A quantum of rows, the same shifted or weighted, and what it is read into."""

_MATRICES = 12
"""Curvatures of five folds and of all samples, with the copies that solving makes of them."""

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
    block = min(everything, sizes.budget_mb / (_BLOCKS_HELD_PER_WORKER * workers))
    n_blocks = math.ceil(everything / block)
    at_work = min(workers, n_blocks) * _READING * block
    waiting = min(_TASKS_PER_WORKER * workers, n_blocks) * block * rows / (counts + rows)
    samples = n_chunks * sizes.n_samples * _BYTES_PER_PROJECTED_SAMPLE / 1e6
    return at_work + waiting + samples


def _fitted_mb(sizes: RunEstimates, n_chunks: int, workers: int) -> float:
    """Rows and samples of the fits that are made at a time; see `pipeline.fitting`."""
    n_tasks = n_chunks * sizes.n_fits
    copies = 1.5 if sizes.searches_scores else 1.0
    return _tasks_mb(sizes, n_tasks, workers, sizes.n_features, copies=copies)


def _merged_mb(sizes: RunEstimates, n_chunks: int, workers: int) -> float:
    """Windows that are merged at a time, however many there are; see `pipeline.merge_window`."""
    n_tasks = math.ceil(n_chunks / sizes.n_spatial) * sizes.n_splits
    columns = sizes.n_features * sizes.n_spatial
    covariances = sizes.n_spatial * sizes.n_fits * sizes.n_features**2 * _FLOAT_BYTES / 1e6
    refits = sizes.n_spatial > 1
    data = _tasks_mb(sizes, n_tasks, workers, columns if refits else 0)
    return data + min(workers, n_tasks) * covariances


def _tasks_mb(
    sizes: RunEstimates, n_tasks: int, workers: int, n_columns: int, *, copies: float = 1.0
) -> float:
    """Tasks at work and tasks that wait; 0 columns: nothing is fitted, rows are only scored."""
    at_work = min(workers, n_tasks)
    cache = _CACHED_SHARE * sizes.budget_mb
    rows = sizes.n_fitted * sizes.train_share * (n_columns + 1) * _FLOAT_BYTES / 1e6
    if n_columns and rows <= cache:
        held = at_work * copies * rows
    else:
        # More rows than one worker keeps are spread over all where there are fewer fits.
        spread = n_columns and n_tasks < sizes.nodes * workers
        held = min(rows, _spread_mb(sizes, workers, n_columns, cache)) if spread else 0.0
    columns = (n_columns or sizes.n_features) + 1
    passing = _BLOCKS_IN_A_PASS * ROWS_PER_BLOCK * columns * _FLOAT_BYTES / 1e6
    matrices = _MATRICES * (n_columns + 1) ** 2 * _FLOAT_BYTES / 1e6
    sent = min(_TASKS_PER_WORKER * workers, n_tasks) * sizes.n_samples * _BYTES_PER_SENT_SAMPLE
    return held + at_work * (passing + matrices + _samples_mb(sizes)) + sent / 1e6


def _spread_mb(sizes: RunEstimates, workers: int, n_columns: int, cache_mb: float) -> float:
    """Rows on one node of a fit that no worker keeps alone; see `execution.spread`."""
    n_groups = len(group_ranges(math.ceil(sizes.n_fitted * sizes.train_share)))
    groups_per_worker = math.ceil(n_groups / (sizes.nodes * workers))
    share = groups_per_worker * cached_bytes(ROWS_PER_GROUP, n_columns) / 1e6
    return workers * min(share, cache_mb)
