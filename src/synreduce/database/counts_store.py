"""Writing binned counts in any order, in whole compressed chunks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from synreduce.database.binning import smallest_unsigned, whole_numbers
from synreduce.database.fingerprint import CountSum
from synreduce.database.model import CountArray
from synreduce.database.schema import COUNTS_CHUNK_BINS, COUNTS_CHUNK_TIMES, COUNTS_CHUNK_TRIALS
from synreduce.errors import DataError, Problem
from synreduce.storage import ChunkStream, decode_chunk

Place = tuple[int, int, int]
_MEMORY_BYTES = 320 * 2**20


@dataclass
class _OpenChunk:
    values: CountArray
    filled: int


class CountsStore:
    """Writes the datasets of the ``/counts`` group, one per group of synapses.

    Parameters
    ----------
    group : h5py.Group
        ``/counts``, empty or with the counts of earlier trials.
    stream : ChunkStream
        Compresses and stores.
    names : sequence of str
        Groups of synapses.
    shape : tuple of int
        Trials, time bins, distance bins; more trials may follow (`extend`).
    fingerprint : CountSum
        Of the counts that are there already.
    path : Path
        The database, for messages.
    """

    def __init__(
        self,
        group: h5py.Group,
        stream: ChunkStream,
        names: Sequence[str],
        shape: Place,
        *,
        fingerprint: CountSum,
        path: Path,
    ) -> None:
        self.group, self._stream, self._path = group, stream, path
        self.shape = shape
        self.fingerprint = fingerprint
        self._open: dict[tuple[str, Place], _OpenChunk] = {}
        self._early: dict[tuple[str, Place], int] = {}
        self._open_bytes = 0
        self._datasets = {name: group[name] for name in names if name in group}
        for name in self._datasets:
            self._remember_last_chunks(name)
        for name in names:
            if name not in group:
                self._create(name, np.dtype(np.uint8), chunk_shape(shape))

    def extend(self, n_trials: int) -> None:
        """Make room for trials at the end.

        Parameters
        ----------
        n_trials : int
            How many more.
        """
        self.shape = (self.shape[0] + n_trials, *self.shape[1:])
        for dataset in self._datasets.values():
            dataset.resize(self.shape[0], axis=0)

    def write(self, name: str, first: Place, counts: npt.NDArray[Any]) -> None:
        """Store a block of counts; every cell may be written once.

        Parameters
        ----------
        name : str
            Group of synapses.
        first : tuple of int
            Trial, time bin and distance bin of the block's first cell.
        counts : ndarray, shape (trials, times, bins)
            Whole numbers from 0.

        Raises
        ------
        DataError
            If a value is negative or no whole number, or if the block leaves the array.
        """
        where = f"{self._path}:{self.group.name}/{name}"
        stop = tuple(a + b for a, b in zip(first, counts.shape, strict=True))
        if min(first) < 0 or any(a > b for a, b in zip(stop, self.shape, strict=True)):
            what = f"block {first} to {stop} leaves the array {self.shape}"
            raise DataError(Problem("out-of-range", where, what))
        if not counts.size:
            return
        values = whole_numbers(counts, where)
        dtype = smallest_unsigned(int(values.max()))
        if dtype.itemsize > self._datasets[name].dtype.itemsize:
            self._widen(name, dtype)
        values = values.astype(dtype, copy=False)
        trial, time, distance = first
        for position, part in enumerate(_apart(values)):
            self.fingerprint.add(name, trial, time, distance + position, part)
        chunk = self._datasets[name].chunks
        for offset in offsets_within(first, stop, chunk):
            self._fill(name, offset, chunk, first, values)
        if self._open_bytes > _MEMORY_BYTES:
            self._store_early()

    def finish(self) -> None:
        """Store what is still in memory; cells never written are zero."""
        for key in list(self._open):
            self._store(key)

    def _fill(
        self, name: str, offset: Place, chunk: Place, first: Place, values: CountArray
    ) -> None:
        key = (name, offset)
        entry = self._open.get(key) or self._reopen(key, chunk)
        inside, outside = [], []
        for start, size, begin, length in zip(offset, chunk, first, values.shape, strict=True):
            low, high = max(start, begin), min(start + size, begin + length)
            inside.append(slice(low - start, high - start))
            outside.append(slice(low - begin, high - begin))
        block, place = values[tuple(outside)], entry.values[tuple(inside)]
        for part, target in zip(_apart(block), _apart(place, as_in=block), strict=True):
            target[...] = part
        entry.filled += block.size
        if entry.filled >= self._cells(offset, chunk):
            self._store(key)

    def _cells(self, offset: Place, chunk: Place) -> int:
        # Trials may still be added, so a chunk is complete when it has all the trials it can hold.
        cells = chunk[0]
        for start, size, length in zip(offset[1:], chunk[1:], self.shape[1:], strict=True):
            cells *= min(size, length - start)
        return cells

    def _reopen(self, key: tuple[str, Place], chunk: Place) -> _OpenChunk:
        dtype = self._datasets[key[0]].dtype
        filled = self._early.pop(key, 0)
        if filled:
            self._stream.drain()
            payload = self._datasets[key[0]].id.read_direct_chunk(key[1])[1]
            entry = _OpenChunk(decode_chunk(payload, chunk, dtype).copy(), filled)
        else:
            entry = _OpenChunk(np.zeros(chunk, dtype), 0)
        self._open[key] = entry
        self._open_bytes += entry.values.nbytes
        return entry

    def _store(self, key: tuple[str, Place]) -> None:
        entry = self._open.pop(key)
        self._open_bytes -= entry.values.nbytes
        self._stream.put(self._datasets[key[0]], key[1], entry.values)

    def _store_early(self) -> None:
        for key in list(self._open):
            self._early[key] = self._open[key].filled
            self._store(key)

    def _remember_last_chunks(self, name: str) -> None:
        """Note how full the stored chunks are that added trials will complete."""
        chunk = self._datasets[name].chunks
        trials = self.shape[0] % chunk[0]
        start = self.shape[0] - trials
        stop = (start + min(trials, 1), *self.shape[1:])
        for offset in offsets_within((start, 0, 0), stop, chunk):
            cells = trials
            for at, size, length in zip(offset[1:], chunk[1:], self.shape[1:], strict=True):
                cells *= min(size, length - at)
            if self._datasets[name].id.get_chunk_info_by_coord(offset).byte_offset is not None:
                self._early[name, offset] = cells

    def _create(self, name: str, dtype: np.dtype[Any], chunk: Place) -> h5py.Dataset:
        dataset = self._stream.create(
            self.group,
            name,
            dtype,
            chunks=chunk,
            shape=self.shape,
            maxshape=(None, *self.shape[1:]),
        )
        dataset.attrs["long_name"] = f"activations of group {name} (trial, time bin, distance bin)"
        dataset.attrs["units"] = "1"
        self._datasets[name] = dataset
        return dataset

    def _widen(self, name: str, dtype: np.dtype[Any]) -> None:
        """Replace a dataset by one of a wider type; happens when a large count turns up."""
        self._stream.drain()
        narrow = self._datasets[name]
        chunk = narrow.chunks
        self.group.move(name, f"{name} narrow")
        wide = self._create(name, dtype, chunk)
        for offset in offsets_within((0, 0, 0), self.shape, chunk):
            if narrow.id.get_chunk_info_by_coord(offset).byte_offset is not None:
                payload = narrow.id.read_direct_chunk(offset)[1]
                values = decode_chunk(payload, chunk, narrow.dtype).astype(dtype)
                self._stream.put(wide, offset, values)
        self._stream.drain()
        del self.group[f"{name} narrow"]
        for key, entry in self._open.items():
            if key[0] == name:
                self._open_bytes += entry.values.size * dtype.itemsize - entry.values.nbytes
                entry.values = entry.values.astype(dtype)


def _apart(counts: CountArray, as_in: CountArray | None = None) -> list[CountArray]:
    """Cut counts by distance bin where bins lie far apart in memory, as in planes of a source.

    NumPy would go from bin to bin, cell by cell.
    """
    strides = (counts if as_in is None else as_in).strides
    if strides[2] <= strides[1]:
        return [counts]
    return [counts[:, :, bin_ : bin_ + 1] for bin_ in range(counts.shape[2])]


def chunk_shape(shape: Place) -> Place:
    """Return the chunks of counts: some 100,000 cells, so that windows and ranges read little.

    Parameters
    ----------
    shape : tuple of int
        Trials, time bins, distance bins.

    Returns
    -------
    tuple of int
    """
    # Without trials yet their number is not known: the chunks must suit many.
    expected = shape[0] or COUNTS_CHUNK_TRIALS
    trials = min(COUNTS_CHUNK_TRIALS, max(16, 1 << (expected - 1).bit_length()))
    return (
        trials,
        min(COUNTS_CHUNK_TIMES, max(1, shape[1])),
        min(COUNTS_CHUNK_BINS, max(1, shape[2])),
    )


def offsets_within(first: Sequence[int], stop: Sequence[int], chunk: Place) -> Iterator[Place]:
    """List the chunks that touch a block.

    Parameters
    ----------
    first, stop : sequence of int
        The block.
    chunk : tuple of int
        Shape of the chunks.

    Yields
    ------
    tuple of int
        First cell of every chunk, in C order.
    """
    axes = [
        range(begin - begin % size, end, size)
        for begin, end, size in zip(first, stop, chunk, strict=True)
    ]
    yield from itertools.product(axes[0], axes[1], axes[2])
