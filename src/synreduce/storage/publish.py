"""The one way an artefact comes into being: whole, verified, synced, renamed.

A reader sees the former file or the new one, never half of either. A failed attempt removes its
unfinished file; a killed one leaves it under a name that says who wrote it, for
`remove_stale_parts`.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from synreduce.errors import ArtefactError, DataError, Problem
from synreduce.storage.owner import is_abandoned
from synreduce.storage.part_names import SUFFIX, owner_of, part_name
from synreduce.storage.write_errors import free_bytes, resource_error

Verification = Callable[[Path], None]

_PIECE = 8 * 2**20


def publish_bytes(path: str | Path, payload: bytes) -> None:
    """Write a file so that it is there completely or not at all.

    Parameters
    ----------
    path : str or Path
        The file; missing folders are made. A former file is replaced when the new one is safe.
    payload : bytes
        Everything the file shall hold.

    Raises
    ------
    ResourceError
        If the file cannot be written: full disk, quota, permissions, input/output errors.
    ArtefactError
        If reading back does not return what was written.
    """
    publish_pieces(path, (payload,))


def publish_pieces(path: str | Path, pieces: Iterable[bytes]) -> None:
    """Write a file as `publish_bytes` does, piece by piece, so that it need not fit in memory.

    Parameters
    ----------
    path : str or Path
        The file.
    pieces : iterable of bytes
        What the file shall hold, one after the other.

    Raises
    ------
    ResourceError, ArtefactError
        As `publish_bytes`.
    """
    target = Path(path)
    written = hashlib.sha256()

    def verify_part(part: Path) -> None:
        _verify_digest(part, target, written.digest())

    with staged_file(target, verify_part) as (_part, descriptor):
        for piece in pieces:
            written.update(piece)
            try:
                write_fully(descriptor, piece)
            except OSError as error:
                raise resource_error(error, target, len(piece)) from error


def publish_text(path: str | Path, text: str) -> None:
    """Write a UTF-8 text file as `publish_bytes` does.

    Parameters
    ----------
    path : str or Path
        The file.
    text : str
        Everything the file shall hold.
    """
    publish_bytes(path, text.encode())


def publish_json(path: str | Path, obj: object) -> None:
    """Write an object as JSON with sorted keys, so that equal objects give equal bytes.

    Parameters
    ----------
    path : str or Path
        The file.
    obj : object
        What `json.dumps` takes.
    """
    publish_text(path, json.dumps(obj, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


@contextmanager
def staged_file(path: str | Path, verify: Verification | None = None) -> Iterator[tuple[Path, int]]:
    """Let the caller fill a hidden file beside the target, and publish it on success.

    Parameters
    ----------
    path : str or Path
        The final file.
    verify : callable, optional
        Called with the hidden file after it was synced; raises to refuse it.

    Yields
    ------
    tuple of (Path, int)
        The hidden file and an open descriptor for reading and writing.

    Raises
    ------
    ResourceError
        If the file cannot be created, synced or renamed.
    DataError
        If the target is a folder.
    """
    target = Path(path)
    if target.is_dir():
        raise DataError(Problem("is-folder", str(target), "is a folder", "name a file"))
    part = target.with_name(part_name(target.name))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(part, flags, 0o600)
    except OSError as error:
        raise resource_error(error, target) from error
    try:
        yield part, descriptor
        _finish(part, descriptor, target, verify)
    finally:
        with suppress(OSError):
            os.close(descriptor)
        with suppress(OSError):
            part.unlink(missing_ok=True)


def write_fully(
    descriptor: int, payload: bytes | bytearray | memoryview, offset: int | None = None
) -> None:
    """Write until every byte is out, however little each call takes.

    Parameters
    ----------
    descriptor : int
        Open file descriptor.
    payload : bytes
        What to write.
    offset : int, optional
        Position in the file; default is the descriptor's own.

    Raises
    ------
    OSError
        If a call fails or takes nothing.
    """
    view = memoryview(payload).cast("B")
    done = 0
    while done < len(view):
        piece = view[done : done + _PIECE]
        if offset is None:
            taken = os.write(descriptor, piece)
        else:
            taken = os.pwrite(descriptor, piece, offset + done)
        if taken <= 0:
            raise OSError(errno.EIO, "the system took no byte")
        done += taken


def remove_stale_parts(folder: str | Path) -> list[Path]:
    """Remove unfinished files whose writer is gone.

    Parameters
    ----------
    folder : str or Path
        Searched with all its subfolders; links are not followed.

    Returns
    -------
    list of Path
        What was removed. Files of living processes and of other machines stay.
    """
    removed = []
    for root, _folders, names in os.walk(folder):
        for name in names:
            owner = owner_of(name) if name.endswith(SUFFIX) else None
            if owner is not None and is_abandoned(owner):
                part = Path(root) / name
                with suppress(FileNotFoundError):
                    part.unlink()
                    removed.append(part)
    return sorted(removed)


def require_writable(folder: str | Path, needed: int = 0) -> None:
    """Refuse a folder where nothing can be written, before any work is done.

    Parameters
    ----------
    folder : str or Path
        Made if missing.
    needed : int, default: 0
        Bytes that will be written.

    Raises
    ------
    ResourceError
        If the folder cannot be made or written to, or has too little space.
    """
    probe = Path(folder) / "probe"
    part = probe.with_name(part_name(probe.name))
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        part.unlink()
    except OSError as error:
        raise resource_error(error, probe) from error
    if needed > free_bytes(probe):
        raise resource_error(OSError(errno.ENOSPC, "too little space"), probe, needed)


def _finish(part: Path, descriptor: int, target: Path, verify: Verification | None) -> None:
    try:
        os.fchmod(descriptor, 0o666 & ~_umask())
        os.fsync(descriptor)
    except OSError as error:
        raise resource_error(error, target) from error
    if verify is not None:
        verify(part)
    try:
        part.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise resource_error(error, target) from error


def _verify_digest(part: Path, target: Path, expected: bytes) -> None:
    try:
        with part.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").digest()
    except OSError as error:
        raise resource_error(error, target) from error
    if found != expected:
        raise ArtefactError(
            Problem(
                "not-what-was-written",
                str(target),
                "reading back returned other bytes than were written",
                "the storage is unreliable; choose another folder",
            )
        )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    """Read the umask without changing it, which would race with other threads."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    except OSError:
        pass
    return 0o077
