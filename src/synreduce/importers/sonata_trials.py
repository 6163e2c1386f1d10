"""Cuts simulated cells into trials: one per cell, or one per cell and window of time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from synreduce.database import ActivationEvents, NameTable, SynapseTypeTable
from synreduce.importers.files import refuse
from synreduce.importers.options import ImportOptions
from synreduce.importers.sonata_cells import SimulatedCells

_LABELS = {1: "Soma", 2: "Axon", 3: "Dendrite", 4: "ApicalDendrite"}
_ACTIVATIONS_PER_BLOCK = 2**19
_FLOATS = NDArray[np.float64]


@dataclass(frozen=True)
class TrialBlock:
    """Trials that are stored together: identities, own spikes and activations."""

    ids: list[str]
    spikes: list[_FLOATS]
    events: ActivationEvents


@dataclass
class TrialCutter:
    """Cuts the cells of simulations into trials.

    Parameters
    ----------
    options : ImportOptions
    types : SynapseTypeTable
        Grows with the synapse types found.
    labels : NameTable
        Grows with the dendrite labels found.
    dropped : Counter
        What was left out: reason -> number.
    excluded : set of str
        Trials left out by name.
    """

    options: ImportOptions
    types: SynapseTypeTable = field(default_factory=SynapseTypeTable)
    labels: NameTable = field(default_factory=NameTable)
    dropped: Counter[str] = field(default_factory=Counter)
    excluded: set[str] = field(default_factory=set)

    def blocks(
        self,
        name: str,
        cells: SimulatedCells,
        windows: Sequence[tuple[float, float]],
        end_ms: float,
    ) -> Iterator[TrialBlock]:
        """Cut the cells of one simulation.

        Parameters
        ----------
        name : str
            Of the simulation.
        cells : SimulatedCells
        windows : sequence of (float, float)
            Start and stop of each trial, ms.
        end_ms : float
            End of the simulation.

        Yields
        ------
        TrialBlock

        Raises
        ------
        DataError
            If something lies outside the record, or at a negative distance, and the options do not
            say that it is dropped.
        """
        self._drop("activations of synapse types left out", cells.n_left_out)
        columns = _Codes(cells, self.types, self.labels)
        for part in parts_of_cells(cells):
            row, time = self._activations(name, cells, part, end_ms)
            ids = [
                self._identity(f"{name}/{cells.names[cell]}", window)
                for cell in range(part.start, part.stop)
                for window in windows
            ]
            window_of, inside = _place(time, windows)
            self._outside(name, "activations", int((~inside).sum()))
            row, window_of = row[inside], window_of[inside]
            time = _from_start(time[inside], window_of, windows)
            trial = (cells.rows.cell[row] - part.start) * len(windows) + window_of
            spikes = self._spikes(name, cells.own_spikes[part.start : part.stop], windows)
            events = columns.events(trial, row, time)
            yield self._without_excluded(TrialBlock(ids, spikes, events))

    def _activations(
        self, name: str, cells: SimulatedCells, part: slice, end_ms: float
    ) -> tuple[NDArray[np.int64], _FLOATS]:
        """Activations of some cells within the simulation and at a valid distance."""
        row, time = cells.activations(part)
        is_late = time >= end_ms
        self._drop("activations after the end of the simulation", int(is_late.sum()))
        is_negative = cells.rows.distance_um[row] < 0
        if is_negative.any() and self.options.on_negative_distance == "refuse":
            what = f"{int(is_negative.sum()):,} activations at a negative soma distance"
            fix = "correct the distances, or set on_negative_distance to drop"
            raise refuse(name, "negative-distance", what, fix)
        is_negative &= ~is_late
        self._drop("activations at a negative soma distance", int(is_negative.sum()))
        usable = ~(is_late | is_negative)
        return row[usable], time[usable]

    def _spikes(
        self, name: str, own: Sequence[_FLOATS], windows: Sequence[tuple[float, float]]
    ) -> list[_FLOATS]:
        found: list[_FLOATS] = []
        n_outside = 0
        for times in own:
            window_of, inside = _place(times, windows)
            n_outside += int((~inside).sum())
            window_of = window_of[inside]
            kept = _from_start(times[inside], window_of, windows)
            found += [kept[window_of == number] for number in range(len(windows))]
        self._outside(name, "spikes", n_outside)
        return found

    def _outside(self, name: str, what: str, number: int) -> None:
        if self.options.trial_windows_ms is not None:
            self._drop(f"{what} outside every trial window", number)
            return
        if number and self.options.on_out_of_range == "refuse":
            fix = "correct duration_ms, or set on_out_of_range to drop"
            raise refuse(name, "out-of-range", f"{number:,} {what} outside the record", fix)
        self._drop(f"{what} outside the record", number)

    def _without_excluded(self, block: TrialBlock) -> TrialBlock:
        wanted = np.array([one not in self.options.exclude_trials for one in block.ids], dtype=bool)
        if wanted.all():
            return block
        self.excluded |= {one for one, keep in zip(block.ids, wanted, strict=True) if not keep}
        events = block.events.take(wanted[block.events.trial])
        position = np.cumsum(wanted) - 1
        return TrialBlock(
            [one for one, keep in zip(block.ids, wanted, strict=True) if keep],
            [one for one, keep in zip(block.spikes, wanted, strict=True) if keep],
            replace(events, trial=position[events.trial]),
        )

    def _identity(self, cell: str, window: tuple[float, float]) -> str:
        if self.options.trial_windows_ms is None:
            return cell
        return f"{cell}/{window[0]:g}-{window[1]:g}"

    def _drop(self, reason: str, number: int) -> None:
        if number:
            self.dropped[reason] += number


class _Codes:
    """Turns rows of synapses into events with the codes of the database."""

    def __init__(self, cells: SimulatedCells, types: SynapseTypeTable, labels: NameTable) -> None:
        kinds = [types.add(it.name, it.group, it.cell_type, it.column) for it in cells.kinds]
        self._cells, self._type = cells, np.array(kinds, dtype=np.int64)
        self._label = np.full(max(_LABELS) + 1, -1, dtype=np.int64)
        for swc_type in np.unique(cells.rows.label[cells.rows.label > 0]):
            self._label[swc_type] = labels.add(_LABELS[int(swc_type)])

    def events(
        self, trial: NDArray[np.int64], row: NDArray[np.int64], time: _FLOATS
    ) -> ActivationEvents:
        order = np.argsort(trial, kind="stable")
        row, rows = row[order], self._cells.rows
        return ActivationEvents(
            trial=trial[order],
            time=time[order],
            soma_distance=rows.distance_um[row],
            synapse_type=self._type[rows.type_code[row]],
            synapse_id=rows.synapse_id[row],
            section_id=rows.section[row],
            dendrite_label=self._label[rows.label[row]],
            presynaptic_cell=rows.source_id[row],
        )


def parts_of_cells(cells: SimulatedCells) -> Iterator[slice]:
    """Cut the cells into runs whose activations fit into memory together.

    Parameters
    ----------
    cells : SimulatedCells

    Yields
    ------
    slice
    """
    start, total = 0, 0
    for cell, count in enumerate(cells.activations_per_cell().tolist()):
        if cell > start and total + count > _ACTIVATIONS_PER_BLOCK:
            yield slice(start, cell)
            start, total = cell, 0
        total += count
    if start < len(cells.names):
        yield slice(start, len(cells.names))


def _place(
    time: _FLOATS, windows: Sequence[tuple[float, float]]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Window of each time, and whether it lies in one; the windows ascend without overlap."""
    starts, stops = np.array(windows, dtype=np.float64).T
    number = np.searchsorted(starts, time, side="right") - 1
    inside = (number >= 0) & (time < stops[number])
    return number, inside


def _from_start(
    time: _FLOATS, window_of: NDArray[np.int64], windows: Sequence[tuple[float, float]]
) -> _FLOATS:
    """Count times from the start of their windows."""
    starts, stops = np.array(windows, dtype=np.float64).T
    # rounding must not carry a time onto the end of its window
    last = np.nextafter(stops - starts, 0.0)
    shifted: _FLOATS = np.minimum(time - starts[window_of], last[window_of])
    return shifted
