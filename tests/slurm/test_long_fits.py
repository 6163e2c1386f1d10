"""A long fit meets the end of its job's time, and then a kill; each time the next job goes on."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster_run import ON_SLURM, UNTIL_MERGED, ClusterRun, Driver, wait_for
from slurm_jobs import NewJobs, SlurmJob, freeze, kill_all, thaw

from synreduce.execution import allocation_end, stopping_time
from synreduce.result.checkpoint import WRITE_INTERVAL_S

# One minute for the first attempt, two for the second; Slurm's shortest limit is a minute.
LITTLE_TIME = ("--set-resources", "fit:runtime=attempt", "--retries", "6")


def one_long_fit() -> dict[str, Any]:
    return {
        "run": "long",
        "databases": [{"id": "cable", "path": "results/long/database.h5"}],
        "example": {"kind": "cable", "trials": 4000, "seed": 1},
        "minimum_positives": {"train": 10, "test": 5},
        "chunks": {"temporal": [{"start_ms": 255, "stop_ms": 256}]},
        # With that many filters the search takes long enough to be stopped twice.
        "strategies": [{"kind": "spatiotemporal_raised_cosine", "rank": 5}],
        "solvers": [{"kind": "cobyla"}],
        "resources": {"threads": 1},
    }


@dataclass(frozen=True)
class Journal:
    """What the attempts at the fit have left so far."""

    seconds: float = 0.0
    n_evaluations: int = 0

    @classmethod
    def of(cls, run: ClusterRun) -> Journal:
        for path in run.results.glob("chunks/*/*/checkpoints/*.values"):
            header, _, records = path.read_bytes().partition(b"\n")
            return cls(json.loads(header)["seconds"], len(records) // 16)
        return cls()


def stop_at_work(run: ClusterRun, driver: Driver, jobs: NewJobs, before: Journal) -> SlurmJob:
    """Freeze the job that fits as soon as it has written more than was there before."""

    def has_written() -> bool:
        assert driver.process.poll() is None, driver.text
        return Journal.of(run).seconds >= before.seconds + WRITE_INTERVAL_S

    wait_for(has_written)
    job = jobs.running("fit")
    assert job, "the fit ended before its accident"
    freeze(job)
    return job


def test_a_long_fit_goes_on_after_the_end_of_its_time_and_after_a_kill(tmp_path: Path) -> None:
    run = ClusterRun(tmp_path, "long")
    run.configure(one_long_fit())
    run.run("--cores", "1", *UNTIL_MERGED)
    undisturbed = run.merged()
    run.lose_all_fits()
    jobs = NewJobs(run.folder)
    with run.start(*ON_SLURM, *UNTIL_MERGED, *LITTLE_TIME) as driver:
        late = stop_at_work(run, driver, jobs, Journal())
        stop_at = stopping_time(allocation_end({"SLURM_JOB_ID": late.number}))
        assert stop_at
        wait_for(lambda: time.time() > stop_at)
        thaw(late)
        wait_for(lambda: driver.says("it continues from there"))
        first = Journal.of(run)
        killed = stop_at_work(run, driver, jobs, first)
        second = Journal.of(run)
        kill_all(killed)
        driver.succeed()
    # Of a fit that began anew the journal would be as short as that of the first attempt.
    assert second.n_evaluations > first.n_evaluations > 0
    *interrupted, last = jobs.states("fit")
    assert len(interrupted) >= 2
    assert (last, "COMPLETED" in interrupted) == ("COMPLETED", False)
    (path,) = (run.folder / "logs" / run.name / "fit").glob("*.log")
    assert "an earlier attempt left 0 finished fits and 1 begun" in path.read_text("utf-8")
    assert run.merged() == undisturbed
