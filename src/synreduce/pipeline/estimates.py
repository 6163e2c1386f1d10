"""Memory, disk and time of a run, estimated from its configuration and the headers of its data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synreduce.database import open_database
from synreduce.pipeline.fitted_samples import most_fitted_samples
from synreduce.pipeline.job_memory import job_memory_mb
from synreduce.pipeline.shared_reading import longest_reading_ms
from synreduce.units import parse_bytes

if TYPE_CHECKING:
    from synreduce.chunks import SplitDefinition
    from synreduce.configuration import Configuration

_PROJECTION_BYTES_PER_SECOND = 60e6
_EXAMPLE_TRIALS_PER_SECOND = 300
_FIT_CELLS_PER_SECOND = {"newton": 4e6, "lda": 4e7, "cobyla": 1e5}
_SLOWEST_FIT = 1e5
_SEARCHES = frozenset({"auroc", "cobyla", "cobyqa", "cma"})
_SCORED_CELLS_PER_SECOND = 1e8
_CHECKED_SAMPLES_PER_SECOND = 3e6
_USUAL_FEATURES = 240
"""Columns at which the speeds of fits hold; with more of them a fit works longer on each entry."""

_SECONDS_TO_START = 5
_SECONDS_PER_FIT = 0.1
"""Of files, records and messages of a fit, or of a window that is merged."""

_SECONDS_TO_DRAW = 20
_SAFETY = 5
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
    n_fits : int
        Fits per chunk: strategies x solvers x restarts x splits. All restarts count, although
        those that prove needless are not made: how many that will be is not known before.
    searches_scores : bool
        Whether a solver works on the scores, for which it keeps the rows a second time.
    fit_cells_per_second : float
        Design entries that the slowest solver of the run handles in a second.
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
    n_fits: int
    searches_scores: bool
    fit_cells_per_second: float
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
        basis, grid = configuration.basis, configuration.grid()
        n_targets = max(window.n_targets for window in grid.temporal)
        kinds = {solver.kind for solver in configuration.solvers}
        splits = configuration.split_definitions()
        return cls(
            n_trials=n_trials,
            n_targets=n_targets,
            n_features=n_groups * len(basis.spatial.phases) * len(basis.temporal.phases),
            count_bytes_per_ms=n_groups * configuration.n_distance_bins,
            width_ms=configuration.window.width_ms,
            chunk_ms=max(window.stop_ms - window.start_ms for window in grid.temporal),
            reading_ms=longest_reading_ms(configuration.batches(), configuration.window.width_ms),
            largest_spatial_share=max(space.stop_um - space.start_um for space in grid.spatial)
            / configuration.input.distance_max_um,
            n_splits=len(splits),
            n_fits=configuration.n_fits_per_chunk,
            searches_scores=not kinds.isdisjoint(_SEARCHES),
            fit_cells_per_second=min(
                _FIT_CELLS_PER_SECOND.get(kind, _SLOWEST_FIT) for kind in kinds
            ),
            budget_mb=math.ceil(parse_bytes(configuration.resources.memory) / 1e6),
            workers=configuration.resources.threads or 1,
            nodes=configuration.resources.nodes,
            n_spatial=len(grid.spatial),
            n_fitted=most_fitted_samples(configuration, n_trials * n_targets),
            train_share=max(map(_train_share, splits.values())),
        )

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
        """Time of the work of a job on one core, with all restarts: an upper estimate.

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
        work = {
            "example": self.n_trials / _EXAMPLE_TRIALS_PER_SECOND,
            "check": self.n_splits * self.n_samples / _CHECKED_SAMPLES_PER_SECOND,
            "project": n_chunks * self._projecting_seconds,
            "fit": n_chunks * self.n_fits * self._fit_seconds,
            "merge": math.ceil(n_chunks / self.n_spatial) * self.n_splits * self._merge_seconds,
        }.get(stage, _SECONDS_TO_DRAW)
        return _SECONDS_TO_START + work

    @property
    def _projecting_seconds(self) -> float:
        window = self.count_bytes_per_ms * (self.width_ms + self.chunk_ms)
        return self.n_trials * window / _PROJECTION_BYTES_PER_SECOND

    @property
    def _fit_seconds(self) -> float:
        scoring = self.n_samples * self.n_features / _SCORED_CELLS_PER_SECOND
        return (
            _SECONDS_PER_FIT + scoring + self._fitting(self.n_features, self.fit_cells_per_second)
        )

    @property
    def _merge_seconds(self) -> float:
        """Of one temporal chunk and split: read the fits, refit all weights together, score."""
        columns = self.n_spatial * self.n_features
        scoring = 2 * self.n_samples * columns / _SCORED_CELLS_PER_SECOND
        refit = self._fitting(columns, _FIT_CELLS_PER_SECOND["newton"])
        return self.n_spatial * _SECONDS_PER_FIT + scoring + (refit if self.n_spatial > 1 else 0.0)

    def _fitting(self, n_columns: int, cells_per_second: float) -> float:
        harder: float = max(1.0, n_columns / _USUAL_FEATURES) ** 1.5
        return self.n_fitted * n_columns * harder / cells_per_second

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
            Minutes, with a margin for slower machines.
        """
        return max(_MINIMUM_MINUTES, math.ceil(self.seconds(stage, n_chunks) * _SAFETY / 60))


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
