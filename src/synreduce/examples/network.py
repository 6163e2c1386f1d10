"""The cells and synapses that an example's input comes from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synreduce.examples.input_statistics import CellType, InputStatistics, input_statistics
from synreduce.seeds import generator

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

DENDRITE_LABELS = ("Soma", "Dendrite", "ApicalDendrite")
# spread, in ranks of distance, of the synapses of one cell: half of the pairs lie within about 110
# um
_CLUSTERING = 0.12


@dataclass(frozen=True)
class InputNetwork:
    """Presynaptic cells and their synapses on the neuron.

    Cells are sorted by cell type, synapses by cell.

    Parameters
    ----------
    statistics : InputStatistics
        The figures that it was drawn from.
    synapse_types : tuple of str
        Names ``<cell type>_<column>``.
    type_group : tuple of str
        Group (``EXC``, ``INH``) of every synapse type.
    cell_kind : numpy.ndarray
        Position of the cell's type in ``statistics.cell_types``, shape (cells,).
    cell_synapse_type : numpy.ndarray
        Position in ``synapse_types``, shape (cells,).
    cell_id : numpy.ndarray
        Number of the cell within its synapse type, shape (cells,).
    cell_column_class : numpy.ndarray
        0 principal, 1 adjacent, 2 remote, shape (cells,).
    first_synapse : numpy.ndarray
        The synapses of cell i are ``first_synapse[i]`` to ``first_synapse[i + 1]``, shape (cells +
        1,).
    synapse_cell : numpy.ndarray
        Cell of every synapse, shape (synapses,).
    synapse_id : numpy.ndarray
        Number of the synapse within its synapse type, shape (synapses,).
    synapse_distance : numpy.ndarray
        Soma distance in um, shape (synapses,).
    synapse_label : numpy.ndarray
        Position in ``DENDRITE_LABELS``, shape (synapses,).
    """

    statistics: InputStatistics
    synapse_types: tuple[str, ...]
    type_group: tuple[str, ...]
    cell_kind: IntArray
    cell_synapse_type: IntArray
    cell_id: IntArray
    cell_column_class: IntArray
    first_synapse: IntArray
    synapse_cell: IntArray
    synapse_id: IntArray
    synapse_distance: FloatArray
    synapse_label: IntArray

    @property
    def synapse_is_excitatory(self) -> npt.NDArray[np.bool_]:
        """Whether each synapse excites, shape (synapses,)."""
        excites = np.array([group == "EXC" for group in self.type_group])
        return np.asarray(excites[self.cell_synapse_type[self.synapse_cell]])


@dataclass(frozen=True)
class _CellsOfType:
    """Cells of one type, and their synapses sorted by cell."""

    column_class: IntArray
    name: npt.NDArray[np.str_]
    n_synapses: IntArray
    distance: FloatArray
    on_soma: npt.NDArray[np.bool_]


def _draw_cells(
    cell_type: CellType, statistics: InputStatistics, rng: np.random.Generator
) -> _CellsOfType:
    """Give every cell of a type its column and its synapses."""
    per_class = cell_type.cells_by_synapse_count
    column_class = np.repeat(np.arange(3), [counts.sum() for counts in per_class])
    n_synapses = np.concatenate(
        [np.repeat(np.arange(1, counts.size + 1), counts) for counts in per_class]
    )
    column = np.empty(column_class.size, dtype="<U8")
    for index, shares in enumerate(statistics.column_shares):
        members = column_class == index
        weights = np.array(list(shares.values()), dtype=np.float64)
        column[members] = rng.choice(list(shares), size=members.sum(), p=weights / weights.sum())
    cell = np.repeat(np.arange(n_synapses.size), n_synapses)
    distance, on_soma = _deal_distances(cell_type, cell, statistics.distance_bin_um, rng)
    name = np.char.add(f"{cell_type.name}_", column)
    return _CellsOfType(column_class, name, n_synapses, distance, on_soma)


def _deal_distances(
    cell_type: CellType, cell: IntArray, bin_um: float, rng: np.random.Generator
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Deal the type's distances so that synapses of one cell lie near each other."""
    histogram = cell_type.synapses_by_distance
    lower = np.repeat(np.arange(histogram.size) * bin_um, histogram)
    distance = lower + bin_um * rng.random(lower.size)
    on_soma = np.arange(lower.size) < cell_type.soma_synapses
    distance[on_soma] = 0.0
    order = np.argsort(distance, kind="stable")
    place = rng.random(cell_type.n_cells)[cell] + _CLUSTERING * rng.standard_normal(cell.size)
    rank = np.argsort(np.argsort(place, kind="stable"), kind="stable")
    return distance[order][rank], on_soma[order][rank]


def _number_within(codes: IntArray) -> IntArray:
    """Count the earlier entries with the same code."""
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], codes[order], side="left")
    number = np.empty(codes.size, dtype=np.int64)
    number[order] = np.arange(codes.size) - starts
    return number


def build_network(seed: int) -> InputNetwork:
    """Draw a network with the figures of :func:`~synreduce.examples.input_statistics`.

    Numbers of cells and synapses, synapses per cell and the distance histogram of every cell type
    are met exactly; which cell has which synapses is drawn.

    Parameters
    ----------
    seed : int
        Root seed of the example.

    Returns
    -------
    InputNetwork
    """
    statistics = input_statistics()
    drawn = [
        _draw_cells(item, statistics, generator(seed, "example", "network", item.name))
        for item in statistics.cell_types
    ]
    return _assemble(statistics, drawn, generator(seed, "example", "network", "dendrite"))


def _assemble(
    statistics: InputStatistics, drawn: list[_CellsOfType], rng: np.random.Generator
) -> InputNetwork:
    """Join the cells of all types and name their dendrites."""
    kind = np.repeat(np.arange(len(drawn)), [cells.n_synapses.size for cells in drawn])
    name = np.concatenate([cells.name for cells in drawn])
    n_synapses = np.concatenate([cells.n_synapses for cells in drawn])
    distance = np.concatenate([cells.distance for cells in drawn])
    on_soma = np.concatenate([cells.on_soma for cells in drawn])
    synapse_types, cell_synapse_type = np.unique(name, return_inverse=True)
    type_kind = np.empty(synapse_types.size, dtype=np.int64)
    type_kind[cell_synapse_type] = kind
    synapse_cell = np.repeat(np.arange(kind.size), n_synapses)
    distance_bin = (distance // statistics.distance_bin_um).astype(np.int64)
    basal_share = np.zeros(distance_bin.max() + 1)
    basal_share[: statistics.basal_share_by_distance.size] = statistics.basal_share_by_distance
    on_basal = rng.random(distance.size) < basal_share[distance_bin]
    return InputNetwork(
        statistics=statistics,
        synapse_types=tuple(str(item) for item in synapse_types),
        type_group=tuple(statistics.cell_types[item].group for item in type_kind),
        cell_kind=kind,
        cell_synapse_type=cell_synapse_type,
        cell_id=_number_within(cell_synapse_type),
        cell_column_class=np.concatenate([cells.column_class for cells in drawn]),
        first_synapse=np.concatenate(([0], np.cumsum(n_synapses))),
        synapse_cell=synapse_cell,
        synapse_id=_number_within(cell_synapse_type[synapse_cell]),
        synapse_distance=distance,
        synapse_label=np.where(on_soma, 0, np.where(on_basal, 1, 2)),
    )
