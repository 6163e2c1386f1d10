"""Which files make up a SONATA simulation: from its configuration, or from what lies in a folder.

A source is a simulation configuration, a circuit configuration, or a folder holding either, or a
bare folder of HDF5 files whose root groups (``nodes``, ``edges``, ``spikes``) say what they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from synreduce.errors import Problem
from synreduce.importers.files import refuse, require_regular_file
from synreduce.importers.problems import ProblemList
from synreduce.importers.sonata_configuration import (
    OUTPUT_NAMES,
    ModelFile,
    Simulation,
    SpikeFile,
    read_circuit,
    read_json,
    read_simulation,
)
from synreduce.storage.hdf5 import open_hdf5

_CONFIGURATIONS = ("simulation_config.json", "config.json", "circuit_config.json")


def find_simulation(
    source: Path, input_spikes: Iterable[Path] = (), output_spikes: Path | None = None
) -> Simulation:
    """Find the files of one simulation.

    Parameters
    ----------
    source : Path
        Simulation folder, ``simulation_config.json`` or ``circuit_config.json``.
    input_spikes : iterable of Path, optional
        Spike files of presynaptic cells, in place of those found.
    output_spikes : Path, optional
        Spike file of the simulated cells, in place of the one found.

    Returns
    -------
    Simulation

    Raises
    ------
    DataError
        If the source or a file that it names is missing, or the configuration cannot be read.
    """
    if not source.exists():
        raise refuse(source, "no-such-source", "no such file or folder")
    simulation = _find(source)
    if named := [SpikeFile(path) for path in input_spikes]:
        simulation.input_spikes = named
    if output_spikes is not None:
        simulation.output_spikes = [SpikeFile(output_spikes)]
    _require(simulation)
    return simulation


def _find(source: Path) -> Simulation:
    if source.is_dir():
        named = [source / name for name in _CONFIGURATIONS if (source / name).is_file()]
        if not named:
            return _scan(Simulation(source), source)
        source = named[0]
    content = read_json(source)
    simulation = Simulation(source.parent)
    if "networks" not in content or "network" in content or "run" in content:
        read_simulation(simulation, source, content)
    else:
        read_circuit(simulation, source, content)
        _scan_spikes(simulation, simulation.folder)
    return simulation


def _scan(simulation: Simulation, folder: Path) -> Simulation:
    """Take a folder without configuration for what its files say they are."""
    for path, roots in _hdf5_files(folder):
        for root, found in (("nodes", simulation.nodes), ("edges", simulation.edges)):
            if root in roots:
                table = path.with_name(
                    path.stem.removesuffix(f"_{root}") + f"_{root[:-1]}_types.csv"
                )
                found.append(ModelFile(path, table if table.is_file() else None))
    simulation.morphology_folders[""] = [folder / "morphologies", folder / "morphologies" / "swc"]
    _scan_spikes(simulation, folder)
    simulation.notes.append(f"{folder.name}: no configuration, files recognised by their content")
    return simulation


def _scan_spikes(simulation: Simulation, folder: Path) -> None:
    spikes = [path for path, roots in _hdf5_files(folder) if "spikes" in roots]
    spikes += sorted((folder / part / "spikes.csv") for part in (".", "output", "outputs"))
    for path in spikes:
        if path.is_file():
            is_output = path.name in OUTPUT_NAMES or path.parent.name.startswith("output")
            found = simulation.output_spikes if is_output else simulation.input_spikes
            found.append(SpikeFile(path))


def _hdf5_files(folder: Path) -> Iterator[tuple[Path, set[str]]]:
    for path in sorted([*folder.glob("*.h5"), *folder.glob("*/*.h5")]):
        with open_hdf5(path) as file:
            yield path, set(file.keys())


def _require(simulation: Simulation) -> None:
    problems = ProblemList()
    for path in simulation.files():
        with problems.collecting():
            require_regular_file(path)
    wanted: Iterable[tuple[str, list[Any]]] = (
        ("nodes", simulation.nodes),
        ("edges", simulation.edges),
        ("spikes", [*simulation.input_spikes, *simulation.output_spikes]),
    )
    where, fix = str(simulation.folder), "name the folder or configuration of a simulation"
    problems.add(
        Problem("incomplete-source", where, f"no {name} file found", fix)
        for name, found in wanted
        if not found
    )
    problems.raise_if_any()
