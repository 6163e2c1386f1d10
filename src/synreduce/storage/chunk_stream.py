"""Chunks of HDF5 datasets, compressed and decompressed by several threads.

The filters are those of plain HDF5 (shuffle, then deflate), so any reader opens the result. What
is gained: the threads work outside HDF5's global lock, and nothing stays in HDF5's caches.
"""

from __future__ import annotations

import os
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
import numpy.typing as npt

from synreduce.errors import DataError, Problem

DEFAULT_LEVEL = 1
_MOST_WAITING = 64
_MOST_THREADS = 8

Array = np.ndarray[Any, np.dtype[Any]]


def thread_count() -> int:
    """Return the number of processors this process may use, at most eight."""
    return min(_MOST_THREADS, len(os.sched_getaffinity(0)))


def encode_chunk(chunk: Array, level: int = DEFAULT_LEVEL) -> bytes:
    """Shuffle (for items of several bytes) and deflate one whole chunk.

    Parameters
    ----------
    chunk : ndarray
        Little-endian, of the full chunk shape.
    level : int, default: 1
        Compression level of zlib.

    Returns
    -------
    bytes
    """
    raw = np.ascontiguousarray(chunk)
    width = raw.dtype.itemsize
    if width > 1:
        raw = np.ascontiguousarray(raw.reshape(-1).view(np.uint8).reshape(-1, width).T)
    return zlib.compress(raw.data, level)


def decode_chunk(payload: bytes, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Undo `encode_chunk`.

    Parameters
    ----------
    payload : bytes
        As stored.
    shape : tuple of int
        Of the chunk.
    dtype : numpy.dtype
        Of its values.

    Returns
    -------
    ndarray

    Raises
    ------
    zlib.error
        If the payload is damaged.
    ValueError
        If it does not hold a chunk of that shape.
    """
    dtype = np.dtype(dtype)
    expected = int(np.prod(shape)) * dtype.itemsize
    raw = np.frombuffer(zlib.decompress(payload, bufsize=max(1, expected)), np.uint8)
    if raw.size != expected:
        message = f"chunk holds {raw.size} bytes, expected {expected}"
        raise ValueError(message)
    if dtype.itemsize > 1:
        raw = np.ascontiguousarray(raw.reshape(dtype.itemsize, -1).T)
    return raw.reshape(-1).view(dtype).reshape(shape)


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


def read_stored_chunks(
    path: str | Path,
    dataset: h5py.Dataset,
    offsets: Sequence[tuple[int, ...]],
    consume: Callable[[tuple[int, ...], Array], None],
    pool: ThreadPoolExecutor | None = None,
) -> None:
    """Decompress chunks in threads and hand each to a function.

    Parameters
    ----------
    path : str or Path
        The file of the dataset, for messages.
    dataset : h5py.Dataset
        Chunked; gzip, with or without shuffle.
    offsets : sequence of tuple of int
        First positions of the wanted chunks.
    consume : callable
        Called in a worker thread with the offset and the chunk. Chunks that were never written
        are skipped.
    pool : ThreadPoolExecutor, optional
        Where to work.

    Raises
    ------
    DataError
        If a chunk cannot be decompressed.
    """
    shape, dtype = dataset.chunks, dataset.dtype

    def work(offset: tuple[int, ...], payload: bytes) -> None:
        try:
            chunk = decode_chunk(payload, shape, dtype)
        except (zlib.error, ValueError) as error:
            where = f"{path}:{dataset.name}"
            what = f"chunk at {offset} is damaged ({error})"
            raise DataError(Problem("damaged", where, what, "make or copy it again")) from error
        consume(offset, chunk)

    own = pool or ThreadPoolExecutor(thread_count(), thread_name_prefix="decompress")
    try:
        running: deque[Future[None]] = deque()
        for offset, payload in _payloads(dataset, offsets):
            running.append(own.submit(work, offset, payload))
            if len(running) > _MOST_WAITING:
                running.popleft().result()
        while running:
            running.popleft().result()
    finally:
        if pool is None:
            own.shutdown(wait=True, cancel_futures=True)


def _payloads(
    dataset: h5py.Dataset, offsets: Sequence[tuple[int, ...]]
) -> Iterator[tuple[tuple[int, ...], bytes]]:
    for offset in offsets:
        if dataset.id.get_chunk_info_by_coord(offset).byte_offset is not None:
            yield offset, dataset.id.read_direct_chunk(offset)[1]
