"""The exact command, on a Slurm with accounting."""

from __future__ import annotations

from pathlib import Path

from cluster_run import ON_SLURM, ClusterRun
from slurm_jobs import slurm


def test_the_bare_command_gives_the_local_result_and_leaves_its_account(tmp_path: Path) -> None:
    here, cluster = (ClusterRun(tmp_path / place, "example") for place in ("here", "cluster"))
    here.folder.mkdir()
    cluster.folder.mkdir()
    with here.start("--cores", "2") as local, cluster.start(*ON_SLURM) as driver:
        local.succeed()
        driver.succeed()
    assert cluster.merged() == here.merged()
    assert (cluster.results / "report.html").stat().st_size > 0

    columns = "--format=Comment,State,WorkDir"
    account = slurm("sacct", "--allocations", "--noheader", "--parsable2", columns)
    jobs = [line.split("|") for line in account.splitlines()]
    jobs = [job for job in jobs if Path(job[2]) == cluster.folder]
    assert {comment.split("_wildcards")[0] for comment, *_ in jobs} == {
        "rule_example",
        "rule_project",
        "rule_fit",
        "rule_merge",
        "rule_plot",
        "rule_report",
    }
    assert {state for _, state, _ in jobs} == {"COMPLETED"}
