"""Estimated memory and time of jobs against what they take: `python -m benchmarks.estimates`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cluster_job import Job, run_jobs
from benchmarks.data import example_database
from benchmarks.record import Page, Table
from synreduce.configuration import Configuration, configuration_from_mapping
from synreduce.pipeline.batches import run_batches
from synreduce.pipeline.workflow import WorkflowRun

MOST_ABOVE = 2.0
STAGES = ("check", "project", "fit", "merge")
DRAWING = ("plot", "report")
BATCHED = ("project", "fit")
EDGES_UM = {1: [0, 1500], 3: [0, 250, 550, 1500]}


@dataclass(frozen=True)
class Size:
    """One size of database and configuration."""

    trials: int
    targets: int
    spatial: int = 1
    splits: int = 1
    memory_mb: int = 500
    workers: int = 1

    @property
    def label(self) -> str:
        return (
            f"{self.trials:,} x {self.targets}, {self.spatial} spatial, {self.splits} split"
            f"{'s' * (self.splits > 1)}, {self.memory_mb} MB, {self.workers} worker"
            f"{'s' * (self.workers > 1)}"
        )

    def configuration(self) -> dict[str, Any]:
        database = example_database("planted", self.trials).resolve()
        return {
            "run": "estimates",
            "databases": [{"id": "planted", "path": str(database)}],
            "chunks": {
                "spatial": {"edges_um": EDGES_UM[self.spatial]},
                "temporal": [{"start_ms": 258, "stop_ms": 258 + self.targets}],
            },
            "splits": [{"kind": "trials", "name": "random", "repeats": self.splits}],
            "resources": {"memory": f"{self.memory_mb} MB", "threads": self.workers},
        }


SIZES = (
    Size(8_000, 1),
    Size(20_000, 2, spatial=3, splits=3, workers=2),
    Size(20_000, 10, splits=3, memory_mb=200, workers=2),
    Size(81_000, 1, workers=2),
    Size(81_000, 4, memory_mb=200),
)
DRAWN = (SIZES[0], SIZES[-1])
"""Sizes whose figures are drawn, too."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=range(1, len(SIZES) + 1))
    numbers = parser.parse_args().sizes
    chosen = [SIZES[number - 1] for number in numbers]
    option = "" if len(chosen) == len(SIZES) else f" --sizes {' '.join(map(str, numbers))}"
    page = Page(
        "estimates",
        "Estimated against measured memory and time of jobs",
        "Every stage as a job of Slurm runs it, with the two Snakemake processes beside it (a "
        "stand-in for `srun` starts the second). Target: the estimate is never below the peak and "
        f"at most {MOST_ABOVE:g} times above; no job takes longer than the time it asks for.",
        f"python -m benchmarks.estimates{option}",
    )
    memory = page.table(
        "Memory",
        (
            "trials x targets",
            "job",
            "estimate, MB",
            "peak, resident, MB",
            "peak, proportional, MB",
            "estimate over peak",
            "target",
        ),
        "MB = 10^6 bytes, sampled every 50 ms over all processes of the job. Resident: pages that "
        "processes share count for each, as where Slurm polls; proportional: they count once, as "
        "in a control group, which can also hold pages of files but gives them back before a job "
        "is ended. The estimate must not be below the first, nor more than twice the second.",
    )
    time = page.table(
        "Time",
        ("trials x targets", "job", "measured, s", "estimate, s", "time limit, s", "target"),
        "Measured: the longest job, from its own record. Estimate: the work on one core, of all "
        "restarts. Time limit: what the job asks for.",
    )
    for size in chosen:
        with tempfile.TemporaryDirectory() as name:
            measure(size, Path(name), memory, time)
        page.write()
    return 0


def measure(size: Size, folder: Path, memory: Table, time: Table) -> None:
    """Run all stages of one size and compare."""
    content = size.configuration()
    configuration = configuration_from_mapping(content)
    run = WorkflowRun(configuration)
    for stage in STAGES + (DRAWING if size in DRAWN else ()):
        batch = run.batches[0].name if stage in BATCHED else None
        job = run_jobs(folder, content, targets(configuration, stage))
        if stage == "check":  # beside the controller, and no job
            continue
        threads = 1 if stage in DRAWING else size.workers
        estimate = run.memory_mb(stage, batch, attempt=1, threads=threads)
        compare_memory(memory, size, stage, estimate, job)
        limit = 60 * run.runtime_minutes(stage, batch, attempt=1)
        n_chunks = len(run.batches[0].chunks) if batch else len(configuration.grid().chunks)
        expected = run.estimates.seconds(stage, n_chunks)
        verdict = "met" if job.seconds <= limit else "**missed**"
        time.add(size.label, stage, f"{job.seconds:.1f}", f"{expected:.1f}", limit, verdict)


def compare_memory(table: Table, size: Size, stage: str, estimate: int, job: Job) -> None:
    """Add the row of one job."""
    resident, once = job.cost.tree_resident_mb, job.cost.tree_mb
    enough, close = estimate >= resident, estimate <= MOST_ABOVE * once
    verdict = "met" if enough and close else "**too low**" if not enough else "**too high**"
    table.add(
        size.label,
        stage,
        estimate,
        f"{resident:.0f}",
        f"{once:.0f}",
        f"{estimate / resident:.2f} to {estimate / once:.2f}",
        verdict,
    )


def targets(configuration: Configuration, stage: str) -> list[str]:
    """Jobs of a stage, as Snakemake names them."""
    if stage not in BATCHED:
        return [f"{stage}:"]
    return [f"{stage}:batch={batch.name}" for batch in run_batches(configuration)]


if __name__ == "__main__":
    # One thread of BLAS per process, as in the jobs.
    os.environ["OMP_NUM_THREADS"] = "1"
    sys.exit(main())
