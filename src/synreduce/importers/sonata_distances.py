"""Soma distance of SONATA synapses, as path length from the start of the dendrite.

Per synapse the first that exists: an edge attribute named by the user; ``dist``, which counts from
the centre of the soma; the path length from section and morphology; the straight line, if the
user allows it; one distance given by the user for all that remain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synreduce.errors import DataError, Problem
from synreduce.importers.files import refuse
from synreduce.importers.options import ImportOptions
from synreduce.importers.sonata_configuration import Simulation
from synreduce.importers.sonata_edges import Synapses
from synreduce.importers.sonata_nodes import NodePopulation
from synreduce.importers.swc import Morphology, read_swc

TOLERANCE_UM = 1.0
# these build the cell without its own axon, so that the numbers of the dendrites are known
_AXON_REPLACED = ("aibs_perisomatic", "aibs_allactive")


@dataclass
class DistanceAccount:
    """How the distances were found, for the report.

    Parameters
    ----------
    by_origin : dict of str to int
        Where distances came from -> synapses.
    n_checked : int
        Synapses whose ``dist`` was compared with the morphology.
    largest_difference_um : float
        Largest difference found there.
    radii_um : set of float
        Soma radii subtracted from ``dist``.
    n_unchecked, n_unconverted : int
        Synapses with ``dist`` that could not be compared; whose soma radius is unknown.
    """

    by_origin: dict[str, int] = field(default_factory=dict)
    n_checked: int = 0
    largest_difference_um: float = 0.0
    radii_um: set[float] = field(default_factory=set)
    n_unchecked: int = 0
    n_unconverted: int = 0

    def notes(self) -> list[str]:
        """Say it in sentences."""
        found = [
            f"soma distance of {count:,} synapses: {how}" for how, count in self.by_origin.items()
        ]
        if self.radii_um:
            radii = ", ".join(f"{radius:g}" for radius in sorted(self.radii_um))
            found.append(
                f"'dist' counts from the centre of the soma: soma radius subtracted ({radii} um), "
                "never below 0"
            )
        if self.n_checked:
            found.append(
                f"'dist' agrees with the morphology for {self.n_checked:,} synapses (largest "
                f"difference {self.largest_difference_um:.2g} um)"
            )
        if self.n_unchecked:
            found.append(
                f"'dist' of {self.n_unchecked:,} synapses was not checked (no morphology "
                "whose section numbers are certain)"
            )
        if self.n_unconverted:
            found.append(
                f"soma radius unknown for {self.n_unconverted:,} synapses: their 'dist' still "
                "counts from the centre of the soma"
            )
        return found


class Morphologies:
    """The morphologies of the cells of one population, each read once.

    Parameters
    ----------
    simulation : Simulation
    population : NodePopulation
    options : ImportOptions
    """

    def __init__(
        self, simulation: Simulation, population: NodePopulation, options: ImportOptions
    ) -> None:
        folders = simulation.morphology_folders
        self._folders = [*folders.get(population.name, []), *folders.get("", [])]
        self._population, self._given = population, options.morphology
        self.given_radius_um = options.soma_radius_um
        self._known: dict[Path, Morphology] = {}

    def names(self, rows: NDArray[np.int64]) -> NDArray[np.object_]:
        """Name of the morphology of each cell, ``""`` if there is none; shape (n,)."""
        if self._given is not None:
            return np.full(len(rows), str(self._given), dtype=object)
        found = self._population.text("morphology", rows)
        return np.array([name or "" for name in found], dtype=object)

    def read(self, name: str) -> Morphology | None:
        """Morphology of this name, wherever it lies; None if it is not there."""
        path = self._given if self._given is not None else self._find(name)
        if path is None:
            return None
        if path not in self._known:
            self._known[path] = read_swc(path, self.given_radius_um)
        return self._known[path]

    def _find(self, name: str) -> Path | None:
        file = Path(name).name
        if not file:
            return None
        names = [file] if file.endswith(".swc") else [f"{file}.swc"]
        places = [folder / name for folder in self._folders for name in names]
        return next((place for place in places if place.is_file()), None)

    def is_certain(self, rows: NDArray[np.int64], morphology: Morphology) -> bool:
        """Whether the simulator numbered the sections as `Morphology` does."""
        if self._given is not None or not morphology.has_axon:
            return True
        processing = self._population.text("model_processing", rows)
        return all((name or "").rsplit(":", 1)[-1] in _AXON_REPLACED for name in processing)


def soma_distances(
    synapses: Synapses,
    population: NodePopulation,
    morphologies: Morphologies,
    options: ImportOptions,
    account: DistanceAccount,
) -> NDArray[np.float64]:
    """Find the soma distance of every synapse of one edge population.

    Parameters
    ----------
    synapses : Synapses
    population : NodePopulation
        The target cells.
    morphologies : Morphologies
    options : ImportOptions
    account : DistanceAccount
        Extended by what was done.

    Returns
    -------
    ndarray of float64, shape (n,)
        um, from the start of the dendrite.

    Raises
    ------
    DataError
        If some synapses have no distance, if ``dist`` contradicts the morphology, or if an edge
        stands for several synapses without a place.
    """
    rows = population.rows(synapses.target_id)
    search = _Search(synapses, rows, morphologies, account)
    if options.distance_column is not None and options.distance_column != "dist":
        column = synapses.numbers[options.distance_column]
        search.fill(f"edge attribute '{options.distance_column}', as it stands", column.values)
    names = morphologies.names(rows)
    for name in sorted(set(names)):
        search.fill_from_files(names == name, name, check=options.distance_column != "dist")
    if options.straight_line_distance:
        away = np.sqrt(((synapses.centres - population.places[rows]) ** 2).sum(axis=1))
        away[search.is_unplaced] = np.nan
        search.fill("straight line from the place of the cell", away)
    if options.distance_um is not None:
        rest = np.full(len(synapses), options.distance_um)
        search.fill("one distance given for all that have none", rest)
    search.require_all()
    return search.distance


class _Search:
    """The distances of one edge population, filled from one origin after the other."""

    def __init__(
        self,
        synapses: Synapses,
        rows: NDArray[np.int64],
        morphologies: Morphologies,
        account: DistanceAccount,
    ) -> None:
        self.synapses, self.rows = synapses, rows
        self.morphologies, self.account = morphologies, account
        self.distance = np.full(len(synapses), np.nan)
        count = synapses.numbers["nsyns"]
        self.is_unplaced = count.known & (count.values > 1)

    def fill(self, how: str, values: NDArray[np.float64]) -> None:
        chosen = np.isnan(self.distance) & np.isfinite(values)
        self.distance[chosen] = values[chosen]
        if chosen.any():
            account = self.account.by_origin
            account[how] = account.get(how, 0) + int(chosen.sum())

    def fill_from_files(self, members: NDArray[np.bool_], name: str, *, check: bool) -> None:
        """Use ``dist`` and the morphology of the cells that share it."""
        members = members & ~self.is_unplaced
        morphology = self.morphologies.read(name)
        path = self._path_length(members, morphology)
        from_centre = np.where(members, self.synapses.numbers["dist"].values, np.nan)
        radius = morphology.soma_radius_um if morphology else self.morphologies.given_radius_um
        own = from_centre if radius is None else np.maximum(from_centre - radius, 0.0)
        n_own = int(np.isfinite(own).sum())
        if radius is None:
            self.account.n_unconverted += n_own
        elif n_own:
            self.account.radii_um.add(radius)
        if check:
            self._check(own, path, name)
        self.fill("edge attribute 'dist'", own)
        self.fill("path length along the morphology", path)

    def _path_length(
        self, members: NDArray[np.bool_], morphology: Morphology | None
    ) -> NDArray[np.float64]:
        path = np.full(len(self.distance), np.nan)
        placed = members & (self.synapses.section >= 0)
        if morphology is None or not self.morphologies.is_certain(self.rows[placed], morphology):
            return path
        section = self.synapses.section[placed]
        if section.size and section.max() >= morphology.n_sections:
            edge = self.synapses.edge[placed][int(section.argmax())]
            what = f"section {section.max()}, the morphology has {morphology.n_sections}"
            where = f"{self.synapses.population} edge {edge}"
            raise refuse(where, "unknown-section", what)
        path[placed] = morphology.path_distance(section, self.synapses.position[placed])
        return path

    def _check(self, own: NDArray[np.float64], path: NDArray[np.float64], name: str) -> None:
        both = np.isfinite(own) & np.isfinite(path)
        self.account.n_unchecked += int((np.isfinite(own) & ~both).sum())
        if not both.any():
            return
        difference = np.where(both, np.abs(own - path), 0.0)
        worst = int(difference.argmax())
        self.account.n_checked += int(both.sum())
        largest = max(self.account.largest_difference_um, float(difference[worst]))
        self.account.largest_difference_um = largest
        if difference[worst] > TOLERANCE_UM:
            n_wrong = int((difference > TOLERANCE_UM).sum())
            where = f"{self.synapses.population} edge {self.synapses.edge[worst]}"
            what = (
                f"'dist' less soma radius is {own[worst]:.4g} um, the path length in {name} is "
                f"{path[worst]:.4g} um ({n_wrong} of {int(both.sum())} synapses differ by more "
                f"than {TOLERANCE_UM:g} um)"
            )
            fix = "give the right morphologies, or set distance_column to dist to use it unchecked"
            raise refuse(where, "distance-contradiction", what, fix)

    def require_all(self) -> None:
        """Refuse the import if a synapse has no distance."""
        missing = np.isnan(self.distance)
        if not missing.any():
            return
        where = f"edges {self.synapses.population}"
        fix = (
            "name the edge attribute that holds it (distance_column), give the morphology, give "
            "one distance for all (distance_um), or allow straight_line_distance"
        )
        unplaced = missing & self.is_unplaced
        problems = []
        if unplaced.any():
            what = f"{int(unplaced.sum())} edges stand for several synapses (nsyns) without a place"
            problems.append(Problem("unplaced-synapses", where, what, fix))
        if (missing & ~unplaced).any():
            what = (
                f"no soma distance for {int((missing & ~unplaced).sum())} of {len(missing)} "
                f"synapses: {self._why()}"
            )
            problems.append(Problem("no-distance", where, what, fix))
        raise DataError(problems)

    def _why(self) -> str:
        missing = np.isnan(self.distance) & ~self.is_unplaced
        names = sorted(set(self.morphologies.names(self.rows[missing])))
        without = [name for name in names if self.morphologies.read(name) is None]
        if (self.synapses.section[missing] < 0).all():
            return "no attribute 'dist', and no section and position"
        if without:
            named = f"'{without[0]}.swc' was not found" if without[0] else "none is named"
            return f"no attribute 'dist', and no morphology ({named})"
        return (
            "no attribute 'dist', and sections that this simulator may number differently from "
            "the morphology, which has an axon"
        )
