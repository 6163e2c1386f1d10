"""What Slurm costs a run: `python -m benchmarks.slurm_overhead` (Debian, root)."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from benchmarks.record import Page
from benchmarks.timing import spread

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = Path(sys.executable).parent
SLURM = ROOT / "tests" / "slurm"
PROFILES = {"here": ("--cores", "2"), "Slurm": ("--profile", "slurm")}
RUN_LIMIT_SECONDS = 60.0
CHUNK_LIMIT_SECONDS = 0.2
FEW, MANY = 1, 100


def main() -> int:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    page = Page(
        "slurm_overhead",
        "Overhead of Slurm",
        "The built-in example, from nothing to the report, with the commands a user types: on this "
        "machine, and through Slurm with an idle queue on four virtual nodes of the same machine. "
        f"Target: at most {RUN_LIMIT_SECONDS:.0f} s more. Then chunks with next to no work in "
        f"them, in one job: less than {CHUNK_LIMIT_SECONDS} s each.",
        f"python -m benchmarks.slurm_overhead {repeats}",
    )
    with slurm(), tempfile.TemporaryDirectory() as folder:
        measure_example(page, Path(folder), repeats)
        measure_chunks(page, Path(folder))
    page.write()
    return 0


@contextmanager
def slurm() -> Iterator[None]:
    """A Slurm of four nodes on this machine."""
    subprocess.run([str(SLURM / "start.sh")], check=True)
    try:
        yield
    finally:
        subprocess.run([str(SLURM / "stop.sh")], check=True)


def measure_example(page: Page, folder: Path, repeats: int) -> None:
    """Wall-clock time of the example, here and through Slurm."""
    table = page.table(
        "The built-in example",
        ("where", "seconds, median (range)", "more than here", "target"),
        f"{repeats} runs each, in turns. A run through Slurm is five jobs one after the other "
        "(example, project, fit, merge, report), each of which starts Snakemake twice and "
        "is then noticed.",
    )
    configuration = ROOT / "config" / "examples" / "example.yaml"
    times: dict[str, list[float]] = {where: [] for where in PROFILES}
    for turn in range(repeats):
        for where, profile in PROFILES.items():
            times[where].append(run(folder / f"{where}{turn}", configuration, *profile))
    base = statistics.median(times["here"])
    for where, values in times.items():
        more = statistics.median(values) - base
        verdict = "" if where == "here" else "met" if more <= RUN_LIMIT_SECONDS else "missed"
        table.add(where, spread(values), f"{more:.0f}", verdict)


def measure_chunks(page: Page, folder: Path) -> None:
    """Time of a chunk among many in one job, from the jobs' own records."""
    table = page.table(
        "Chunks of a batched job",
        ("stage", f"s, job of {FEW}", f"s, job of {MANY}", "s per further chunk", "target"),
        "640 trials, one target each, one fit by discriminant analysis: the little work there is "
        "counts as overhead.",
    )
    few, many = (seconds_of_stages(folder, n_chunks) for n_chunks in (FEW, MANY))
    for stage in ("project", "fit"):
        each = (many[stage] - few[stage]) / (MANY - FEW)
        verdict = "met" if each < CHUNK_LIMIT_SECONDS else "missed"
        table.add(stage, f"{few[stage]:.1f}", f"{many[stage]:.1f}", f"{each:.3f}", verdict)


def seconds_of_stages(folder: Path, n_chunks: int) -> dict[str, float]:
    """Run chunks in one job per stage; seconds of each job."""
    name = f"chunks{n_chunks}"
    place = folder / name
    configuration = folder / f"{name}.yaml"
    configuration.write_text(yaml.safe_dump(chunks_configuration(name, n_chunks)))
    run(place, configuration, *PROFILES["Slurm"], "--until", "fit")
    records = (json.loads(path.read_text()) for path in place.glob("results/*/jobs/*.json"))
    return {record["stage"]: record["seconds"] for record in records}


def chunks_configuration(name: str, n_chunks: int) -> dict[str, Any]:
    """A run of so many small chunks, all in one job."""
    return {
        "run": name,
        "databases": [{"id": "planted", "path": f"results/{name}/database.h5"}],
        "example": {"kind": "planted", "trials": 640, "seed": 1},
        "minimum_positives": {"train": 1, "test": 1},
        "merge": {"allow_partial": True},
        "chunks": {
            "temporal": [{"start_ms": 200, "stop_ms": 200 + n_chunks, "chunk_ms": 1}],
            "per_job": n_chunks,
        },
        "solvers": [{"kind": "lda"}],
        "resources": {"threads": 1},
    }


def run(folder: Path, configuration: Path, *arguments: str) -> float:
    """Run the workflow in a folder of its own; wall-clock seconds."""
    command = [str(PROGRAMS / "snakemake"), *arguments, "--configfile", str(configuration)]
    environment = {**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"}
    folder.mkdir(exist_ok=True)
    start = time.perf_counter()
    done = subprocess.run(
        [*command, "--directory", str(folder)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
