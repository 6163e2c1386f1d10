"""Which process a file belongs to, and whether that process is certainly gone."""

from __future__ import annotations

import hashlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Owner:
    """A process, told apart from every other one.

    Parameters
    ----------
    machine : str
        Digest of host name and process namespace.
    boot : str
        Digest of the boot identity, so that process ids of a former boot are not trusted.
    process : int
        Process id.
    started : int
        Start time of the process in clock ticks since boot; tells apart reused process ids.
    """

    machine: str
    boot: str
    process: int
    started: int


def is_abandoned(owner: Owner) -> bool:
    """Say whether a process is certainly gone.

    Parameters
    ----------
    owner : Owner
        The process.

    Returns
    -------
    bool
        False if the process lives, or if it belongs to another machine and nobody here can tell.
    """
    me = this_process()
    if owner.machine != me.machine:
        return False
    return owner.boot != me.boot or _start_ticks(owner.process) != owner.started


def this_process() -> Owner:
    """Describe the process that asks.

    Returns
    -------
    Owner
    """
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = ""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    except OSError:
        boot = ""
    process = os.getpid()
    return Owner(
        _short(socket.gethostname() + namespace), _short(boot), process, _start_ticks(process) or 0
    )


def _start_ticks(process: int) -> int | None:
    """Read the start time of a process; None if there is no such process."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return None
    after_command = text.rpartition(")")[2].split()
    state, ticks = after_command[0], int(after_command[19])
    return None if state in "ZX" else ticks


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
