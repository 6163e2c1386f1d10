"""Reads SONATA configurations: which files a simulation and its circuit name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synreduce.importers.files import refuse, require_regular_file

OUTPUT_NAMES = ("spikes.h5", "out.h5", "spikes.csv")
_MAX_CONFIGURATION_BYTES = 64 * 2**20
_OTHER_CONNECTIONS = frozenset({"electrical", "endfoot", "neuromodulatory", "synapse_astrocyte"})


@dataclass(frozen=True)
class ModelFile:
    """A nodes or edges file with its table of types.

    Parameters
    ----------
    path : Path
        HDF5 file.
    types : Path or None
        CSV file of node or edge types.
    population_types : mapping of str to str
        Type of each population that the circuit configuration names (``virtual``, ``chemical``).
    """

    path: Path
    types: Path | None = None
    population_types: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SpikeFile:
    """A spike file; `population` is what the configuration says about files that name none."""

    path: Path
    population: str | None = None


@dataclass
class Simulation:
    """The files of one simulation.

    Parameters
    ----------
    folder : Path
        Folder of the configuration.
    nodes, edges : list of ModelFile
    input_spikes : list of SpikeFile
        Spikes of presynaptic cells.
    output_spikes : list of SpikeFile
        Spikes of the simulated cells.
    duration_ms : float or None
        End of the simulation.
    morphology_folders : dict of str to list of Path
        Where the morphologies of a population may lie; key ``""`` holds for all of them.
    notes : list of str
        What the user should know.
    """

    folder: Path
    nodes: list[ModelFile] = field(default_factory=list)
    edges: list[ModelFile] = field(default_factory=list)
    input_spikes: list[SpikeFile] = field(default_factory=list)
    output_spikes: list[SpikeFile] = field(default_factory=list)
    duration_ms: float | None = None
    morphology_folders: dict[str, list[Path]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def files(self) -> list[Path]:
        """All files that are read, each once, in a fixed order."""
        models = [*self.nodes, *self.edges]
        paths = [item.path for item in models] + [item.types for item in models if item.types]
        paths += [item.path for item in (*self.input_spikes, *self.output_spikes)]
        return list(dict.fromkeys(paths))


def is_chemical(population_type: str) -> bool:
    """Tell chemical synapses from the other kinds of connection that a circuit may hold.

    Parameters
    ----------
    population_type : str
        Type that the circuit configuration gives the edge population; empty if none.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_chemical("electrical"), is_chemical("chemical"), is_chemical("")
    (False, True, True)
    """
    return population_type not in _OTHER_CONNECTIONS


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict

    Raises
    ------
    DataError
        If the file is missing, too large, or not a JSON object.
    """
    if require_regular_file(path) > _MAX_CONFIGURATION_BYTES:
        raise refuse(path, "bad-json", "larger than any configuration")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, RecursionError):
        raise refuse(path, "bad-json", "not JSON") from None
    except json.JSONDecodeError as error:
        where = f"{path}:{error.lineno}"
        raise refuse(where, "bad-json", f"not JSON: {error.msg}") from None
    if not isinstance(content, dict):
        raise refuse(path, "bad-json", "not a JSON object")
    return content


class _Paths:
    """Paths of one configuration file: manifest variables, relative to the file."""

    def __init__(self, path: Path, content: Mapping[str, Any]) -> None:
        self.path, self.folder = path, path.parent
        manifest = content.get("manifest", {})
        self.variables = {"configdir": str(path.parent), "workingdir": str(path.parent)}
        if isinstance(manifest, dict):
            for name, value in manifest.items():
                self.variables[name.strip("${}")] = str(value)

    def __call__(self, text: object) -> Path:
        if not isinstance(text, str):
            raise refuse(self.path, "bad-configuration", f"not a path: {text!r}")
        value = text
        for _ in range(len(self.variables) + 1):
            replaced = re.sub(r"\$\{(\w+)\}|\$(\w+)", self._value, value)
            if replaced == value:
                return self.folder / value
            value = replaced
        what = f"manifest variables in '{text}' refer to each other"
        raise refuse(self.path, "bad-configuration", what)

    def _value(self, match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in self.variables:
            what = f"${name} is not in the manifest"
            raise refuse(self.path, "bad-configuration", what, "define it there")
        return self.variables[name]


def _section(content: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    value = content.get(name) or {}
    if not isinstance(value, dict):
        raise refuse(path, "bad-configuration", f"'{name}' is not an object")
    return value


def read_simulation(simulation: Simulation, path: Path, content: dict[str, Any]) -> None:
    """Add the files that a simulation configuration names.

    Parameters
    ----------
    simulation : Simulation
        Extended in place.
    path : Path
        The configuration.
    content : dict
        What it holds.

    Raises
    ------
    DataError
        If the configuration contradicts the format.
    """
    resolve = _Paths(path, content)
    end = _section(content, "run", path).get("tstop")
    if end is not None:
        if not isinstance(end, int | float) or not 0 < end < float("inf"):
            raise refuse(path, "bad-configuration", f"run.tstop is {end!r}")
        simulation.duration_ms = float(end)
    if "networks" in content:
        read_circuit(simulation, path, content)
    else:
        circuit = resolve(content.get("network", "circuit_config.json"))
        read_circuit(simulation, circuit, read_json(circuit))
    for name, entry in _section(content, "inputs", path).items():
        _read_input(simulation, path, name, entry, resolve)
    _read_output(simulation, _section(content, "output", path), resolve)
    if content.get("connection_overrides"):
        simulation.notes.append(
            "connection_overrides of the configuration are not applied (delays are those of the "
            "edges; spontaneous release is not in the files)"
        )


def _read_input(
    simulation: Simulation, path: Path, name: str, entry: object, resolve: _Paths
) -> None:
    if not isinstance(entry, dict) or entry.get("input_type") != "spikes":
        return
    if entry.get("enabled", True) is False:
        return
    where = f"{path} inputs.{name}"
    if entry.get("delay", 0) not in (0, 0.0):
        what = f"spikes are replayed with a delay of {entry['delay']} ms"
        raise refuse(where, "replay-delay", what, "write the shifted spikes to a file, delay 0")
    named = entry.get("input_file") or entry.get("spike_file")
    if named is None:
        raise refuse(where, "bad-configuration", "no input_file or spike_file")
    source = entry.get("source", entry.get("node_set"))
    population = source.get("population") if isinstance(source, dict) else source
    item = SpikeFile(resolve(named), population if isinstance(population, str) else None)
    if item.path not in [known.path for known in simulation.input_spikes]:
        simulation.input_spikes.append(item)


def _read_output(simulation: Simulation, output: Mapping[str, Any], resolve: _Paths) -> None:
    folder = resolve(output.get("output_dir", "output"))
    if output.get("spikes_file"):
        named = folder / resolve(output["spikes_file"]).name
        direct = resolve(output["spikes_file"])
        simulation.output_spikes.append(SpikeFile(named if named.exists() else direct))
        return
    found = [folder / name for name in OUTPUT_NAMES if (folder / name).is_file()]
    simulation.output_spikes += [SpikeFile(path) for path in found[:1]]


def read_circuit(simulation: Simulation, path: Path, content: dict[str, Any]) -> None:
    """Add the files that a circuit configuration names.

    Parameters
    ----------
    simulation : Simulation
        Extended in place.
    path : Path
        The configuration.
    content : dict
        What it holds.

    Raises
    ------
    DataError
        If the configuration contradicts the format.
    """
    resolve = _Paths(path, content)
    networks = _section(content, "networks", path)
    components = _section(content, "components", path)
    beside = [path.parent / "morphologies", path.parent / "morphologies" / "swc"]
    configured = components.get("morphologies_dir")
    common = [resolve(configured)] if configured else []
    simulation.morphology_folders[""] = [*common, *beside]
    for kind, found in (("nodes", simulation.nodes), ("edges", simulation.edges)):
        for entry in networks.get(kind) or []:
            if not isinstance(entry, dict) or f"{kind}_file" not in entry:
                raise refuse(path, "bad-configuration", f"networks.{kind}: no {kind}_file")
            table = entry.get(f"{kind[:-1]}_types_file")
            populations = _section(entry, "populations", path)
            types = {name: str(value.get("type", "")) for name, value in populations.items()}
            model = ModelFile(
                resolve(entry[f"{kind}_file"]), resolve(table) if table else None, types
            )
            found.append(model)
            for name, value in populations.items():
                if value.get("morphologies_dir"):
                    own = resolve(value["morphologies_dir"])
                    simulation.morphology_folders[name] = [own, own / "swc"]
