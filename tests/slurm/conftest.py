"""These tests need the Slurm of start.sh; `make slurm` starts it, runs them and stops it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from cluster_run import ON_OWN_NODES, ON_SLURM, UNTIL_MERGED, CableGrid, ClusterRun
from slurm_jobs import NewJobs, end_jobs

collect_ignore_glob = [] if os.environ.get("SYNREDUCE_SLURM") else ["test_*.py"]


@pytest.fixture(scope="session")
def grid() -> CableGrid:
    return CableGrid()


@pytest.fixture(scope="session")
def undisturbed(grid: CableGrid, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The result of a run on this machine, without Slurm."""
    local = ClusterRun(tmp_path_factory.mktemp("local"), "cable")
    local.configure(grid.configuration())
    local.run("--cores", "2", *UNTIL_MERGED)
    return local.merged()


@pytest.fixture(scope="session")
def jobs_of_first_run() -> NewJobs:
    return NewJobs()


@pytest.fixture(scope="session")
def finished(
    grid: CableGrid, jobs_of_first_run: NewJobs, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ClusterRun]:
    """A run that went through Slurm; tests take parts of it away and run it again."""
    run = ClusterRun(tmp_path_factory.mktemp("cluster"), "cable")
    run.configure(grid.configuration())
    run.run(*ON_SLURM, *UNTIL_MERGED, *ON_OWN_NODES)
    jobs_of_first_run.close()
    yield run
    end_jobs()
