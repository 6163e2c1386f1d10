"""What Slurm says of jobs, and what happens to them: the accidents of a cluster."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

_STATE = Path(os.environ.get("SLURM_TEST_STATE", "/var/tmp/synreduce-slurm"))
_COLUMNS = "%i|%T|%N|%k|%m|%l|%D|%Z"


@dataclass(frozen=True)
class SlurmJob:
    """A job as Slurm sees it; `purpose` is rule and batch, as Snakemake writes them."""

    number: str
    state: str
    node: str
    purpose: str
    memory: str
    limit: str
    node_count: str
    folder: str

    @property
    def memory_mb(self) -> int:
        units = {"M": 1, "G": 1024}
        return int(float(self.memory[:-1]) * units[self.memory[-1]])

    @property
    def limit_minutes(self) -> int:
        days, _, clock = self.limit.rpartition("-")
        hours, minutes, _seconds = ["0", *clock.split(":")][-3:]
        return int(days or 0) * 1440 + int(hours) * 60 + int(minutes)

    @property
    def restarts(self) -> int:
        shown = slurm("scontrol", "show", "job", self.number)
        found = re.search(r"Restarts=(\d+)", shown)
        assert found, shown
        return int(found[1])


def slurm(*command: str) -> str:
    """Give a Slurm command; its output."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


def jobs_from(folder: Path) -> list[SlurmJob]:
    """The jobs of a run in the last hour, finished ones too, in order of submission."""
    lines = slurm("squeue", "--noheader", "--states=all", f"--format={_COLUMNS}").splitlines()
    jobs = (SlurmJob(*line.split("|")) for line in lines)
    from_there = (job for job in jobs if Path(job.folder) == folder)
    return sorted(from_there, key=lambda job: int(job.number))


class NewJobs:
    """The jobs of the run in a folder since this was made, until it is closed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known = {job.number for job in jobs_from(folder)}
        self._kept: list[SlurmJob] | None = None

    def __iter__(self) -> Iterator[SlurmJob]:
        jobs = jobs_from(self._folder) if self._kept is None else self._kept
        return (job for job in jobs if job.number not in self._known)

    def close(self) -> None:
        """Keep the jobs as they are now, and take up no more."""
        self._kept = list(self)

    def of(self, rule: str, batch: str = "") -> list[SlurmJob]:
        """Jobs of a rule, and of a batch if it is given."""
        purpose = f"rule_{rule}_wildcards_{batch}" if batch else f"rule_{rule}"
        return [job for job in self if job.purpose.startswith(purpose)]

    def states(self, rule: str, batch: str = "") -> list[str]:
        return [job.state for job in self.of(rule, batch)]

    def running(self, rule: str, batch: str = "") -> SlurmJob | None:
        return next((job for job in self.of(rule, batch) if job.state == "RUNNING"), None)


def end_jobs(folder: Path) -> None:
    """Cancel all jobs of the run in a folder."""
    if jobs := jobs_from(folder):
        slurm("scancel", *(job.number for job in jobs))


def _processes_of(job: SlurmJob) -> Iterator[psutil.Process]:
    """All that a job has started on any node, not Slurm's own process that started the job."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            is_slurm = process.name() == "slurmstepd"
            if not is_slurm and process.environ().get("SLURM_JOB_ID") == job.number:
                yield process


def _work_of(job: SlurmJob) -> list[psutil.Process]:
    """Process that does the work of a job, and its children; not those that wait for it."""
    found: list[psutil.Process] = []
    for process in _processes_of(job):
        with suppress(psutil.Error):
            if any(".snakemake/scripts" in word for word in process.cmdline()):
                found += [process, *process.children(recursive=True)]
    return found


def freeze(job: SlurmJob) -> None:
    """Stop a job's work where it is, as a dead file system does."""
    work = _work_of(job)
    assert work, f"no process of job {job.number}"
    for process in work:
        with suppress(psutil.NoSuchProcess):
            process.suspend()


def thaw(job: SlurmJob) -> None:
    """Let a frozen job go on."""
    for process in _work_of(job):
        with suppress(psutil.NoSuchProcess):
            process.resume()


def kill_all(job: SlurmJob) -> None:
    """Kill every process of a job at once, as a node without memory does."""
    for process in list(_processes_of(job)):
        with suppress(psutil.NoSuchProcess):
            process.kill()


def set_node(name: str, state: str) -> None:
    """Set a node `down`, `drain` or `resume`."""
    slurm("scontrol", "update", f"nodename={name}", f"state={state}", "reason=test")


def resume_nodes() -> None:
    """Let all nodes take jobs again; Slurm refuses to resume those that take them already."""
    names = slurm("sinfo", "--noheader", "--Node", "--states=drain,down", "--format=%N")
    for name in names.split():
        set_node(name, "resume")


def stop_slurm_controller() -> None:
    """Take slurmctld away."""
    pid = int((_STATE / "slurmctld.pid").read_text())
    process = psutil.Process(pid)
    process.terminate()
    process.wait(timeout=60)


def start_slurm_controller() -> None:
    """Bring slurmctld back, with the state it left."""
    subprocess.run(["slurmctld"], check=True)
