"""Fit the chunks of a batch: every strategy, solver, split and restart is a task of its own."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING

from synreduce.errors import ChunkFailedError, OutOfTimeError, Problem
from synreduce.execution import allocation_end, open_engine, stopping_time
from synreduce.pipeline.batches import find_batch, write_batch_record
from synreduce.pipeline.checked_run import CheckedRun
from synreduce.pipeline.fit_rounds import FitSeries, run_rounds
from synreduce.pipeline.fitting import FitTask
from synreduce.pipeline.inputs import RunBases, WindowSamples, open_databases
from synreduce.progress import progress
from synreduce.result import BEGUN, CheckpointFolder, fits_are_current, write_fits

if TYPE_CHECKING:
    from synreduce.chunks import Chunk
    from synreduce.configuration import Configuration
    from synreduce.execution import Engine

logger = logging.getLogger(__name__)


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
    OutOfTimeError
        If the job ends too early. The next attempt goes on where this one stopped.
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
        with open_engine(n_workers, configuration.resources) as engine:
            fit_chunks(run, stale, engine, stop_at=stopping_time(allocation_end()))
    write_batch_record(run.paths, "fit", batch, run.identities)


def fit_chunks(
    run: CheckedRun, chunks: Sequence[Chunk], engine: Engine, stop_at: float | None = None
) -> None:
    """Fit chunks; a chunk's file appears when all its fits are there.

    Parameters
    ----------
    run : CheckedRun
        The run.
    chunks : sequence of Chunk
        Projected chunks.
    engine : Engine
        Runs the fits.
    stop_at : float, optional
        When fits have to stop, s since 1970; default: never.

    Raises
    ------
    ChunkFailedError
        If fits gave no result (a lost worker, no memory); chunks without such fits are kept.
    OutOfTimeError
        If the time to stop came first. What was done of unfinished chunks is kept beside them.
    """
    folders = {chunk: _checkpoints(run, chunk, stop_at) for chunk in chunks}
    configuration = run.configuration
    n_starts = sum(solver.restarts for solver in configuration.solvers)
    n_series = configuration.n_fits_per_chunk // n_starts * len(configuration.solvers)
    complete: dict[Chunk, list[FitSeries]] = {chunk: [] for chunk in chunks}
    with progress("fitting", len(chunks) * configuration.n_fits_per_chunk, "fits") as report:
        for series in run_rounds(engine, _series(run, folders)):
            chunk = series.first.chunk
            complete[chunk].append(series)
            report.advance(series.first.solver.restarts)
            _log(series)
            if len(complete[chunk]) == n_series:
                _write_chunk(run, folders[chunk], complete, chunk)
    _raise_failures([series for left in complete.values() for series in left])


def _write_chunk(
    run: CheckedRun,
    checkpoints: CheckpointFolder,
    complete: dict[Chunk, list[FitSeries]],
    chunk: Chunk,
) -> None:
    """Write the file of a chunk if nothing failed, and let go of its fits."""
    series = complete[chunk]
    if any(one.failures for one in series):
        return
    fits = [fit for one in complete.pop(chunk) for fit in one.fits]
    write_fits(run.paths.fits(chunk), run.fits_identity(chunk), fits)
    checkpoints.remove()
    logger.info("%s: %d fits", chunk.id, len(fits))


def _checkpoints(run: CheckedRun, chunk: Chunk, stop_at: float | None) -> CheckpointFolder:
    folder = CheckpointFolder(run.paths.checkpoints(chunk), run.fits_identity(chunk), stop_at)
    finished, begun = folder.counts()
    if finished or begun:
        logger.info(
            "%s: an earlier attempt left %d finished fits and %d begun", chunk.id, finished, begun
        )
    return folder


def _log(series: FitSeries) -> None:
    for failure in series.failures:
        if not isinstance(failure.error, OutOfTimeError):
            logger.error("chunk %s", series.first.chunk.id, exc_info=failure.error)
    if series.n_skipped > 0 and not series.failures:
        logger.info(
            "%s: %d restarts made, the other %d are not needed",
            series.first.series_label,
            len(series.fits),
            series.n_skipped,
        )


def _raise_failures(left: Sequence[FitSeries]) -> None:
    failed = [(series, failure) for series in left for failure in series.failures]
    late = [error for _, failure in failed if isinstance(error := failure.error, OutOfTimeError)]
    fix = "run the same command again"
    if len(late) < len(failed):
        raise ChunkFailedError(
            Problem("chunk-failed", f"chunk {series.first.chunk.id}", failure.reason, fix)
            for series, failure in failed
            if not isinstance(failure.error, OutOfTimeError)
        )
    if late:
        begun = [problem for error in late for problem in error.problems if problem.code == BEGUN]
        what = f"the time of the job is over, and {len(late)} fits are not finished"
        what += f"; {len(begun)} of them are checkpointed"
        problem = Problem("out-of-time", "this job", what, f"{fix}: it continues from there")
        raise OutOfTimeError([problem, *begun])


def _series(run: CheckedRun, folders: Mapping[Chunk, CheckpointFolder]) -> Iterator[FitSeries]:
    bases = RunBases.of(run.configuration)
    with open_databases(run.configuration) as database:
        for chunk, checkpoints in folders.items():
            samples = WindowSamples.of(database, chunk.temporal)
            yield from _series_of_chunk(run, bases, samples, chunk, checkpoints)


def _series_of_chunk(
    run: CheckedRun,
    bases: RunBases,
    samples: WindowSamples,
    chunk: Chunk,
    checkpoints: CheckpointFolder,
) -> Iterator[FitSeries]:
    configuration = run.configuration
    for split in samples.splits(configuration):
        resampling = samples.resampling(split, configuration)
        for strategy, solver in product(configuration.strategies, configuration.solvers):
            task = FitTask(
                chunk=chunk,
                design=run.paths.design(chunk),
                identity=run.design_identity(chunk),
                strategy=strategy,
                solver=solver,
                split=split,
                restart=0,
                seed=configuration.seed,
                cache_bytes=configuration.resources.cache_bytes,
                minimum_positives=configuration.minimum_positives.train,
                bases=(bases.spatial[:, bases.bins(chunk.spatial)], bases.temporal),
                checkpoints=checkpoints,
                resampling=resampling,
            )
            yield FitSeries(task)
