"""Accidents of a cluster: the run ends in the bytes of an undisturbed one and redoes what was lost.

Jobs are met in the middle of their work: one chunk of three is there, and the job stands still
until its accident has happened.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cluster_run import (
    ON_OWN_NODES,
    ON_SLURM,
    UNTIL_MERGED,
    Batch,
    CableGrid,
    ClusterRun,
    Driver,
    wait_for,
)
from slurm_jobs import (
    NewJobs,
    SlurmJob,
    freeze,
    kill_all,
    resume_nodes,
    set_node,
    slurm,
    start_slurm_controller,
    stop_slurm_controller,
    thaw,
)

OUTAGE_SECONDS = 60

# Python reads a module of this name when it starts. The job needs more memory than was estimated.
MEMORY_HOG = """\
import pathlib, sys, time
if any(".fit.py" in word for word in sys.orig_argv):
    size = pathlib.Path(__file__).with_name("megabytes")
    while not size.exists():
        time.sleep(0.1)
    ballast = bytearray(int(size.read_text()) * 2**20)
    ballast[::4096] = b"x" * len(ballast[::4096])
"""


@contextmanager
def fitting_again(
    run: ClusterRun, batches: Sequence[Batch], *options: str, **environment: str
) -> Iterator[tuple[NewJobs, Driver]]:
    """Lose the fits of batches and start the run anew: its jobs, and the command that goes on."""
    run.lose_fits(*batches)
    jobs = NewJobs(run.folder)
    with run.start(*ON_SLURM, *UNTIL_MERGED, *options, **environment) as driver:
        yield jobs, driver


def stop_in_the_middle(run: ClusterRun, jobs: NewJobs, *batches: Batch) -> dict[str, SlurmJob]:
    """Freeze the jobs of batches when their first chunk is there; jobs by name of the batch."""
    frozen: dict[str, SlurmJob] = {}

    def freeze_next() -> bool:
        for batch in batches:
            if batch.name not in frozen and run.has_fits(batch.chunks[0]):
                job = jobs.running("fit", batch.name)
                assert job, f"{batch.name} ended before its accident"
                freeze(job)
                frozen[batch.name] = job
        return len(frozen) == len(batches)

    wait_for(freeze_next)
    return frozen


@dataclass(frozen=True)
class Accidents:
    """Four jobs with an accident each, under one command that goes on."""

    run: ClusterRun
    jobs: NewJobs
    cancelled: Batch
    requeued: Batch
    too_slow: Batch
    on_lost_node: Batch
    met: dict[str, SlurmJob]
    kept: dict[str, int]


@pytest.fixture(scope="module")
def accidents(finished: ClusterRun, grid: CableGrid) -> Iterator[Accidents]:
    cancelled, requeued, too_slow, on_lost_node = grid.batches
    with fitting_again(finished, grid.batches, *ON_OWN_NODES) as (jobs, driver):
        met = stop_in_the_middle(finished, jobs, *grid.batches)
        kept = finished.fit_stamps()
        lost = met[on_lost_node.name]
        slurm("scancel", met[cancelled.name].number)
        slurm("scontrol", "requeue", met[requeued.name].number)
        slurm("scontrol", "update", f"jobid={met[too_slow.name].number}", "timelimit=1")
        set_node(lost.node, "down")
        driver.succeed()
    yield Accidents(finished, jobs, cancelled, requeued, too_slow, on_lost_node, met, kept)
    resume_nodes()
    # Slurm has given it up, and does not end what is left of it.
    kill_all(lost)


def test_a_cancelled_job_is_sent_again(accidents: Accidents) -> None:
    assert accidents.jobs.states("fit", accidents.cancelled.name) == ["CANCELLED", "COMPLETED"]


def test_a_requeued_job_is_followed(accidents: Accidents) -> None:
    (job,) = accidents.jobs.of("fit", accidents.requeued.name)
    assert (job.state, job.restarts) == ("COMPLETED", 1)


def test_a_job_beyond_its_time_limit_is_sent_again_with_more_time(accidents: Accidents) -> None:
    first, second = accidents.jobs.of("fit", accidents.too_slow.name)
    asked = accidents.met[accidents.too_slow.name].limit_minutes
    assert (first.state, second.state) == ("TIMEOUT", "COMPLETED")
    assert second.limit_minutes > asked


def test_a_job_whose_node_is_lost_goes_on_elsewhere(accidents: Accidents) -> None:
    job = accidents.jobs.of("fit", accidents.on_lost_node.name)[-1]
    assert job.state == "COMPLETED"
    assert job.node != accidents.met[accidents.on_lost_node.name].node


def test_accidents_cost_only_what_was_not_done(accidents: Accidents, undisturbed: bytes) -> None:
    after = accidents.run.fit_stamps()
    assert {chunk: after[chunk] for chunk in accidents.kept} == accidents.kept
    assert accidents.run.merged() == undisturbed


def test_a_job_without_enough_memory_is_sent_again_with_more(
    finished: ClusterRun, undisturbed: bytes, grid: CableGrid, tmp_path: Path
) -> None:
    run, batch = finished, grid.batches[0]
    (tmp_path / "sitecustomize.py").write_text(MEMORY_HOG)
    python_path = os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", "")))
    with fitting_again(run, [batch], PYTHONPATH=python_path) as (jobs, driver):
        (job,) = wait_for(lambda: jobs.of("fit"))
        part = tmp_path / "written"
        part.write_text(str(int(1.3 * job.memory_mb)))
        part.rename(tmp_path / "megabytes")
        driver.succeed()
    first, second = jobs.of("fit")
    # Slurm's word for it depends on who saw it first.
    assert first.state in {"OUT_OF_MEMORY", "FAILED", "CANCELLED"}
    assert second.state == "COMPLETED"
    assert second.memory_mb > first.memory_mb
    assert run.merged() == undisturbed


def test_after_the_controller_was_killed_the_same_command_finishes_without_doing_work_twice(
    finished: ClusterRun, undisturbed: bytes, grid: CableGrid
) -> None:
    run, (running, waiting, *_) = finished, grid.batches
    for node in ("n2", "n3", "n4"):
        set_node(node, "drain")
    try:
        with fitting_again(run, [running, waiting], *ON_OWN_NODES) as (jobs, driver):
            wait_for(lambda: jobs.running("fit"))
            if jobs.running("fit", waiting.name):
                running, waiting = waiting, running
            left = stop_in_the_middle(run, jobs, running)[running.name]
            wait_for(lambda: jobs.of("fit", waiting.name))
            driver.process.kill()
            driver.end()
            with run.start(*ON_SLURM, *UNTIL_MERGED, *ON_OWN_NODES) as second:
                wait_for(lambda: second.says("a killed controller left running"))
                assert jobs.states("fit", waiting.name) == ["CANCELLED"]
                thaw(left)
                resume_nodes()
                second.succeed()
    finally:
        resume_nodes()
    assert jobs.states("fit", running.name)[0] == "COMPLETED"
    assert "0 chunks to fit, 3 up to date" in run.fit_log(running)
    assert run.merged() == undisturbed


def test_of_two_controllers_one_works_and_the_other_is_told_who_does(
    finished: ClusterRun, undisturbed: bytes, grid: CableGrid
) -> None:
    run, batch = finished, grid.batches[1]
    with (
        fitting_again(run, [batch]) as (jobs, one),
        run.start(*ON_SLURM, *UNTIL_MERGED) as two,
    ):
        winner, loser = (one, two) if one.end() == 0 else (two, one)
        winner.succeed()
        assert loser.end() != 0, loser.text
    assert f"process {winner.process.pid} on" in loser.text
    assert jobs.states("fit") == ["COMPLETED"]
    assert run.merged() == undisturbed


def test_slurm_without_its_controller_for_a_minute_costs_no_job(
    finished: ClusterRun, undisturbed: bytes, grid: CableGrid
) -> None:
    run, batch = finished, grid.batches[2]
    with fitting_again(run, [batch]) as (jobs, driver):
        job = stop_in_the_middle(run, jobs, batch)[batch.name]
        stop_slurm_controller()
        try:
            thaw(job)
            time.sleep(OUTAGE_SECONDS)
        finally:
            start_slurm_controller()
        driver.succeed()
    assert jobs.states("fit") == ["COMPLETED"]
    assert run.merged() == undisturbed
