"""Reads a large array of counts piece by piece and turns it into small whole numbers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synreduce.database.schema import COUNTS_CHUNK_BINS
from synreduce.importers.files import refuse
from synreduce.importers.npz import ArrayHeader, ArrayStream

UNSIGNED = npt.NDArray[np.unsignedinteger[Any]]

_PIECE_VALUES = 2**18
_PIECES_AHEAD = 256
"""Some 64 MB of counts below 256: unpacking goes on while the caller stores what it has."""

_SLAB_MS = 20
_MOST_CELLS = 256 * 2**20
_TYPES = (np.uint8, np.uint16, np.uint32)
_AXES = ("group", "distance bin", "trial", "ms")


@dataclass(frozen=True)
class CountsBlock:
    """A part of the array (group, distance bin, trial, ms).

    Parameters
    ----------
    group : int
        Position on the first axis.
    first_bin, first_ms : int
        Where the block begins.
    counts : ndarray of unsigned integers, shape (n_trials, ms, distance bins)
        All trials.
    n_bytes : int
        Size of the source data it was made of.
    """

    group: int
    first_bin: int
    first_ms: int
    counts: UNSIGNED
    n_bytes: int


@contextmanager
def counts_blocks(stream: ArrayStream) -> Iterator[Iterator[CountsBlock]]:
    """Read an array (group, distance bin, trial, ms) as a stream.

    A thread unpacks and narrows ahead while the caller works. In C order blocks are planes of one
    group and as many distance bins as the database stores together, if they are not too large; in
    Fortran order they are slabs of 20 ms.

    Parameters
    ----------
    stream : ArrayStream
        An array with four axes.

    Yields
    ------
    iterator of CountsBlock

    Raises
    ------
    DataError
        If data are damaged, or a value is negative, not whole, NaN or larger than 32 bits.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="unpack") as pool:
        pieces = _Pieces(stream, pool)
        yield _slabs(pieces) if stream.header.fortran_order else _planes(pieces)
        pieces.cancel()


class _Pieces:
    """The data in order as whole numbers of the smallest type, unpacked ahead by a thread."""

    def __init__(self, stream: ArrayStream, pool: ThreadPoolExecutor) -> None:
        self.header, self._stream, self._pool = stream.header, stream, pool
        self._waiting: deque[Future[UNSIGNED]] = deque()
        self._n_values = self.header.data_bytes // self.header.dtype.itemsize
        self._requested = 0
        self._rest: UNSIGNED = np.empty(0, dtype=np.uint8)

    def take(self, n_values: int) -> UNSIGNED:
        """Return the next values."""
        counts: UNSIGNED = np.empty(n_values, dtype=np.uint8)
        filled = 0
        while filled < n_values:
            if not len(self._rest):
                self._rest = self._next()
            part = self._rest[: n_values - filled]
            if part.dtype.itemsize > counts.dtype.itemsize:
                counts = counts.astype(part.dtype)
            counts[filled : filled + len(part)] = part
            filled += len(part)
            self._rest = self._rest[len(part) :]
        return counts

    def _next(self) -> UNSIGNED:
        while len(self._waiting) < _PIECES_AHEAD and self._requested < self._n_values:
            number = min(_PIECE_VALUES, self._n_values - self._requested)
            self._waiting.append(self._pool.submit(self._unpack, self._requested, number))
            self._requested += number
        return self._waiting.popleft().result()

    def cancel(self) -> None:
        """Forget what was not asked for."""
        for future in self._waiting:
            future.cancel()

    def _unpack(self, first: int, number: int) -> UNSIGNED:
        raw = self._stream.read(number * self.header.dtype.itemsize)
        values = np.frombuffer(raw, dtype=self.header.dtype)
        with np.errstate(invalid="ignore"):
            for kind in _TYPES:
                counts: UNSIGNED = values.astype(kind)
                if (counts == values).all():
                    return counts
        bad = int(np.flatnonzero(~(counts == values))[0])
        where = f"{self.header.name} {_place(self.header, first + bad)}"
        what = f"{values[bad]} is no count"
        raise refuse(where, "not-a-count", what, "give counts: whole numbers from 0")


def _place(header: ArrayHeader, position: int) -> str:
    index = np.unravel_index(position, header.shape, order="F" if header.fortran_order else "C")
    return ", ".join(f"{axis} {int(number)}" for axis, number in zip(_AXES, index, strict=True))


def _planes(pieces: _Pieces) -> Iterator[CountsBlock]:
    n_groups, n_bins, n_trials, n_ms = pieces.header.shape
    n_cells = n_trials * n_ms
    together = COUNTS_CHUNK_BINS if COUNTS_CHUNK_BINS * n_cells <= _MOST_CELLS else 1
    for group in range(n_groups):
        for first in range(0, n_bins, together):
            number = min(together, n_bins - first)
            planes = pieces.take(number * n_cells).reshape(number, n_trials, n_ms)
            n_bytes = number * n_cells * pieces.header.dtype.itemsize
            yield CountsBlock(group, first, 0, planes.transpose(1, 2, 0), n_bytes)


def _slabs(pieces: _Pieces) -> Iterator[CountsBlock]:
    n_groups, n_bins, n_trials, n_ms = pieces.header.shape
    per_ms = n_groups * n_bins * n_trials
    for first in range(0, n_ms, _SLAB_MS):
        length = min(_SLAB_MS, n_ms - first)
        slab = pieces.take(length * per_ms).reshape(length, n_trials, n_bins, n_groups)
        n_bytes = length * per_ms * pieces.header.dtype.itemsize // n_groups
        for group in range(n_groups):
            counts = slab[:, :, :, group].transpose(1, 0, 2)
            yield CountsBlock(group, 0, first, counts, n_bytes)
