"""What a change makes the workflow do again: exactly what depends on it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from workflow_run import Workflow

pytestmark = pytest.mark.workflow


def changed(before: dict[str, int], after: dict[str, int]) -> set[str]:
    return {name for name in after if before.get(name) != after[name]}


def test_a_run_is_complete_and_then_redoes_exactly_what_changed(
    workflow: Workflow, grid: dict[str, Any]
) -> None:
    workflow.configure(grid)
    workflow.run()
    merged = (workflow.results / "merged.h5").read_bytes()
    for name in ("scores.csv", "run.json", "report.html", "figures/filters.png"):
        assert (workflow.results / name).stat().st_size > 0
    for kind, suffix in (("logs", ".log"), ("benchmarks", ".tsv")):
        for job in ("check", "merge", "plot", "report"):
            assert (workflow.folder / kind / "grid" / f"{job}{suffix}").exists()
    assert workflow.jobs_run() == []

    # A lost chunk is fitted again alone; the result is the same file.
    designs, fits = workflow.stamps("design.h5"), workflow.stamps("fits.h5")
    lost = "chunks/d0500-1500/t0254-0258"
    (workflow.results / lost / "fits.h5").unlink()
    workflow.run("--until", "merge")
    assert changed(fits, workflow.stamps("fits.h5")) == {lost}
    assert workflow.stamps("design.h5") == designs
    assert (workflow.results / "merged.h5").read_bytes() == merged

    # Another option of the solver: every fit again, no projection.
    fits = workflow.stamps("fits.h5")
    other = copy.deepcopy(grid)
    other["solvers"] = [{"kind": "lda", "ridge": 0.01}]
    workflow.configure(other)
    workflow.run("--until", "merge")
    assert changed(fits, workflow.stamps("fits.h5")) == set(fits)
    assert workflow.stamps("design.h5") == designs

    # A new window adds its own chunks.
    fits = workflow.stamps("fits.h5")
    other["chunks"]["temporal"].append({"start_ms": 258, "stop_ms": 262})
    workflow.configure(other)
    workflow.run("--until", "merge")
    new = {f"chunks/{space}/t0258-0262" for space in ("d0000-0500", "d0500-1500")}
    assert changed(fits, workflow.stamps("fits.h5")) == new
    assert changed(designs, workflow.stamps("design.h5")) == new


def test_a_damaged_chunk_is_named_and_made_again(workflow: Workflow, grid: dict[str, Any]) -> None:
    grid["chunks"] = {"temporal": [{"start_ms": 254, "stop_ms": 258}]}
    workflow.configure(grid)
    workflow.run("--until", "merge")
    merged = (workflow.results / "merged.h5").read_bytes()
    path = workflow.results / "chunks" / "d0000-1500" / "t0254-0258" / "fits.h5"
    content = bytearray(path.read_bytes())
    path.write_bytes(content[: len(content) // 2])
    workflow.run("--until", "merge")
    assert path.stat().st_size == len(content)
    assert (workflow.results / "merged.h5").read_bytes() == merged


def test_after_a_killed_controller_the_same_command_goes_on(
    workflow: Workflow, grid: dict[str, Any]
) -> None:
    workflow.configure(grid)
    with workflow.start("--until", "check") as controller:
        while not workflow.controller.exists() or not workflow.controller.stat().st_size:
            assert controller.poll() is None
        controller.kill()
    workflow.run("--until", "check")
    assert (workflow.results / "inputs.json").exists()
    assert not workflow.controller.stat().st_size
