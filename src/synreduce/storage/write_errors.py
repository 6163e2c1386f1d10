"""What went wrong when a file was written, in words that help."""

from __future__ import annotations

import errno
import os
import pwd
from contextlib import suppress
from pathlib import Path

from synreduce.errors import Problem, ResourceError
from synreduce.units import format_bytes

_CODES = {
    errno.ENOSPC: "disk-full",
    errno.EDQUOT: "quota-exceeded",
    errno.EFBIG: "file-too-large",
    errno.EROFS: "read-only",
    errno.EACCES: "not-writable",
    errno.EPERM: "not-writable",
}


def resource_error(error: OSError, path: Path, needed: int | None = None) -> ResourceError:
    """Say what failed, where, how much was needed and how much is free.

    Parameters
    ----------
    error : OSError
        What the system said.
    path : Path
        The file that was to be written.
    needed : int, optional
        Bytes that were to be written.

    Returns
    -------
    ResourceError
    """
    code = _CODES.get(error.errno or 0, "write-failed")
    reason = os.strerror(error.errno) if error.errno else str(error)
    what = f"cannot be written: {reason} (errno {error.errno})"
    if needed is not None:
        what += f"; needed {needed:,} bytes ({format_bytes(needed)})"
    if code in {"disk-full", "quota-exceeded", "file-too-large", "write-failed"}:
        free = free_bytes(path)
        what += f"; free {free:,} bytes ({format_bytes(free)})"
        what += "; no inodes left" if _inodes_exhausted(path) else ""
        fix = "free space or choose another folder, then run the same command again"
    else:
        what += f"; user '{_user_name()}', folder '{path.parent}'"
        fix = "choose a folder you may write to"
    return ResourceError(Problem(code, str(path), what, fix))


def free_bytes(path: Path) -> int:
    """Return the space left for a file, bytes; 0 if nobody knows.

    Parameters
    ----------
    path : Path
        The file, whether it exists or not.

    Returns
    -------
    int
    """
    for folder in path.parents:
        with suppress(OSError):
            status = os.statvfs(folder)
            return status.f_bavail * status.f_frsize
    return 0


def _inodes_exhausted(path: Path) -> bool:
    with suppress(OSError):
        status = os.statvfs(path.parent)
        return status.f_files > 0 and status.f_favail == 0
    return False


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
