"""The workflow on a real Slurm of four nodes: the local result, whatever happens to jobs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from cluster_run import ClusterRun, SlurmJob, slurm_jobs, wait_for
from workflow_run import ROOT

# Only the pause before the first look at a job differs from what a user types.
ON_SLURM = ("--profile", "slurm", "--slurm-init-seconds-before-status-checks", "7")
UNTIL_MERGED = ("--until", "merge")


@pytest.fixture(scope="module")
def configuration() -> dict[str, object]:
    mapping: dict[str, object] = yaml.safe_load(
        (ROOT / "config" / "examples" / "tiny.yaml").read_text(encoding="utf-8")
    )
    mapping["chunks"] = {
        "spatial": {"edges_um": [0, 500, 1500]},
        "temporal": [{"start_ms": 256, "stop_ms": 258}, {"start_ms": 258, "stop_ms": 260}],
        "per_job": 1,
    }
    return mapping


@pytest.fixture(scope="module")
def local_result(
    configuration: dict[str, object], tmp_path_factory: pytest.TempPathFactory
) -> bytes:
    local = ClusterRun(tmp_path_factory.mktemp("local"), "tiny")
    local.configure(configuration)
    local.run("--cores", "2", *UNTIL_MERGED)
    return (local.results / "merged.h5").read_bytes()


@pytest.fixture(scope="module")
def finished(
    configuration: dict[str, object], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ClusterRun]:
    run = ClusterRun(tmp_path_factory.mktemp("cluster"), "tiny")
    run.configure(configuration)
    run.run(*ON_SLURM, *UNTIL_MERGED)
    yield run
    if jobs := [job.number for job in slurm_jobs() if job.state in {"PENDING", "RUNNING"}]:
        subprocess.run(["scancel", *jobs], check=True)


def running_fit(known: set[str]) -> SlurmJob | None:
    fits = (job for job in slurm_jobs() if "rule_fit" in job.purpose and job.number not in known)
    return next((job for job in fits if job.state == "RUNNING"), None)


def cancel_a_fit(known: set[str]) -> str:
    """Cancel the first new fit that runs; the folder of its chunk."""
    job: SlurmJob = wait_for(lambda: running_fit(known))
    subprocess.run(["scancel", job.number], check=True)
    return "chunks/" + job.purpose.partition("wildcards_")[2].replace("_", "/")


def merged(run: ClusterRun) -> bytes:
    return Path(run.results, "merged.h5").read_bytes()


def test_jobs_on_four_nodes_give_the_local_result(
    finished: ClusterRun, local_result: bytes
) -> None:
    for stage in ("project", "fit"):
        jobs = [job for job in slurm_jobs() if f"rule_{stage}_" in job.purpose]
        assert [job.state for job in jobs] == ["COMPLETED"] * 4
        assert {job.node for job in jobs} == {"n1", "n2", "n3", "n4"}
    assert merged(finished) == local_result


def test_after_a_cancelled_job_the_same_command_finishes(
    finished: ClusterRun, local_result: bytes
) -> None:
    finished.lose_fits()
    known = {job.number for job in slurm_jobs()}
    with finished.start(*ON_SLURM, *UNTIL_MERGED, "--retries", "0") as driver:
        cancelled = cancel_a_fit(known)
        text, _ = driver.communicate(timeout=300)
    assert driver.returncode != 0, text
    kept = finished.fit_stamps()
    assert len(kept) == 3
    assert cancelled not in kept

    finished.run(*ON_SLURM, *UNTIL_MERGED, "--retries", "0")
    after = finished.fit_stamps()
    assert {chunk: stamp for chunk, stamp in after.items() if kept.get(chunk) != stamp} == {
        cancelled: after[cancelled]
    }
    assert merged(finished) == local_result


def test_a_cancelled_job_is_sent_again_by_the_running_command(
    finished: ClusterRun, local_result: bytes
) -> None:
    finished.lose_fits()
    known = {job.number for job in slurm_jobs()}
    with finished.start(*ON_SLURM, *UNTIL_MERGED) as driver:
        cancel_a_fit(known)
        text, _ = driver.communicate(timeout=300)
    assert driver.returncode == 0, text
    fits = [job for job in slurm_jobs() if job.number not in known and "rule_fit" in job.purpose]
    assert sorted(job.state for job in fits) == ["CANCELLED", *["COMPLETED"] * 4]
    assert merged(finished) == local_result


def test_after_the_controller_was_killed_the_run_finishes_beside_its_old_jobs(
    finished: ClusterRun, local_result: bytes
) -> None:
    finished.lose_fits()
    known = {job.number for job in slurm_jobs()}
    with finished.start(*ON_SLURM, *UNTIL_MERGED) as driver:
        wait_for(lambda: running_fit(known))
        driver.kill()
        driver.communicate()
    # The jobs it left go on and write the same names as those of the next controller.
    assert running_fit(known)
    finished.run(*ON_SLURM, "--unlock")
    finished.run(*ON_SLURM, *UNTIL_MERGED)
    assert merged(finished) == local_result
