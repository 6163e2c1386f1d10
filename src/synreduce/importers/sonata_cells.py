"""The target cells of one SONATA simulation and the activations of their synapses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from synreduce.database import SynapseType
from synreduce.importers.sonata_edges import Synapses
from synreduce.importers.sonata_spikes import NO_SPIKES, SpikeTrains
from synreduce.importers.sonata_types import TypedSynapses


@dataclass(frozen=True)
class SynapseRows:
    """Synapses of all cells of a simulation, one row each, ordered by cell.

    Parameters
    ----------
    cell : ndarray of int64, shape (n,)
        Position of the target cell.
    first, count : ndarray of int64, shape (n,)
        Spikes of the source cell within `SimulatedCells.input_times`.
    delay_ms, distance_um : ndarray of float64, shape (n,)
    type_code : ndarray of int64, shape (n,)
        Index into `SimulatedCells.kinds`.
    synapse_id, section, source_id : ndarray of int64, shape (n,)
        Running edge number, section (-1 if unknown) and node id of the source cell.
    label : ndarray of int64, shape (n,)
        SWC type of the section, 0 if unknown.
    """

    cell: NDArray[np.int64]
    first: NDArray[np.int64]
    count: NDArray[np.int64]
    delay_ms: NDArray[np.float64]
    distance_um: NDArray[np.float64]
    type_code: NDArray[np.int64]
    synapse_id: NDArray[np.int64]
    section: NDArray[np.int64]
    source_id: NDArray[np.int64]
    label: NDArray[np.int64]


@dataclass
class SimulatedCells:
    """All that an import takes from one simulation.

    Parameters
    ----------
    names : list of str
        ``<population>/<node id>`` of each target cell.
    own_spikes : list of ndarray of float64
        Spike times of each cell, ms, ascending.
    rows : SynapseRows
    input_times : ndarray of float64
        Spike times of all source cells, ms.
    kinds : list of SynapseType
        Synapse types.
    n_left_out : int
        Activations of synapse types that the user leaves out.
    notes : list of str
    """

    names: list[str]
    own_spikes: list[NDArray[np.float64]]
    rows: SynapseRows
    input_times: NDArray[np.float64]
    kinds: list[SynapseType]
    n_left_out: int
    notes: list[str] = field(default_factory=list)

    def activations(self, cells: slice) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Activations of some cells: for each spike of each source cell one, after the delay.

        Parameters
        ----------
        cells : slice
            Positions of the cells.

        Returns
        -------
        row : ndarray of int64, shape (n_activations,)
            Row of the synapse, ascending.
        time : ndarray of float64, shape (n_activations,)
            ms.
        """
        start, stop = np.searchsorted(self.rows.cell, [cells.start, cells.stop])
        count = self.rows.count[start:stop]
        row = np.repeat(np.arange(start, stop), count)
        before = np.repeat(np.cumsum(count) - count, count)
        spike = self.rows.first[row] + np.arange(len(row)) - before
        return row, self.input_times[spike] + self.rows.delay_ms[row]

    def activations_per_cell(self) -> NDArray[np.int64]:
        """Count the activations of each cell; shape (n_cells,)."""
        total = np.bincount(self.rows.cell, self.rows.count, minlength=len(self.names))
        return total.astype(np.int64)


@dataclass(frozen=True)
class ResolvedEdges:
    """One edge population with the distance and type of every synapse.

    Parameters
    ----------
    synapses : Synapses
    cell : ndarray of int64, shape (n,)
        Position of the target cell among all cells, ascending.
    distance_um : ndarray of float64, shape (n,)
    typed : TypedSynapses
    copies : ndarray of int64, shape (n,)
        Synapses that the edge stands for.
    n_edges : int
        Edges of the population, onto other cells too.
    """

    synapses: Synapses
    cell: NDArray[np.int64]
    distance_um: NDArray[np.float64]
    typed: TypedSynapses
    copies: NDArray[np.int64]
    n_edges: int


def assemble_cells(
    names: list[str],
    own_spikes: list[NDArray[np.float64]],
    parts: Sequence[ResolvedEdges],
    trains: Mapping[str, SpikeTrains],
    notes: list[str],
) -> SimulatedCells:
    """Join the edge populations of one simulation.

    Parameters
    ----------
    names : list of str
        Of the cells.
    own_spikes : list of ndarray of float64
        Of the cells, ms.
    parts : sequence of ResolvedEdges
    trains : mapping of str to SpikeTrains
        Per source population.
    notes : list of str

    Returns
    -------
    SimulatedCells
    """
    offsets: dict[str, int] = {}
    times: list[NDArray[np.float64]] = []
    for name in sorted({part.synapses.source for part in parts}):
        offsets[name] = sum(len(train) for train in times)
        times.append(trains.get(name, NO_SPIKES).times)
    n_left_out, n_edges = 0, 0
    pieces: list[SynapseRows] = []
    kinds: list[SynapseType] = []
    for part in parts:
        source = part.synapses.source
        first, count = trains.get(source, NO_SPIKES).ranges(part.synapses.source_id)
        left_out = part.typed.code < 0
        n_left_out += int((count * part.copies)[left_out].sum())
        rows = np.repeat(np.flatnonzero(~left_out), part.copies[~left_out])
        pieces.append(
            SynapseRows(
                cell=part.cell[rows],
                first=first[rows] + offsets[source],
                count=count[rows],
                delay_ms=part.synapses.delay_ms[rows],
                distance_um=part.distance_um[rows],
                type_code=part.typed.code[rows] + len(kinds),
                synapse_id=part.synapses.edge[rows] + n_edges,
                section=part.synapses.section[rows],
                source_id=part.synapses.source_id[rows],
                label=_labels(part.synapses)[rows],
            )
        )
        kinds += part.typed.kinds
        n_edges += part.n_edges
    joined = _join(pieces)
    all_times = np.concatenate([np.zeros(0), *times])
    return SimulatedCells(names, own_spikes, joined, all_times, kinds, n_left_out, notes)


def _join(pieces: Sequence[SynapseRows]) -> SynapseRows:
    columns = {
        item.name: np.concatenate([getattr(piece, item.name) for piece in pieces])
        for item in fields(SynapseRows)
    }
    order = np.argsort(columns["cell"], kind="stable")
    return SynapseRows(**{name: values[order] for name, values in columns.items()})


def _labels(synapses: Synapses) -> NDArray[np.int64]:
    """SWC type of the section of each synapse, 0 where the files do not tell."""
    label = np.zeros(len(synapses), dtype=np.int64)
    for name in ("type", "afferent_section_type"):
        values = synapses.numbers[name].values
        usable = np.isin(values, (1, 2, 3, 4))
        label[usable] = values[usable].astype(np.int64)
    return label
