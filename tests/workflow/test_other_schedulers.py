"""Profiles for PBS, Grid Engine and LSF, on stand-ins for their commands.

The stand-ins answer as the manuals say; no real installation was at hand.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from workflow_run import ROOT, Workflow

QSUB = """#!/bin/sh
# Runs a job in the background, as a queue of its own; its number is that of its process.
for script; do :; done
echo "$*" >> "$SPOOL/submissions"
(
    sh "$script" > "$SPOOL/log" 2>&1
    echo $? > "$SPOOL/$$.part"
    mv "$SPOOL/$$.part" "$SPOOL/$$.end"
) &
echo "$$.pbs"
"""
QSTAT = """#!/bin/sh
for job; do :; done
end="$SPOOL/${job%.pbs}.end"
echo "Job Id: $job"
if [ -e "$end" ]; then
    printf '    job_state = F\\n    Exit_status = %s\\n' "$(cat "$end")"
else
    echo '    job_state = R'
fi
"""


def install(folder: Path, **programs: str) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in programs.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)


@pytest.mark.workflow
def test_jobs_go_through_pbs_and_give_the_result_of_a_local_run(
    workflow: Workflow, grid: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid["chunks"] = {"temporal": [{"start_ms": 254, "stop_ms": 258}]}
    workflow.configure(grid)
    workflow.run("--until", "merge")
    local = (workflow.results / "merged.h5").read_bytes()

    spool, programs = tmp_path / "spool", tmp_path / "programs"
    spool.mkdir()
    install(programs, qsub=QSUB, qstat=QSTAT)
    monkeypatch.setenv("SPOOL", str(spool))
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    (workflow.results / "batches" / "fit" / "d0000-1500_t0254-0258.json").unlink()
    workflow.run(
        "--profile",
        str(ROOT / "profiles" / "pbs"),
        "--until",
        "merge",
        "--seconds-between-status-checks",
        "1",
    )
    submissions = (spool / "submissions").read_text().splitlines()
    assert len(submissions) == 2
    assert all("-l select=1:ncpus=1:mem=" in line for line in submissions)
    assert (workflow.results / "merged.h5").read_bytes() == local


def echo(text: str, status: int = 0) -> str:
    return f"#!/bin/sh\ncat <<'END'\n{text}\nEND\nexit {status}\n"


@pytest.mark.parametrize(
    ("scheduler", "programs", "state"),
    [
        ("pbs", {"qstat": echo("    job_state = Q")}, "running"),
        ("pbs", {"qstat": echo("    job_state = E\n    Exit_status = 0")}, "running"),
        ("pbs", {"qstat": echo("    job_state = F\n    Exit_status = 0")}, "success"),
        ("pbs", {"qstat": echo("    job_state = F\n    Exit_status = -29")}, "failed"),
        ("pbs", {"qstat": echo("qstat: Unknown Job Id 7.pbs", 153)}, "failed"),
        ("pbs", {"qstat": echo("qstat: cannot connect to server", 255)}, "running"),
        ("sge", {"qstat": echo("job_number: 7"), "qacct": echo("", 1)}, "running"),
        ("sge", {"qstat": echo("", 1), "qacct": echo("", 1)}, "running"),
        ("sge", {"qstat": echo("", 1), "qacct": echo("failed 0\nexit_status 0")}, "success"),
        ("sge", {"qstat": echo("", 1), "qacct": echo("failed 0\nexit_status 1")}, "failed"),
        (
            "sge",
            {"qstat": echo("", 1), "qacct": echo("failed 37 : qmaster time\nexit_status 0")},
            "failed",
        ),
        ("lsf", {"bjobs": echo("PEND")}, "running"),
        ("lsf", {"bjobs": echo("RUN")}, "running"),
        ("lsf", {"bjobs": echo("DONE")}, "success"),
        ("lsf", {"bjobs": echo("EXIT")}, "failed"),
        ("lsf", {"bjobs": echo("Job <7> is not found", 255)}, "failed"),
        ("lsf", {"bjobs": echo("None: Illegal job ID.", 255)}, "failed"),
        ("lsf", {"bjobs": echo("LSF is down. Please wait ...", 255)}, "running"),
    ],
)
def test_states_are_understood(
    scheduler: str, programs: dict[str, str], state: str, tmp_path: Path
) -> None:
    install(tmp_path, **programs)
    done = subprocess.run(
        [str(ROOT / "profiles" / scheduler / "status.sh"), "7"],
        env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{state}\n"


def submit(scheduler: str, programs: Path) -> subprocess.CompletedProcess[str]:
    """Submit a job as Snakemake does with a profile."""
    text = (ROOT / "profiles" / scheduler / "config.yaml").read_text(encoding="utf-8")
    command = yaml.safe_load(text)["cluster-generic-submit-cmd"].format(
        threads=4, resources=type("Resources", (), {"mem_mb": 2000, "runtime": 60})
    )
    return subprocess.run(
        f'{command} "job.sh"',
        shell=True,
        env={"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_lsf_submission_gives_the_number_of_the_job(tmp_path: Path) -> None:
    install(tmp_path, bsub=echo("Job <4711> is submitted to queue <normal>."))
    done = submit("lsf", tmp_path)
    assert (done.returncode, done.stdout) == (0, "4711\n")


@pytest.mark.parametrize(
    ("scheduler", "programs"),
    [
        ("pbs", {"qsub": echo("", 188)}),
        ("sge", {"qsub": echo("Unable to run job 7: unknown queue", 1)}),
        ("lsf", {"bsub": echo("", 255)}),
        ("lsf", {"bsub": echo("Queue 7 does not exist. Job not submitted.", 255)}),
        ("lsf", {"bsub": echo("Job not submitted.")}),
    ],
)
def test_a_refused_submission_fails_at_once(
    scheduler: str, programs: dict[str, str], tmp_path: Path
) -> None:
    install(tmp_path, **programs)
    assert submit(scheduler, tmp_path).returncode != 0
