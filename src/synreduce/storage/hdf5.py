"""HDF5 files: built in memory or streamed, published whole; opened with suspicion."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from synreduce.errors import DataError, Problem
from synreduce.storage.byte_seal import sealed_bytes
from synreduce.storage.digest import seal
from synreduce.storage.publish import publish_bytes, staged_file
from synreduce.storage.screening import (
    explain_open_failure,
    require_regular_file,
    require_signature,
    screen,
)
from synreduce.storage.tolerant_file import TolerantFile
from synreduce.storage.write_errors import resource_error


@dataclass(frozen=True)
class StreamedFile:
    """A large HDF5 file while it is being written.

    Parameters
    ----------
    hdf5 : h5py.File
        Open for writing.
    """

    hdf5: h5py.File
    _raw: TolerantFile

    def raise_if_failed(self) -> None:
        """Raise the first write that failed; call it now and then during long work.

        Raises
        ------
        ResourceError
            If the disk is full, a quota is exceeded, or the like.
        """
        self._raw.raise_if_failed()

    def write_at(self, position: int, data: memoryview) -> None:
        """Store bytes of a contiguous dataset past HDF5, which allows one thread at a time.

        Parameters
        ----------
        position : int
            In the file, within a dataset that HDF5 has allocated and writes nothing to.
        data : memoryview
            What to store.

        Raises
        ------
        ResourceError
            If the disk is full, a quota is exceeded, or the like.
        """
        self._raw.write_at(position, data)


@contextmanager
def hdf5_image() -> Iterator[h5py.File]:
    """Make an HDF5 file in memory, without any file on disk.

    Yields
    ------
    h5py.File
        Its bytes are ``file.id.get_file_image()`` after ``file.flush()``.
    """
    with h5py.File("image", "w", driver="core", backing_store=False) as file:
        yield file


def publish_hdf5(path: str | Path, fill: Callable[[h5py.File], None]) -> str:
    """Build an HDF5 file in memory, seal it with its content digest and publish it.

    Parameters
    ----------
    path : str or Path
        The file; a former one is replaced when the new one is safe: when what lies on the disk has
        the bytes of what was filled.
    fill : callable
        Called with the open file. Equal content filled in equal order gives equal bytes.

    Returns
    -------
    str
        Digest of the content.

    Raises
    ------
    ResourceError, ArtefactError
        As `publish_bytes`.
    """
    digest, image = _sealed_image(fill)
    publish_bytes(path, image)
    return digest


def publish_small_hdf5(path: str | Path, fill: Callable[[h5py.File], None]) -> str:
    """Publish as `publish_hdf5`, with the digest of all bytes behind them.

    For files that are read whole: `verify_bytes` finds damage before HDF5 sees it.

    Parameters
    ----------
    path, fill
        As for `publish_hdf5`.

    Returns
    -------
    str
        Digest of the content.

    Raises
    ------
    ResourceError, ArtefactError
        As `publish_bytes`.
    """
    digest, image = _sealed_image(fill)
    publish_bytes(path, sealed_bytes(image))
    return digest


def _sealed_image(fill: Callable[[h5py.File], None]) -> tuple[str, bytes]:
    with hdf5_image() as file:
        fill(file)
        digest = seal(file)
        file.flush()
        return digest, file.id.get_file_image()


@contextmanager
def open_hdf5(
    path: str | Path, schema_name: str | None = None, schema_version: str | None = None
) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading, after looking at what it is.

    Parameters
    ----------
    path : str or Path
        The file.
    schema_name : str, optional
        What the root attribute ``schema_name`` must say.
    schema_version : str, optional
        Newest version of the schema that the caller understands, e.g. ``"1.0"``. Files with a
        higher major number are refused.

    Yields
    ------
    h5py.File

    Raises
    ------
    DataError
        If it is missing, no file, not HDF5, truncated, being written, of another or a newer
        schema, or points to other files.
    """
    file = open_screened(path, schema_name, schema_version)
    try:
        yield file
    finally:
        file.close()


def open_screened(
    path: str | Path, schema_name: str | None = None, schema_version: str | None = None
) -> h5py.File:
    """Open as `open_hdf5` does; the caller closes the file.

    Parameters
    ----------
    path : str or Path
        The file.
    schema_name, schema_version : str, optional
        As in `open_hdf5`.

    Returns
    -------
    h5py.File

    Raises
    ------
    DataError
        As `open_hdf5`.
    """
    target = Path(path)
    require_regular_file(target)
    require_signature(target)
    try:
        file = h5py.File(target, "r", locking="best-effort")
    except OSError as error:
        raise explain_open_failure(target, error) from error
    try:
        screen(file, target)
        if schema_name is not None:
            _require_schema(file, target, schema_name, schema_version)
    except (OSError, RuntimeError, KeyError) as error:
        file.close()
        what = f"its structure cannot be read ({error})"
        raise DataError(Problem("damaged", str(target), what, "make or copy it again")) from error
    except DataError:
        file.close()
        raise
    return file


@contextmanager
def streaming_hdf5(
    path: str | Path,
    verify: Callable[[Path], None] | None = None,
    copy_of: str | Path | None = None,
) -> Iterator[StreamedFile]:
    """Write a large HDF5 file piece by piece under a hidden name, and publish it on success.

    HDF5's chunk cache is off: write contiguous datasets, or whole chunks (`ChunkStream`).

    Parameters
    ----------
    path : str or Path
        The final file.
    verify : callable, optional
        Called with the closed, synced, still hidden file.
    copy_of : str or Path, optional
        Start from a copy of this file instead of from an empty one.

    Yields
    ------
    StreamedFile

    Raises
    ------
    ResourceError
        If the file cannot be written. The hidden file is removed.
    """
    target = Path(path)
    with staged_file(target, verify) as (part, descriptor):
        if copy_of is not None:
            _copy(Path(copy_of), part, target)
        raw = TolerantFile(descriptor, target)
        file = h5py.File(raw, "r+" if copy_of is not None else "w", rdcc_nbytes=0)
        try:
            yield StreamedFile(file, raw)
        finally:
            file.close()
        raw.finish()


def _copy(source: Path, part: Path, target: Path) -> None:
    try:
        shutil.copyfile(source, part)
    except OSError as error:
        raise resource_error(error, target, source.stat().st_size) from error


def _require_schema(file: h5py.File, path: Path, name: str, version: str | None) -> None:
    found = _attribute(file, "schema_name")
    if found != name:
        what = f"is {found!r}, not {name!r}" if found else f"has no schema_name, expected {name!r}"
        raise DataError(Problem("wrong-schema", str(path), what, "name another file"))
    stored = _attribute(file, "schema_version")
    if not re.fullmatch(r"\d+\.\d+", stored):
        what = f"schema_version is {stored!r}, expected something like '1.0'"
        raise DataError(Problem("wrong-schema", str(path), what, "make the file again"))
    if version is not None and int(stored.split(".")[0]) > int(version.split(".")[0]):
        what = f"has {name} version {stored}; this program reads up to {version}"
        raise DataError(Problem("newer-schema", str(path), what, "update synreduce"))


def _attribute(file: h5py.File, name: str) -> str:
    value: Any = file.attrs.get(name, "")
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
