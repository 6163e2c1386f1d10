"""The configuration of a run: one typed model, from which default file, schema and table follow."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, cast

import yaml
from pydantic import Field, field_validator

from synreduce.chunks import Batch, Grid, SplitDefinition, TemporalRange
from synreduce.configuration.choices import (
    SOLVER_SETTINGS,
    STRATEGY_SETTINGS,
    SolverChoice,
    StrategyChoice,
)
from synreduce.configuration.chunking import ChunksSettings
from synreduce.configuration.fields import Name, Section
from synreduce.configuration.inputs import (
    BasesSettings,
    DatabaseChoice,
    ExampleSettings,
    InputSettings,
    WindowSettings,
)
from synreduce.configuration.resources import ResourcesSettings
from synreduce.configuration.splitting import (
    MinimumPositivesSettings,
    SamplingSettings,
    SplitChoice,
    TrialsSplitSettings,
)
from synreduce.storage import digest_of

FEWEST_REPLICATES = 40
"""With fewer bootstrap replicates no one lies outside an interval of 95 %."""

_MOST_JOBS = 100
_TARGETS_PER_JOB = 32
_DEFAULT_STRATEGY = cast(
    "StrategyChoice",
    STRATEGY_SETTINGS["spatiotemporal_raised_cosine"].model_validate(
        {"kind": "spatiotemporal_raised_cosine", "name": "spatiotemporal"}
    ),
)
_DEFAULT_SOLVER = cast("SolverChoice", SOLVER_SETTINGS["newton"].model_validate({"kind": "newton"}))


class MergeSettings(Section):
    """How the fits of all chunks become one result."""

    spatial: Literal["refine", "stack", "sum"] = "refine"
    """`stack` refits one coefficient per chunk and group, `refine` then all weights together;
    `sum` adds the scores up, for comparison."""
    choose_by: Literal["auroc", "log_loss"] = "auroc"
    """Metric on training samples that chooses the best restart."""
    allow_partial: bool = False
    """Whether to merge although chunks failed; their weights are NaN."""


class ScoresSettings(Section):
    """What is computed besides the scores themselves."""

    permutations: Annotated[int, Field(ge=0)] = 0
    """Random exchanges of the testing outcomes between trials, from which follow the AUROC of a
    score that knows nothing of them and a p value, for merged models and consensus; 1000 is usual,
    0 leaves it out."""


class UncertaintySettings(Section):
    """How intervals of filters are found."""

    replicates: Annotated[int, Field(ge=0)] = 0
    """Bootstrap replicates of every fit by `newton` and `lbfgs`; 200 give stable bands. 0: bands
    follow from the curvature of the likelihood, at no cost."""

    @field_validator("replicates")
    @classmethod
    def _enough(cls, replicates: int) -> int:
        if 0 < replicates < FEWEST_REPLICATES:
            message = (
                f"{replicates} replicates have no 2.5th percentile: give at least "
                f"{FEWEST_REPLICATES}, or 0"
            )
            raise ValueError(message)
        return replicates


class Configuration(Section):
    """Everything that decides a run."""

    run: Name
    """Name of the run; results go to `results/<run>/`."""
    seed: Annotated[int, Field(ge=0)] = 1
    """Root of all random numbers; each draw's stream follows from it and what the draw is for."""
    databases: Annotated[tuple[DatabaseChoice, ...], Field(min_length=1)]
    """Activation databases; their trials are put one after the other."""
    example: ExampleSettings | None = None
    """Built-in example to write first, to the path of the first database."""
    input: InputSettings = InputSettings()
    """How activations are counted."""
    window: WindowSettings = WindowSettings()
    """Input window of a sample."""
    basis: BasesSettings = BasesSettings()
    """Basis functions of the filters."""
    chunks: ChunksSettings
    """The grid of chunks."""
    splits: Annotated[tuple[SplitChoice, ...], Field(min_length=1)] = (
        TrialsSplitSettings(kind="trials"),
    )
    """Splits into train and test; every chunk is fitted with each."""
    minimum_positives: MinimumPositivesSettings = MinimumPositivesSettings()
    """When a chunk has too few spikes to be fitted."""
    sampling: SamplingSettings = SamplingSettings()
    """Which training samples are fitted; scores are of all samples."""
    strategies: Annotated[tuple[StrategyChoice, ...], Field(min_length=1)] = (_DEFAULT_STRATEGY,)
    """Models that are fitted."""
    solvers: Annotated[tuple[SolverChoice, ...], Field(min_length=1)] = (_DEFAULT_SOLVER,)
    """Ways to find the parameters; every strategy is fitted by each."""
    merge: MergeSettings = MergeSettings()
    """How the fits of all chunks become one result."""
    scores: ScoresSettings = ScoresSettings()
    """What is computed besides the scores themselves."""
    uncertainty: UncertaintySettings = UncertaintySettings()
    """How intervals of filters are found."""
    resources: ResourcesSettings = ResourcesSettings()
    """What a job may use."""

    def grid(self) -> Grid:
        """List the chunks.

        Returns
        -------
        Grid
        """
        windows: list[TemporalRange] = []
        for section in self.chunks.temporal:
            windows.extend(section.ranges())
        return Grid(
            self.chunks.spatial.ranges(self.input.distance_max_um),
            tuple(sorted(windows)),
        )

    def batches(self) -> tuple[Batch, ...]:
        """Put chunks together into jobs.

        Returns
        -------
        tuple of Batch
            As set, or up to 32 target windows of a spatial range, which share the reading of their
            input, and more where a stage would have more than about a hundred jobs.
        """
        grid = self.grid()
        if self.chunks.per_job != "auto":
            return grid.batches(self.chunks.per_job)
        n_targets = len(grid.spatial) * sum(window.n_targets for window in grid.temporal)
        return grid.even_batches(max(_TARGETS_PER_JOB, math.ceil(n_targets / _MOST_JOBS)))

    def split_definitions(self) -> dict[str, SplitDefinition]:
        """List all splits, repeats and folds one by one.

        Returns
        -------
        dict of str to SplitDefinition
            By name, for `synreduce.chunks.make_split`.
        """
        return {
            name: definition
            for section in self.splits
            for name, definition in section.definitions().items()
        }

    @property
    def n_distance_bins(self) -> int:
        """Number of soma-distance bins of the whole dendrite."""
        return round(self.input.distance_max_um / self.input.distance_bin_um)

    @property
    def n_fits_per_chunk(self) -> int:
        """Number of fits of one chunk: splits x strategies x starts of all solvers."""
        starts = sum(solver.restarts for solver in self.solvers)
        return len(self.split_definitions()) * len(self.strategies) * starts

    def decisive_yaml(self) -> str:
        """Write what decides the result, with all defaults filled in.

        What a job may use and how many chunks it works on change no number: a result that held them
        would not be the same file for the same numbers.

        Returns
        -------
        str
            YAML that loads as a configuration with the same digest.
        """
        text: str = yaml.safe_dump(
            self._decisive(), sort_keys=False, allow_unicode=True, default_flow_style=None
        )
        return text

    def digest(self, *sections: str) -> str:
        """Digest what decides the result in some sections, to know what a change of them touches.

        Parameters
        ----------
        *sections : str
            Keys of the root; none: all of them.

        Returns
        -------
        str
            SHA-256 in hexadecimal.
        """
        values = self._decisive()
        return digest_of({name: values[name] for name in (sections or values)})

    def _decisive(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude={"resources": True, "chunks": {"per_job"}})
