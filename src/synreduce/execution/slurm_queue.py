"""What Slurm says about a user's jobs; asked with patience for a few seconds, never required."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Collection
from dataclasses import dataclass

_ANSWER_WITHIN_S = 4.0
_ASK_AGAIN_AFTER_S = 120.0
_FIELDS = ("%i", "%T", "%r", "%N", "%Z", "%k")
_PENDING = frozenset({"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "SUSPENDED"})

_ENDINGS = {
    "OUT_OF_MEMORY": "needed more memory than it was given",
    "TIMEOUT": "needed more time than it was given",
    "NODE_FAIL": "its node was lost",
    "PREEMPTED": "another job took its place",
    "CANCELLED": "was cancelled",
    "FAILED": "failed",
}
"""Final states, the most telling first, and what they mean."""


@dataclass(frozen=True)
class SlurmJob:
    """A job in the queue.

    Parameters
    ----------
    number : str
        Its id.
    state : str
        As Slurm calls it, e.g. ``RUNNING``.
    reason : str
        Why it waits, e.g. ``Resources``.
    node : str
        Where it runs.
    folder : str
        Where it was submitted.
    purpose : str
        Its comment: Snakemake's ``rule_<name>_wildcards_<batch>``.
    """

    number: str
    state: str
    reason: str
    node: str
    folder: str
    purpose: str

    @property
    def pending(self) -> bool:
        """Whether it has not begun."""
        return self.state in _PENDING


class SlurmQueue:
    """Asks Slurm; where it does not answer, it is left in peace for a while."""

    def __init__(self) -> None:
        self._silent_until = 0.0
        self.silent = False
        """Whether the last question went without an answer."""

    def jobs(self) -> list[SlurmJob] | None:
        """List the user's jobs that wait or run.

        Returns
        -------
        list of SlurmJob or None
            None without Slurm, or where it does not answer.
        """
        answer = self._ask("squeue", "--me", "--noheader", f"--format={'|'.join(_FIELDS)}")
        if answer is None:
            return None
        # The comment comes last: it is the one field that may hold a bar.
        rows = (line.strip().split("|", len(_FIELDS) - 1) for line in answer.splitlines())
        return [SlurmJob(*row) for row in rows if len(row) == len(_FIELDS)]

    def endings(self, numbers: Collection[str]) -> dict[str, str]:
        """Say how jobs ended, as far as accounting knows.

        Parameters
        ----------
        numbers : collection of str
            Ids of jobs.

        Returns
        -------
        dict of str to str
            By id: what happened, for people.
        """
        if not numbers:
            return {}
        chosen = f"--jobs={','.join(sorted(numbers))}"
        answer = self._ask("sacct", "--noheader", "--parsable2", "--format=JobID,State", chosen)
        states: dict[str, list[str]] = {}
        for line in (answer or "").splitlines():
            job, _, state = line.partition("|")
            # Memory kills show in a step of the job, whose own state is FAILED then.
            states.setdefault(job.partition(".")[0], []).append(state.partition(" ")[0])
        return {job: said for job, found in states.items() if (said := _ending(found))}

    def _ask(self, *command: str) -> str | None:
        if shutil.which(command[0]) is None or time.monotonic() < self._silent_until:
            return None
        try:
            done = subprocess.run(  # noqa: S603 (numbers are all that is not literal)
                command, capture_output=True, text=True, check=True, timeout=_ANSWER_WITHIN_S
            )
        except (OSError, subprocess.SubprocessError):
            if command[0] == "squeue":
                self.silent = True
                self._silent_until = time.monotonic() + _ASK_AGAIN_AFTER_S
            return None
        self.silent = False
        return done.stdout


def _ending(states: Collection[str]) -> str:
    return next((text for state, text in _ENDINGS.items() if state in states), "")
