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


def run_with(engine: str, folder: Path) -> ClusterRun:
    mapping = yaml.safe_load((ROOT / "config" / "examples" / "tiny.yaml").read_text("utf-8"))
    mapping["chunks"] = {"temporal": [{"start_ms": 257, "stop_ms": 260}]}
    mapping["example"]["trials"] = 1000
    run = ClusterRun(folder, "tiny")
    run.configure({**mapping, "resources": ENGINES[engine]})
    return run


@pytest.fixture(scope="module")
def local_result(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    run = run_with("local", tmp_path_factory.mktemp("local"))
    run.run("--cores", "2", *UNTIL_MERGED)
    return run.merged()


@pytest.fixture(scope="module")
def jobs() -> NewJobs:
    return NewJobs()


@pytest.fixture(scope="module")
def on_two_nodes(jobs: NewJobs, tmp_path_factory: pytest.TempPathFactory) -> ClusterRun:
    run = run_with("srun", tmp_path_factory.mktemp("nodes"))
    run.run(*ON_SLURM, *UNTIL_MERGED)
    return run


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


def test_workers_on_two_nodes_give_the_local_result(
    on_two_nodes: ClusterRun, jobs: NewJobs, local_result: bytes
) -> None:
    for rule in ("fit", "merge"):
        assert [(job.state, job.node) for job in jobs.of(rule)] == [("COMPLETED", "n[1-2]")]
    assert on_two_nodes.merged() == local_result


def test_the_workers_of_a_lost_node_are_done_without(
    on_two_nodes: ClusterRun, local_result: bytes
) -> None:
    on_two_nodes.lose_all_fits()
    with on_two_nodes.start(*ON_SLURM, *UNTIL_MERGED, "--retries", "0") as driver:
        nodes = wait_for(lambda: all_of("synreduce.workers.serving", 2))
        nodes[0].kill()
        driver.succeed()
    assert on_two_nodes.merged() == local_result


def test_ranks_on_two_nodes_give_the_local_result_even_after_one_died(
    tmp_path: Path, local_result: bytes
) -> None:
    run = run_with("mpi", tmp_path)
    with run.start(*ON_SLURM, *UNTIL_MERGED, "--retries", "0") as driver:
        ranks = wait_for(lambda: all_of("synreduce.workers.mpi", 4))
        ranks[-1].kill()
        assert driver.end() != 0, driver.text
    run.run(*ON_SLURM, *UNTIL_MERGED)
    assert run.merged() == local_result
