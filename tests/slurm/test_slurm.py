"""The workflow on a real Slurm of four nodes gives the local result; the short form of all."""

from __future__ import annotations

from cluster_run import FirstRun


def test_twelve_chunks_on_four_nodes_give_the_local_result(
    first_run: FirstRun, undisturbed: bytes
) -> None:
    assert len(first_run.run.fit_stamps()) == 12
    assert {job.state for job in first_run.jobs.of("project")} == {"COMPLETED"}
    for stage in ("project", "fit"):
        assert {job.node for job in first_run.jobs.of(stage)} == {"n1", "n2", "n3", "n4"}
    assert first_run.run.merged() == undisturbed


def test_after_a_cancelled_job_the_same_command_does_what_was_lost(first_run: FirstRun) -> None:
    first, *others = first_run.cancelled.chunks
    assert first in first_run.kept
    assert set(others) - set(first_run.kept)
    assert first_run.jobs.states("fit", first_run.cancelled.name) == ["CANCELLED", "COMPLETED"]
    after = first_run.run.fit_stamps()
    assert {chunk: after[chunk] for chunk in first_run.kept} == first_run.kept
