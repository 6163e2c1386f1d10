"""Project the chunks of a batch: blocks of trials on Dask workers, one process writes the files."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synreduce.chunks import trial_blocks
from synreduce.errors import DataError, Problem
from synreduce.execution import open_engine
from synreduce.pipeline.batches import find_batch, write_batch_record
from synreduce.pipeline.check import quick_fingerprint
from synreduce.pipeline.checked_run import CheckedRun
from synreduce.pipeline.inputs import RunBases, grouping_of, open_databases, outcome_and_isi
from synreduce.pipeline.shared_reading import sharing_reading, span_of_reading
from synreduce.progress import progress
from synreduce.projection import project_together
from synreduce.result import DesignSamples, DesignWriter, design_is_current, design_writer
from synreduce.units import parse_bytes
from synreduce.workers.environment import release_freed_memory

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synreduce.chunks import Chunk
    from synreduce.configuration import Configuration
    from synreduce.database import ConcatenatedDatabase, Database, Grouping
    from synreduce.execution import Engine

logger = logging.getLogger(__name__)

_BLOCKS_HELD_PER_WORKER = 3
"""A block being read, one being projected and one waiting to be written."""

_WHOLE_MS = 1e-6


@dataclass(frozen=True)
class _BlockTask:
    """A block of trials to be projected for several temporal chunks of one spatial range."""

    database: Database
    trials: slice
    grouping: Grouping | None
    distance_edges: NDArray[np.float64]
    beyond: str
    t0: float
    t1: float
    spatial: NDArray[np.float64]
    temporal: NDArray[np.float64]
    target_stops: tuple[NDArray[np.int64], ...]
    """Of every temporal chunk, in ms from `t0`."""


def project_block(task: _BlockTask) -> list[NDArray[np.float32]]:
    """Read the counts of a block of trials once and project them for every temporal chunk.

    The numbers of a chunk do not depend on which other chunks shared the reading.

    Parameters
    ----------
    task : _BlockTask
        What to read and project.

    Returns
    -------
    list of ndarray of float32, shape (n_trials * n_targets, n_features)
        One per temporal chunk.
    """
    with task.database as database:
        counts = database.counts(
            task.grouping,
            task.distance_edges,
            task.t0,
            task.t1,
            trials=task.trials,
            beyond=task.beyond,
        )
    return project_together(counts, task.spatial, task.temporal, task.target_stops)


def project_batch(configuration: Configuration, batch_name: str, *, n_workers: int) -> None:
    """Project the chunks of a batch that are not there yet, and record the batch.

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
    DataError
        If the databases do not hold the window, or changed while they were read.
    ResourceError
        If there is no space or memory.
    """
    run = CheckedRun.open(configuration)
    batch = find_batch(configuration, batch_name)
    stale = [
        chunk
        for chunk in batch.chunks
        if not design_is_current(run.paths.design(chunk), run.design_identity(chunk))
    ]
    kept = len(batch.chunks) - len(stale)
    logger.info("%s: %d chunks to project, %d up to date", batch.name, len(stale), kept)
    if stale:
        resources = configuration.resources.of_one_node
        with open_engine(n_workers, resources, in_threads=True) as engine:
            project_chunks(run, stale, engine)
    write_batch_record(run.paths, "project", batch, run.identities)


def project_chunks(run: CheckedRun, chunks: Sequence[Chunk], engine: Engine) -> None:
    """Project chunks of one spatial range; chunks whose windows overlap share the reading.

    Parameters
    ----------
    run : CheckedRun
        The run.
    chunks : sequence of Chunk
        All of the same spatial range.
    engine : Engine
        Runs blocks of trials.
    """
    configuration = run.configuration
    for group in sharing_reading(chunks, configuration.window.width_ms):
        with (
            open_databases(configuration) as database,
            ThreadPoolExecutor(engine.n_workers) as threads,
            ExitStack() as files,
        ):
            opened = [files.enter_context(ExitStack()) for _ in group]
            writers = [
                file.enter_context(_design_writer(run, database, chunk))
                for file, chunk in zip(opened, group, strict=True)
            ]
            # The spikes of all trials are needed no more.
            database.close()
            release_freed_memory()
            tasks = _block_tasks(configuration, group, database, engine.n_workers)
            title = f"projecting {group[0].id}" + (f" to {group[-1].id}" if group[1:] else "")
            with progress(title, database.n_trials, "trials") as report:
                for task, rows in zip(tasks, engine.map_ordered(project_block, tasks), strict=True):
                    list(threads.map(DesignWriter.append, writers, rows))
                    report.advance(task.trials.stop - task.trials.start)
            _refuse_changed(configuration, run.fingerprint)
            # Each file is read back before it appears.
            list(threads.map(ExitStack.close, opened))


def _design_writer(
    run: CheckedRun, database: Database, chunk: Chunk
) -> AbstractContextManager[DesignWriter]:
    return design_writer(
        run.paths.design(chunk),
        run.design_identity(chunk),
        _design_samples(database, chunk),
        _layout(run.configuration, database),
    )


def _refuse_changed(configuration: Configuration, fingerprint: str) -> None:
    if quick_fingerprint(configuration) != fingerprint:
        raise DataError(
            Problem(
                "database-changed",
                ", ".join(str(entry.file) for entry in configuration.databases),
                "the database changed while it was read",
                "run the same command again when nothing writes to it",
            )
        )


def _design_samples(database: Database, chunk: Chunk) -> DesignSamples:
    # Without the names of the trials, which take more memory than all of this.
    outcome, isi = outcome_and_isi(database, chunk.temporal)
    n_trials, n_targets = outcome.shape
    return DesignSamples(
        outcome=outcome.ravel(),
        isi=isi.ravel().astype(np.float32),
        target_start=np.tile(chunk.temporal.target_starts, n_trials),
        trial=np.repeat(np.arange(n_trials), n_targets),
    )


def _layout(configuration: Configuration, database: Database) -> dict[str, tuple[int, int]]:
    bases = RunBases.of(configuration)
    sizes = (bases.spatial.shape[0], bases.temporal.shape[0])
    groups = database.resolve_groups(grouping_of(configuration))
    return {group.name: sizes for group in groups}


def _block_tasks(
    configuration: Configuration,
    chunks: Sequence[Chunk],
    database: ConcatenatedDatabase,
    n_workers: int,
) -> list[_BlockTask]:
    bases = RunBases.of(configuration)
    space = chunks[0].spatial
    bins = bases.bins(space)
    width = bases.temporal.shape[1]
    t0, t1 = span_of_reading(chunks, width)
    target_stops = tuple(_target_stops(chunk, t0) for chunk in chunks)
    n_groups = len(database.resolve_groups(grouping_of(configuration)))
    n_features = n_groups * bases.spatial.shape[0] * bases.temporal.shape[0]
    n_targets = sum(stops.size for stops in target_stops)
    bytes_per_trial = n_groups * (t1 - t0) * (bins.stop - bins.start) + 4.0 * n_targets * n_features
    budget = parse_bytes(configuration.resources.memory) // (_BLOCKS_HELD_PER_WORKER * n_workers)
    is_last = space.stop_um >= bases.distance_edges[-1]
    return [
        _BlockTask(
            database=database,
            trials=trials,
            grouping=grouping_of(configuration),
            distance_edges=bases.distance_edges[bins.start : bins.stop + 1],
            beyond=configuration.input.beyond_last_bin if is_last else "drop",
            t0=t0,
            t1=t1,
            spatial=bases.spatial[:, bins],
            temporal=bases.temporal,
            target_stops=target_stops,
        )
        for part in database.trials_of_parts
        for trials in trial_blocks(part, bytes_per_trial, budget)
    ]


def _target_stops(chunk: Chunk, t0: float) -> NDArray[np.int64]:
    stops: NDArray[Any] = chunk.temporal.target_stops - t0
    whole: NDArray[np.int64] = np.rint(stops).astype(np.int64)
    if np.abs(stops - whole).max() > _WHOLE_MS:
        raise DataError(
            Problem(
                "target-not-on-grid",
                f"chunk {chunk.id}",
                "target windows that share a reading must lie whole milliseconds apart",
                "use a step and start in whole milliseconds",
            )
        )
    return whole
