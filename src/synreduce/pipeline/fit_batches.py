"""Fit the chunks of a batch: every strategy, solver, split and restart is a task of its own."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING

from synreduce.errors import ChunkFailedError, Problem
from synreduce.execution import open_engine
from synreduce.execution.engine import TaskFailure
from synreduce.pipeline.batches import find_batch, write_batch_record
from synreduce.pipeline.checked_run import CheckedRun
from synreduce.pipeline.fitting import FitTask, fit_one
from synreduce.pipeline.inputs import RunBases, WindowSamples, open_databases
from synreduce.progress import progress
from synreduce.result import StoredFit, fits_are_current, write_fits
from synreduce.units import parse_bytes

if TYPE_CHECKING:
    from synreduce.chunks import Chunk
    from synreduce.configuration import Configuration
    from synreduce.execution import Engine

logger = logging.getLogger(__name__)

_CACHED_SHARE = 0.6
"""Part of the memory budget for rows; the rest is for what is made of them."""


def fit_batch(configuration: Configuration, batch_name: str, *, n_workers: int) -> None:
    """Fit the chunks of a batch that are not there yet, and record the batch.

    Parameters
    ----------
    configuration : Configuration
        The run.
    batch_name : str
        Which batch.
    n_workers : int
        Dask workers.

    Raises
    ------
    ChunkFailedError
        If chunks could not be fitted; the others are kept.
    """
    run = CheckedRun.open(configuration)
    batch = find_batch(configuration, batch_name)
    stale = [
        chunk
        for chunk in batch.chunks
        if not fits_are_current(run.paths.fits(chunk), run.fits_identity(chunk))
    ]
    kept = len(batch.chunks) - len(stale)
    logger.info("%s: %d chunks to fit, %d up to date", batch.name, len(stale), kept)
    if stale:
        with open_engine(n_workers, scheduler=configuration.resources.scheduler) as engine:
            fit_chunks(run, stale, engine)
    write_batch_record(run.paths, "fit", batch, run.identities)


def fit_chunks(run: CheckedRun, chunks: Sequence[Chunk], engine: Engine) -> None:
    """Fit chunks; a chunk's file appears when all its fits are there.

    Parameters
    ----------
    run : CheckedRun
        The run.
    chunks : sequence of Chunk
        Projected chunks.
    engine : Engine
        Runs the fits.

    Raises
    ------
    ChunkFailedError
        If fits gave no result (a lost worker, no memory); chunks without such fits are kept.
    """
    failures: list[Problem] = []
    n_fits = run.configuration.n_fits_per_chunk
    outcomes = engine.try_map_ordered(fit_one, _tasks(run, chunks))
    with progress("fitting", len(chunks) * n_fits, "fits") as report:
        for chunk in chunks:
            fits: list[StoredFit] = []
            for _ in range(n_fits):
                outcome = next(outcomes)
                report.advance()
                if isinstance(outcome, TaskFailure):
                    failures.append(_failure(chunk, outcome))
                else:
                    fits.append(outcome)
            if len(fits) == n_fits:
                write_fits(run.paths.fits(chunk), run.fits_identity(chunk), fits)
                logger.info("%s: %d fits", chunk.id, n_fits)
    if failures:
        raise ChunkFailedError(failures)


def _failure(chunk: Chunk, outcome: TaskFailure) -> Problem:
    logger.error("chunk %s", chunk.id, exc_info=outcome.error)
    return Problem(
        "chunk-failed", f"chunk {chunk.id}", outcome.reason, "run the same command again"
    )


def _tasks(run: CheckedRun, chunks: Sequence[Chunk]) -> Iterator[FitTask]:
    configuration = run.configuration
    bases = RunBases.of(configuration)
    cache_bytes = int(_CACHED_SHARE * parse_bytes(configuration.resources.memory))
    for chunk in chunks:
        with open_databases(configuration) as database:
            samples = WindowSamples.of(database, chunk.temporal)
        for split in samples.splits(configuration):
            for strategy, solver in product(configuration.strategies, configuration.solvers):
                for restart in range(solver.restarts):
                    yield FitTask(
                        chunk=chunk,
                        design=run.paths.design(chunk),
                        identity=run.design_identity(chunk),
                        strategy=strategy,
                        solver=solver,
                        split=split,
                        restart=restart,
                        n_targets=samples.n_targets,
                        seed=configuration.seed,
                        cache_bytes=cache_bytes,
                        minimum_positives=configuration.minimum_positives.train,
                        bases=(bases.spatial[:, bases.bins(chunk.spatial)], bases.temporal),
                    )
