"""Sections about the data: databases, example, groups and bins, input window, basis functions."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from synreduce.basis import RaisedCosineBasis
from synreduce.configuration.fields import Count, Name, Plain, Positive, Section
from synreduce.configuration.paths import expanded


class DatabaseSettings(Section):
    """One activation database."""

    id: Name
    """Name of the database in results and in trial ids. Default: from the path."""
    path: Annotated[str, Field(min_length=1)]
    """The HDF5 file; `$VARIABLES` and `~` are expanded, relative paths start where the run does."""

    @model_validator(mode="before")
    @classmethod
    def _named_after_path(cls, values: Plain) -> Plain:
        if isinstance(values, dict) and "id" not in values and isinstance(values.get("path"), str):
            return {"id": _id_from_path(values["path"]), **values}
        return values

    @property
    def file(self) -> Path:
        """The path with variables and ``~`` expanded."""
        return Path(expanded(self.path))


def _id_from_path(path: str) -> str:
    place = PurePosixPath(path)
    stem = place.parent.name if place.stem == "database" and place.parent.name else place.stem
    return re.sub(r"[^A-Za-z0-9_.-]", "_", stem).lstrip(".-")[:64] or "database"


def _short_form(value: Plain) -> Plain:
    return {"path": value} if isinstance(value, str) else value


DatabaseChoice = Annotated[
    DatabaseSettings, BeforeValidator(_short_form, json_schema_input_type=DatabaseSettings | str)
]


class ExampleSettings(Section):
    """A built-in example that the workflow writes to the path of the first database."""

    kind: Literal["planted", "cable"] = "cable"
    """`planted`: spikes drawn from known filters. `cable`: a conductance-based cable neuron."""
    trials: Count = 20000
    """Number of simulated trials."""
    seed: Annotated[int, Field(ge=0)] = 1
    """Seed of the simulation."""


Criterion = Literal[
    "group", "cell_type", "presynaptic_column", "synapse_type", "dendrite_label", "proximity"
]


class GroupingSettings(Section):
    """Which synapses share a filter."""

    by: Criterion | Annotated[tuple[Criterion, ...], Field(min_length=1)] = "group"
    """Property that makes the groups; `group` is excitatory and inhibitory as stored, `proximity`
    nearer than 500 um to the soma or not. Several make one group per combination."""
    map: dict[str, Name] = Field(default_factory=dict)
    """Value of the property, or a regular expression for it, to the name of its group."""
    unmatched: Literal["refuse", "drop"] = "refuse"
    """What happens to values that no entry of `map` matches."""
    signs: dict[str, Literal[-1, 1]] = Field(default_factory=dict)
    """Sign of each group: 1 excites, -1 inhibits. Groups that are not named: as stored, else 1."""


class InputSettings(Section):
    """How activations are counted. Time bins are 1 ms wide."""

    grouping: GroupingSettings = GroupingSettings()
    """Which synapses share a filter."""
    distance_bin_um: Positive = 50.0
    """Width of the soma-distance bins `[lo, hi)`, um."""
    distance_max_um: Positive = 1500.0
    """End of the last soma-distance bin, um."""
    beyond_last_bin: Literal["drop", "clip", "refuse"] = "drop"
    """Activations beyond the last bin: left out, counted in the last bin, or an error."""


class WindowSettings(Section):
    """The input window of a sample: the milliseconds before the end of its target window."""

    width_ms: Count = 80
    """Length of the input window and of the temporal filters, ms."""


class BasisSettings(Section):
    """Raised cosines `0.5 cos(a ln(tau + c) - phi) + 0.5`."""

    steepness: Positive
    """a: larger makes narrower functions."""
    offset: Positive
    """c: larger makes widths more equal along the axis."""
    phases: Annotated[tuple[float, ...], Field(min_length=1)]
    """phi of each function."""
    reversed: bool
    """Whether the axis is turned round, so that resolution is finest at its end."""

    def basis(self, width: int) -> RaisedCosineBasis:
        """Make the basis on a grid.

        Parameters
        ----------
        width : int
            Number of points: soma-distance bins or milliseconds.

        Returns
        -------
        RaisedCosineBasis
        """
        return RaisedCosineBasis(
            self.steepness, self.offset, self.phases, width, reversed=self.reversed
        )


class SpatialBasisSettings(BasisSettings):
    """Basis of the spatial filters, on the soma-distance bins of the whole dendrite."""

    steepness: Positive = 3.0
    """a: larger makes narrower functions."""
    offset: Positive = 5.0
    """c, in bins: larger makes widths more equal along the dendrite."""
    phases: Annotated[tuple[float, ...], Field(min_length=1)] = tuple(
        3.0 + 1.5 * index for index in range(6)
    )
    """phi of each function."""
    reversed: bool = False
    """Whether resolution is finest at the far end instead of at the soma."""


class TemporalBasisSettings(BasisSettings):
    """Basis of the temporal filters, on the milliseconds of the input window."""

    steepness: Positive = 2.0
    """a: larger makes narrower functions."""
    offset: Positive = 1.0
    """c, in ms: larger makes widths more equal over time."""
    phases: Annotated[tuple[float, ...], Field(min_length=1)] = tuple(
        1.0 + 0.5 * index for index in range(20)
    )
    """phi of each function."""
    reversed: bool = True
    """Whether resolution is finest at lag 0, the end of the target window."""


class BasesSettings(Section):
    """Basis functions of the filters."""

    spatial: SpatialBasisSettings = SpatialBasisSettings()
    """Functions of soma distance."""
    temporal: TemporalBasisSettings = TemporalBasisSettings()
    """Functions of lag."""
