"""Slurm jobs that a killed controller left behind.

They go on, and the next controller would send their batches again. Results would be the same, since
every file appears whole, but the work would be done twice. So the next controller cancels those
that wait and lets those that run come to their end.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from synreduce.errors import Problem, ResourceError

_RUN_ID = re.compile(r"SLURM run ID: (\S+)")
_PAUSE_SECONDS = 5.0
_ANSWER_WITHIN_SECONDS = 60
_PATIENCE_SECONDS = 300.0


def slurm_run_ids(logs: Iterable[str]) -> list[str]:
    """Read from Snakemake's logs under which names jobs were sent to Slurm.

    Parameters
    ----------
    logs : iterable of str
        Paths; logs that are gone are left out.

    Returns
    -------
    list of str
        Name of all jobs of each controller that used Slurm.
    """
    texts = (Path(log).read_text("utf-8", "replace") for log in logs if Path(log).is_file())
    return [run_id for text in texts for run_id in _RUN_ID.findall(text)]


def end_left_jobs(
    run_ids: Iterable[str],
    say: Callable[[str], None],
    pause_seconds: float = _PAUSE_SECONDS,
    patience_seconds: float = _PATIENCE_SECONDS,
) -> None:
    """Cancel the waiting jobs of killed controllers, and wait for the running ones.

    Parameters
    ----------
    run_ids : iterable of str
        From `slurm_run_ids`.
    say : callable
        Takes a message for the user.
    pause_seconds : float, default: 5
        Between looks at the queue.
    patience_seconds : float, default: 300
        How long Slurm may be without an answer.

    Raises
    ------
    ResourceError
        If Slurm does not answer for longer.
    """
    names = ",".join(run_ids)
    if not names or shutil.which("squeue") is None:
        return
    for name in names.split(","):
        _answer("scancel", "--state=PENDING", f"--name={name}")
    said, answered = "", time.monotonic()
    while (numbers := _answer("squeue", "--noheader", "--format=%i", f"--name={names}")) != "":
        if numbers is None:
            if time.monotonic() - answered >= patience_seconds:
                raise ResourceError(_silence(patience_seconds))
            message = "Slurm does not answer; waiting for it"
        else:
            answered = time.monotonic()
            jobs = " ".join(numbers.split())
            message = (
                "waiting for Slurm jobs that a killed controller left running "
                f"(to start them anew instead: scancel {jobs})"
            )
        if message != said:
            say(message)
            said = message
        time.sleep(pause_seconds)


def _silence(seconds: float) -> Problem:
    what = (
        f"gave no answer for {seconds:.0f} s, and jobs of a killed controller may still run; "
        "nothing was started"
    )
    fix = "see what squeue says, and run the same command again once it answers"
    return Problem("slurm-silent", "squeue", what, fix)


def _answer(*command: str) -> str | None:
    """Output of a Slurm command; None if it failed."""
    try:
        done = subprocess.run(  # noqa: S603 (names of Slurm's jobs, no shell)
            command, capture_output=True, text=True, check=False, timeout=_ANSWER_WITHIN_SECONDS
        )
    except subprocess.TimeoutExpired:
        return None
    return None if done.returncode else done.stdout.strip()
