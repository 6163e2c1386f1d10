"""What happened in a run: one record per job, put together in ``run.json``.

Everything here differs from run to run (hosts, times, memory) and is therefore kept out of the
merged file.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from synreduce.storage import publish_json, this_process

_KIB = 1024


@dataclass
class JobRecord:
    """One attempt at one job.

    Parameters
    ----------
    stage : str
        What the job does: ``project``, ``fit``, ``merge`` ...
    batch : str
        Which batch of chunks.
    attempt : int
        1, 2, ...
    done, skipped, failed : list of str
        Ids of chunks that were made, that were there already, and that could not be made.
    notes : dict
        Further facts, as plain JSON.
    """

    stage: str
    batch: str
    attempt: int = 1
    host: str = field(default_factory=platform.node)
    process: dict[str, Any] = field(default_factory=lambda: asdict(this_process()))
    slurm_job_id: str = field(default_factory=lambda: os.environ.get("SLURM_JOB_ID", ""))
    log: str = ""
    started: str = ""
    ended: str = ""
    seconds: float = 0.0
    peak_memory_bytes: int = 0
    outcome: str = "running"
    done: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        """Name of the record's file."""
        return _record_name(self.stage, self.batch, self.attempt)


@contextmanager
def record_job(
    folder: Path | str, stage: str, batch: str, attempt: int = 0, log: str = ""
) -> Iterator[JobRecord]:
    """Record a job: that it runs, and how it ended, also if it fails.

    A record that still says ``running`` is that of a job that runs, or that was killed.

    Parameters
    ----------
    folder : Path or str
        ``results/<run>/jobs``.
    stage, batch : str
        What is done, and to which batch of chunks.
    attempt : int, default: 0
        Number of the attempt; 0 takes the next number without a record.
    log : str, optional
        Path of the log of the job.

    Yields
    ------
    JobRecord
        To be filled with the chunks done, skipped and failed.
    """
    number = attempt or _next_attempt(Path(folder), stage, batch)
    record = JobRecord(stage, batch, number, started=_now(), log=log)
    publish_json(Path(folder) / record.file_name, asdict(record))
    start = time.monotonic()
    try:
        yield record
        record.outcome = "failed" if record.failed else "done"
    except BaseException as error:
        record.outcome = f"stopped by {type(error).__name__}"
        raise
    finally:
        record.ended = _now()
        record.seconds = round(time.monotonic() - start, 3)
        record.peak_memory_bytes = _peak_memory()
        publish_json(Path(folder) / record.file_name, asdict(record))


def _next_attempt(folder: Path, stage: str, batch: str) -> int:
    number = 1
    while (folder / _record_name(stage, batch, number)).exists():
        number += 1
    return number


def _record_name(stage: str, batch: str, attempt: int) -> str:
    return f"{stage}_{batch}_{attempt}.json".replace("/", "_")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _peak_memory() -> int:
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(own, children) * _KIB


def read_jobs(folder: Path | str) -> list[dict[str, Any]]:
    """Read the records of all jobs of a run.

    Parameters
    ----------
    folder : Path or str
        ``results/<run>/jobs``.

    Returns
    -------
    list of dict
        Sorted by file name; files that cannot be read are left out, for they prove nothing.
    """
    records = []
    for path in sorted(Path(folder).glob("*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(record, dict):
            records.append(record)
    return records


def merge_run_record(
    path: Path | str, jobs_folder: Path | str, facts: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Write ``run.json`` from the records of the jobs.

    Parameters
    ----------
    path : Path or str
        ``results/<run>/run.json``.
    jobs_folder : Path or str
        ``results/<run>/jobs``.
    facts : dict, optional
        Further facts about the run, as plain JSON.

    Returns
    -------
    dict
        What was written: the facts, a summary per stage, and the records of the jobs.
    """
    jobs = read_jobs(jobs_folder)
    stages = {
        stage: _summary([job for job in jobs if job.get("stage") == stage])
        for stage in sorted({str(job.get("stage")) for job in jobs})
    }
    record = {**(facts or {}), "stages": stages, "jobs": jobs}
    publish_json(path, record)
    return record


def _summary(jobs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "jobs": len(jobs),
        "retries": sum(int(job.get("attempt", 1)) > 1 for job in jobs),
        "hosts": sorted({str(job.get("host", "")) for job in jobs}),
        "seconds": round(sum(float(job.get("seconds", 0.0)) for job in jobs), 3),
        "peak_memory_bytes": max(int(job.get("peak_memory_bytes", 0)) for job in jobs),
        "started": min(str(job.get("started", "")) for job in jobs),
        "ended": max(str(job.get("ended", "")) for job in jobs),
        "chunks_done": sum(len(job.get("done", ())) for job in jobs),
        "chunks_skipped": sum(len(job.get("skipped", ())) for job in jobs),
        "chunks_failed": sum(len(job.get("failed", ())) for job in jobs),
    }
