"""What became of the jobs of a run: from their records, and from Slurm where it answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from synreduce.result import read_jobs
from synreduce.storage import Owner, is_abandoned

if TYPE_CHECKING:
    from synreduce.execution.slurm_queue import SlurmJob, SlurmQueue
    from synreduce.pipeline.paths import RunPaths

State = Literal["done", "running", "failed"]
JobKey: TypeAlias = tuple[str, str]
"""Stage and batch."""

_SETTLED = timedelta(seconds=30)
_PURPOSE = "rule_"
_BATCH = "_wildcards_"


@dataclass(frozen=True)
class JobState:
    """The latest attempt at a job.

    Parameters
    ----------
    stage, batch : str
        What it is.
    state : {"done", "running", "failed"}
        How it stands.
    attempt : int
        1, 2, ...
    started : datetime
        When it began.
    seconds : float
        How long it took, or has been running.
    host : str
        Where.
    slurm_job : str
        Its id; empty outside Slurm.
    reason : str
        Why it failed, or what is uncertain about it.
    log : str
        Path of its log, relative to where the workflow was started.
    """

    stage: str
    batch: str
    state: State
    attempt: int
    started: datetime
    seconds: float
    host: str
    slurm_job: str
    reason: str
    log: str

    @property
    def key(self) -> JobKey:
        """Stage and batch."""
        return self.stage, self.batch


@dataclass(frozen=True)
class JobStates:
    """All jobs of a run that were ever begun, and those that Slurm has in its queue.

    Parameters
    ----------
    latest : mapping of (stage, batch) to JobState
        The latest attempt at every job.
    queued : mapping of (stage, batch) to str
        Jobs that wait in Slurm's queue, and why.
    starting : frozenset of (stage, batch)
        Jobs that Slurm runs and that have not begun their work.
    notes : tuple of str
        What could not be found out.
    """

    latest: Mapping[JobKey, JobState]
    queued: Mapping[JobKey, str]
    starting: frozenset[JobKey]
    notes: tuple[str, ...] = ()


def job_states(paths: RunPaths, slurm: SlurmQueue) -> JobStates:
    """Judge every job by its latest record.

    Parameters
    ----------
    paths : RunPaths
        Files of the run.
    slurm : SlurmQueue
        Asked whether jobs without an end still run.

    Returns
    -------
    JobStates
    """
    queue = slurm.jobs()
    own = {job.number: job for job in queue or () if _belongs(job, paths.folder)}
    latest: dict[JobKey, Mapping[str, Any]] = {}
    for record in sorted(read_jobs(paths.jobs), key=_attempt):
        latest[str(record.get("stage")), str(record.get("batch"))] = record
    gone = set() if queue is None else _gone(latest.values(), own)
    endings = slurm.endings(gone)
    states = {
        key: _state(record, gone=gone, endings=endings, asked=queue is not None)
        for key, record in latest.items()
    }
    running = {key for key, state in states.items() if state.state == "running"}
    in_queue = {_key(job): job for job in own.values()}
    silence = "Slurm did not answer: jobs are known from their files alone"
    return JobStates(
        latest=states,
        queued={key: job.reason for key, job in in_queue.items() if job.pending},
        starting=frozenset(key for key, job in in_queue.items() if not job.pending) - running,
        notes=(silence,) if slurm.silent else (),
    )


def _gone(records: Collection[Mapping[str, Any]], queue: Collection[str]) -> set[str]:
    """Slurm jobs whose record has no end and that are not in the queue any more."""
    begun_before = datetime.now(UTC) - _SETTLED
    return {
        number
        for record in records
        if record.get("outcome") == "running"
        and (number := str(record.get("slurm_job_id", "")))
        and number not in queue
        # A job may have begun after the queue was read.
        and _time(record.get("started")) < begun_before
    }


def _attempt(record: Mapping[str, Any]) -> int:
    return int(record.get("attempt", 0))


def _belongs(job: SlurmJob, folder: Path) -> bool:
    return job.purpose.startswith(_PURPOSE) and Path(job.folder) in folder.resolve().parents


def _key(job: SlurmJob) -> JobKey:
    stage, _, batch = job.purpose.removeprefix(_PURPOSE).partition(_BATCH)
    return stage, batch or "all"


def _state(
    record: Mapping[str, Any], *, gone: Collection[str], endings: Mapping[str, str], asked: bool
) -> JobState:
    outcome = str(record.get("outcome"))
    number = str(record.get("slurm_job_id", ""))
    state: State = "failed"
    reason = ""
    if outcome == "done":
        state = "done"
    elif outcome != "running":
        reason = str(record.get("notes", {}).get("error", outcome)).partition("\n")[0]
    elif number in gone or _is_dead(record):
        said = endings.get(number, "ended without a word: killed, or out of memory")
        reason = f"Slurm job {number} {said}" if number in endings else said
    else:
        state = "running"
        reason = "" if asked or not number else "as far as files tell"
    started = _time(record.get("started"))
    running_for = (datetime.now(UTC) - started).total_seconds()
    return JobState(
        stage=str(record.get("stage")),
        batch=str(record.get("batch")),
        state=state,
        attempt=_attempt(record),
        started=started,
        seconds=running_for if state == "running" else float(record.get("seconds", 0.0)),
        host=str(record.get("host", "")),
        slurm_job=number,
        reason=reason,
        log=str(record.get("log", "")),
    )


def _is_dead(record: Mapping[str, Any]) -> bool:
    """Whether the process of a job is certainly gone; of another machine nobody here can tell."""
    try:
        return is_abandoned(Owner(**record["process"]))
    except (KeyError, TypeError):
        return False


def _time(text: object) -> datetime:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return datetime.now(UTC)
