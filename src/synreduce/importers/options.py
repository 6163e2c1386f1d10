"""The choices a user makes for an import. Every one has a name, a default and is recorded."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class ImportOptions:
    """Named choices of an import; each importer reads those that concern its format.

    Parameters
    ----------
    type_map : mapping of str to str, optional
        Cell type, population, synapse type or regular expression -> group. Beats every other rule.
    group_signs : mapping of str to int, optional
        Sign (+1 excites, -1 inhibits) of groups named in `type_map` other than EXC and INH.
    l1_excitatory : bool, default: False
        Count cell type ``L1`` as EXC, as the reference implementation's present list does.
    drop_types : tuple of str, optional
        Synapse types (or regular expressions) whose activations are left out and counted.
    network_parameters : Path, optional
        Network parameter file whose receptors say which populations excite. By default one lying
        in the simulation folder is used.
    on_out_of_range : {"refuse", "drop"}, default: "refuse"
        What happens to activations before 0 ms or at or after the end of the record.
    on_negative_distance : {"refuse", "drop"}, default: "refuse"
        What happens to activations at a negative soma distance.
    duration_ms : float, optional
        End of the record. By default it is read from the files.
    exclude_trials : tuple of str, optional
        Trial identities to leave out.
    allow_silent_trials : bool, default: False
        Accept trials without activations where the files look cut (a heading and nothing else).
    spike_times : Path or "none", optional
        Spike times from a file of their own; ``"none"`` imports trials without spikes.
    spike_threshold_mv : float, default: 0.0
        Threshold whose upward crossing is a spike.
    layout : {"events", "counts"}, default: "events"
        How the database stores activations.
    distance_bin_um : float, default: 50.0
        Width of the soma-distance bins of binned input and of the counts layout.
    distance_max_um : float, default: 1500.0
        Last edge of the soma-distance bins of the counts layout.
    on_beyond_last_bin : {"refuse", "drop", "clip"}, default: "refuse"
        What the counts layout does with activations at or beyond the last edge; clipping counts
        them in the last bin.
    key : str, optional
        Key of a database folder to import, if not ``synapse_activation``.
    target_population : str, optional
        Population of the neurons that become trials (SONATA).
    target_nodes : tuple of int, optional
        Node ids that become trials (SONATA).
    distance_column : str, optional
        Edge attribute that holds the soma distance (SONATA).
    distance_um : float, optional
        Soma distance of all synapses for which the files give none (SONATA).
    soma_radius_um : float, optional
        Radius of the soma, where no morphology gives it (SONATA).
    morphology : Path, optional
        SWC file from which soma distances are computed (SONATA).
    straight_line_distance : bool, default: False
        Allow the straight line from synapse to soma where no path length is known (SONATA).
    trial_windows_ms : tuple of (float, float), optional
        Windows of one long simulation that become trials (SONATA).
    input_spikes : tuple of Path, optional
        Spike files of presynaptic cells, in place of those that the source names (SONATA).
    max_array_bytes : int, default: 64 GiB
        Largest unpacked size of one array that is read as a stream.
    allow_outside_links : bool, default: False
        Accept links to files outside the folder that is imported.
    """

    type_map: Mapping[str, str] = field(default_factory=dict)
    group_signs: Mapping[str, int] = field(default_factory=dict)
    l1_excitatory: bool = False
    drop_types: tuple[str, ...] = ()
    network_parameters: Path | None = None
    on_out_of_range: Literal["refuse", "drop"] = "refuse"
    on_negative_distance: Literal["refuse", "drop"] = "refuse"
    duration_ms: float | None = None
    exclude_trials: tuple[str, ...] = ()
    allow_silent_trials: bool = False
    spike_times: Path | Literal["none"] | None = None
    spike_threshold_mv: float = 0.0
    layout: Literal["events", "counts"] = "events"
    distance_bin_um: float = 50.0
    distance_max_um: float = 1500.0
    on_beyond_last_bin: Literal["refuse", "drop", "clip"] = "refuse"
    key: str | None = None
    target_population: str | None = None
    target_nodes: tuple[int, ...] | None = None
    distance_column: str | None = None
    distance_um: float | None = None
    soma_radius_um: float | None = None
    morphology: Path | None = None
    straight_line_distance: bool = False
    trial_windows_ms: tuple[tuple[float, float], ...] | None = None
    input_spikes: tuple[Path, ...] = ()
    max_array_bytes: int = 64 * 2**30
    allow_outside_links: bool = False

    def record(self) -> dict[str, Any]:
        """List the choices that differ from their defaults, for provenance.

        Returns
        -------
        dict
            Field name -> JSON value. File paths are reduced to their names, because a result must
            not depend on where a user keeps the files.

        Examples
        --------
        >>> ImportOptions(l1_excitatory=True).record()
        {'l1_excitatory': True}
        """
        default = ImportOptions()
        chosen = {
            item.name: getattr(self, item.name)
            for item in dataclasses.fields(self)
            if getattr(self, item.name) != getattr(default, item.name)
        }
        return {name: _jsonable(value) for name, value in chosen.items()}


def _jsonable(value: object) -> object:
    if isinstance(value, Path):
        return value.name
    if isinstance(value, Mapping):
        return {str(name): _jsonable(item) for name, item in sorted(value.items())}
    if isinstance(value, tuple | list):
        return [_jsonable(item) for item in value]
    return value
