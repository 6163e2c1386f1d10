"""What can be wrong with the events layout."""

from __future__ import annotations

from collections.abc import Iterator

import h5py
import numpy as np

from synreduce.database.event_store import tile_name
from synreduce.database.model import IntArray
from synreduce.database.schema import EVENT_COLUMNS, REQUIRED_COLUMNS, TileGrid
from synreduce.database.structure import READ_ERRORS, read_damage
from synreduce.database.validation import event_faults
from synreduce.errors import Problem

_ROWS = 2**20
_MOST_TILES = 2**16


def event_layout_problems(file: h5py.File, path: str, deep: bool) -> Iterator[Problem]:
    """Look for everything that is wrong with ``/events``.

    Parameters
    ----------
    file : h5py.File
        A database whose tables are right.
    path : str
        For messages.
    deep : bool
        Whether every value is read.

    Yields
    ------
    Problem
    """
    group, where = file["events"], f"{path}:/events"
    grid = TileGrid.stored(group)
    columns = [str(name) for name in group.attrs["columns"]]
    definition = list(_definition_problems(grid, columns, where))
    yield from definition
    pointer = group["trial_pointer"]
    shape = (grid.n_tiles, file["trials/id"].shape[0] + 1)
    if pointer.shape != shape:
        what = f"shape {pointer.shape}, expected {shape} (tiles, trials + 1)"
        yield Problem("bad-pointer", f"{where}/trial_pointer", what)
        return
    total = 0
    for tile in range(grid.n_tiles if not definition else 0):
        along = pointer[tile].astype(np.int64)
        total += int(along[-1])
        problems = list(_tile_problems(group, tile, along, columns, where))
        yield from problems
        if deep and not problems and along[-1]:
            yield from _value_problems(file, tile, grid, along, where)
    if not definition and total != int(group.attrs["n_events"]):
        what = f"tiles hold {total:,} events, n_events is {int(group.attrs['n_events']):,}"
        yield Problem("wrong-length", where, what)


def _definition_problems(grid: TileGrid, columns: list[str], where: str) -> Iterator[Problem]:
    for name, edges in (("time_edges", grid.time_edges), ("distance_edges", grid.distance_edges)):
        if len(edges) < 2 or not (np.diff(edges) > 0).all():
            yield Problem("bad-edges", where, f"{name} do not ascend")
    if grid.n_tiles > _MOST_TILES:
        yield Problem("too-many-tiles", where, f"{grid.n_tiles:,} tiles")
    lacking = [name for name in REQUIRED_COLUMNS if name not in columns]
    strange = [name for name in columns if name not in EVENT_COLUMNS]
    if lacking or strange:
        yield Problem("bad-columns", where, f"missing columns {lacking}, unknown {strange}")


def _tile_problems(
    group: h5py.Group, tile: int, pointer: IntArray, columns: list[str], where: str
) -> Iterator[Problem]:
    place = f"{where}/{tile_name(tile)}"
    if pointer[0] != 0 or (np.diff(pointer) < 0).any():
        yield Problem("bad-pointer", place, "trial_pointer does not ascend from 0")
        return
    node = group.get(tile_name(tile))
    for name in columns:
        dataset = None if node is None else node.get(name)
        length = dataset.shape[0] if isinstance(dataset, h5py.Dataset) else 0
        if length != pointer[-1]:
            what = f"column '{name}' holds {length:,} events, trial_pointer ends at {pointer[-1]:,}"
            yield Problem("bad-pointer", place, what)


def _value_problems(
    file: h5py.File, tile: int, grid: TileGrid, pointer: IntArray, where: str
) -> Iterator[Problem]:
    place = f"{where}/{tile_name(tile)}"
    node = file["events"][tile_name(tile)]
    n_types, n_labels = len(file["synapse_types/name"]), len(file["dendrite_labels/name"])
    start_ms, duration_ms = float(file.attrs["start_ms"]), float(file.attrs["duration_ms"])
    for start in range(0, int(pointer[-1]), _ROWS):
        stop = min(start + _ROWS, int(pointer[-1]))
        try:
            columns = {name: dataset[start:stop] for name, dataset in node.items()}
        except READ_ERRORS as error:
            yield read_damage(place, error)
            return
        faults = list(event_faults(columns, start_ms, duration_ms, n_types, n_labels))
        for code, bad, meaning in faults:
            trial = int(np.searchsorted(pointer, start + bad[0], side="right")) - 1
            what = f"{len(bad):,} activations with {meaning}, the first in trial {trial}"
            yield Problem(code, place, what)
        if not faults:
            stray = grid.tile_of(columns["time"], columns["soma_distance"]) != tile
            if stray.any():
                what = f"{int(stray.sum()):,} activations do not belong to this tile"
                yield Problem("wrong-tile", place, what)
