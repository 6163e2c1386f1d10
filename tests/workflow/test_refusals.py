"""What cannot work is refused before any job starts, with one message and nothing written."""

from __future__ import annotations

from typing import Any

import pytest
from workflow_run import ROOT, Workflow

pytestmark = pytest.mark.workflow


def refusal(workflow: Workflow) -> str:
    done = workflow.run(check=False)
    assert done.returncode != 0
    text = done.stdout + done.stderr
    assert "Traceback" not in text
    assert not (workflow.folder / "results").exists()
    return text


def test_too_few_spikes_stop_the_run_before_any_job(
    workflow: Workflow, grid: dict[str, Any]
) -> None:
    grid["minimum_positives"] = {"train": 1100, "test": 2}
    workflow.configure(grid)
    text = refusal(workflow)
    assert "too-few-positives" in text
    assert "at least 1100 in train" in text


def test_all_mistakes_of_a_configuration_are_listed(
    workflow: Workflow, grid: dict[str, Any]
) -> None:
    grid["solvers"] = [{"kind": "newtn"}]
    grid["windw"] = {"width_ms": 80}
    workflow.configure(grid)
    text = refusal(workflow)
    assert "did you mean 'window'?" in text
    assert "newton" in text


def test_a_missing_database_is_named(workflow: Workflow, grid: dict[str, Any]) -> None:
    grid["databases"] = [{"id": "gone", "path": "gone/database.h5"}]
    workflow.configure(grid)
    assert "gone/database.h5" in refusal(workflow)


def test_text_from_a_configuration_reaches_no_shell(
    workflow: Workflow, grid: dict[str, Any]
) -> None:
    for name in ("$(touch marker)", "a;touch marker", "`touch marker`", "../../up"):
        grid["run"] = name
        workflow.configure(grid)
        refusal(workflow)
    assert not (workflow.folder / "marker").exists()


def test_the_workflow_is_lint_clean() -> None:
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--lint"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_rule_puts_text_into_a_shell() -> None:
    rules = [*ROOT.glob("rules/*.smk"), ROOT / "Snakefile", ROOT / "workflow" / "Snakefile"]
    assert all("shell:" not in path.read_text(encoding="utf-8") for path in rules)
