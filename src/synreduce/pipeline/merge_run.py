"""Merge a whole run: windows on Dask workers, one process writes the result.

Windows pass one after the other: what each adds is written and forgotten, so memory does not grow
with the number of chunks.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from synreduce.errors import ChunkFailedError, Problem
from synreduce.execution import open_engine
from synreduce.merging import ConsensusSums
from synreduce.pipeline.checked_run import CheckedRun
from synreduce.pipeline.consensus_scores import ConsensusTask, score_consensus
from synreduce.pipeline.inputs import grouping_of, open_databases
from synreduce.pipeline.merge_content import consensus_variables, window_content
from synreduce.pipeline.merge_frame import merge_frame
from synreduce.pipeline.merge_records import MergeTask
from synreduce.pipeline.merge_tasks import MergeTasks
from synreduce.pipeline.truth import truth_is_known
from synreduce.progress import progress
from synreduce.result import (
    FailedChunk,
    Provenance,
    ScoreTable,
    fits_are_current,
    merge_run_record,
    merged_writer,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from synreduce.chunks import Chunk
    from synreduce.configuration import Configuration
    from synreduce.evaluation import ScoreRow
    from synreduce.execution import Engine
    from synreduce.pipeline.merge_records import MetricsByLevel
    from synreduce.result import MergedContent, MergedWriter

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
    with open_engine(n_workers, configuration.resources) as engine:
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
    configuration, grid = run.configuration, run.configuration.grid()
    with open_databases(configuration) as database:
        resolved = database.resolve_groups(grouping_of(configuration))
        with_truth = truth_is_known(database.truth, grid.temporal)
    groups = {group.name: group.sign for group in resolved}
    frame = merge_frame(configuration, groups, with_truth=with_truth)
    sizes = {name: len(values) for name, values in frame.coordinates.items()}
    tasks = MergeTasks(run, groups, sizes)
    with (
        ScoreTable() as scores,
        merged_writer(run.paths.merged, replace(frame, variables={})) as writer,
    ):
        writer.put(frame.variables)
        merge = _Merge(tasks, engine, frame, writer, scores)
        failures = merge.merge_windows()
        merge.score_consensus()
        digest = writer.finish(_provenance(run, missing, failures))
        scores.publish(run.paths.scores)
    merge_run_record(run.paths.run_record, run.paths.jobs, {"content_digest": digest})
    logger.info("merged %d chunks into %s", len(grid.chunks) - len(missing), run.paths.merged)


class _Merge:
    """The two passes over all windows, and where they leave what they find."""

    def __init__(
        self,
        tasks: MergeTasks,
        engine: Engine,
        frame: MergedContent,
        writer: MergedWriter,
        scores: ScoreTable,
    ) -> None:
        self._tasks, self._engine = tasks, engine
        self._splits = list(frame.coordinates["split"])
        self._levels = list(frame.coordinates["level"])
        self._n_windows = len(frame.coordinates["temporal"])
        self._writer, self._scores = writer, scores
        self._sums = [ConsensusSums() for _ in self._splits]

    def merge_windows(self) -> list[FailedChunk]:
        """Merge every window and split; return the fits without usable weights."""
        failures: list[FailedChunk] = []
        contents = self._engine.map_ordered(window_content, self._tasks, MergeTask.is_large)
        for temporal in self._windows("merging"):
            rows: list[ScoreRow] = []
            for split, content in zip(range(len(self._splits)), contents, strict=False):
                self._writer.put_cell(content.variables, split=split, temporal=temporal)
                self._put_metrics(content.metrics, split, temporal)
                of = content.corrected
                self._sums[split].add(of.kernel, of.variance, fitted=content.kernel)
                rows += content.rows
                failures += content.failures
            self._scores.add(rows)
        return failures

    def score_consensus(self) -> None:
        """Pool the windows of every split, and score the pooled filter on each of them."""
        pooled = [sums.consensus() for sums in self._sums]
        self._writer.put(consensus_variables(pooled))
        kernels = {name: of.fitted for name, of in zip(self._splits, pooled, strict=True)}
        trained = dict(self._tasks.trained_trials)
        tasks = (
            ConsensusTask(window, kernels[window.split.name], trained.get(window.split.name))
            for window in self._tasks.window_splits()
        )
        contents = self._engine.map_ordered(score_consensus, tasks)
        for temporal in self._windows("scoring the consensus"):
            rows: list[ScoreRow] = []
            for split, content in zip(range(len(self._splits)), contents, strict=False):
                self._put_metrics({"consensus": content.metrics}, split, temporal)
                rows += content.rows
            self._scores.add(rows)

    def _put_metrics(self, metrics: MetricsByLevel, split: int, temporal: int) -> None:
        for level, arrays in metrics.items():
            at = self._levels.index(level)
            self._writer.put_cell(arrays, split=split, temporal=temporal, level=at)

    def _windows(self, title: str) -> Iterator[int]:
        """Count windows and report progress."""
        with progress(title, self._n_windows, "windows") as report:
            for temporal in range(self._n_windows):
                yield temporal
                report.advance()


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


def _provenance(
    run: CheckedRun, missing: Sequence[Chunk], failures: Sequence[FailedChunk]
) -> Provenance:
    configuration = run.configuration
    with open_databases(configuration) as database:
        fingerprints = [part.fingerprint for part in database.parts]
    absent = [FailedChunk(chunk.id, "", "missing", "the chunk has no fits") for chunk in missing]
    return Provenance(
        configuration=configuration.decisive_yaml(),
        configuration_digest=configuration.digest(),
        inputs={
            entry.id: fingerprint
            for entry, fingerprint in zip(configuration.databases, fingerprints, strict=True)
        },
        seeds={"root": configuration.seed},
        package_versions={name: version(name) for name in _PACKAGES},
        complete=not missing,
        missing_chunks=[chunk.id for chunk in missing],
        failures=[*absent, *failures],
    )
