"""Writing events tile by tile, in whole compressed chunks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import h5py
import numpy as np
import numpy.typing as npt

from synreduce.database.fingerprint import EventSum
from synreduce.database.model import ActivationEvents, IntArray
from synreduce.database.schema import (
    COLUMN_MEANINGS,
    COLUMN_UNITS,
    EVENT_COLUMNS,
    POINTER_CHUNK,
    TileGrid,
)
from synreduce.storage import ChunkStream

_STAGE_EVENTS = 2**18
_STAGE_TRIALS = POINTER_CHUNK

Column = npt.NDArray[Any]


class RowBuffer:
    """Collects values for the last axis of a dataset and stores them as whole chunks.

    Parameters
    ----------
    stream : ChunkStream
        Compresses and stores.
    dataset : h5py.Dataset
        Chunked along its last axis; if it holds values, they are continued.
    row : tuple of int
        Position along the axes before the last.
    """

    def __init__(self, stream: ChunkStream, dataset: h5py.Dataset, row: tuple[int, ...]) -> None:
        self._stream, self._dataset, self._row = stream, dataset, row
        self._size = int(dataset.chunks[-1])
        length = int(dataset.shape[-1])
        self._stored = length - length % self._size
        self._buffer = np.zeros(self._size, dataset.dtype)
        self._filled = length - self._stored
        if self._filled:
            self._buffer[: self._filled] = dataset[(*row, slice(self._stored, length))]

    def append(self, values: Column) -> None:
        """Add values."""
        position = 0
        while position < len(values):
            taken = min(self._size - self._filled, len(values) - position)
            self._buffer[self._filled : self._filled + taken] = values[position : position + taken]
            self._filled += taken
            position += taken
            if self._filled == self._size:
                self._store()

    def finish(self) -> None:
        """Store the last chunk, padded with zeros."""
        if self._filled:
            self._store()

    def _store(self) -> None:
        length = self._stored + self._filled
        if self._dataset.shape[-1] < length:
            self._dataset.resize(length, axis=self._dataset.ndim - 1)
        shape = (1,) * len(self._row) + (self._size,)
        self._stream.put(self._dataset, (*self._row, self._stored), self._buffer.reshape(shape))
        self._buffer = np.zeros(self._size, self._dataset.dtype)
        self._stored += self._filled
        self._filled = 0


class EventStore:
    """Writes the ``/events`` group.

    Parameters
    ----------
    group : h5py.Group
        ``/events``, empty or with the events of earlier trials.
    stream : ChunkStream
        Compresses and stores.
    grid : TileGrid
        How events are cut into tiles.
    columns : sequence of str
        Which columns are stored.
    fingerprint : EventSum
        Of the events that are there already.
    """

    def __init__(
        self,
        group: h5py.Group,
        stream: ChunkStream,
        grid: TileGrid,
        columns: Sequence[str],
        fingerprint: EventSum,
    ) -> None:
        self._group, self._stream, self._grid = group, stream, grid
        self.columns = tuple(name for name in EVENT_COLUMNS if name in columns)
        self._tiles: dict[int, dict[str, RowBuffer]] = {}
        self._staged: list[tuple[IntArray, dict[str, Column]]] = []
        self._staged_events = self._staged_trials = 0
        self.fingerprint = fingerprint
        if "trial_pointer" not in group:
            self._create()
        pointer = group["trial_pointer"]
        self._totals = pointer[:, -1].astype(np.int64)
        self.n_trials = int(pointer.shape[1]) - 1
        self._pointers = [RowBuffer(stream, pointer, (tile,)) for tile in range(self._grid.n_tiles)]

    @classmethod
    def continuing(cls, group: h5py.Group, stream: ChunkStream) -> Self:
        """Prepare to add events to those of a database.

        Parameters
        ----------
        group : h5py.Group
            ``/events`` with the events of earlier trials.
        stream : ChunkStream
            Compresses and stores.

        Returns
        -------
        EventStore
        """
        first, second = (int(value) for value in group.attrs["fingerprint_sums"])
        columns = [str(name) for name in group.attrs["columns"]]
        return cls(group, stream, TileGrid.stored(group), columns, EventSum((first, second)))

    @property
    def n_events(self) -> int:
        """Events given so far."""
        return int(self._totals.sum()) + self._staged_events

    def append(self, n_trials: int, events: ActivationEvents) -> None:
        """Add a block of trials.

        Parameters
        ----------
        n_trials : int
            Trials of the block, with or without events.
        events : ActivationEvents
            Checked, sorted by trial.
        """
        known = events.columns()
        columns = {
            name: known[name].astype(EVENT_COLUMNS[name], copy=False)
            if name in known
            else np.full(len(events), -1, EVENT_COLUMNS[name])
            for name in self.columns
        }
        self._staged.append((events.trial + self._staged_trials, columns))
        self._staged_events += len(events)
        self._staged_trials += n_trials
        if self._staged_events >= _STAGE_EVENTS or self._staged_trials >= _STAGE_TRIALS:
            self._unstage()

    def finish(self) -> None:
        """Store what is still in memory."""
        self._unstage()
        for buffers in self._tiles.values():
            for buffer in buffers.values():
                buffer.finish()
        for pointer in self._pointers:
            pointer.finish()

    def _unstage(self) -> None:
        """Cut the staged events into tiles."""
        if not self._staged_trials:
            return
        trial = np.concatenate([block[0] for block in self._staged])
        columns = {
            name: np.concatenate([block[1][name] for block in self._staged])
            for name in self.columns
        }
        n_trials, n_tiles = self._staged_trials, self._grid.n_tiles
        self._staged, self._staged_events, self._staged_trials = [], 0, 0
        self.fingerprint.add(trial + self.n_trials, columns)
        tile = self._grid.tile_of(columns["time"], columns["soma_distance"])
        per_trial = np.bincount(trial * n_tiles + tile, minlength=n_trials * n_tiles)
        pointer = np.cumsum(per_trial.reshape(n_trials, n_tiles), axis=0)
        self._append_to_tiles(tile, pointer[-1], columns)
        pointer += self._totals
        for number, buffer in enumerate(self._pointers):
            buffer.append(pointer[:, number])
        self._totals = pointer[-1].copy()
        self.n_trials += n_trials

    def _append_to_tiles(
        self, tile: IntArray, per_tile: IntArray, columns: Mapping[str, Column]
    ) -> None:
        order = np.argsort(tile.astype(np.uint16), kind="stable")
        stops = np.cumsum(per_tile)
        ordered = {name: values[order] for name, values in columns.items()}
        for number in np.flatnonzero(per_tile):
            piece = slice(int(stops[number] - per_tile[number]), int(stops[number]))
            for name, buffer in self._buffers(int(number)).items():
                buffer.append(ordered[name][piece])

    def _buffers(self, tile: int) -> dict[str, RowBuffer]:
        if tile not in self._tiles:
            name = tile_name(tile)
            group = self._group.get(name)
            if group is None:
                group = self._create_tile(name, tile)
            self._tiles[tile] = {
                column: RowBuffer(self._stream, group[column], ()) for column in self.columns
            }
        return self._tiles[tile]

    def _create(self) -> None:
        self._group.attrs["time_edges"] = np.asarray(self._grid.time_edges)
        self._group.attrs["distance_edges"] = np.asarray(self._grid.distance_edges)
        self._group.attrs["columns"] = list(self.columns)
        pointer = self._stream.create(
            self._group,
            "trial_pointer",
            np.int64,
            chunks=(1, POINTER_CHUNK),
            shape=(self._grid.n_tiles, 1),
            maxshape=(self._grid.n_tiles, None),
        )
        pointer.attrs["long_name"] = "first event of every trial in every tile, and the end"

    def _create_tile(self, name: str, tile: int) -> h5py.Group:
        group = self._group.create_group(name)
        first, last, near, far = self._grid.bounds(tile)
        group.attrs["time_range"] = [first, last]
        group.attrs["distance_range"] = [near, far]
        for column in self.columns:
            dataset = self._stream.create(
                group,
                column,
                EVENT_COLUMNS[column],
                chunks=(self._grid.chunk_events,),
                shape=(0,),
                maxshape=(None,),
            )
            dataset.attrs["long_name"] = COLUMN_MEANINGS[column]
            if column in COLUMN_UNITS:
                dataset.attrs["units"] = COLUMN_UNITS[column]
        return group


def tile_name(tile: int) -> str:
    """Return the name of a tile's group below ``/events``."""
    return f"tile_{tile:04d}"
