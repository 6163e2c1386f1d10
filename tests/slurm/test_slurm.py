"""The workflow on a real Slurm of four nodes gives the local result; the short form of all."""

from __future__ import annotations

from cluster_run import ON_SLURM, UNTIL_MERGED, CableGrid, ClusterRun, FirstRun, wait_for
from slurm_jobs import NewJobs, slurm


def test_twelve_chunks_on_four_nodes_give_the_local_result(
    finished: ClusterRun, first_run: FirstRun, undisturbed: bytes, grid: CableGrid
) -> None:
    assert len(finished.fit_stamps()) == 12
    for stage in ("project", "fit"):
        jobs = first_run.jobs.of(stage)
        assert [job.state for job in jobs] == ["COMPLETED"] * len(grid.batches)
        assert {job.node for job in jobs} == {"n1", "n2", "n3", "n4"}
    assert finished.merged() == undisturbed


def test_after_a_cancelled_job_the_same_command_finishes(
    finished: ClusterRun, undisturbed: bytes, grid: CableGrid
) -> None:
    run, (lost, *_) = finished, grid.batches
    first, *others = lost.chunks
    run.lose_fits(lost)
    jobs = NewJobs(run.folder)
    with run.start(*ON_SLURM, *UNTIL_MERGED, "--retries", "0") as driver:
        wait_for(lambda: driver.says("submitted") and run.has_fits(first))
        slurm("scancel", *(job.number for job in jobs.of("fit")))
        assert driver.end() != 0, driver.text
    kept = run.fit_stamps()
    assert first in kept
    assert set(others) - set(kept)

    run.run(*ON_SLURM, *UNTIL_MERGED, "--retries", "0")
    after = run.fit_stamps()
    assert {chunk: after[chunk] for chunk in kept} == kept
    assert run.merged() == undisturbed
