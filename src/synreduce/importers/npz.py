"""Reads NumPy files without trusting them: no pickles, no lying headers, no surprises in size."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from synreduce.errors import DataError
from synreduce.importers.files import refuse, require_regular_file
from synreduce.units import format_bytes

MAX_LOADED_BYTES = 2 * 2**30

_NPY_MAGIC = b"\x93NUMPY"
_HEADER_READERS: dict[tuple[int, int], Callable[[Any], tuple[Any, Any, Any]]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_COPY_AGAIN = "copy the file again"
_READ_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
_EXPORT = "save it as plain numbers (np.savez_compressed of a numeric array)"


@dataclass(frozen=True)
class ArrayHeader:
    """What the header of an array says, checked against the size of its data.

    Parameters
    ----------
    name : str
        File and member, for messages.
    shape : tuple of int
        Axes.
    dtype : numpy.dtype
        Numbers only.
    fortran_order : bool
        The first axis runs fastest.
    data_bytes : int
        Unpacked size of the data.
    packed_bytes : int
        Their size in the file.
    checksummed : bool
        Whether the file carries a checksum of the data (npz does, npy does not).
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran_order: bool
    data_bytes: int
    packed_bytes: int
    checksummed: bool


class ArrayStream:
    """The data of one array, read from first to last byte.

    Parameters
    ----------
    header : ArrayHeader
        Shape and type.
    stream : binary file
        Positioned at the first byte of the data.
    """

    def __init__(self, header: ArrayHeader, stream: IO[bytes]) -> None:
        self.header = header
        self._stream = stream
        self._left = header.data_bytes

    def read(self, n_bytes: int) -> bytes:
        """Read the next bytes.

        Parameters
        ----------
        n_bytes : int
            How many; fewer are returned only at the end.

        Returns
        -------
        bytes

        Raises
        ------
        DataError
            If the data are damaged or end early.
        """
        wanted = min(n_bytes, self._left)
        try:
            data = self._stream.read(wanted)  # the last piece compares the checksum of an npz
        except _READ_ERRORS as error:
            raise _damaged(self.header.name, error) from None
        self._left -= len(data)
        if len(data) != wanted:
            what = f"data end early; the header says {self.header.data_bytes:,} bytes"
            raise refuse(self.header.name, "wrong-size", what, _COPY_AGAIN)
        return data


@contextmanager
def open_array(
    path: Path, member: str = "arr_0", *, max_bytes: int = MAX_LOADED_BYTES
) -> Iterator[ArrayStream]:
    """Open one array of a ``.npz`` or ``.npy`` file for reading as a stream.

    Parameters
    ----------
    path : Path
        The file.
    member : str, default: "arr_0"
        Array within an npz file; if it is not there, the only array of the file is taken.
    max_bytes : int, default: 2 GiB
        Largest unpacked size that is accepted.

    Yields
    ------
    ArrayStream

    Raises
    ------
    DataError
        If the file is missing, damaged, cut, not an array, holds Python objects, says a shape
        that its data do not have, or unpacks to more than `max_bytes`.
    """
    with ExitStack() as stack:
        try:
            stream = _open(stack, path, member, max_bytes)
        except _READ_ERRORS as error:
            raise _damaged(path, error) from None
        except OSError as error:
            raise refuse(
                path, "unreadable-file", error.strerror or str(error), _COPY_AGAIN
            ) from None
        yield stream


def _open(stack: ExitStack, path: Path, member: str, max_bytes: int) -> ArrayStream:
    size = require_regular_file(path)
    if size == 0:
        raise refuse(path, "empty-file", "0 bytes; truncated copy?", _COPY_AGAIN)
    file = stack.enter_context(path.open("rb"))
    start = file.read(8)
    file.seek(0)
    if start.startswith(_NPY_MAGIC):
        header = _read_header(file, str(path), size, size, max_bytes, checksummed=False)
        return ArrayStream(header, file)
    if not start.startswith(b"PK"):
        raise refuse(path, "not-npz", f"not an npz or npy file (starts with {start!r})", _EXPORT)
    archive = stack.enter_context(zipfile.ZipFile(file))
    entries = archive.infolist()
    arrays = {entry.filename.removesuffix(".npy"): entry for entry in entries}
    entry = arrays.get(member) or (entries[0] if len(entries) == 1 else None)
    if entry is None:
        what = f"has no array '{member}' but {', '.join(sorted(arrays)[:8]) or 'none at all'}"
        raise refuse(path, "no-array", what, f"name the array {member}")
    name = f"{path}['{entry.filename.removesuffix('.npy')}']"
    unpacked = stack.enter_context(archive.open(entry))
    sizes = (entry.file_size, entry.compress_size)
    header = _read_header(unpacked, name, *sizes, max_bytes, checksummed=True)
    return ArrayStream(header, unpacked)


def _damaged(name: object, error: Exception) -> DataError:
    if isinstance(error, NotImplementedError | RuntimeError):
        return refuse(name, "not-npz", f"packed in a way NumPy does not use ({error})", _EXPORT)
    return refuse(name, "damaged-file", f"cut or damaged ({error})", _COPY_AGAIN)


def _read_header(
    stream: IO[bytes], name: str, size: int, packed: int, max_bytes: int, *, checksummed: bool
) -> ArrayHeader:
    try:
        read = _HEADER_READERS[np.lib.format.read_magic(stream)]
        shape, fortran_order, dtype = read(stream)
    except (ValueError, KeyError, SyntaxError, RecursionError) as error:
        what = f"no NumPy array header ({str(error)[:80]})"
        raise refuse(name, "not-npy", what, _EXPORT) from None
    if dtype.hasobject:
        what = "holds Python objects; refused (could run code)"
        raise refuse(name, "python-objects", what, _EXPORT)
    if dtype.kind not in "biuf":
        raise refuse(name, "not-numbers", f"holds {dtype}, expected real numbers", _EXPORT)
    data_bytes = math.prod(shape) * dtype.itemsize
    present = size - stream.tell()
    if data_bytes != present or min(shape, default=0) < 0:
        what = f"shape {shape} of {dtype} needs {data_bytes:,} bytes, the file has {present:,}"
        raise refuse(name, "wrong-size", what, _COPY_AGAIN)
    if data_bytes > max_bytes:
        what = f"unpacks to {format_bytes(data_bytes)} from {format_bytes(packed)}"
        fix = f"raise the limit of {format_bytes(max_bytes)} (max_array_bytes) if that is meant"
        raise refuse(name, "too-large", what, fix)
    return ArrayHeader(name, shape, dtype, fortran_order, data_bytes, packed, checksummed)


def load_array(
    path: Path, member: str = "arr_0", *, max_bytes: int = MAX_LOADED_BYTES
) -> npt.NDArray[Any]:
    """Read one array of a ``.npz`` or ``.npy`` file whole.

    Parameters
    ----------
    path, member, max_bytes
        As in `open_array`.

    Returns
    -------
    ndarray
        Real numbers, in native byte order.

    Raises
    ------
    DataError
        As in `open_array`.
    """
    with open_array(path, member, max_bytes=max_bytes) as stream:
        header = stream.header
        data = stream.read(header.data_bytes)
    flat: npt.NDArray[Any] = np.frombuffer(data, dtype=header.dtype)
    array = flat.astype(header.dtype.newbyteorder("="))
    return array.reshape(header.shape, order="F" if header.fortran_order else "C")
