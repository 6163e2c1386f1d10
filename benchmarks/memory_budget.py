"""Peak memory against the stated budget: `python -m benchmarks.memory_budget`."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.process_tree import Cost, run_measured
from benchmarks.record import Page, Table

SIZES = (20_000, 80_000)
BUDGETS_MB = (200, 500)
ALLOWANCE_MB = 300
STAGES = ("project", "fit", "merge")


def configuration(database: Path, budget_mb: int, stop_ms: float) -> dict[str, object]:
    """Two spatial chunks, so that the merge refits all weights."""
    return {
        "run": "memory",
        "databases": [{"id": "memory", "path": str(database)}],
        "chunks": {
            "spatial": {"edges_um": [0, 500, 1500]},
            "temporal": [{"start_ms": 258, "stop_ms": stop_ms}],
        },
        "resources": {"memory": f"{budget_mb} MB"},
    }


def stages(table: Table, database: Path, label: str, budget_mb: int, stop_ms: float) -> None:
    """Measure every stage of one run and add a row each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "run.json").write_text(json.dumps(configuration(database, budget_mb, stop_ms)))
        python = (sys.executable, "-m", "benchmarks.memory_stage")
        run_measured((*python, "check", "run.json", "1"), folder)
        for stage in STAGES:
            peak = run_measured((*python, stage, "run.json", "1"), folder)
            add(table, label, stage, budget_mb, peak)
        whole = ("fit", str(database), "--config", "run.json", "-o", "out.h5")
        peak = run_measured((sys.executable, "-m", "synreduce.cli.main", *whole), folder)
        add(table, label, "`synreduce fit`", budget_mb, peak)


def add(table: Table, label: str, stage: str, budget_mb: int, peak: Cost) -> None:
    limit = budget_mb + ALLOWANCE_MB
    verdict = "met" if peak.process_mb <= limit else f"missed by {peak.process_mb - limit:.0f} MB"
    table.add(
        label, stage, budget_mb, f"{peak.process_mb:.0f}", f"{peak.tree_mb:.0f}", limit, verdict
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", type=Path, help="planted counts, at least as many trials")
    given = parser.parse_args().database
    page = Page(
        "memory_budget",
        "Peak memory against the budget",
        "Planted example in the counts layout, two spatial chunks, merged by `refine`. Target: "
        f"no process exceeds `resources.memory` plus {ALLOWANCE_MB} MB.",
        "python -m benchmarks.memory_budget",
    )
    table = page.table(
        "Peak of each stage, one worker",
        (
            "samples",
            "stage",
            "`resources.memory`, MB",
            "peak resident, MB",
            "peak proportional set of the tree, MB",
            "limit, MB",
            "target",
        ),
        "MB = 10^6 bytes. Peak resident is the kernel's high-water mark (`ru_maxrss`) of the whole "
        "process: interpreter, shared libraries, file pages mapped into it and data. The "
        "proportional set is sampled every 50 ms and counts shared pages by share.",
    )
    with tempfile.TemporaryDirectory() as folder:
        for trials in SIZES:
            database = Path(folder) / f"planted_{trials}.h5"
            if given and trials == SIZES[-1]:
                database = given.resolve()
            else:
                write(database, trials)
            for budget in BUDGETS_MB:
                stages(table, database, f"{trials:,}", budget, 259.0)
                page.write()
        # eight target windows: a design larger than the solvers' cache
        stages(table, database, f"{8 * trials:,}", BUDGETS_MB[0], 266.0)
    page.write()
    return 0


def write(path: Path, trials: int) -> None:
    command = ("example", str(path), "--kind", "planted", "--trials", str(trials), "--seed", "1")
    subprocess.run((sys.executable, "-m", "synreduce.cli.main", *command), check=True)


if __name__ == "__main__":
    sys.exit(main())
