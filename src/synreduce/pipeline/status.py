"""How far a run is: from its files, and from Slurm where it answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synreduce.configuration import configuration_from_mapping
from synreduce.errors import DataError, InputError, Problem
from synreduce.pipeline.batches import ChunkIdentities, Stage, chunk_file, lost_chunks, run_batches
from synreduce.pipeline.checked_run import CheckedRun
from synreduce.pipeline.estimates import RunEstimates
from synreduce.pipeline.job_states import JobState, JobStates, job_states
from synreduce.pipeline.paths import RunPaths
from synreduce.pipeline.remaining_time import RemainingTime, remaining_time

if TYPE_CHECKING:
    from pathlib import Path

    from synreduce.chunks import Batch
    from synreduce.configuration import Configuration
    from synreduce.execution.slurm_queue import SlurmQueue

_CHUNK_STAGES: tuple[Stage, ...] = ("project", "fit")


@dataclass(frozen=True)
class StageStatus:
    """How far a stage is.

    Parameters
    ----------
    name : str
        Name of the rule.
    n_jobs, n_done, n_running, n_queued, n_waiting : int
        Jobs: in all, done, running, in Slurm's queue, not yet submitted.
    failed : tuple of JobState
        Jobs whose latest attempt failed.
    n_chunks, n_chunks_done : int
        Chunks; 0 for stages that have none.
    remaining : RemainingTime or None
        Time left, where something is left and it can be estimated.
    """

    name: str
    n_jobs: int
    n_done: int
    n_running: int
    n_queued: int
    n_waiting: int
    failed: tuple[JobState, ...]
    n_chunks: int = 0
    n_chunks_done: int = 0
    remaining: RemainingTime | None = None

    @property
    def complete(self) -> bool:
        """Whether all jobs are done."""
        return self.n_done == self.n_jobs


@dataclass(frozen=True)
class RunStatus:
    """How far a run is.

    Parameters
    ----------
    run : str
        Its name.
    paths : RunPaths
        Its files.
    stages : tuple of StageStatus
        In the order of the workflow.
    jobs : JobStates
        All jobs that were begun.
    """

    run: str
    paths: RunPaths
    stages: tuple[StageStatus, ...]
    jobs: JobStates

    @property
    def complete(self) -> bool:
        """Whether everything is done."""
        return all(stage.complete for stage in self.stages)


class StatusReader:
    """Reads the state of a run again and again.

    Parameters
    ----------
    run_folder : Path
        ``results/<run>``.
    slurm : SlurmQueue
        Asked for jobs of the run.

    Raises
    ------
    DataError
        If the folder holds no run.
    """

    def __init__(self, run_folder: Path, slurm: SlurmQueue) -> None:
        self._paths = RunPaths(run_folder)
        self._slurm = slurm
        self._configuration = _configuration_of(self._paths)
        self._batches = run_batches(self._configuration)
        self._identities: ChunkIdentities | None = None

    def read(self) -> RunStatus:
        """Look at the run.

        Returns
        -------
        RunStatus
        """
        jobs = job_states(self._paths, self._slurm)
        checked = self._paths.inputs.exists()
        if checked and self._identities is None:
            self._identities = CheckedRun.open(self._configuration, self._paths).identities
        stages = [_single("check", jobs, done=checked)]
        stages += [self._chunk_stage(name, jobs) for name in _CHUNK_STAGES]
        merged = self._is_merged(stages[-1])
        stages.append(_single("merge", jobs, done=merged))
        return RunStatus(self._configuration.run, self._paths, tuple(stages), jobs)

    def _chunk_stage(self, stage: Stage, jobs: JobStates) -> StageStatus:
        lost = {batch.name: self._lost(stage, batch, jobs) for batch in self._batches}
        done = {name for name, (is_done, _) in lost.items() if is_done}
        n_chunks = sum(len(batch.chunks) for batch in self._batches)
        begun = [job for job in jobs.latest.values() if job.stage == stage]
        left = [batch.name for batch in self._batches if batch.name not in done]
        running = {job.batch for job in begun if job.state == "running"}
        running |= {batch for name, batch in jobs.starting if name == stage}
        queued = {batch for name, batch in jobs.queued if name == stage} - running
        again = running | queued
        failed = [job for job in begun if job.state == "failed" and job.batch not in done | again]
        failed = [job for job in failed if job.batch in set(left)]
        n_waiting = len(left) - len(failed) - len(again.intersection(left))
        return StageStatus(
            name=stage,
            n_jobs=len(self._batches),
            n_done=len(done),
            n_running=len(running.intersection(left)),
            n_queued=len(queued.intersection(left)),
            n_waiting=n_waiting,
            failed=tuple(failed),
            n_chunks=n_chunks,
            n_chunks_done=n_chunks - sum(n_lost for _, n_lost in lost.values()),
            remaining=remaining_time(begun, len(left), self._planned(stage) if left else None),
        )

    def _lost(self, stage: Stage, batch: Batch, jobs: JobStates) -> tuple[bool, int]:
        """Whether a batch is done, and how many of its chunks are not."""
        if self._identities is None:
            return False, len(batch.chunks)
        if not self._paths.batch(stage, batch.name).exists():
            if (stage, batch.name) not in jobs.latest:
                return False, len(batch.chunks)
            # A batch at work has no record yet; its finished chunks lie in their folders.
            there = (chunk_file(self._paths, stage, chunk).exists() for chunk in batch.chunks)
            return False, len(batch.chunks) - sum(there)
        lost = lost_chunks(self._paths, stage, batch, self._identities)
        return not lost, len(lost)

    def _planned(self, stage: Stage) -> float | None:
        try:
            estimates = RunEstimates.of(self._configuration)
        except InputError:
            return None
        return estimates.seconds(stage, max(len(batch.chunks) for batch in self._batches))

    def _is_merged(self, fits: StageStatus) -> bool:
        if not (fits.complete and self._paths.merged.exists()):
            return False
        records = (self._paths.batch("fit", batch.name) for batch in self._batches)
        newest = max(record.stat().st_mtime for record in records)
        return self._paths.merged.stat().st_mtime >= newest


def _single(name: str, jobs: JobStates, *, done: bool) -> StageStatus:
    """Judge a stage of one job."""
    job = jobs.latest.get((name, "all"))
    running = (job is not None and job.state == "running") or (name, "all") in jobs.starting
    queued = (name, "all") in jobs.queued and not running
    done = done and not running
    failed = () if job is None or job.state != "failed" or done or queued else (job,)
    return StageStatus(
        name=name,
        n_jobs=1,
        n_done=int(done),
        n_running=int(running),
        n_queued=int(queued),
        n_waiting=int(not (done or running or queued or failed)),
        failed=failed,
    )


def _configuration_of(paths: RunPaths) -> Configuration:
    try:
        recorded = json.loads(paths.configuration.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        fix = "give a folder results/<run> that the workflow has written"
        problem = Problem("no-run", str(paths.folder), "holds no run of synreduce", fix)
        raise DataError(problem) from error
    return configuration_from_mapping(recorded)
