"""Jobs of the workflow as they run on a cluster, measured on this machine without one.

On Slurm a job is Snakemake, which starts Snakemake again through `srun`, which runs the stage. The
same processes are started here, with a stand-in for `srun`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.process_tree import Cost, run_measured

REPOSITORY = Path(__file__).resolve().parents[1]
_SRUN = """#!/bin/sh
while case $1 in -*) true ;; *) false ;; esac; do shift; done
exec "$@"
"""


@dataclass(frozen=True)
class Job:
    """What the jobs of one stage cost."""

    cost: Cost
    """Of all processes; with several jobs, one after the other, the largest counts."""
    seconds: float
    """Longest work of a job, without the start of Snakemake."""


def run_jobs(folder: Path, configuration: Mapping[str, Any], targets: Sequence[str]) -> Job:
    """Run jobs of one stage in a folder, one after the other.

    `targets` are named as `rule:` or `rule:batch=name`.
    """
    (folder / "run.json").write_text(json.dumps(configuration), encoding="utf-8")
    programs = _programs(folder)
    stage = targets[0].partition(":")[0]
    command = (
        *(sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile")),
        *("--configfile", "run.json", "--mode", "remote", "--nolock", "--executor"),
        *("slurm-jobstep", "--jobs", "1", "--cores", "all", "--allowed-rules", stage),
        *("--target-jobs", *targets),
    )
    # Inside a job of Slurm workers speak through TLS; a name that is no number is not looked up.
    cost = run_measured(command, folder, {"PATH": programs, "SLURM_JOB_ID": "benchmark"})
    jobs = folder / "results" / str(configuration["run"]) / "jobs"
    records = [json.loads(path.read_text(encoding="utf-8")) for path in jobs.glob("*.json")]
    return Job(cost, max((job["seconds"] for job in records if job["stage"] == stage), default=0.0))


def _programs(folder: Path) -> str:
    """Search path of programs, with the stand-in first."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    srun = programs / "srun"
    srun.write_text(_SRUN, encoding="utf-8")
    srun.chmod(0o755)
    here = str(Path(sys.executable).parent)
    return os.pathsep.join((str(programs), here, os.environ["PATH"]))
