"""How long the rest of a stage will take, and what that is based on."""

from __future__ import annotations

import statistics
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synreduce.pipeline.job_states import JobState


@dataclass(frozen=True)
class RemainingTime:
    """An estimate of time.

    Parameters
    ----------
    seconds : float
        Time left.
    basis : str
        How it was estimated, for people.
    """

    seconds: float
    basis: str


def remaining_time(
    jobs: Collection[JobState], n_left: int, planned_seconds: float | None
) -> RemainingTime | None:
    """Estimate how long the jobs of a stage that are not done will take.

    Parameters
    ----------
    jobs : collection of JobState
        Jobs of the stage that were begun.
    n_left : int
        Jobs that are not done, running ones included.
    planned_seconds : float or None
        What a job was planned to take, where none has finished.

    Returns
    -------
    RemainingTime or None
        None where nothing is left or nothing is known.
    """
    if n_left == 0:
        return None
    finished = [job.seconds for job in jobs if job.state == "done"]
    running = [job for job in jobs if job.state == "running"]
    at_once = max(1, len(running) or most_at_once(jobs))
    per_job = statistics.median(finished) if finished else planned_seconds
    if per_job is None:
        return None
    spent = sum(min(job.seconds, per_job) for job in running)
    seconds = max(0.0, n_left * per_job - spent) / min(at_once, n_left)
    count = f"{len(finished)} finished job{'s' if len(finished) != 1 else ''}"
    source = (
        f"median {duration(per_job)} of {count}"
        if finished
        else f"planned {duration(per_job)} per job, none has finished"
    )
    together = f" / {at_once} at once" if at_once > 1 else ", one at a time"
    return RemainingTime(seconds, f"{source} x {n_left} left{together}")


def most_at_once(jobs: Collection[JobState]) -> int:
    """Count how many jobs ran at the same time at most.

    Parameters
    ----------
    jobs : collection of JobState
        Jobs with their start and duration.

    Returns
    -------
    int
    """
    begins = [(job.started.timestamp(), 1) for job in jobs]
    ends = [(job.started.timestamp() + job.seconds, -1) for job in jobs]
    together = most = 0
    for _, change in sorted((*begins, *ends)):
        together += change
        most = max(most, together)
    return most


def duration(seconds: float) -> str:
    """Write a duration with two figures.

    Parameters
    ----------
    seconds : float
        Duration, s.

    Returns
    -------
    str

    Examples
    --------
    >>> duration(34.4), duration(150), duration(9000), duration(200_000)
    ('34 s', '2.5 min', '2.5 h', '2.3 d')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    in_minutes, in_hours = seconds < 6000, seconds < 172_800
    length, unit = (60, "min") if in_minutes else (3600, "h") if in_hours else (86_400, "d")
    value = seconds / length
    return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
