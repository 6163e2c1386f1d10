"""Memory, disk and time of a run, estimated from its configuration and the headers of its data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synreduce.database import open_database
from synreduce.pipeline.fitted_samples import most_fitted_samples
from synreduce.units import parse_bytes

if TYPE_CHECKING:
    from synreduce.configuration import Configuration

_PROCESS_MB = 300
"""Resident memory of one process with the libraries loaded, measured."""

_SNAKEMAKE_MB = 500
"""Two Snakemake processes that wait beside the work of a cluster job, measured at 215 MB each."""

_PROJECTION_BYTES_PER_SECOND = 60e6
_EXAMPLE_TRIALS_PER_SECOND = 300
_FIT_CELLS_PER_SECOND = {"newton": 4e6, "lda": 4e7, "cobyla": 1e5}
_SLOWEST_FIT = 1e5
_SCORED_CELLS_PER_SECOND = 1e8
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
    window_bytes_per_trial : int
        Counts of one input window over the whole dendrite, one byte each.
    n_fits : int
        Fits per chunk: strategies x solvers x restarts x splits.
    fit_cells_per_second : float
        Design entries that the slowest solver of the run handles in a second.
    budget_mb : int
        ``resources.memory``.
    workers : int
        Dask workers per job, where the caller does not say.
    n_spatial : int
        Spatial chunks, whose designs a merge reads side by side.
    n_fitted : int
        Samples that a fit sees at most: fewer than there are where negatives are sampled.
    """

    n_trials: int
    n_targets: int
    n_features: int
    window_bytes_per_trial: int
    n_fits: int
    fit_cells_per_second: float
    budget_mb: int
    workers: int
    n_spatial: int
    n_fitted: int

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
        span_ms = max(
            window.stop_ms - window.start_ms + configuration.window.width_ms
            for window in grid.temporal
        )
        speeds = [
            _FIT_CELLS_PER_SECOND.get(solver.kind, _SLOWEST_FIT) for solver in configuration.solvers
        ]
        return cls(
            n_trials=n_trials,
            n_targets=n_targets,
            n_features=n_groups * len(basis.spatial.phases) * len(basis.temporal.phases),
            window_bytes_per_trial=int(n_groups * configuration.n_distance_bins * span_ms),
            n_fits=configuration.n_fits_per_chunk,
            fit_cells_per_second=min(speeds),
            budget_mb=math.ceil(parse_bytes(configuration.resources.memory) / 1e6),
            workers=configuration.resources.threads or 1,
            n_spatial=len(grid.spatial),
            n_fitted=most_fitted_samples(configuration, n_trials * n_targets),
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
        workers = workers or self.workers
        processes = 1 + (workers if workers > 1 else 0)
        samples = self.n_samples * _FLOAT_BYTES * 8 / 1e6
        rows = min(self.n_fitted * self._row_bytes / 1e6, 2e3)
        data = {
            "example": workers * 400.0,
            "project": self.budget_mb + samples * min(n_chunks, 2),
            "fit": self.budget_mb + samples + workers * rows,
            "merge": workers * self.budget_mb + samples + 50 * self.n_spatial,
        }.get(stage, 300.0)
        return math.ceil(_SNAKEMAKE_MB + _PROCESS_MB * processes + data)

    def seconds(self, stage: str, n_chunks: int) -> float:
        """Time of the work of a job on one core.

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
        scoring = self.n_samples * self.n_features / _SCORED_CELLS_PER_SECOND
        fitted = self.n_fitted * self.n_features
        newton = fitted / _FIT_CELLS_PER_SECOND["newton"]
        return {
            "example": self.n_trials / _EXAMPLE_TRIALS_PER_SECOND,
            "project": n_chunks
            * self.n_trials
            * self.window_bytes_per_trial
            / _PROJECTION_BYTES_PER_SECOND,
            "fit": n_chunks * self.n_fits * (fitted / self.fit_cells_per_second + scoring),
            "merge": n_chunks * self.n_fits * (newton + scoring),
        }.get(stage, 10.0)

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
