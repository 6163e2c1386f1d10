"""Edges of a SONATA circuit: every edge onto a target cell is one synapse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import h5py
import numpy as np
from numpy.typing import NDArray

from synreduce.importers.files import refuse
from synreduce.importers.sonata_configuration import ModelFile, is_chemical
from synreduce.importers.sonata_tables import (
    AttributeTable,
    Column,
    read_type_table,
    whole_numbers,
)
from synreduce.storage.hdf5 import open_hdf5

_PLACES = (("afferent_section_id", "afferent_section_pos"), ("sec_id", "sec_x"))
_NUMBERS = ("dist", "nsyns", "syn_type_id", "afferent_section_type", "type")
_CENTRES = tuple(f"afferent_center_{axis}" for axis in "xyz")


@dataclass(frozen=True)
class Synapses:
    """The synapses of one edge population onto the chosen target cells, ordered by target.

    Parameters
    ----------
    population, source, target : str
        Names of the edge population, and of the populations that it joins.
    edge, source_id, target_id : ndarray of int64, shape (n,)
        Edge number within the population, node ids.
    delay_ms : ndarray of float64, shape (n,)
    section : ndarray of int64, shape (n,)
        Section number; -1 if unknown.
    position : ndarray of float64, shape (n,)
        Relative position in the section; NaN if unknown.
    numbers : dict of str to Column
        Further numeric attributes.
    centres : ndarray of float64, shape (n, 3)
        Place of the synapse in um; NaN if unknown.
    """

    population: str
    source: str
    target: str
    edge: NDArray[np.int64]
    source_id: NDArray[np.int64]
    target_id: NDArray[np.int64]
    delay_ms: NDArray[np.float64]
    section: NDArray[np.int64]
    position: NDArray[np.float64]
    numbers: Mapping[str, Column]
    centres: NDArray[np.float64]

    def __len__(self) -> int:
        """Count the synapses."""
        return len(self.edge)


@dataclass(frozen=True)
class EdgePopulation:
    """An edge population: its name, size, attributes, and the node populations that it joins."""

    name: str
    source: str
    target: str
    file: ModelFile
    names: frozenset[str]
    n_edges: int


def list_edges(files: Iterable[ModelFile]) -> list[EdgePopulation]:
    """List the populations of chemical synapses.

    Parameters
    ----------
    files : iterable of ModelFile

    Returns
    -------
    list of EdgePopulation
        With the names of the attributes that their edges have.

    Raises
    ------
    DataError
        If a file is not a SONATA edges file, or does not name the populations that it joins.
    """
    found: list[EdgePopulation] = []
    for item in files:
        with open_hdf5(item.path) as file:
            if not isinstance(file.get("edges"), h5py.Group):
                raise refuse(item.path.name, "not-sonata", "no group /edges")
            types = read_type_table(item.types, "edge_type_id")
            for name, group in file["edges"].items():
                if is_chemical(item.population_types.get(name, "")):
                    source = _node_population(group, "source_node_id")
                    target = _node_population(group, "target_node_id")
                    n_edges = len(group["target_node_id"])
                    names = AttributeTable(group, "edge", types, n_edges).names()
                    found.append(
                        EdgePopulation(name, source, target, item, frozenset(names), n_edges)
                    )
    return found


def _node_population(group: h5py.Group, name: str) -> str:
    if name not in group:
        where = f"{group.file.filename}:{group.name}/{name}"
        raise refuse(where, "missing-dataset", "not there")
    value = group[name].attrs.get("node_population")
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        where = f"{group.file.filename}:{group.name}/{name}"
        raise refuse(where, "no-population", "attribute node_population is missing")
    return value


def read_synapses(
    population: EdgePopulation, targets: NDArray[np.int64], further: Iterable[str] = ()
) -> Synapses:
    """Read the synapses of one edge population onto some cells.

    Parameters
    ----------
    population : EdgePopulation
    targets : ndarray of int64
        Node ids of the target cells.
    further : iterable of str, optional
        Names of attributes to read besides the usual ones.

    Returns
    -------
    Synapses

    Raises
    ------
    DataError
        If a delay is NaN or negative, or an attribute is unusable.
    """
    types = read_type_table(population.file.types, "edge_type_id")
    with open_hdf5(population.file.path) as file:
        group = file["edges"][population.name]
        all_targets = whole_numbers(group, "target_node_id")
        all_sources = whole_numbers(group, "source_node_id", len(all_targets))
        chosen = np.flatnonzero(np.isin(all_targets, targets)).astype(np.int64)
        chosen = chosen[np.argsort(all_targets[chosen], kind="stable")]
        table = AttributeTable(group, "edge", types, len(all_targets))
        section, position = _place(table, chosen)
        return Synapses(
            population=population.name,
            source=population.source,
            target=population.target,
            edge=chosen,
            source_id=all_sources[chosen],
            target_id=all_targets[chosen],
            delay_ms=_delay(population, table, chosen),
            section=section,
            position=position,
            numbers={name: table.numbers(name, chosen) for name in (*_NUMBERS, *further)},
            centres=np.stack([table.numbers(name, chosen).values for name in _CENTRES], axis=1),
        )


def _place(
    table: AttributeTable, rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    section = np.full(len(rows), -1, dtype=np.int64)
    position = np.full(len(rows), np.nan)
    for section_name, position_name in _PLACES:
        numbers, along = table.numbers(section_name, rows), table.numbers(position_name, rows)
        usable = numbers.known & along.known & (section < 0)
        usable &= np.isfinite(numbers.values) & np.isfinite(along.values)
        section[usable] = numbers.values[usable].astype(np.int64)
        position[usable] = along.values[usable]
    return section, position


def _delay(
    population: EdgePopulation, table: AttributeTable, rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    column = table.numbers("delay", rows)
    delay = np.where(column.known, column.values, 0.0)
    strange = ~np.isfinite(delay) | (delay < 0)
    if strange.any():
        first = int(np.flatnonzero(strange)[0])
        where = f"{population.file.path.name}:/edges/{population.name} edge {rows[first]}"
        what = f"delay is {delay[first]} ms ({int(strange.sum())} edges)"
        raise refuse(where, "bad-delay", what)
    return delay
