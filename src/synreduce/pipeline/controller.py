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
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from synreduce.errors import Problem, RunLockedError
from synreduce.storage.owner import Owner, is_abandoned, this_process
from synreduce.storage.publish import write_fully
from synreduce.storage.write_errors import resource_error

_HELD = (errno.EWOULDBLOCK, errno.EACCES)
_SECONDS_UNTIL_NOTED = 1.0
_PAUSE_SECONDS = 0.05


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
            # A controller killed while it wrote may have left the end of a longer note before it.
            note, _end = json.JSONDecoder().raw_decode(path.read_text(encoding="utf-8"))
            return cls(Owner(**note["owner"]), note["host"], note["started"], tuple(note["logs"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def __str__(self) -> str:
        return f"process {self.owner.process} on {self.host}, since {self.started}"


def take_control(
    path: Path, logs: Sequence[str], settle: Callable[[tuple[str, ...]], None]
) -> None:
    """Become the controller of a run until this process ends.

    Who leaves before everything is settled leaves as a killed controller does: the next one is told
    the same logs.

    Parameters
    ----------
    path : Path
        From `RunPaths.controller`.
    logs : sequence of str
        Snakemake's logs of this process.
    settle : callable
        Deals with what killed controllers left, given their logs; their cluster jobs may still be
        there.

    Raises
    ------
    RunLockedError
        If another process controls the run, or nobody here can tell whether it still does.
    ResourceError
        If the note of who controls the run cannot be written.
    """
    try:
        descriptor, left = _take_over(path, logs)
    except OSError as error:
        raise resource_error(error, path) from error
    settle(left)
    atexit.register(_release, descriptor)


def _take_over(path: Path, logs: Sequence[str]) -> tuple[int, tuple[str, ...]]:
    """Lock the note and write it; return its descriptor, and the logs that stood in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        left = _lock(path, descriptor)
        _write(descriptor, (*left, *logs))
    except (OSError, RunLockedError):
        os.close(descriptor)
        raise
    return descriptor, left


def _lock(path: Path, descriptor: int) -> tuple[str, ...]:
    is_held = _is_held_by_another(descriptor)
    former = _read_holder(path) if is_held else Controller.read(path)
    if is_held or (former and not is_abandoned(former.owner)):
        raise RunLockedError(_refusal(path, former, is_held=is_held))
    return former.logs if former else ()


def _is_held_by_another(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # Some network file systems know no locks; there the note alone has to do.
        return error.errno in _HELD
    return False


def _read_holder(path: Path) -> Controller | None:
    """Read who holds the lock, who may have it for a moment before the note says so."""
    end = time.monotonic() + _SECONDS_UNTIL_NOTED
    while (holder := Controller.read(path)) is None or is_abandoned(holder.owner):
        if time.monotonic() > end:
            return None
        time.sleep(_PAUSE_SECONDS)
    return holder


def _write(descriptor: int, logs: Sequence[str]) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    note = Controller(this_process(), platform.node(), now, tuple(logs))
    payload = json.dumps(asdict(note)).encode()
    # Never empty in between: the former note may be all that names the jobs of a killed controller.
    write_fully(descriptor, payload, 0)
    os.ftruncate(descriptor, len(payload))
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
