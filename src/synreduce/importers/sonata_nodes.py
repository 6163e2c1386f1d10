"""Nodes of a SONATA circuit: which cells there are, and what is known about each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import h5py
import numpy as np
from numpy.typing import NDArray

from synreduce.importers.files import refuse
from synreduce.importers.sonata_configuration import ModelFile
from synreduce.importers.sonata_tables import AttributeTable, Column, read_type_table, whole_numbers
from synreduce.storage.hdf5 import open_hdf5

LABELS = ("mtype", "pop_name", "cell_type")
_TEXTS = (*LABELS, "ei", "synapse_class", "model_type", "model_processing", "morphology")


@dataclass(frozen=True)
class NodePopulation:
    """One population of cells.

    Parameters
    ----------
    name : str
    population_type : str
        Type that the circuit configuration gives the population; empty if none.
    ids : ndarray of int64, shape (n,)
        Node ids.
    texts : dict of str to Column
        Text attributes.
    places : ndarray of float64, shape (n, 3)
        x, y, z in um; NaN if not given.
    """

    name: str
    population_type: str
    ids: NDArray[np.int64]
    texts: Mapping[str, Column]
    places: NDArray[np.float64]

    def rows(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row of each node id.

        Parameters
        ----------
        ids : ndarray of int64, shape (n,)

        Returns
        -------
        ndarray of int64, shape (n,)

        Raises
        ------
        DataError
            If the population has no such node.
        """
        order = np.argsort(self.ids, kind="stable")
        found = np.searchsorted(self.ids[order], ids)
        inside = found < len(order)
        rows = order[np.where(inside, found, 0)] if len(order) else np.zeros_like(ids)
        strange = ~inside | (self.ids[rows] != ids) if len(order) else np.ones(len(ids), bool)
        if strange.any():
            what = f"node {ids[strange][0]} is not in population {self.name}"
            where = f"population {self.name}"
            raise refuse(where, "unknown-node", what)
        return rows

    def text(self, name: str, rows: NDArray[np.int64]) -> list[str | None]:
        """Text attribute of some rows; None where a row lacks it."""
        return list(self.texts[name].values[rows])

    def is_virtual(self) -> bool:
        """Whether the cells are only sources of spikes."""
        kinds = self.texts["model_type"]
        return self.population_type == "virtual" or bool(
            len(self.ids) and np.all(kinds.values == "virtual")
        )


def read_nodes(files: Iterable[ModelFile]) -> dict[str, NodePopulation]:
    """Read all node populations.

    Parameters
    ----------
    files : iterable of ModelFile

    Returns
    -------
    dict of str to NodePopulation

    Raises
    ------
    DataError
        If a file is not a SONATA nodes file, or a population or node appears twice.
    """
    found: dict[str, NodePopulation] = {}
    for item in files:
        types = read_type_table(item.types, "node_type_id")
        with open_hdf5(item.path) as file:
            if not isinstance(file.get("nodes"), h5py.Group):
                raise refuse(item.path.name, "not-sonata", "no group /nodes")
            for name, group in file["nodes"].items():
                if name in found:
                    what = f"population {name} is in two files"
                    raise refuse(item.path.name, "repeated-population", what)
                ids = _node_ids(group)
                table = AttributeTable(group, "node", types, len(ids))
                found[name] = _population(name, item.population_types.get(name, ""), ids, table)
    return found


def _node_ids(group: h5py.Group) -> NDArray[np.int64]:
    if "node_id" not in group:
        return np.arange(len(whole_numbers(group, "node_type_id")), dtype=np.int64)
    ids = whole_numbers(group, "node_id")
    if len(np.unique(ids)) != len(ids):
        raise refuse(group.name, "repeated-node", "a node id appears twice")
    return ids


def _population(
    name: str, kind: str, ids: NDArray[np.int64], table: AttributeTable
) -> NodePopulation:
    rows = np.arange(len(ids), dtype=np.int64)
    return NodePopulation(
        name=name,
        population_type=kind,
        ids=ids,
        texts={text: table.texts(text, rows) for text in _TEXTS},
        places=np.stack([table.numbers(axis, rows).values for axis in "xyz"], axis=1),
    )
