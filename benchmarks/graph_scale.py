"""Thousands of chunks: `python -m benchmarks.graph_scale`.

Graph, status and plan of runs of up to 100,000 chunks, and the memory of a merge.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.many_windows import N_SPATIAL, complete, configuration, database
from benchmarks.process_tree import Cost, run_measured
from benchmarks.record import Page, Table

REPOSITORY = Path(__file__).resolve().parents[1]
CHUNKS = (1_000, 3_000, 10_000, 100_000)
JUDGED = 10_000
MOST_SECONDS, MOST_MB, MOST_FILES = 20, 1000, 3000
WINDOWS = (20, 100, 400, 1600)
FEW_TRIALS, FITTED_TRIALS = 16, 640
MOST_GROWTH_MB = 50

SYNREDUCE = (sys.executable, "-m", "synreduce.cli.main")
STAGE = (sys.executable, "-m", "benchmarks.memory_stage")
SNAKEMAKE = (
    *(sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile")),
    *("--configfile", "run.json", "--cores", "2"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, nargs="+", default=CHUNKS)
    parser.add_argument("--windows", type=int, nargs="+", default=WINDOWS)
    given = parser.parse_args()
    option = "" if tuple(given.chunks) == CHUNKS else f" --chunks {words(given.chunks)}"
    option += "" if tuple(given.windows) == WINDOWS else f" --windows {words(given.windows)}"
    page = Page(
        "graph_scale",
        "Thousands of chunks",
        f"Runs of {N_SPATIAL} spatial ranges and a number of windows of one millisecond. Target, "
        f"at {JUDGED:,} chunks: `snakemake -n` in less than {MOST_SECONDS} s and {MOST_MB} MB, "
        f"no folder with more than {MOST_FILES:,} entries; a merge in memory that does not "
        "depend on the number of chunks.",
        f"python -m benchmarks.graph_scale{option}",
    )
    graph(page, given.chunks)
    merges(page, given.windows)
    page.write()
    return 0


def words(numbers: Sequence[int]) -> str:
    return " ".join(map(str, numbers))


def graph(page: Page, numbers: Sequence[int]) -> None:
    """What it takes to plan, look at and continue runs of so many chunks."""
    commands = page.table(
        "Commands",
        ("chunks", "command", "seconds", "processor s", "peak, MB", "target"),
        f"{FEW_TRIALS} trials, so that the number of chunks decides. Half-way: every chunk is "
        "projected and fitted, as far as its records and the sizes of its files say (the files "
        "are empty), and the merge is left. Peak: resident memory of the largest process.",
    )
    console = page.table(
        "Jobs, folders and the console",
        (
            "chunks",
            "jobs",
            "chunks per job",
            "largest folder",
            "lines of `snakemake -n`",
            "longest line, characters",
            "target",
        ),
        "Largest folder: entries of the folder of the run that has most, half-way. The longest "
        "line names the files of all jobs of a stage.",
    )
    for n_chunks in numbers:
        n_windows = n_chunks // N_SPATIAL
        with run_folder(n_windows, FEW_TRIALS, N_SPATIAL) as folder:
            measure_graph(commands, console, folder, n_chunks)
        page.write()


def measure_graph(commands: Table, console: Table, folder: Path, n_chunks: int) -> None:
    """Commands on one run, before it starts and half-way."""
    judged = n_chunks == JUDGED
    printed = folder / "log.txt"
    cost = run_measured((*SNAKEMAKE, "--dry-run"), folder)
    add_command(commands, n_chunks, "`snakemake -n`, new", cost, judged=judged)
    lines = printed.read_text(encoding="utf-8").splitlines()
    cost = run_measured((*SYNREDUCE, "plan", "--config", "run.json"), folder)
    add_command(commands, n_chunks, "`synreduce plan`", cost)
    run_measured((*STAGE, "check", "run.json", "1"), folder)
    complete(folder)
    cost = run_measured((*SNAKEMAKE, "--dry-run"), folder)
    add_command(commands, n_chunks, "`snakemake -n`, half-way", cost, judged=judged)
    cost = run_measured((*SYNREDUCE, "status", "results/windows"), folder)
    add_command(commands, n_chunks, "`synreduce status`, half-way", cost)
    n_jobs = next(int(line.split()[1]) for line in lines if line.startswith("total "))
    per_stage = next(int(line.split()[1]) for line in lines if line.startswith("fit "))
    largest = max(len(folders) + len(files) for _, folders, files in os.walk(folder / "results"))
    verdict = ("met" if largest <= MOST_FILES else "**missed**") if judged else ""
    longest = max(map(len, lines))
    console.add(
        *(f"{n_chunks:,}", n_jobs, f"{n_chunks / per_stage:.0f}", f"{largest:,}", len(lines)),
        *(f"{longest:,}", verdict),
    )


def add_command(
    table: Table, n_chunks: int, command: str, cost: Cost, *, judged: bool = False
) -> None:
    met = cost.seconds < MOST_SECONDS and cost.process_mb < MOST_MB
    table.add(
        f"{n_chunks:,}",
        command,
        f"{cost.seconds:.1f}",
        f"{cost.processor_seconds:.1f}",
        f"{cost.process_mb:.0f}",
        ("met" if met else "**missed**") if judged else "",
    )


def merges(page: Page, numbers: Sequence[int]) -> None:
    """Memory and time of the merge of so many fitted windows."""
    table = page.table(
        "Merge",
        (
            *("windows", "seconds", "processor s", "peak, MB", "peak, proportional, MB"),
            *("largest folder", "disk per chunk, kB", "`merged.h5`, MB", "target"),
        ),
        f"{FITTED_TRIALS} trials, one spatial range, really fitted (`lda`), one worker. A merge "
        "writes windows in blocks of 32, so that fewer take less. Target: at most "
        f"{MOST_GROWTH_MB} MB more than with {numbers[0]} windows.",
    )
    least = 0.0
    for n_windows in numbers:
        with run_folder(n_windows, FITTED_TRIALS, 1) as folder:
            for stage in ("check", "project", "fit"):
                run_measured((*STAGE, stage, "run.json", "1"), folder)
            cost = run_measured((*STAGE, "merge", "run.json", "1"), folder)
            run = folder / "results" / "windows"
            merged = (run / "merged.h5").stat().st_size
            kept = sum(path.stat().st_size for path in run.glob("chunks/**/*.h5"))
            largest = max(len(folders) + len(files) for _, folders, files in os.walk(run))
        least = least or cost.process_mb
        verdict = "met" if cost.process_mb <= least + MOST_GROWTH_MB else "**missed**"
        table.add(
            *(n_windows, f"{cost.seconds:.1f}", f"{cost.processor_seconds:.1f}"),
            *(f"{cost.process_mb:.0f}", f"{cost.tree_mb:.0f}", f"{largest:,}"),
            *(f"{kept / n_windows / 1e3:.0f}", f"{merged / 1e6:.1f}", verdict),
        )
        page.write()


@contextmanager
def run_folder(n_windows: int, n_trials: int, n_spatial: int) -> Iterator[Path]:
    """A folder with a database, a configuration and nothing done."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copyfile(database(n_trials, n_windows), folder / "database.h5")
        content: dict[str, Any] = configuration(n_windows, n_spatial)
        (folder / "run.json").write_text(json.dumps(content), encoding="utf-8")
        yield folder


if __name__ == "__main__":
    sys.exit(main())
