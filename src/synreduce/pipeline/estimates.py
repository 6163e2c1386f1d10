"""Memory, disk and time of a run, estimated from its configuration and the headers of its data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synreduce.configuration.resources import CACHED_SHARE
from synreduce.database import open_database
from synreduce.pipeline.fitted_samples import most_fitted_samples
from synreduce.pipeline.job_memory import job_memory_mb
from synreduce.pipeline.job_time import SolverFits, job_seconds
from synreduce.pipeline.shared_reading import longest_reading_ms
from synreduce.solvers.row_groups import cached_bytes
from synreduce.strategies import build_strategy
from synreduce.units import parse_bytes

if TYPE_CHECKING:
    from synreduce.chunks import SplitDefinition
    from synreduce.configuration import Configuration
    from synreduce.strategies import FactorModel

_SAFETY = 5
"""Of a time limit over the estimate, for slower machines and searches that converge late."""

_MINIMUM_MINUTES = 10
_DESIGN_BYTES = 4
_FLOAT_BYTES = 8


@dataclass(frozen=True)
class RunEstimates:
    """Sizes from which memory, disk and time follow.

    Parameters
    ----------
    n_trials : int
        Trials of all databases; of the example where it is still to be made.
    n_targets : int
        Target windows of the largest temporal chunk.
    n_features : int
        Columns of a design: groups x spatial x temporal functions.
    count_bytes_per_ms : int
        Counts of one trial over the whole dendrite, one byte each.
    width_ms, chunk_ms : float
        Length of the input window, and of the longest temporal chunk.
    reading_ms : float
        Longest time that a job reads at once, for chunks that share it.
    largest_spatial_share : float
        Part of the dendrite that the longest spatial range takes.
    n_splits : int
        Splits of every chunk.
    fits : tuple of SolverFits
        Fits per chunk, of every solver.
    n_parameters, n_free : int
        Parameters of the largest model, and directions in which they can move its weights.
    n_replicates : int
        Bootstrap replicates.
    refines : bool
        Whether a merge fits the weights of all spatial chunks together.
    budget_mb : int
        ``resources.memory``.
    workers : int
        Dask workers per job on each node, where the caller does not say.
    nodes : int
        Nodes of a fit or merge.
    n_spatial : int
        Spatial chunks, whose designs a merge reads side by side.
    n_fitted : int
        Samples that a fit sees at most: fewer than there are where negatives are sampled.
    train_share : float
        Part of the samples that trains.
    """

    n_trials: int
    n_targets: int
    n_features: int
    count_bytes_per_ms: int
    width_ms: float
    chunk_ms: float
    reading_ms: float
    largest_spatial_share: float
    n_splits: int
    fits: tuple[SolverFits, ...]
    n_parameters: int
    n_free: int
    n_replicates: int
    refines: bool
    budget_mb: int
    workers: int
    nodes: int
    n_spatial: int
    n_fitted: int
    train_share: float

    @classmethod
    def of(cls, configuration: Configuration) -> RunEstimates:
        """Estimate a run.

        Parameters
        ----------
        configuration : Configuration
            The run.

        Returns
        -------
        RunEstimates
        """
        n_trials, n_groups = _size_of_databases(configuration)
        grid, resources = configuration.grid(), configuration.resources
        width_ms = float(configuration.window.width_ms)
        n_targets = max(window.n_targets for window in grid.temporal)
        splits = configuration.split_definitions()
        models = _models(configuration, n_groups)
        return cls(
            n_trials=n_trials,
            n_targets=n_targets,
            n_features=models[0].layout.n_features,
            count_bytes_per_ms=n_groups * configuration.n_distance_bins,
            width_ms=width_ms,
            chunk_ms=max(window.stop_ms - window.start_ms for window in grid.temporal),
            reading_ms=longest_reading_ms(configuration.batches(), width_ms),
            largest_spatial_share=max(space.stop_um - space.start_um for space in grid.spatial)
            / configuration.input.distance_max_um,
            n_splits=len(splits),
            fits=_fits(configuration),
            n_parameters=max(model.n_parameters for model in models),
            n_free=max(model.n_free for model in models),
            n_replicates=configuration.uncertainty.replicates,
            refines=len(grid.spatial) > 1 and configuration.merge.spatial == "refine",
            budget_mb=math.ceil(parse_bytes(resources.memory) / 1e6),
            workers=resources.threads or 1,
            nodes=resources.nodes,
            n_spatial=len(grid.spatial),
            n_fitted=most_fitted_samples(configuration, n_trials * n_targets),
            train_share=max(map(_train_share, splits.values())),
        )

    @property
    def n_fits(self) -> int:
        """Fits per chunk."""
        return sum(fits.n_fits for fits in self.fits)

    @property
    def n_training(self) -> int:
        """Samples that train a fit at most."""
        return math.ceil(self.n_fitted * self.train_share)

    def training_mb(self, n_columns: int) -> float:
        """Size of the rows that train a fit, in memory.

        Parameters
        ----------
        n_columns : int
            Columns of the rows.

        Returns
        -------
        float
            MB.
        """
        return cached_bytes(self.n_training, n_columns) / 1e6

    @property
    def cache_mb(self) -> float:
        """Rows that a worker may keep in memory, MB."""
        return CACHED_SHARE * self.budget_mb

    @property
    def n_samples(self) -> int:
        """Samples of the largest chunk."""
        return self.n_trials * self.n_targets

    @property
    def design_bytes(self) -> int:
        """Size of the projected data of the largest chunk on disk."""
        return self.n_samples * self._row_bytes

    @property
    def _row_bytes(self) -> int:
        return self.n_features * _DESIGN_BYTES + 2 * _FLOAT_BYTES

    def memory_mb(self, stage: str, n_chunks: int, workers: int | None = None) -> int:
        """Memory of a job.

        Parameters
        ----------
        stage : str
            Name of the rule.
        n_chunks : int
            Chunks of the job.
        workers : int, optional
            Threads of the job, one Dask worker each.

        Returns
        -------
        int
            MB.
        """
        return job_memory_mb(self, stage, n_chunks, workers or self.workers)

    def seconds(self, stage: str, n_chunks: int) -> float:
        """Time of the work of a job on one core, with all restarts.

        Parameters
        ----------
        stage : str
            Name of the rule.
        n_chunks : int
            Chunks of the job.

        Returns
        -------
        float
            Seconds.
        """
        return job_seconds(self, stage, n_chunks)

    def runtime_minutes(self, stage: str, n_chunks: int) -> int:
        """Time limit of a job.

        Parameters
        ----------
        stage : str
            Name of the rule.
        n_chunks : int
            Chunks of the job.

        Returns
        -------
        int
            Minutes, with a margin.
        """
        return max(_MINIMUM_MINUTES, math.ceil(self.seconds(stage, n_chunks) * _SAFETY / 60))


def _fits(configuration: Configuration) -> tuple[SolverFits, ...]:
    n_series = len(configuration.split_definitions()) * len(configuration.strategies)
    return tuple(
        SolverFits(solver.kind, n_series * solver.restarts, solver.max_evaluations)
        for solver in configuration.solvers
    )


def _models(configuration: Configuration, n_groups: int) -> list[FactorModel]:
    """Make the model that every strategy fits to a chunk."""
    basis, groups = configuration.basis, [f"group {number}" for number in range(n_groups)]
    sizes = len(basis.spatial.phases), len(basis.temporal.phases)
    strategies = map(build_strategy, configuration.strategies)
    return [strategy.model(strategy.layout(groups, *sizes)) for strategy in strategies]


def _train_share(split: SplitDefinition) -> float:
    return split.train_fraction if split.folds is None else 1.0 - 1.0 / split.folds


def _size_of_databases(configuration: Configuration) -> tuple[int, int]:
    """Trials and groups, from headers."""
    paths = [database.file for database in configuration.databases]
    if configuration.example is not None and not paths[0].exists():
        return configuration.example.trials, 2
    n_trials = 0
    n_groups = 0
    for path in paths:
        with open_database(path) as database:
            n_trials += database.n_trials
            n_groups = max(n_groups, len(database.groups))
    named = set(configuration.input.grouping.map.values())
    return n_trials, len(named) or n_groups
