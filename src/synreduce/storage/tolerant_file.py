"""A file object under HDF5 that never reports a failed write to it.

HDF5 crashes the process when a write fails while it flushes its caches. Here failures are
remembered, later reads see the bytes as if they had been stored, and the owner of the file asks
with `raise_if_failed` and abandons the file in good order.

The first megabytes are kept in memory and written at once, because HDF5 makes hundreds of small
writes, which cost much on network storage.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

from synreduce.storage.publish import write_fully
from synreduce.storage.write_errors import resource_error

Buffer: TypeAlias = bytes | bytearray | memoryview

_IMAGE_BYTES = 8 * 2**20


class TolerantFile:
    """Random access to an open descriptor; the first failed write is kept, not raised.

    Parameters
    ----------
    descriptor : int
        Open for reading and writing; stays open.
    target : Path
        The final name of the file, for messages.
    """

    def __init__(self, descriptor: int, target: Path) -> None:
        self._descriptor = descriptor
        self._target = target
        self._position = 0
        self._end = os.fstat(descriptor).st_size
        self._image: bytearray | None = None if self._end else bytearray()
        self._failure: OSError | None = None
        self._failed_bytes = 0
        self._unstored: list[tuple[int, bytes]] = []

    def raise_if_failed(self) -> None:
        """Raise what went wrong since the file was opened.

        Raises
        ------
        ResourceError
            If any write failed.
        """
        if self._failure is not None:
            raise resource_error(self._failure, self._target, self._failed_bytes)

    def finish(self) -> None:
        """Store what is still in memory.

        Raises
        ------
        ResourceError
            If any write failed.
        """
        self._store_image()
        self.raise_if_failed()

    def write_at(self, position: int, data: Buffer) -> None:
        """Store bytes where HDF5 has set room aside and writes nothing itself.

        Parameters
        ----------
        position : int
            In the file.
        data : bytes-like
            What to store.

        Raises
        ------
        ResourceError
            If this write or an earlier one failed.
        """
        self._store_image()
        self._store(memoryview(data).cast("B"), position)
        self.raise_if_failed()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position, as files do."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._end}[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def write(self, data: Buffer) -> int:
        """Store all bytes at the position; after a failure keep them in memory."""
        view = memoryview(data).cast("B")
        stop = self._position + len(view)
        if stop > _IMAGE_BYTES:
            self._store_image()
        if self._image is None:
            self._store(view, self._position)
        else:
            if stop > len(self._image):
                self._image.extend(bytes(stop - len(self._image)))
            self._image[self._position : stop] = view
        self._position = stop
        self._end = max(self._end, stop)
        return len(view)

    def _store_image(self) -> None:
        if self._image is not None:
            image, self._image = self._image, None
            self._store(image, 0)

    def _store(self, data: bytearray | memoryview, position: int) -> None:
        if self._failure is None:
            try:
                write_fully(self._descriptor, data, position)
            except OSError as error:
                self._failure, self._failed_bytes = error, len(data)
        if self._failure is not None:
            self._unstored.append((position, bytes(data)))

    def read(self, size: int = -1) -> bytes:
        """Return bytes from the position; by default up to the end."""
        buffer = bytearray(size if size >= 0 else max(0, self._end - self._position))
        self.readinto(buffer)
        return bytes(buffer)

    def readinto(self, buffer: Buffer) -> int:
        """Fill a buffer from the position; bytes that were never stored are zero."""
        view = memoryview(buffer).cast("B")
        start, size = self._position, len(view)
        if self._image is not None:
            view[:] = bytes(self._image[start : start + size]).ljust(size, b"\0")
            self._position += size
            return size
        stored = os.pread(self._descriptor, size, start)
        while 0 < len(stored) < size:
            more = os.pread(self._descriptor, size - len(stored), start + len(stored))
            if not more:
                break
            stored += more
        view[:] = stored.ljust(size, b"\0")
        for offset, data in self._unstored:
            first, last = max(start, offset), min(start + size, offset + len(data))
            if first < last:
                view[first - start : last - start] = data[first - offset : last - offset]
        self._position += size
        return size

    def truncate(self, size: int | None = None) -> int:
        """Cut or extend the file."""
        self._end = self._position if size is None else size
        if self._image is not None:
            del self._image[self._end :]
            self._image.extend(bytes(self._end - len(self._image)))
            return self._end
        try:
            os.ftruncate(self._descriptor, self._end)
        except OSError as error:
            self._failure = self._failure or error
        return self._end

    def flush(self) -> None:
        """Do nothing: the writer syncs the descriptor before it publishes the file."""
