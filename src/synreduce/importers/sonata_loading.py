"""Reads the target cells of one SONATA simulation, with everything that an import takes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synreduce.errors import ConfigurationError, DataError, Problem
from synreduce.importers.files import refuse
from synreduce.importers.options import ImportOptions
from synreduce.importers.problems import ProblemList
from synreduce.importers.sonata_cells import ResolvedEdges, SimulatedCells, assemble_cells
from synreduce.importers.sonata_configuration import Simulation
from synreduce.importers.sonata_distances import DistanceAccount, Morphologies, soma_distances
from synreduce.importers.sonata_edges import EdgePopulation, list_edges, read_synapses
from synreduce.importers.sonata_nodes import NodePopulation, read_nodes
from synreduce.importers.sonata_spikes import NO_SPIKES, SpikeTrains, read_spikes
from synreduce.importers.sonata_types import TypeRules
from synreduce.suggestions import did_you_mean


@dataclass(frozen=True)
class _Targets:
    """The chosen cells of one population, and the position of the first among all cells."""

    population: NodePopulation
    ids: NDArray[np.int64]
    offset: int


class CellReader:
    """Reads simulations one after the other and keeps account of their distances.

    Parameters
    ----------
    options : ImportOptions
    """

    def __init__(self, options: ImportOptions) -> None:
        self.options = options
        self.account = DistanceAccount()
        self._rules = TypeRules(options)

    def read(self, simulation: Simulation) -> SimulatedCells:
        """Read the target cells of a simulation with their synapses and spikes.

        Parameters
        ----------
        simulation : Simulation

        Returns
        -------
        SimulatedCells

        Raises
        ------
        DataError
            For whatever the files lack or contradict; all edge populations at once.
        ConfigurationError
            If the options name populations, nodes or attributes that do not exist.
        """
        nodes = read_nodes(simulation.nodes)
        edges = list_edges(simulation.edges)
        targets = _targets(nodes, edges, self.options)
        wanted = [edge for edge in edges if edge.target in targets]
        _check_names(wanted, nodes, self.options)
        notes = list(simulation.notes)
        own, trains = _read_spikes(simulation, sorted(targets), wanted, notes)
        morphologies = {
            name: Morphologies(simulation, target.population, self.options)
            for name, target in targets.items()
        }
        parts, problems = [], ProblemList()
        for edge in wanted:
            with problems.collecting():
                target = targets[edge.target]
                parts.append(
                    self._resolve(edge, nodes[edge.source], target, morphologies[edge.target])
                )
        problems.raise_if_any()
        names = [f"{name}/{node}" for name, target in targets.items() for node in target.ids]
        spikes = _spikes_of_cells(simulation, own, targets, self.options, notes)
        return assemble_cells(names, spikes, parts, trains, notes)

    def _resolve(
        self,
        edge: EdgePopulation,
        source: NodePopulation,
        target: _Targets,
        morphologies: Morphologies,
    ) -> ResolvedEdges:
        column = self.options.distance_column
        synapses = read_synapses(edge, target.ids, [column] if column else [])
        typed = self._rules.classify(synapses, source)
        distance = soma_distances(
            synapses, target.population, morphologies, self.options, self.account
        )
        copies = synapses.numbers["nsyns"]
        number = np.where(copies.known, copies.values, 1.0)
        if not np.all(np.isfinite(number) & (number >= 0)):
            where = f"edges {edge.name}"
            raise refuse(where, "bad-attribute", "nsyns is negative or not finite")
        return ResolvedEdges(
            synapses=synapses,
            cell=target.offset + np.searchsorted(target.ids, synapses.target_id),
            distance_um=distance,
            typed=typed,
            copies=number.astype(np.int64),
            n_edges=edge.n_edges,
        )


def _targets(
    nodes: Mapping[str, NodePopulation], edges: Sequence[EdgePopulation], options: ImportOptions
) -> dict[str, _Targets]:
    reached = {edge.target for edge in edges}
    names = [name for name in nodes if name in reached and not nodes[name].is_virtual()]
    if options.target_population is not None:
        if options.target_population not in names:
            what = f"no population '{options.target_population}' with synapses; there are {names}"
            fix = did_you_mean(options.target_population, names)
            raise ConfigurationError(Problem("unknown-population", "target_population", what, fix))
        names = [options.target_population]
    if not names:
        where = "edges"
        raise refuse(where, "no-target", "no edges onto a population that is not virtual")
    if options.target_nodes is not None and len(names) > 1:
        what = f"several populations have synapses: {names}"
        fix = "set target_population as well"
        raise ConfigurationError(Problem("ambiguous-nodes", "target_nodes", what, fix))
    targets: dict[str, _Targets] = {}
    for name in names:
        ids = np.sort(nodes[name].ids)
        if options.target_nodes is not None:
            ids = np.unique(np.array(options.target_nodes, dtype=np.int64))
            nodes[name].rows(ids)
        targets[name] = _Targets(
            nodes[name], ids, sum(len(other.ids) for other in targets.values())
        )
    return targets


def _check_names(
    edges: Sequence[EdgePopulation], nodes: Mapping[str, NodePopulation], options: ImportOptions
) -> None:
    problems = [
        Problem("unknown-population", f"edges {edge.name}", f"no nodes file holds '{edge.source}'")
        for edge in edges
        if edge.source not in nodes
    ]
    if problems:
        raise DataError(problems)
    column = options.distance_column
    known = sorted(set().union(*(edge.names for edge in edges)))
    if column is not None and column not in known:
        what = f"no edge attribute '{column}'; there are {', '.join(known)}"
        fix = did_you_mean(column, known)
        raise ConfigurationError(Problem("unknown-attribute", "distance_column", what, fix))


def _lone(names: Sequence[str]) -> str | None:
    return names[0] if len(names) == 1 else None


def _read_spikes(
    simulation: Simulation,
    targets: Sequence[str],
    edges: Sequence[EdgePopulation],
    notes: list[str],
) -> tuple[dict[str, SpikeTrains], dict[str, SpikeTrains]]:
    """Spikes of the simulated cells, and of all source cells; source cells may be simulated."""
    sources = sorted({edge.source for edge in edges})
    own = read_spikes(simulation.output_spikes, _lone(targets))
    trains = read_spikes(simulation.input_spikes, _lone(sources))
    for name, train in own.items():
        trains[name] = train.joined_with(trains.get(name, NO_SPIKES))
    silent = [name for name in sources if name not in trains]
    if len(silent) == len(sources):
        what = f"no spike file holds spikes of {', '.join(silent)}"
        raise refuse(simulation.folder, "no-input-spikes", what, "set input_spikes")
    notes += [f"no spike file holds source population {name}: taken as silent" for name in silent]
    return own, trains


def _spikes_of_cells(
    simulation: Simulation,
    own: Mapping[str, SpikeTrains],
    targets: Mapping[str, _Targets],
    options: ImportOptions,
    notes: list[str],
) -> list[NDArray[np.float64]]:
    if options.spike_times == "none" or not simulation.output_spikes:
        notes.append("no output spike file: the trials are stored without spikes")
        own = {}
    else:
        missing = [name for name in targets if name not in own]
        notes += [f"population {name} is in no output spike file: no spikes" for name in missing]
    found: list[NDArray[np.float64]] = []
    for name, target in targets.items():
        train = own.get(name, NO_SPIKES)
        target.population.rows(np.unique(train.nodes))
        found += [train.of(node) for node in target.ids]
    return found
