"""What is looked at before a foreign HDF5 file is believed."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

from synreduce.errors import DataError, Problem
from synreduce.suggestions import did_you_mean
from synreduce.units import format_bytes

SIGNATURE = b"\x89HDF\r\n\x1a\n"
LARGEST_CHUNK_BYTES = 256 * 2**20
# deflate, shuffle, fletcher32, szip, nbit, scale-offset, lzf: all built into h5py
KNOWN_FILTERS = frozenset({1, 2, 3, 4, 5, 6, 32000})
_BOMB_BYTES = 4 * 2**30
_BOMB_RATIO = 2000
_MOST_OBJECTS = 200_000
_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


def require_regular_file(path: Path) -> None:
    """Refuse what is not an ordinary, readable file.

    Parameters
    ----------
    path : Path
        The file named by the user.

    Raises
    ------
    DataError
        If it is missing, a folder, FIFO, socket or device, or unreadable.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(_missing(path)) from None
    except OSError as error:
        raise DataError(Problem("unreadable", str(path), os.strerror(error.errno or 0))) from error
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "no ordinary file")
        raise DataError(Problem("no-file", str(path), f"is {kind}; refused", "name a file"))
    if not os.access(path, os.R_OK):
        what = f"user {os.geteuid()} may not read it (mode {stat.S_IMODE(mode):03o})"
        raise DataError(Problem("unreadable", str(path), what, "change its permissions"))


def require_signature(path: Path) -> None:
    """Refuse a file that does not begin as HDF5 files do.

    Parameters
    ----------
    path : Path
        An ordinary file.

    Raises
    ------
    DataError
        With the first bytes found.
    """
    with path.open("rb") as stream:
        head = stream.read(len(SIGNATURE))
    if head != SIGNATURE:
        found = f"starts with {head[:5].decode('latin-1')!r}" if head else "is empty"
        raise DataError(Problem("not-hdf5", str(path), f"not HDF5 ({found})"))


def explain_open_failure(path: Path, error: OSError) -> DataError:
    """Turn the message of the HDF5 library into one that a user can act on.

    Parameters
    ----------
    path : Path
        The file that did not open.
    error : OSError
        What h5py raised.

    Returns
    -------
    DataError
    """
    text = str(error)
    sizes = re.search(r"eof = (\d+).*stored_eof = (\d+)", text)
    if sizes:
        found, promised = (int(size) for size in sizes.groups())
        what = f"cut at {found:,} of {promised:,} bytes"
        return DataError(Problem("truncated", str(path), what, "copy or make it again"))
    if "already open for write" in text or "consistency flags" in text:
        what = "was not closed by its writer"
        fix = "copy or make it again; do not h5clear and trust it"
        return DataError(Problem("not-closed", str(path), what, fix))
    if "unable to lock file" in text:
        what = "is open for writing by another process"
        return DataError(Problem("being-written", str(path), what, "wait until it is closed"))
    return DataError(Problem("damaged", str(path), f"cannot be opened ({text})", "make it again"))


def screen(file: h5py.File, path: Path) -> None:
    """Refuse a file that points outside itself, or that would exhaust memory when read.

    Every link is looked at before it is followed, every object once.

    Parameters
    ----------
    file : h5py.File
        Open for reading.
    path : Path
        Its name, for messages.

    Raises
    ------
    DataError
        Listing all problems.
    """
    problems = list(_problems(file, path))
    if problems:
        raise DataError(problems)


def _problems(file: h5py.File, path: Path) -> Iterator[Problem]:
    seen: set[Any] = set()
    waiting: list[tuple[str, h5py.Group]] = [("", file)]
    while waiting:
        prefix, group = waiting.pop()
        for name in group:
            where = f"{path}:{prefix}/{name}"
            problem = _link_problem(group, name, where)
            if problem is not None:
                yield problem
                continue
            node = group[name]
            identity = h5py.h5o.get_info(node.id).addr
            if identity in seen:
                continue
            seen.add(identity)
            if len(seen) > _MOST_OBJECTS:
                yield Problem("too-many-objects", str(path), f"more than {_MOST_OBJECTS:,} objects")
                return
            if isinstance(node, h5py.Group):
                waiting.append((f"{prefix}/{name}", node))
            elif isinstance(node, h5py.Dataset):
                yield from _dataset_problems(node, where)


def _link_problem(group: h5py.Group, name: str, where: str) -> Problem | None:
    link = group.get(name, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        what = f"points to another file ({link.filename}:{link.path}); refused"
        return Problem("external-link", where, what, "repack the file so that it stands alone")
    if isinstance(link, h5py.SoftLink):
        try:
            found = name in group and group.get(name) is not None
        except (KeyError, OSError, RuntimeError):
            found = False
        if not found:
            return Problem("dangling-link", where, f"link to '{link.path}' leads nowhere")
    return None


def _dataset_problems(dataset: h5py.Dataset, where: str) -> Iterator[Problem]:
    creation = dataset.id.get_create_plist()
    repack = "repack the file so that it stands alone"
    if creation.get_external_count() > 0:
        target = creation.get_external(0)[0].decode("utf-8", "replace")
        what = f"points to another file (external storage: {target}); refused"
        yield Problem("external-storage", where, what, repack)
        return
    if creation.get_layout() == h5py.h5d.VIRTUAL:
        yield Problem("virtual-dataset", where, "is assembled from other files; refused", repack)
        return
    for index in range(creation.get_nfilters()):
        number, _flags, _values, name = creation.get_filter(index)
        if number not in KNOWN_FILTERS:
            what = f"needs the filter plug-in {number} ({name.decode('utf-8', 'replace')}); refused"
            yield Problem("unknown-filter", where, what, "repack it with gzip")
    yield from _size_problems(dataset, creation, where)


def _size_problems(
    dataset: h5py.Dataset, creation: h5py.h5p.PropDCID, where: str
) -> Iterator[Problem]:
    width = dataset.id.get_type().get_size()
    if creation.get_layout() == h5py.h5d.CHUNKED:
        chunk = width
        for length in creation.get_chunk():
            chunk *= length
        if chunk > LARGEST_CHUNK_BYTES:
            what = f"chunk of {format_bytes(chunk)} > limit {format_bytes(LARGEST_CHUNK_BYTES)}"
            yield Problem("large-chunk", where, what, "repack it with smaller chunks")
    logical = width * (dataset.size or 0)
    stored = dataset.id.get_storage_size()
    if logical > _BOMB_BYTES and logical > _BOMB_RATIO * stored:
        what = f"{format_bytes(logical)} logical, {format_bytes(stored)} stored"
        yield Problem("suspicious-size", where, what, "make the file again")


def _missing(path: Path) -> Problem:
    if path.parent.is_dir():
        names = sorted(entry.name for entry in path.parent.iterdir())[:200]
        hint = did_you_mean(path.name, names)
        return Problem("no-file", str(path), "no such file", hint if "mean" in hint else "")
    return Problem("no-file", str(path), f"no such file: folder '{path.parent}' is missing")
