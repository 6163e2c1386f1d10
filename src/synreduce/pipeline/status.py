"""How far a run is, from its files alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from synreduce.configuration import configuration_from_mapping
from synreduce.errors import DataError, Problem
from synreduce.pipeline.batches import ChunkIdentities, Stage, chunk_file, lost_chunks, run_batches
from synreduce.pipeline.checked_run import CheckedRun
from synreduce.pipeline.paths import RunPaths
from synreduce.result import read_jobs

if TYPE_CHECKING:
    from pathlib import Path

    from synreduce.configuration import Configuration

_SHOWN_FAILURES = 10


def status_lines(run_folder: Path) -> list[str]:
    """Tell which chunks are done, failed and waiting.

    Parameters
    ----------
    run_folder : Path
        ``results/<run>``.

    Returns
    -------
    list of str
        Lines for people.

    Raises
    ------
    DataError
        If the folder holds no run.
    """
    paths = RunPaths(run_folder)
    configuration = _configuration_of(paths)
    lines = [f"run {configuration.run} in {run_folder}"]
    if paths.merged.exists():
        lines.append(f"merged: {paths.merged}")
    if not paths.inputs.exists():
        return [*lines, "waiting: the databases are not checked yet"]
    identities = CheckedRun.open(configuration, paths).identities
    total = len(configuration.grid().chunks)
    stages: tuple[Stage, ...] = ("project", "fit")
    for stage in stages:
        waiting = _waiting(configuration, paths, stage, identities)
        lines.append(f"{stage}: {total - waiting} of {total} chunks done, {waiting} waiting")
    failures = list(_failed_jobs(paths))
    lines.append(f"failed jobs: {len(failures)}")
    lines += failures[-_SHOWN_FAILURES:]
    return lines


def _configuration_of(paths: RunPaths) -> Configuration:
    try:
        recorded = json.loads(paths.configuration.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        fix = "give a folder results/<run> that the workflow has written"
        problem = Problem("no-run", str(paths.folder), "holds no run of synreduce", fix)
        raise DataError(problem) from error
    return configuration_from_mapping(recorded)


def _waiting(
    configuration: Configuration, paths: RunPaths, stage: Stage, identities: ChunkIdentities
) -> int:
    waiting = 0
    for batch in run_batches(configuration):
        lost = lost_chunks(paths, stage, batch, identities)
        # A batch still at work has no record yet; its finished chunks lie in their folders.
        recorded = paths.batch(stage, batch.name).exists()
        waiting += sum(recorded or not chunk_file(paths, stage, chunk).exists() for chunk in lost)
    return waiting


def _failed_jobs(paths: RunPaths) -> Iterator[str]:
    latest: dict[tuple[str, str], dict[str, Any]] = {}
    for record in read_jobs(paths.jobs):
        key = (str(record.get("stage")), str(record.get("batch")))
        if key not in latest or record["attempt"] > latest[key]["attempt"]:
            latest[key] = record
    for (stage, batch), record in sorted(latest.items()):
        if record["outcome"] not in {"done", "running"}:
            notes = record["notes"]
            reason = str(notes.get("error", record["outcome"])).partition("\n")[0]
            yield f"  {stage} {batch}: {reason} (log: {notes.get('log', '')})"
