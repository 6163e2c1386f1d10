"""Names of unfinished files, which tell whether the process that writes them still lives."""

from __future__ import annotations

import secrets

from synreduce.storage.owner import Owner, this_process

SUFFIX = ".part"
_LONGEST_STEM = 120


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
