"""With Slurm's accounting the same profile works; `run.sh` starts Slurm a second time for this."""

from __future__ import annotations

from pathlib import Path

import yaml
from cluster_run import ON_SLURM, UNTIL_MERGED, ClusterRun
from slurm_jobs import slurm
from workflow_run import ROOT


def test_a_run_with_accounting_gives_the_local_result_and_leaves_its_account(
    tmp_path: Path,
) -> None:
    tiny = (ROOT / "config" / "examples" / "tiny.yaml").read_text(encoding="utf-8")
    configuration = {**yaml.safe_load(tiny), "resources": {"threads": 2}}
    runs = [ClusterRun(tmp_path / place, "tiny") for place in ("here", "cluster")]
    for run, profile in zip(runs, (("--cores", "2"), ON_SLURM), strict=True):
        run.folder.mkdir()
        run.configure(configuration)
        run.run(*profile, *UNTIL_MERGED)
    here, cluster = runs
    assert cluster.merged() == here.merged()

    account = slurm("sacct", "--allocations", "--noheader", "--parsable2", "--format=Comment,State")
    assert {line.split("|")[0].split("_wildcards")[0] for line in account.splitlines()} == {
        "rule_example",
        "rule_check",
        "rule_project",
        "rule_fit",
        "rule_merge",
    }
    assert {line.split("|")[1] for line in account.splitlines()} == {"COMPLETED"}
