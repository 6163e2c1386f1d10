"""What jobs ask for: their own threads, attempts, and nothing of the node they land on."""

from __future__ import annotations

from pathlib import Path

import pytest

from synreduce.configuration import load_configuration
from synreduce.pipeline.workflow import WorkflowRun

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorkflowRun:
    configuration = load_configuration(ROOT / "config" / "examples" / "tiny.yaml")
    # The example does not exist here, so that sizes follow from the configuration alone.
    monkeypatch.chdir(tmp_path)
    return WorkflowRun(configuration)


@pytest.mark.parametrize("stage", ["project", "fit"])
def test_memory_follows_the_threads_of_the_job_and_grows_with_every_attempt(
    run: WorkflowRun, stage: str
) -> None:
    batch = run.batches[0].name
    one = run.memory_mb(stage, batch, attempt=1, threads=1)
    four = run.memory_mb(stage, batch, attempt=1, threads=4)
    # Every further worker is a process of its own.
    assert four - one >= 4 * 250
    assert run.memory_mb(stage, batch, attempt=3, threads=4) == 3 * four


def test_memory_covers_the_snakemake_processes_of_a_cluster_job(run: WorkflowRun) -> None:
    # Job script, two Snakemake processes of 215 MB, and the libraries: more than a site's default.
    assert run.memory_mb("plot", None, attempt=1, threads=1) >= 2 * 215 + 300


def test_threads_are_the_given_cores_or_four_on_a_cluster(run: WorkflowRun) -> None:
    assert run.threads(2) == 2
    assert run.threads(None) == 4


def test_time_grows_with_every_attempt(run: WorkflowRun) -> None:
    batch = run.batches[0].name
    first = run.runtime_minutes("fit", batch, attempt=1)
    assert run.runtime_minutes("fit", batch, attempt=2) == 2 * first
