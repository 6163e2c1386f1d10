"""Writing chunks of HDF5 datasets that several threads compress.

The filters are those of plain HDF5 (shuffle, then deflate), so any reader opens the result. What
is gained: the threads work outside HDF5's global lock, and nothing stays in HDF5's caches.
"""

from __future__ import annotations

import os
import zlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
import numpy.typing as npt

DEFAULT_LEVEL = 1
_MOST_WAITING = 64
_MOST_THREADS = 8

Array = np.ndarray[Any, np.dtype[Any]]


def thread_count() -> int:
    """Return the number of processors this process may use, at most eight.

    ``OMP_NUM_THREADS`` limits it further, as it does for linear algebra.
    """
    limit = os.environ.get("OMP_NUM_THREADS", "")
    allowed = int(limit) if limit.isdigit() and int(limit) > 0 else _MOST_THREADS
    return min(_MOST_THREADS, allowed, len(os.sched_getaffinity(0)))


def encode_chunk(chunk: Array, level: int = DEFAULT_LEVEL) -> bytes:
    """Shuffle (for items of several bytes) and deflate one whole chunk.

    Parameters
    ----------
    chunk : ndarray
        Little-endian, of the full chunk shape.
    level : int, default: 1
        Compression level of zlib; for counts (unsigned numbers) it has no meaning.

    Returns
    -------
    bytes
    """
    raw = np.ascontiguousarray(chunk)
    # Counts scatter too much to repeat: looking for more than runs takes longer and saves less.
    strategy = zlib.Z_RLE if raw.dtype.kind == "u" else zlib.Z_DEFAULT_STRATEGY
    width = raw.dtype.itemsize
    if width > 1:
        raw = np.ascontiguousarray(raw.reshape(-1).view(np.uint8).reshape(-1, width).T)
    compressor = zlib.compressobj(level, strategy=strategy)
    return compressor.compress(raw.data) + compressor.flush()


class ChunkStream:
    """Compress chunks in threads and store them in the order in which they were given.

    Parameters
    ----------
    level : int, default: 1
        Compression level of zlib.
    after_write : callable, optional
        Called after chunks were stored, e.g. to raise a failed write.
    """

    def __init__(
        self, level: int = DEFAULT_LEVEL, after_write: Callable[[], None] | None = None
    ) -> None:
        self.level = level
        self._after_write = after_write
        self._pool = ThreadPoolExecutor(thread_count(), thread_name_prefix="compress")
        self._waiting: deque[tuple[h5py.Dataset, tuple[int, ...], Future[bytes]]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.drain()
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def create(
        self,
        group: h5py.Group,
        name: str,
        dtype: npt.DTypeLike,
        *,
        chunks: tuple[int, ...],
        shape: tuple[int, ...],
        maxshape: tuple[int | None, ...],
    ) -> h5py.Dataset:
        """Create a dataset whose chunks this stream can store.

        Parameters
        ----------
        group : h5py.Group
            Where.
        name : str
            Of the dataset.
        dtype : dtype
            Of its values.
        chunks, shape, maxshape : tuple
            As in h5py.

        Returns
        -------
        h5py.Dataset
        """
        stored = np.dtype(dtype).newbyteorder("<")
        return group.create_dataset(
            name,
            shape=shape,
            maxshape=maxshape,
            chunks=chunks,
            dtype=stored,
            compression="gzip",
            compression_opts=max(1, self.level),
            shuffle=stored.itemsize > 1,
        )

    def put(self, dataset: h5py.Dataset, offset: tuple[int, ...], chunk: Array) -> None:
        """Hand over one whole chunk; the array must not be changed afterwards.

        Parameters
        ----------
        dataset : h5py.Dataset
            Made by `create`, already large enough.
        offset : tuple of int
            Position of the chunk's first value.
        chunk : ndarray
            Of the full chunk shape, padded with zeros at the edges of the dataset.
        """
        values = np.asarray(chunk, dataset.dtype)
        self._waiting.append((dataset, offset, self._pool.submit(encode_chunk, values, self.level)))
        if len(self._waiting) > _MOST_WAITING:
            self._store(len(self._waiting) // 2)

    def drain(self) -> None:
        """Store everything that was handed over."""
        self._store(len(self._waiting))

    def _store(self, count: int) -> None:
        for _ in range(count):
            dataset, offset, future = self._waiting.popleft()
            dataset.id.write_direct_chunk(offset, future.result())
        if self._after_write is not None:
            self._after_write()
