"""Reading chunks of HDF5 datasets that several threads decompress.

The bytes are read from the file's own descriptor at the places that HDF5 names, outside HDF5's
global lock.
"""

from __future__ import annotations

import itertools
import os
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import h5py
import numpy as np

from synreduce.errors import DataError, Problem
from synreduce.storage.chunk_stream import Array, thread_count

_DEFLATE, _SHUFFLE = 1, 2
_MOST_WAITING = 64
_TASKS_AT_ONCE = 8


def decode_chunk(
    payload: bytes,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    *,
    shuffled: bool | None = None,
    deflated: bool = True,
) -> Array:
    """Undo `encode_chunk`.

    Parameters
    ----------
    payload : bytes
        As stored.
    shape : tuple of int
        Of the chunk.
    dtype : numpy.dtype
        Of its values.
    shuffled : bool, optional
        Whether the bytes were shuffled; by default if a value has several bytes.
    deflated : bool, default: True
        Whether they were compressed.

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
    plain = zlib.decompress(payload, bufsize=max(1, expected)) if deflated else payload
    raw = np.frombuffer(plain, np.uint8)
    if raw.size != expected:
        message = f"chunk holds {raw.size} bytes, expected {expected}"
        raise ValueError(message)
    if dtype.itemsize > 1 and shuffled is not False:
        raw = np.ascontiguousarray(raw.reshape(dtype.itemsize, -1).T)
    return raw.reshape(-1).view(dtype).reshape(shape)


class ChunkReader:
    """Reads chunks of one dataset.

    Parameters
    ----------
    dataset : h5py.Dataset
        Of a file open for reading.
    """

    def __init__(self, dataset: h5py.Dataset) -> None:
        self.dataset = dataset
        self._shape, self._dtype = dataset.chunks, dataset.dtype
        creation = dataset.id.get_create_plist()
        self._filters = [creation.get_filter(i)[0] for i in range(creation.get_nfilters())]
        order = [number for number in (_SHUFFLE, _DEFLATE) if number in self._filters]
        self.usable = self._shape is not None and self._filters == order
        """Whether this class understands how the chunks are stored."""

    def tasks(
        self,
        offsets: Iterable[tuple[int, ...]],
        consume: Callable[[tuple[int, ...], Array], None],
    ) -> Iterator[Callable[[], None]]:
        """List the work of reading chunks, to be done by `run_tasks`.

        Parameters
        ----------
        offsets : iterable of tuple of int
            First positions of the wanted chunks.
        consume : callable
            Called in a worker thread with the offset and the chunk. Chunks that were never
            written are skipped.

        Yields
        ------
        callable
        """
        descriptor = self.dataset.file.id.get_vfd_handle()
        places = self._places
        for offset in offsets:
            if offset in places:
                yield self._task(descriptor, offset, places[offset], consume)

    @cached_property
    def _places(self) -> dict[tuple[int, ...], h5py.h5d.StoreInfo]:
        # One walk over all chunks: asking HDF5 for a single one walks over all of them, too.
        found: dict[tuple[int, ...], h5py.h5d.StoreInfo] = {}

        def keep(info: h5py.h5d.StoreInfo) -> None:
            found[info.chunk_offset] = info

        self.dataset.id.chunk_iter(keep)
        return found

    def _task(
        self,
        descriptor: int,
        offset: tuple[int, ...],
        info: h5py.h5d.StoreInfo,
        consume: Callable[[tuple[int, ...], Array], None],
    ) -> Callable[[], None]:
        def work() -> None:
            payload = os.pread(descriptor, info.size, info.byte_offset)
            try:
                chunk = decode_chunk(
                    payload,
                    self._shape,
                    self._dtype,
                    shuffled=self._applied(_SHUFFLE, info.filter_mask),
                    deflated=self._applied(_DEFLATE, info.filter_mask),
                )
            except (zlib.error, ValueError) as error:
                raise self._damaged(offset, error) from error
            consume(offset, chunk)

        return work

    def _applied(self, number: int, mask: int) -> bool:
        """Say whether a filter was used for a chunk; HDF5 skips those that do not help."""
        used = number in self._filters
        return used and not mask >> self._filters.index(number) & 1

    def _damaged(self, offset: tuple[int, ...], error: Exception) -> DataError:
        where = f"{self.dataset.file.filename}:{self.dataset.name}"
        what = f"chunk at {offset} is damaged ({error})"
        return DataError(Problem("damaged", where, what, "make or copy the file again"))


def run_tasks(tasks: Iterable[Callable[[], None]], pool: ThreadPoolExecutor) -> None:
    """Do work in threads, a bounded number of tasks at a time.

    Parameters
    ----------
    tasks : iterable of callable
        Listed in this thread, done in others.
    pool : ThreadPoolExecutor
        The threads.

    Raises
    ------
    Exception
        The first that a task raised, in the order of the tasks.
    """
    running: deque[Future[None]] = deque()
    pending = iter(tasks)
    while batch := list(itertools.islice(pending, _TASKS_AT_ONCE)):
        running.append(pool.submit(_run_all, batch))
        if len(running) > _MOST_WAITING:
            running.popleft().result()
    while running:
        running.popleft().result()


def _run_all(tasks: Iterable[Callable[[], None]]) -> None:
    for task in tasks:
        task()


@contextmanager
def decompression_threads() -> Iterator[ThreadPoolExecutor]:
    """Make the threads for `run_tasks`; they end with the ``with`` block, also on errors.

    Yields
    ------
    ThreadPoolExecutor
    """
    pool = ThreadPoolExecutor(thread_count(), thread_name_prefix="decompress")
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
