"""One job on several nodes of a real Slurm: the local result, whatever is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from cluster_run import ClusterRun, slurm_jobs, wait_for
from workflow_run import ROOT

ON_SLURM = ("--profile", "slurm", "--slurm-init-seconds-before-status-checks", "7")
UNTIL_MERGED = ("--until", "merge")
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
    return merged(run)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterRun]:
    run = run_with("srun", tmp_path_factory.mktemp("nodes"))
    run.run(*ON_SLURM, *UNTIL_MERGED)
    return run


def merged(run: ClusterRun) -> bytes:
    return (run.results / "merged.h5").read_bytes()


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
    finished: ClusterRun, local_result: bytes
) -> None:
    jobs = [job for job in slurm_jobs() if "rule_fit" in job.purpose or "merge" in job.purpose]
    assert {job.node for job in jobs if job.state == "COMPLETED"} >= {"n[1-2]"}
    assert merged(finished) == local_result


def test_the_workers_of_a_lost_node_are_done_without(
    finished: ClusterRun, local_result: bytes
) -> None:
    finished.lose_fits()
    with finished.start(*ON_SLURM, *UNTIL_MERGED, "--retries", "0") as driver:
        nodes = wait_for(
            lambda: len(found := processes("synreduce.workers.serving")) == 2 and found
        )
        nodes[0].kill()
        text, _ = driver.communicate(timeout=300)
    assert driver.returncode == 0, text
    assert merged(finished) == local_result


def test_ranks_on_two_nodes_give_the_local_result_even_after_one_died(
    tmp_path: Path, local_result: bytes
) -> None:
    run = run_with("mpi", tmp_path)
    with run.start(*ON_SLURM, *UNTIL_MERGED, "--retries", "0") as driver:
        ranks = wait_for(lambda: all_of("synreduce.workers.mpi", 4))
        ranks[-1].kill()
        text, _ = driver.communicate(timeout=300)
    assert driver.returncode != 0, text
    run.run(*ON_SLURM, *UNTIL_MERGED)
    assert merged(run) == local_result
