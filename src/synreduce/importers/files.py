"""Reads the bytes of input files, refusing what would hang, run away or silently be incomplete."""

from __future__ import annotations

import os
import pwd
import stat
import zlib
from pathlib import Path

from synreduce.errors import DataError, Problem
from synreduce.units import format_bytes

MAX_TEXT_BYTES = 4 * 2**30

_GZIP_MAGIC = b"\x1f\x8b"
_FOREIGN_MAGIC = {
    _GZIP_MAGIC: ("gzip", "rename to .csv.gz or unpack"),
    b"\xfd7zXZ": ("xz", "unpack it, or compress with gzip"),
    b"BZh": ("bzip2", "unpack it, or compress with gzip"),
    b"PK\x03\x04": ("zip", "unpack it"),
    b"\x28\xb5\x2f\xfd": ("zstd", "unpack it, or compress with gzip"),
    b"\x89HDF": ("HDF5", "give the text file"),
}


def refuse(where: object, code: str, what: str, fix: str = "") -> DataError:
    """Make an error with one problem.

    Parameters
    ----------
    where : object
        File, shown as text.
    code, what, fix : str
        As in `Problem`.

    Returns
    -------
    DataError
    """
    return DataError(Problem(code, str(where), what, fix))


def require_regular_file(
    path: Path, root: Path | None = None, *, outside_links: bool = False
) -> int:
    """Check that a path is a readable regular file, before anything opens it.

    Parameters
    ----------
    path : Path
        The file. A FIFO or device would make a reader wait for ever.
    root : Path, optional
        Folder that the file must lie in when links are followed.
    outside_links : bool, default: False
        Accept links that lead out of `root`.

    Returns
    -------
    int
        Size in bytes.

    Raises
    ------
    DataError
        If the file is missing, not regular, unreadable or a link out of `root`.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        what = "is a link to nothing" if path.is_symlink() else "not found"
        raise refuse(path, "missing-file", what, "check the path or copy again") from None
    except OSError as error:
        raise refuse(
            path, "unreadable-file", error.strerror or str(error), "check the path"
        ) from None
    if stat.S_ISDIR(status.st_mode):
        raise refuse(path, "not-a-file", "is a folder, expected a file", "name the file")
    if not stat.S_ISREG(status.st_mode):
        raise refuse(
            path, "not-a-file", "is a FIFO, device or socket; refused", "copy it to a file"
        )
    if not os.access(path, os.R_OK):
        user = pwd.getpwuid(os.geteuid()).pw_name
        what = f"not readable by {user} (mode {stat.S_IMODE(status.st_mode):03o})"
        raise refuse(path, "unreadable-file", what, "chmod u+r or ask its owner")
    if root is not None and not outside_links:
        _require_inside(path, root)
    return status.st_size


def _require_inside(path: Path, root: Path) -> None:
    folder = root if root.is_dir() else root.parent
    if not path.resolve().is_relative_to(folder.resolve()):
        raise refuse(
            path,
            "outside-link",
            f"links to {path.resolve()}, outside the folder that is imported",
            "copy the file, or allow outside links",
        )


def read_text(path: Path, root: Path | None = None, *, outside_links: bool = False) -> bytes:
    """Read a text file, unpacked if its name ends in ``.gz``.

    Parameters
    ----------
    path : Path
        ``.csv`` or ``.csv.gz``.
    root, outside_links
        As in `require_regular_file`.

    Returns
    -------
    bytes

    Raises
    ------
    DataError
        If the file is missing, empty, cut, compressed under a wrong name or unreasonably large.
    """
    size = require_regular_file(path, root, outside_links=outside_links)
    if size == 0:
        raise refuse(
            path, "empty-file", "0 bytes; truncated copy?", "copy again or list in exclude_trials"
        )
    if size > MAX_TEXT_BYTES:
        raise refuse(path, "too-large", f"{format_bytes(size)} in one text file", "split it")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise refuse(path, "unreadable-file", error.strerror or str(error), "copy again") from None
    if path.suffix == ".gz":
        return _gunzip(path, raw)
    for magic, (kind, fix) in _FOREIGN_MAGIC.items():
        if raw.startswith(magic):
            raise refuse(path, "wrong-compression", f"starts with {kind} magic", fix)
    return raw


def _gunzip(path: Path, raw: bytes) -> bytes:
    if not raw.startswith(_GZIP_MAGIC):
        raise refuse(
            path, "wrong-compression", f"not gzip (starts with {raw[:6]!r})", "rename to .csv"
        )
    pieces: list[bytes] = []
    total = 0
    while raw:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            piece = unpacker.decompress(raw, MAX_TEXT_BYTES - total + 1)
        except zlib.error as error:
            raise refuse(
                path, "damaged-file", f"gzip data damaged ({error})", "copy again"
            ) from None
        total += len(piece)
        if total > MAX_TEXT_BYTES:
            what = f"unpacks to more than {format_bytes(MAX_TEXT_BYTES)}"
            raise refuse(path, "too-large", what, "split it")
        if not unpacker.eof:
            raise refuse(path, "cut-file", "gzip data end early; file was cut", "copy again")
        pieces.append(piece)
        raw = unpacker.unused_data.lstrip(b"\0")
    return b"".join(pieces)
