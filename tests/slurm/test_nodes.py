"""One job on several nodes of a real Slurm: the local result, whatever is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from cluster_run import ON_SLURM, UNTIL_MERGED, ClusterRun, wait_for
from slurm_jobs import NewJobs
from workflow_run import ROOT

# The memory makes rows more than a worker keeps, so that they are spread.
ENGINES: dict[str, dict[str, Any]] = {
    "local": {"threads": 1},
    "srun": {"engine": "srun", "nodes": 2, "threads": 2, "memory": "6 MB"},
    "mpi": {"engine": "mpi", "nodes": 2, "threads": 2, "memory": "6 MB"},
}


def configuration_with(engine: str) -> dict[str, Any]:
    mapping = yaml.safe_load((ROOT / "config" / "examples" / "tiny.yaml").read_text("utf-8"))
    mapping["chunks"] = {"temporal": [{"start_ms": 257, "stop_ms": 260}]}
    mapping["example"]["trials"] = 1000
    return {**mapping, "resources": ENGINES[engine]}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> ClusterRun:
    """A run that was finished without Slurm."""
    run = ClusterRun(tmp_path_factory.mktemp("nodes"), "tiny")
    run.configure(configuration_with("local"))
    run.run("--cores", "2", *UNTIL_MERGED)
    return run


@pytest.fixture(scope="module")
def local_result(run: ClusterRun) -> bytes:
    return run.merged()


def begin_anew(run: ClusterRun, engine: str) -> None:
    """Go back to where nothing is fitted, and change what starts workers."""
    run.lose_all_fits()
    run.configure(configuration_with(engine))


def processes(module: str) -> list[psutil.Process]:
    """Programs of a module that `srun` has started, not what started them."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        arguments = process.info["cmdline"] or []
        if module in arguments and "python" in Path(arguments[0]).name:
            found.append(process)
    return found


def all_of(module: str, number: int) -> list[psutil.Process] | None:
    """The programs of a module, as soon as all of them run."""
    found = processes(module)
    return found if len(found) == number else None


def test_workers_on_two_nodes_give_the_local_result(run: ClusterRun, local_result: bytes) -> None:
    begin_anew(run, "srun")
    jobs = NewJobs(run.folder)
    run.run(*ON_SLURM, *UNTIL_MERGED)
    for rule in ("fit", "merge"):
        (job,) = jobs.of(rule)
        assert (job.state, job.node_count) == ("COMPLETED", "2")
    assert run.merged() == local_result


def test_the_workers_of_a_lost_node_are_done_without(run: ClusterRun, local_result: bytes) -> None:
    begin_anew(run, "srun")
    with run.start(*ON_SLURM, *UNTIL_MERGED, "--retries", "0") as driver:
        nodes = wait_for(lambda: all_of("synreduce.workers.serving", 2))
        nodes[0].kill()
        driver.succeed()
    assert run.merged() == local_result


def test_ranks_on_two_nodes_give_the_local_result_even_after_one_died(
    run: ClusterRun, local_result: bytes
) -> None:
    begin_anew(run, "mpi")
    with run.start(*ON_SLURM, *UNTIL_MERGED, "--retries", "0") as driver:
        ranks = wait_for(lambda: all_of("synreduce.workers.mpi", 4))
        ranks[-1].kill()
        assert driver.end() != 0, driver.text
    run.run(*ON_SLURM, *UNTIL_MERGED)
    assert run.merged() == local_result
