"""Reading tiles of the events layout."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from synreduce.database.event_store import tile_name
from synreduce.database.model import ActivationEvents, IntArray
from synreduce.database.schema import EVENT_COLUMNS, REQUIRED_COLUMNS, TileGrid
from synreduce.storage import ChunkReader, decompression_threads, run_tasks


class StoredEvents:
    """The ``/events`` group of an open database.

    Parameters
    ----------
    path : Path
        The database, for messages.
    group : h5py.Group
        ``/events``.
    """

    def __init__(self, path: Path, group: h5py.Group) -> None:
        self._group = group
        self.name = str(path)
        self.grid = TileGrid.stored(group)
        self._readers: dict[tuple[int, str], ChunkReader] = {}
        self.columns = tuple(str(name) for name in group.attrs["columns"])

    def pointer(self, tile: int, first: int, stop: int) -> IntArray:
        """Return the first event of each of a range of trials in a tile, and the end."""
        found: IntArray = self._group["trial_pointer"][tile, first : stop + 1].astype(np.int64)
        return found

    def tiles(
        self,
        first: int,
        stop: int,
        window: tuple[float, float],
        distance: tuple[float, float],
        columns: Collection[str] | None = None,
    ) -> Iterator[ActivationEvents]:
        """Read the events of a range of trials, tile by tile.

        Parameters
        ----------
        first, stop : int
            Range of trials.
        window, distance : tuple of float
            Half-open ranges, ms and um.
        columns : collection of str, optional
            Optional columns to read; by default all.

        Yields
        ------
        ActivationEvents
            Of one tile, sorted by trial.
        """
        wanted = [
            name
            for name in EVENT_COLUMNS
            if name in self.columns
            and (columns is None or name in columns or name in REQUIRED_COLUMNS)
        ]
        with decompression_threads() as pool:
            for tile in self.grid.overlapping(*window, *distance):
                pointer = self.pointer(tile, first, stop)
                start, end = int(pointer[0]), int(pointer[-1])
                if start == end:
                    continue
                readers = {name: self._reader(tile, name) for name in wanted}
                values = read_rows(readers, start, end, pool)
                trial = np.repeat(np.arange(stop - first), np.diff(pointer))
                events = ActivationEvents(trial=trial, **values)
                yield _within(events, self.grid.bounds(tile), window, distance)

    def read(
        self,
        first: int,
        stop: int,
        window: tuple[float, float],
        distance: tuple[float, float],
        columns: Collection[str] | None = None,
    ) -> ActivationEvents:
        """Read the events of a range of trials, sorted by trial; parameters as in `tiles`."""
        pieces = list(self.tiles(first, stop, window, distance, columns))
        if not pieces:
            return no_events(self.columns if columns is None else columns)
        return joined(pieces)

    def _reader(self, tile: int, name: str) -> ChunkReader:
        if (tile, name) not in self._readers:
            self._readers[tile, name] = ChunkReader(self._group[tile_name(tile)][name])
        return self._readers[tile, name]


def read_rows(
    readers: Mapping[str, ChunkReader], start: int, stop: int, pool: ThreadPoolExecutor
) -> dict[str, npt.NDArray[Any]]:
    """Read a range of events from the columns of a tile.

    Parameters
    ----------
    readers : mapping of str to ChunkReader
        One per column.
    start, stop : int
        Range of events.
    pool : ThreadPoolExecutor
        Where chunks are decompressed.

    Returns
    -------
    dict of str to ndarray, shape (stop - start,)
    """
    found = {}
    tasks: list[Iterator[Callable[[], None]]] = []
    for name, reader in readers.items():
        dataset = reader.dataset
        if not reader.usable:
            found[name] = np.asarray(dataset[start:stop])
            continue
        found[name] = np.zeros(stop - start, dataset.dtype)
        size = dataset.chunks[0]
        offsets = [(at,) for at in range(start - start % size, stop, size)]
        tasks.append(reader.tasks(offsets, _placing(found[name], start)))
    run_tasks(itertools.chain(*tasks), pool)
    return found


def _placing(
    out: npt.NDArray[Any], start: int
) -> Callable[[tuple[int, ...], npt.NDArray[Any]], None]:
    """Make a function that puts chunks into an array whose first element is number `start`."""

    def place(offset: tuple[int, ...], values: npt.NDArray[Any]) -> None:
        low, high = max(offset[0], start), min(offset[0] + len(values), start + len(out))
        out[low - start : high - start] = values[low - offset[0] : high - offset[0]]

    return place


def joined(pieces: list[ActivationEvents]) -> ActivationEvents:
    """Join events and sort them by trial.

    Parameters
    ----------
    pieces : list of ActivationEvents
        At least one; columns that only some of them have are filled with -1.

    Returns
    -------
    ActivationEvents
    """
    names = list(dict.fromkeys(name for piece in pieces for name in piece.columns()))
    columns = {name: np.concatenate([_column(piece, name) for piece in pieces]) for name in names}
    trial = np.concatenate([piece.trial for piece in pieces])
    events = ActivationEvents(trial=trial, **columns)
    if len(pieces) == 1:
        return events
    return events.take(np.argsort(trial, kind="stable"))


def no_events(columns: Collection[str]) -> ActivationEvents:
    """Return a record of no events with the given columns."""
    names = [name for name in EVENT_COLUMNS if name in columns or name in REQUIRED_COLUMNS]
    empty = {name: np.empty(0, EVENT_COLUMNS[name]) for name in names}
    return ActivationEvents(trial=np.empty(0, np.int64), **empty)


def _column(piece: ActivationEvents, name: str) -> npt.NDArray[Any]:
    values = piece.columns().get(name)
    return np.full(len(piece), -1, EVENT_COLUMNS[name]) if values is None else values


def _within(
    events: ActivationEvents,
    bounds: tuple[float, float, float, float],
    window: tuple[float, float],
    distance: tuple[float, float],
) -> ActivationEvents:
    """Drop the events of a tile that lie outside the window or range."""
    t_first, t_last, near, far = bounds
    keep: npt.NDArray[np.bool_] | None = None
    if window[0] > t_first or window[1] < t_last:
        keep = (events.time >= window[0]) & (events.time < window[1])
    if distance[0] > near or distance[1] < far:
        inside = (events.soma_distance >= distance[0]) & (events.soma_distance < distance[1])
        keep = inside if keep is None else keep & inside
    return events if keep is None or keep.all() else events.take(np.flatnonzero(keep))
