"""Counting the events of a range of trials in bins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synreduce.database.binning import add_events, bin_index, smallest_unsigned
from synreduce.database.bins import Bins
from synreduce.database.grouping import Assignment
from synreduce.database.model import ActivationEvents, CountArray, Group, IntArray
from synreduce.database.stored_events import StoredEvents
from synreduce.errors import DataError, Problem


def count_events(
    events: StoredEvents,
    assignment: Assignment,
    groups: Sequence[Group],
    trials: tuple[int, int],
    bins: Bins,
) -> dict[str, CountArray]:
    """Count the events of a range of trials.

    Parameters
    ----------
    events : StoredEvents
        Where they are read.
    assignment : Assignment
        Which group an event belongs to.
    groups : sequence of Group
        Wanted groups.
    trials : tuple of int
        First trial, and the one after the last.
    bins : Bins
        Wanted bins.

    Returns
    -------
    dict of str to ndarray, shape (trials, time bins, distance bins)

    Raises
    ------
    DataError
        If events lie beyond the last edge and are to be refused.
    """
    position = {group.name: index for index, group in enumerate(groups)}
    # the last entry serves the group -1, none
    rank = np.array([*(position.get(group.name, -1) for group in assignment.groups), -1])
    shape = (len(groups), trials[1] - trials[0], *bins.shape)
    farthest = float(bins.distance_edges[-1]) if bins.beyond == "drop" else np.inf
    tiles = events.tiles(
        *trials,
        (float(bins.time_edges[0]), float(bins.time_edges[-1])),
        (float(bins.distance_edges[0]), farthest),
        assignment.columns,
    )
    index = [_cells(events.name, rank[assignment.of(tile)], tile, shape, bins) for tile in tiles]
    flat = np.concatenate(index) if index else np.empty(0, np.int64)
    for dtype in (np.uint8, np.uint16, np.uint32):
        target: CountArray = np.zeros(shape, dtype)
        if add_events(target, flat):
            break
    target = target.astype(smallest_unsigned(int(target.max(initial=0))), copy=False)
    return {group.name: target[at] for at, group in enumerate(groups)}


def _cells(
    name: str, group: IntArray, events: ActivationEvents, shape: tuple[int, ...], bins: Bins
) -> IntArray:
    """Return the cell of every event that has a group."""
    place = bin_index(events.soma_distance, bins.distance_edges)
    n_bins = shape[3]
    if bins.beyond == "clip":
        np.minimum(place, n_bins - 1, out=place)
    elif bins.beyond == "refuse" and (far := int(((place >= n_bins) & (group >= 0)).sum())):
        what = f"{far:,} activations at {bins.distance_edges[-1]:g} um and beyond"
        raise DataError(Problem("beyond-last-bin", name, what, "choose drop or clip"))
    time = bin_index(events.time, bins.time_edges)
    cell = ((group * shape[1] + events.trial) * shape[2] + time) * n_bins + place
    inside = (group >= 0) & (time >= 0) & (time < shape[2])
    return cell if inside.all() else cell[inside]
