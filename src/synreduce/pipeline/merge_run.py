"""Merge a whole run: windows on Dask workers, one process writes the result."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from synreduce.errors import ChunkFailedError, Problem
from synreduce.execution import open_engine
from synreduce.merging import ChunkBasis
from synreduce.pipeline.checked_run import CheckedRun
from synreduce.pipeline.consensus_scores import ConsensusTask, score_consensus
from synreduce.pipeline.inputs import RunBases, WindowSamples, grouping_of, open_databases
from synreduce.pipeline.merge_content import merged_content
from synreduce.pipeline.merge_records import ChunkFiles, MergeTask
from synreduce.pipeline.merge_window import merge_window
from synreduce.pipeline.merged_run import MergedRun
from synreduce.pipeline.scoring import BaselineRequest
from synreduce.pipeline.truth import known_truth
from synreduce.progress import progress
from synreduce.result import (
    FailedChunk,
    Provenance,
    fits_are_current,
    merge_run_record,
    read_fits,
    write_merged,
    write_scores,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synreduce.chunks import Chunk, TemporalRange
    from synreduce.configuration import Configuration
    from synreduce.evaluation import ScoreRow
    from synreduce.execution import Engine

logger = logging.getLogger(__name__)

_PACKAGES = ("dask", "distributed", "h5py", "numpy", "scipy", "snakemake", "synreduce")


def merge_run(configuration: Configuration, *, n_workers: int) -> None:
    """Merge all chunks of a run into ``merged.h5``, ``scores.csv`` and ``run.json``.

    Parameters
    ----------
    configuration : Configuration
        The run.
    n_workers : int
        Dask workers.

    Raises
    ------
    ChunkFailedError
        If chunks are missing and partial merges are not allowed.
    """
    with open_engine(n_workers, scheduler=configuration.resources.scheduler) as engine:
        merge_chunks(CheckedRun.open(configuration), engine)


def merge_chunks(run: CheckedRun, engine: Engine) -> None:
    """Merge the fits of all chunks and write the result.

    Parameters
    ----------
    run : CheckedRun
        The run; all its chunks are fitted.
    engine : Engine
        Merges windows.

    Raises
    ------
    ChunkFailedError
        If chunks are missing and partial merges are not allowed.
    """
    missing = _missing_chunks(run)
    with open_databases(run.configuration) as database:
        resolved = database.resolve_groups(grouping_of(run.configuration))
    configuration, grid = run.configuration, run.configuration.grid()
    splits = tuple(configuration.split_definitions())
    merges = {}
    with progress("merging", len(grid.temporal) * len(splits), "windows") as report:
        for merge in engine.map_ordered(merge_window, _merge_tasks(run)):
            merges[merge.split, merge.temporal] = merge
            report.advance()
    merged = MergedRun(
        grid=grid,
        splits=splits,
        groups={group.name: group.sign for group in resolved},
        bases=RunBases.of(configuration),
        strategies=tuple(strategy.name for strategy in configuration.strategies),
        solvers=tuple(solver.name for solver in configuration.solvers),
        merges=merges,
        rows=(),
    )
    rows = [
        *_chunk_rows(run),
        *(row for merge in merges.values() for row in merge.rows),
        *_consensus_rows(run, merged, engine),
    ]
    complete = MergedRun(**{**vars(merged), "rows": tuple(rows)})
    content = merged_content(
        complete, _provenance(run, missing), f"Reduced model of run {configuration.run}"
    )
    paths = run.paths
    write_scores(paths.scores, rows)
    digest = write_merged(paths.merged, content)
    merge_run_record(paths.run_record, paths.jobs, {"content_digest": digest})
    logger.info("merged %d chunks into %s", len(grid.chunks) - len(missing), paths.merged)


def _missing_chunks(run: CheckedRun) -> list[Chunk]:
    missing = [
        chunk
        for chunk in run.configuration.grid().chunks
        if not fits_are_current(run.paths.fits(chunk), run.fits_identity(chunk))
    ]
    if missing and not run.configuration.merge.allow_partial:
        fix = "run the same command again, or set merge.allow_partial to leave them out"
        raise ChunkFailedError(
            Problem("missing-chunk", f"chunk {chunk.id}", "has no fits", fix) for chunk in missing
        )
    return missing


def _merge_tasks(run: CheckedRun) -> Iterator[MergeTask]:
    configuration = run.configuration
    for window in configuration.grid().temporal:
        with open_databases(configuration) as database:
            samples = WindowSamples.of(database, window)
            truth = known_truth(database, window)
        for split in samples.splits(configuration):
            definition = configuration.split_definitions()[split.name]
            yield MergeTask(
                temporal=window.name,
                split=split,
                isi=samples.isi.ravel(),
                min_isi_ms=definition.min_isi_ms,
                n_targets=samples.n_targets,
                files=_files(run, window),
                temporal_basis=RunBases.of(configuration).temporal,
                n_bins=configuration.n_distance_bins,
                strategies={item.name: item for item in configuration.strategies},
                solvers={item.name: item for item in configuration.solvers},
                method=configuration.merge.spatial,
                choose_by=configuration.merge.choose_by,
                allow_partial=configuration.merge.allow_partial,
                truth=truth,
                baseline=BaselineRequest(configuration.seed, configuration.scores.permutations),
                resampling=samples.resampling(split, configuration),
            )


def _files(run: CheckedRun, window: TemporalRange) -> tuple[ChunkFiles, ...]:
    bases = RunBases.of(run.configuration)
    return tuple(
        ChunkFiles(
            name=chunk.spatial.name,
            design=run.paths.design(chunk),
            fits=run.paths.fits(chunk),
            design_identity=run.design_identity(chunk),
            fits_identity=run.fits_identity(chunk),
            basis=ChunkBasis(
                bases.bins(chunk.spatial), bases.spatial[:, bases.bins(chunk.spatial)]
            ),
        )
        for chunk in run.configuration.grid().chunks
        if chunk.temporal == window
    )


def _chunk_rows(run: CheckedRun) -> Iterator[ScoreRow]:
    for chunk in run.configuration.grid().chunks:
        if run.paths.fits(chunk).exists():
            for fit in read_fits(run.paths.fits(chunk), run.fits_identity(chunk)):
                yield from fit.scores


def _consensus_rows(run: CheckedRun, merged: MergedRun, engine: Engine) -> Iterator[ScoreRow]:
    pooled = {split: merged.consensus(split).value for split in merged.splits}
    trained = _trained_trials(run)
    tasks = (
        ConsensusTask(task, pooled[task.split.name], trained.get(task.split.name))
        for task in _merge_tasks(run)
    )
    for rows in engine.map_ordered(score_consensus, tasks):
        yield from rows


def _trained_trials(run: CheckedRun) -> dict[str, NDArray[np.bool_]]:
    """Mark the trials that train any window of a split, where whole trials train or test.

    They must not test the consensus, which has seen all windows.
    """
    configuration = run.configuration
    trained: dict[str, NDArray[np.bool_]] = {}
    with open_databases(configuration) as database:
        for window in configuration.grid().temporal:
            samples = WindowSamples.of(database, window)
            for split in samples.splits(configuration):
                if configuration.split_definitions()[split.name].kind == "trials":
                    mask = split.mask("train").reshape(-1, samples.n_targets).any(axis=1)
                    known = trained.get(split.name, np.zeros_like(mask))
                    trained[split.name] = known | mask
    return trained


def _provenance(run: CheckedRun, missing: list[Chunk]) -> Provenance:
    configuration = run.configuration
    with open_databases(configuration) as database:
        fingerprints = [part.fingerprint for part in database.parts]
    failures = [FailedChunk(chunk.id, "", "missing", "the chunk has no fits") for chunk in missing]
    for chunk in configuration.grid().chunks:
        if chunk not in missing:
            failures += [
                FailedChunk(chunk.id, fit.split, fit.status, f"{fit.solver}: {fit.message}")
                for fit in read_fits(run.paths.fits(chunk), run.fits_identity(chunk))
                if fit.status not in ("ok", "not_converged")
            ]
    return Provenance(
        configuration=configuration.resolved_yaml(),
        configuration_digest=configuration.digest(),
        inputs={
            entry.id: fingerprint
            for entry, fingerprint in zip(configuration.databases, fingerprints, strict=True)
        },
        seeds={"root": configuration.seed},
        package_versions={name: version(name) for name in _PACKAGES},
        complete=not missing,
        missing_chunks=[chunk.id for chunk in missing],
        failures=failures,
    )
