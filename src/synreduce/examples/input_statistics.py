"""Figures of the synaptic input of a barrel-cortex layer 5 neuron, per presynaptic cell type.

The table ``input_tables.json`` holds totals and histograms derived from the wiring and firing of a
published embedding of a layer 5 thick-tufted neuron in rat barrel cortex
(doi:10.1371/journal.pcbi.1011468): how many cells of a type connect from the principal, adjacent
and remote columns, with how many synapses, at which soma distances, how often they fire on their
own and how many spikes a whisker deflection adds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CellType:
    """Input from one type of presynaptic cell.

    Parameters
    ----------
    name : str
        Cell type, e.g. ``L5tt``.
    group : str
        ``EXC`` or ``INH``, by receptor.
    release_probability : float
        Probability that a presynaptic spike activates a synapse.
    ongoing_rate_hz : float
        Poisson rate of a cell without stimulus.
    soma_synapses : int
        Synapses on the soma, at distance 0.
    cells_by_synapse_count : tuple of numpy.ndarray
        Cells with 1, 2, ... synapses, for the principal, the adjacent and the remote columns.
    synapses_by_distance : numpy.ndarray
        Synapses in [0, 50), [50, 100), ... um, shape (32,).
    evoked_spikes_per_ms : numpy.ndarray
        Expected spikes that the stimulus adds in each ms after it, of all cells in the principal
        column and of all cells in the adjacent ones, shape (2, 50).
    """

    name: str
    group: str
    release_probability: float
    ongoing_rate_hz: float
    soma_synapses: int
    cells_by_synapse_count: tuple[IntArray, IntArray, IntArray]
    synapses_by_distance: IntArray
    evoked_spikes_per_ms: FloatArray

    @property
    def n_cells(self) -> int:
        """Connected cells in all columns."""
        return int(sum(count.sum() for count in self.cells_by_synapse_count))

    @property
    def n_synapses(self) -> int:
        """Synapses of all cells."""
        return int(self.synapses_by_distance.sum())


@dataclass(frozen=True)
class InputStatistics:
    """Figures of the whole input.

    Parameters
    ----------
    duration_ms, stimulus_ms : float
        Length of a trial and time of the stimulus.
    distance_bin_um : float
        Width of the distance bins.
    column_shares : tuple of dict
        For principal, adjacent and remote: column name -> connected cells.
    basal_share_by_distance : numpy.ndarray
        Share of the synapses of a distance bin that lies on basal dendrites; 0 beyond the last bin.
    cell_types : tuple of CellType
        Types in alphabetical order.
    """

    duration_ms: float
    stimulus_ms: float
    distance_bin_um: float
    column_shares: tuple[dict[str, int], ...]
    basal_share_by_distance: FloatArray
    cell_types: tuple[CellType, ...]


def _cell_type(name: str, record: dict[str, Any]) -> CellType:
    principal, adjacent, remote = (
        np.asarray(counts, dtype=np.int64) for counts in record["cells_by_synapse_count"]
    )
    return CellType(
        name=name,
        group=str(record["group"]),
        release_probability=float(record["release_probability"]),
        ongoing_rate_hz=float(record["ongoing_rate_hz"]),
        soma_synapses=int(record["soma_synapses"]),
        cells_by_synapse_count=(principal, adjacent, remote),
        synapses_by_distance=np.asarray(record["synapses_by_distance"], dtype=np.int64),
        evoked_spikes_per_ms=np.asarray(record["evoked_spikes_per_ms"], dtype=np.float64),
    )


@cache
def input_statistics() -> InputStatistics:
    """Read the table of input figures that comes with the package.

    Returns
    -------
    InputStatistics

    Examples
    --------
    >>> statistics = input_statistics()
    >>> sum(cell_type.n_synapses for cell_type in statistics.cell_types)
    24780
    """
    table = json.loads(resources.files(__package__).joinpath("input_tables.json").read_text())
    return InputStatistics(
        duration_ms=float(table["duration_ms"]),
        stimulus_ms=float(table["stimulus_ms"]),
        distance_bin_um=float(table["space_bin_um"]),
        column_shares=tuple(table["columns"].values()),
        basal_share_by_distance=np.asarray(table["basal_share_by_distance"]),
        cell_types=tuple(_cell_type(*item) for item in table["cell_types"].items()),
    )
