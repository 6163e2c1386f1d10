"""One controller per run: which process it is, and what to make of one that was killed.

The controller is the `snakemake` that a user started. Snakemake's own lock knows neither host nor
process, so it stays when its owner was killed, and nobody can tell. This one does: the lock of the
operating system ends with the process, and the file says who it was.
"""

from __future__ import annotations

import atexit
import errno
import fcntl
import json
import os
import platform
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from synreduce.errors import Problem, RunLockedError
from synreduce.storage.owner import Owner, is_abandoned, this_process
from synreduce.storage.publish import write_fully

_HELD = (errno.EWOULDBLOCK, errno.EACCES)


@dataclass(frozen=True)
class Controller:
    """A process that controls a run.

    Parameters
    ----------
    owner : Owner
        The process.
    host : str
        Name of its machine.
    started : str
        When it took control, in UTC.
    logs : tuple of str
        Snakemake's logs of this controller, after those of killed ones before it.
    """

    owner: Owner
    host: str
    started: str
    logs: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> Controller | None:
        """Read who controls a run, or did when it was killed.

        Parameters
        ----------
        path : Path
            From `RunPaths.controller`.

        Returns
        -------
        Controller or None
            None if nobody does.
        """
        try:
            note = json.loads(path.read_text(encoding="utf-8"))
            return cls(Owner(**note["owner"]), note["host"], note["started"], tuple(note["logs"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def __str__(self) -> str:
        return f"process {self.owner.process} on {self.host}, since {self.started}"


def take_control(path: Path, logs: Sequence[str]) -> tuple[str, ...]:
    """Become the controller of a run until this process ends.

    Parameters
    ----------
    path : Path
        From `RunPaths.controller`.
    logs : sequence of str
        Snakemake's logs of this process.

    Returns
    -------
    tuple of str
        Logs of controllers that were killed; their cluster jobs may still be there.

    Raises
    ------
    RunLockedError
        If another process controls the run, or nobody here can tell whether it still does.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    former = Controller.read(path)
    is_held = _is_held_by_another(descriptor)
    if is_held or (former and not is_abandoned(former.owner)):
        os.close(descriptor)
        raise RunLockedError(_refusal(path, former, is_held=is_held))
    left = former.logs if former else ()
    _write(descriptor, (*left, *logs))
    atexit.register(_release, descriptor)
    return left


def _is_held_by_another(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # Some network file systems know no locks; there the note alone has to do.
        return error.errno in _HELD
    return False


def _write(descriptor: int, logs: Sequence[str]) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    note = Controller(this_process(), platform.node(), now, tuple(logs))
    os.ftruncate(descriptor, 0)
    write_fully(descriptor, json.dumps(asdict(note)).encode(), 0)
    os.fsync(descriptor)


def _release(descriptor: int) -> None:
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.close(descriptor)


def _refusal(path: Path, former: Controller | None, *, is_held: bool) -> Problem:
    who = str(former) if former else "another process"
    if is_held or (former and former.host == platform.node()):
        fix = "wait until it ends, or end it (Ctrl-C there, or kill its process)"
        return Problem("run-in-progress", str(path.parent), f"is controlled by {who}", fix)
    what = f"was controlled by {who}, and from here nobody can tell whether it still is"
    fix = f"if that process has ended, remove {path}"
    return Problem("run-in-progress", str(path.parent), what, fix)
