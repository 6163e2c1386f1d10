"""Names of unfinished files, which tell whether the process that writes them still lives."""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

SUFFIX = ".part"
_LONGEST_STEM = 120


@dataclass(frozen=True)
class Owner:
    """A process, as the name of an unfinished file or the record of a job keeps it.

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


def part_name(target: str) -> str:
    """Make a name for an unfinished file that no other attempt will ever use.

    Parameters
    ----------
    target : str
        Final file name, without folder.

    Returns
    -------
    str
        Hidden name that ends in ``.part``.
    """
    me = this_process()
    fields = (
        target[:_LONGEST_STEM],
        me.machine,
        me.boot,
        str(me.process),
        str(me.started),
        secrets.token_hex(6),
    )
    return f".{'.'.join(fields)}{SUFFIX}"


def owner_of(name: str) -> Owner | None:
    """Read the owner from the name of an unfinished file.

    Parameters
    ----------
    name : str
        File name, without folder.

    Returns
    -------
    Owner or None
        None if the name was not made by `part_name`.
    """
    fields = name.removesuffix(SUFFIX).split(".")
    if not (name.startswith(".") and name.endswith(SUFFIX) and len(fields) >= 7):
        return None
    machine, boot, process, started, _attempt = fields[-5:]
    if not (process.isdigit() and started.isdigit()):
        return None
    return Owner(machine, boot, int(process), int(started))


def is_abandoned(owner: Owner) -> bool:
    """Say whether a process is certainly gone.

    Parameters
    ----------
    owner : Owner
        From `owner_of` or `this_process`.

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
    """Identify this process, for others to see whether it still lives.

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
