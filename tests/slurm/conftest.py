"""These tests need the Slurm of start.sh; `make slurm` starts it, runs them and stops it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TypeAlias

import pytest
from cluster_run import (
    ON_OWN_NODES,
    ON_SLURM,
    UNTIL_MERGED,
    CableGrid,
    ClusterRun,
    Driver,
    FirstRun,
    wait_for,
)
from slurm_jobs import NewJobs, end_jobs, slurm

LocalRun: TypeAlias = tuple[ClusterRun, Driver]

collect_ignore_glob = [] if os.environ.get("SYNREDUCE_SLURM") else ["test_*.py"]


@pytest.fixture(scope="session")
def grid() -> CableGrid:
    return CableGrid()


@pytest.fixture(scope="session")
def local(grid: CableGrid, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRun]:
    """A run on this machine, without Slurm; Slurm's first run mostly waits and goes beside it."""
    run = ClusterRun(tmp_path_factory.mktemp("local"), "cable")
    run.configure(grid.configuration())
    with run.start("--cores", "2", *UNTIL_MERGED) as driver:
        yield run, driver


@pytest.fixture(scope="session")
def undisturbed(local: LocalRun) -> bytes:
    """The result of the run on this machine."""
    run, driver = local
    driver.succeed()
    return run.merged()


@pytest.fixture(scope="session")
def first_run(
    grid: CableGrid, local: LocalRun, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FirstRun]:
    """A run through Slurm with a cancelled job, and the same command again."""
    run, cancelled = ClusterRun(tmp_path_factory.mktemp("cluster"), "cable"), grid.batches[0]
    run.configure(grid.configuration())
    jobs = NewJobs(run.folder)
    command = (*ON_SLURM, *UNTIL_MERGED, *ON_OWN_NODES, "--retries", "0")
    with run.start(*command) as driver:
        wait_for(lambda: driver.says("submitted") and run.has_fits(cancelled.chunks[0]))
        slurm("scancel", *(job.number for job in jobs.of("fit", cancelled.name)))
        assert driver.end() != 0, driver.text
    kept = run.fit_stamps()
    run.run(*command)
    jobs.close()
    yield FirstRun(run, jobs, cancelled, kept)
    end_jobs(run.folder)


@pytest.fixture(scope="session")
def finished(first_run: FirstRun) -> ClusterRun:
    """A run that went through Slurm; tests take parts of it away and run it again."""
    return first_run.run
