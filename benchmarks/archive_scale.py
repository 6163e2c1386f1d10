"""The published archive's scale, from the file to the result: `python -m benchmarks.archive_scale`.

`--trials 8100` is a quick look; `--stages` chooses rows.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from benchmarks.archive_data import archive_source
from benchmarks.archive_stage import FIRST_OF_MANY_MS, N_MANY, TARGET_MS
from benchmarks.data import FOLDER
from benchmarks.process_tree import Cost, run_measured
from benchmarks.record import Page, Table

REPOSITORY = Path(__file__).parents[1]
TRIALS, N_DATABASES, N_SPLITS, N_CORES = 81_000, 10, 3, 2
N_SHARED = 10
"""Target windows of the comparison of one worker with two."""
LIMIT_MB, LIMIT_SECONDS = 1500, 60

SYNREDUCE = (sys.executable, "-m", "synreduce.cli.main")
STAGE = (sys.executable, "-m", "benchmarks.archive_stage")


@dataclass
class Bench:
    """The page and what was measured so far."""

    trials: int
    folder: Path
    targets: Table
    commands: Table
    times: Table
    cost: dict[str, Cost] = field(default_factory=dict)
    part_rows: list[tuple[str, float]] = field(default_factory=list)

    def run(self, name: str, command: tuple[str, ...]) -> Cost:
        """Run a command in the folder and add its row."""
        cost = run_measured(command, self.folder)
        self.cost[name] = cost
        self.commands.add(
            name,
            f"{cost.seconds:.1f}",
            f"{cost.processor_seconds:.1f}",
            f"{cost.process_mb:.0f}",
            f"{cost.tree_mb:.0f}",
        )
        return cost

    def stage(self, name: str, *arguments: object) -> tuple[Cost, Any]:
        """Run a stage of `archive_stage`; also what it reports."""
        cost = self.run(name, (*STAGE, *map(str, arguments)))
        return cost, json.loads((self.folder / "stage.json").read_text(encoding="utf-8"))

    def ask(self, question: str, measured: str, target: str, met: bool) -> None:
        """Add a row against a target."""
        self.targets.add(question, measured, target, "met" if met else "**missed**")

    def at_most(self, question: str, value: float, limit: float, unit: str = "") -> None:
        """Add a row with an upper limit."""
        self.ask(question, f"{value:.3g}{unit}", f"at most {limit:g}{unit}", value <= limit)

    @property
    def database(self) -> Path:
        """The imported database."""
        return self.folder / "archive.h5"

    def configuration(self, run: str, n_targets: int, databases: list[Path]) -> Path:
        """Write a configuration with one chunk per target."""
        first = TARGET_MS if n_targets == 1 else FIRST_OF_MANY_MS
        content = {
            "run": run,
            "databases": [
                {"id": f"part{number}", "path": str(path)} for number, path in enumerate(databases)
            ],
            "chunks": {
                "temporal": [
                    {"start_ms": first + target, "stop_ms": first + target + 1}
                    for target in range(n_targets)
                ]
            },
            "splits": [{"kind": "trials", "name": "random", "repeats": N_SPLITS}],
        }
        path = self.folder / f"{run}.yaml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return path

    def workflow(self, run: str, n_targets: int, databases: list[Path]) -> Cost:
        """From databases to the merged result by the workflow; add the time of every job."""
        configuration = self.configuration(run, n_targets, databases)
        merged = f"results/{run}/merged.h5"
        command = (
            *(sys.executable, "-m", "snakemake", "--cores", str(N_CORES)),
            *("--snakefile", str(REPOSITORY / "Snakefile"), "--directory", str(self.folder)),
            *("--configfile", str(configuration), "--", merged),
        )
        cost = self.run(f"workflow, {run}", command)
        spent = [job_seconds(self.folder / "benchmarks" / run, stage) for stage in JOBS]
        shown = [f"{seconds:.1f}" for seconds in (*spent, cost.seconds - sum(spent), cost.seconds)]
        self.times.add(run, *shown)
        return cost


JOBS = ("check", "project", "fit", "merge")


def job_seconds(folder: Path, stage: str) -> float:
    """Seconds of all jobs of a stage, from what Snakemake measured."""
    tables = [*folder.glob(f"{stage}.tsv"), *folder.glob(f"{stage}/*.tsv")]
    rows = [table.read_text(encoding="utf-8").splitlines()[1] for table in tables]
    return sum(float(row.split("\t")[0]) for row in rows)


def imports(bench: Bench) -> None:
    """The array to a database, against plain inflation, in turns."""
    array, table = (path.resolve() for path in archive_source(bench.trials))
    ratios = []
    for turn in range(2):
        _, inflation = bench.stage(f"plain inflation, turn {turn + 1}", "inflate", array)
        command = ("import", "counts", str(array), str(table), "-o", str(bench.database))
        cost = bench.run(f"import, turn {turn + 1}", (*SYNREDUCE, *command))
        ratios.append(inflation / cost.seconds)
    speed = statistics.median(ratios)
    question = "import, speed relative to plain inflation of the file"
    bench.ask(question, f"{speed:.2f}", "at least 0.5", speed >= 0.5)
    bench.at_most("import, largest process", cost.process_mb, LIMIT_MB, " MB")


def one(bench: Bench) -> None:
    """One target, three splits: the workflow, and one process against reading the window."""
    cost = bench.workflow("one-target", 1, [bench.database])
    bench.at_most("one target, three splits, workflow", cost.seconds, LIMIT_SECONDS, " s")
    bench.at_most("the same, largest process", cost.process_mb, LIMIT_MB, " MB")
    _, reading = bench.stage("read and decompress the window", "window", bench.database)
    configuration = bench.folder / "one-target.yaml"
    command = ("fit", bench.database, "--config", configuration, "-o", bench.folder / "one.h5")
    cost = bench.run("`synreduce fit`, one target", (*SYNREDUCE, *map(str, command)))
    relative = cost.seconds / reading
    bench.at_most("`synreduce fit` over reading the window", relative, 2.5)


def parts(bench: Bench) -> None:
    """Where the time of `synreduce fit` goes."""
    configuration = bench.configuration("parts", 1, [bench.database])
    _, found = bench.stage(
        "`synreduce fit --workers 1`, timed", "parts", configuration, bench.database
    )
    bench.part_rows = sorted(dict(found).items(), key=lambda item: -item[1])


def many(bench: Bench) -> None:
    """51 targets as 51 temporal chunks."""
    cost = bench.workflow("51-targets", N_MANY, [bench.database])
    relative = cost.seconds / bench.cost["workflow, one-target"].seconds
    bench.at_most(f"{N_MANY} targets over one, workflow", relative, 10)
    bench.at_most("the same, largest process", cost.process_mb, LIMIT_MB, " MB")


def net_input(bench: Bench) -> None:
    """WNI at 51 targets of all trials."""
    _, seconds = bench.stage("net input", "net_input", bench.folder / "one.h5", bench.database)
    bench.at_most(f"WNI at {N_MANY} targets, all trials", seconds, 10, " s")


def ten(bench: Bench) -> None:
    """Ten databases against one."""
    copies = [bench.folder / f"copy{number}.h5" for number in range(N_DATABASES)]
    for copy in copies:
        shutil.copyfile(bench.database, copy)
    single, cost = bench.cost["workflow, one-target"], bench.workflow("ten-databases", 1, copies)
    bench.at_most("ten databases over one, workflow", cost.seconds / single.seconds, 11)
    memory = cost.process_mb / single.process_mb
    bench.at_most("the same, largest process over that of one", memory, 1.1)
    for copy in copies:
        copy.unlink()


def workers(bench: Bench) -> None:
    """Projection and fit with two workers against one."""
    seconds = {}
    for number in (1, 2):
        run = f"workers-{number}"
        path = bench.configuration(run, N_SHARED, [bench.database])
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        (bench.folder / "run.json").write_text(json.dumps(content), encoding="utf-8")
        python = (sys.executable, "-m", "benchmarks.memory_stage")
        run_measured((*python, "check", "run.json", "1"), bench.folder)
        for stage in ("project", "fit"):
            cost = bench.run(
                f"{stage}, {N_SHARED} targets, {number} workers",
                (*python, stage, "run.json", str(number)),
            )
            seconds[stage, number] = cost.seconds
    for stage in ("project", "fit"):
        faster = seconds[stage, 1] / seconds[stage, 2]
        question = f"{stage}, {N_SHARED} targets, two workers against one"
        bench.ask(question, f"{faster:.2f}", "at least 1.7", faster >= 1.7)


STAGES: dict[str, Callable[[Bench], None]] = {
    "import": imports,
    "one": one,
    "net_input": net_input,
    "parts": parts,
    "many": many,
    "workers": workers,
    "ten": ten,
}


def new_page(trials: int) -> Page:
    """The page of results; with fewer trials beside that of the archive's number."""
    suffix = "" if trials == TRIALS else f"_{trials}"
    option = "" if trials == TRIALS else f" --trials {trials}"
    return Page(
        f"archive_scale{suffix}",
        f"The scale of the published archive, {trials:,} trials",
        f"Counts (2, 30, {trials:,}, 400) as compressed float64, planted spikes, realistic input. "
        f"Rank 1, default `newton`, {N_SPLITS} splits, {N_CORES} cores.",
        f"python -m benchmarks.archive_scale{option}",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    given = parser.parse_args()
    page = new_page(given.trials)
    columns = ("command", "seconds", "processor s", "largest process, MB", "tree, MB")
    targets = page.table("Against the targets", ("question", "measured", "target", "verdict"))
    commands = page.table("Every command", columns, "Seconds include the start of Python.")
    jobs = ("run", *(f"{stage}, s" for stage in JOBS), "the rest (Snakemake, start), s", "all, s")
    times = page.table("Where the time of the workflow goes", jobs)
    FOLDER.mkdir(parents=True, exist_ok=True)
    # Not in this process: a child's high-water mark of memory begins with that of its parent.
    subprocess.run((sys.executable, "-m", "benchmarks.archive_data", str(given.trials)), check=True)
    with tempfile.TemporaryDirectory(dir=FOLDER.resolve(), prefix="archive_") as name:
        bench = Bench(given.trials, Path(name), targets, commands, times)
        for stage in needed(given.stages):
            STAGES[stage](bench)
            page.write()
        if bench.part_rows:
            table = page.table(
                "Where the time of `synreduce fit --workers 1` goes", ("part", "seconds")
            )
            for part, spent in bench.part_rows:
                table.add(part, f"{spent:.2f}")
    page.write()
    return 0


def needed(chosen: list[str]) -> list[str]:
    """Stages in order, with those whose files or times others need."""
    return [stage for stage in STAGES if stage in chosen or stage in ("import", "one")]


if __name__ == "__main__":
    sys.exit(main())
