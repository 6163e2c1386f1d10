"""What a run would do: chunks, jobs, memory, disk and time; no work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synreduce.errors import InputError
from synreduce.pipeline.batches import run_batches
from synreduce.pipeline.check import check_run
from synreduce.pipeline.estimates import RunEstimates
from synreduce.units import format_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from synreduce.configuration import Configuration

_STAGES = ("project", "fit")
_MOST_SPLITS_SHOWN = 20


def plan_lines(configuration: Configuration) -> list[str]:
    """Describe a run before it starts.

    Parameters
    ----------
    configuration : Configuration
        The run.

    Returns
    -------
    list of str
        Lines for people.

    Raises
    ------
    InputError
        If the databases exist and the configuration does not fit them.
    """
    estimates = RunEstimates.of(configuration)
    grid = configuration.grid()
    batches = run_batches(configuration)
    disk = len(grid.chunks) * estimates.design_bytes
    sampled = estimates.n_fitted < estimates.n_samples
    made_here = configuration.example is not None
    lines = [
        f"run {configuration.run}: results/{configuration.run}",
        f"{estimates.n_trials:,} trials"
        + (" (example, written by the workflow)" if made_here else ""),
        f"{len(grid.chunks)} chunks: {len(grid.spatial)} spatial x {len(grid.temporal)} temporal",
        f"{estimates.n_samples:,} samples x {estimates.n_features} features per chunk",
        f"{len(batches)} jobs per stage, {estimates.n_fits} fits per chunk"
        + (f" of up to {estimates.n_fitted:,} samples" if sampled else ""),
        f"about {format_bytes(disk)} on disk for projected data",
        "",
        f"{'stage':<10}{'jobs':>6}{'memory':>12}{'time per job':>16}",
    ]
    largest = max(len(batch.chunks) for batch in batches)
    for stage, jobs, size in (
        *((stage, len(batches), largest) for stage in _STAGES),
        ("merge", 1, len(grid.chunks)),
    ):
        memory = format_bytes(estimates.memory_mb(stage, size) * 1e6)
        seconds = estimates.seconds(stage, size)
        lines.append(f"{stage:<10}{jobs:>6}{memory:>12}{_duration(seconds):>16}")
    if _all_exist([entry.file for entry in configuration.databases]):
        lines += ["", *_check_lines(configuration)]
    return lines


def _check_lines(configuration: Configuration) -> list[str]:
    try:
        splits = check_run(configuration)
    except InputError as error:
        return ["This run would be refused:", *(str(problem) for problem in error.problems)]
    lines = ["samples (positives) per split:"]
    for split in splits[:_MOST_SPLITS_SHOWN]:
        parts = ", ".join(
            f"{name} {n:,} ({positive:,})" for name, (n, positive) in split.counts.items()
        )
        lines.append(f"  {split.window.name} {split.name}: {parts}")
    if len(splits) > _MOST_SPLITS_SHOWN:
        lines.append(f"  ... and {len(splits) - _MOST_SPLITS_SHOWN} more")
    return lines


def _all_exist(paths: list[Path]) -> bool:
    return all(path.exists() for path in paths)


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"about {max(seconds, 1):.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 7200 else f"about {seconds / 3600:.0f} h"
