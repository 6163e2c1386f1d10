"""The state of a run in a screenful of text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synreduce.errors import printable
from synreduce.pipeline.remaining_time import duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from synreduce.pipeline.job_states import JobState
    from synreduce.pipeline.status import RunStatus, StageStatus

_MOST_LISTED = 8
_COLUMNS = f"{'':<9}{'jobs':>6}{'done':>6}{'running':>9}{'waiting':>9}{'failed':>8}"


def status_lines(status: RunStatus) -> list[str]:
    """Describe the state of a run for people.

    Parameters
    ----------
    status : RunStatus
        How far it is.

    Returns
    -------
    list of str
        A table of stages, the time left with its basis, what runs and what failed.
    """
    failed = [job for stage in status.stages for job in stage.failed]
    running = [job for job in status.jobs.latest.values() if job.state == "running"]
    lines = [
        f"run {status.run} in {status.paths.folder}",
        "",
        f"{_COLUMNS}   chunks done",
        *(_row(stage) for stage in status.stages),
        "",
        *_time_left(status.stages),
        *_listed("running", [_running(job) for job in sorted(running, key=_longest_first)]),
        *_queue(status),
        *_listed("failed", [line for job in failed for line in _failure(job, status)], per_entry=2),
        *status.jobs.notes,
        _next_step(status, failed=bool(failed), running=bool(running)),
    ]
    return [printable(line) for line in lines]


def _row(stage: StageStatus) -> str:
    waiting = stage.n_waiting + stage.n_queued
    counts = (f"{stage.name:<9}{stage.n_jobs:>6}{stage.n_done:>6}{stage.n_running:>9}"
              f"{waiting:>9}{len(stage.failed):>8}")  # fmt: skip
    if stage.n_chunks == 0:
        return counts
    return f"{counts}   {stage.n_chunks_done:,} of {stage.n_chunks:,}"


def _time_left(stages: Sequence[StageStatus]) -> Iterator[str]:
    known = [(stage.name, stage.remaining) for stage in stages if stage.remaining is not None]
    if not known:
        return
    yield f"time left: about {duration(sum(left.seconds for _, left in known))}"
    for name, left in known:
        yield f"  {name:<9}{duration(left.seconds):>8}   {left.basis}"
    yield ""


def _running(job: JobState) -> str:
    where = f"on {job.host}" + (f", Slurm job {job.slurm_job}" if job.slurm_job else "")
    attempt = f", attempt {job.attempt}" if job.attempt > 1 else ""
    doubt = f" ({job.reason})" if job.reason else ""
    return f"  {job.stage} {_name(job)} for {duration(job.seconds)} {where}{attempt}{doubt}"


def _queue(status: RunStatus) -> Iterator[str]:
    if not status.jobs.queued:
        return
    reasons = sorted(set(status.jobs.queued.values()))
    n_jobs = len(status.jobs.queued)
    yield f"in Slurm's queue: {n_jobs} job{'s' if n_jobs > 1 else ''} ({', '.join(reasons)})"
    yield ""


def _failure(job: JobState, status: RunStatus) -> tuple[str, str]:
    attempt = f" (attempt {job.attempt})" if job.attempt > 1 else ""
    log = _log(job, status.paths.folder) or "no log"
    return f"  {job.stage} {_name(job)}{attempt}: {job.reason}", f"    log: {log}"


def _log(job: JobState, folder: Path) -> str:
    """Name the log that says most: Slurm's own where a job was ended from outside."""
    start = folder.resolve().parents[1]
    slurm = start / ".snakemake" / "slurm_logs" / f"rule_{job.stage}" / job.batch
    own = slurm / f"{job.slurm_job}.log"
    if job.slurm_job and own.exists():
        return f"{job.log}, {own.relative_to(start)}" if job.log else str(own.relative_to(start))
    return job.log


def _listed(title: str, lines: Sequence[str], per_entry: int = 1) -> Iterator[str]:
    if not lines:
        return
    yield f"{title}:"
    yield from lines[: _MOST_LISTED * per_entry]
    more = len(lines) // per_entry - _MOST_LISTED
    if more > 0:
        yield f"  ... and {more} more"
    yield ""


def _next_step(status: RunStatus, *, failed: bool, running: bool) -> str:
    if status.complete:
        return f"complete: {status.paths.merged}"
    if running or status.jobs.queued or status.jobs.starting:
        return "failed jobs are tried again when the command is given again" if failed else ""
    locks = status.paths.folder.resolve().parents[1] / ".snakemake" / "locks"
    if locks.is_dir() and any(locks.iterdir()):
        return "no job is at work: Snakemake is between jobs, or was killed (then --unlock first)"
    return "nothing runs: give the same snakemake command again to continue"


def _name(job: JobState) -> str:
    return "" if job.batch == "all" else job.batch


def _longest_first(job: JobState) -> float:
    return -job.seconds
