"""A run's databases as the stages see them: sources, bases, samples and splits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synreduce.chunks import (
    Split,
    make_split,
    outcomes,
    time_since_last_spike,
    unit_numbers,
    with_fewer_negatives,
)
from synreduce.database import Grouping, open_joined
from synreduce.solvers import Resampling

if TYPE_CHECKING:
    from pathlib import Path

    from synreduce.chunks import SpatialRange, TemporalRange
    from synreduce.configuration import Configuration
    from synreduce.database import ConcatenatedDatabase, Database

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class RunBases:
    """Basis functions of a run on the whole dendrite and the whole input window.

    Parameters
    ----------
    spatial : ndarray, shape (K, n_bins)
        Over soma-distance bins.
    temporal : ndarray, shape (L, width)
        Over the input window, oldest millisecond first, lag 0 last.
    distance_edges : ndarray, shape (n_bins + 1,)
        Edges of the bins, um.
    """

    spatial: FloatArray
    temporal: FloatArray
    distance_edges: FloatArray

    @classmethod
    def of(cls, configuration: Configuration) -> RunBases:
        """Evaluate the basis functions of a configuration.

        Parameters
        ----------
        configuration : Configuration
            The run.

        Returns
        -------
        RunBases
        """
        n_bins, width = configuration.n_distance_bins, configuration.window.width_ms
        return cls(
            configuration.basis.spatial.basis(n_bins).matrix,
            configuration.basis.temporal.basis(width).matrix,
            configuration.input.distance_bin_um * np.arange(n_bins + 1, dtype=np.float64),
        )

    def bins(self, space: SpatialRange) -> slice:
        """Soma-distance bins of a spatial range.

        Parameters
        ----------
        space : SpatialRange
            Starts and ends at edges of bins.

        Returns
        -------
        slice
        """
        first, last = np.searchsorted(self.distance_edges, (space.start_um, space.stop_um))
        return slice(int(first), int(last))


def open_databases(configuration: Configuration) -> ConcatenatedDatabase:
    """Open all databases of a run as one.

    Parameters
    ----------
    configuration : Configuration
        The run.

    Returns
    -------
    ConcatenatedDatabase
        A context manager.
    """
    return open_joined([(entry.id, entry.file) for entry in configuration.databases])


def with_database(configuration: Configuration, path: Path) -> Configuration:
    """Put another database in place of the configured ones.

    Parameters
    ----------
    configuration : Configuration
        The run.
    path : Path
        Activation database that takes the place of the configured ones.

    Returns
    -------
    Configuration
        Without an example to be made.
    """
    entry = type(configuration.databases[0])(id=configuration.databases[0].id, path=str(path))
    return configuration.model_copy(update={"databases": (entry,), "example": None})


def grouping_of(configuration: Configuration) -> Grouping | None:
    """Which group every activation belongs to; None for the groups of the database.

    Parameters
    ----------
    configuration : Configuration
        The run.

    Returns
    -------
    Grouping or None
    """
    chosen = configuration.input.grouping
    if chosen.by == "group" and not chosen.map and not chosen.signs:
        return None
    return Grouping(
        by=chosen.by,
        map=chosen.map or None,
        signs=chosen.signs or None,
        unmatched=chosen.unmatched,
    )


def outcome_and_isi(
    database: Database, window: TemporalRange
) -> tuple[NDArray[np.uint8], FloatArray]:
    """Look up what the spikes say of the samples of a temporal chunk.

    Parameters
    ----------
    database : Database
        All databases of the run.
    window : TemporalRange
        Target windows.

    Returns
    -------
    ndarray of uint8, ndarray of float64, shapes (n_trials, n_targets)
        As in `WindowSamples`.
    """
    spikes, starts = database.spike_times, window.target_starts
    return outcomes(spikes, starts, window.target_width_ms), time_since_last_spike(spikes, starts)


@dataclass(frozen=True)
class WindowSamples:
    """Outcome and time since the last spike of all samples of a temporal chunk.

    Parameters
    ----------
    trial_ids : ndarray of str, shape (n_trials,)
        Unique over all databases.
    outcome : ndarray of uint8, shape (n_trials, n_targets)
        1 where the target window holds a spike.
    isi : ndarray of float64, shape (n_trials, n_targets)
        Time since the last spike before the target window, ms; infinite if there was none.
    target_starts : ndarray, shape (n_targets,)
        ms.
    """

    trial_ids: NDArray[np.str_]
    outcome: NDArray[np.uint8]
    isi: FloatArray
    target_starts: FloatArray

    @classmethod
    def of(cls, database: Database, window: TemporalRange) -> WindowSamples:
        """Look up the samples of a temporal chunk.

        Parameters
        ----------
        database : Database
            All databases of the run.
        window : TemporalRange
            Target windows.

        Returns
        -------
        WindowSamples
        """
        outcome, isi = outcome_and_isi(database, window)
        return cls(np.asarray(database.trial_ids), outcome, isi, window.target_starts)

    @property
    def n_targets(self) -> int:
        """Target windows per trial."""
        return self.target_starts.size

    def resampling(self, split: Split, configuration: Configuration) -> Resampling | None:
        """Say what the bootstrap of a split draws together.

        Parameters
        ----------
        split : Split
            One of `splits`.
        configuration : Configuration
            The run.

        Returns
        -------
        Resampling or None
            Of the samples that are fitted: trials, or what the split keeps together of them; None
            where no replicates are wanted.
        """
        n_replicates = configuration.uncertainty.replicates
        if n_replicates == 0:
            return None
        n_blocks = int(split.block_of_target.max(initial=0)) + 1
        # A group of trials is named after its first, a block of time by its number.
        _, first = np.unique(split.unit_of_trial, return_index=True)
        names = [f"{self.trial_ids[trial]}\x1f{block}"
                 for trial in first for block in range(n_blocks)]  # fmt: skip
        numbers = unit_numbers(configuration.seed, "bootstrap", names)
        return Resampling(numbers[split.unit[split.fitted]], n_replicates)

    def splits(self, configuration: Configuration) -> list[Split]:
        """Divide the samples as every split of a configuration says.

        Parameters
        ----------
        configuration : Configuration
            The run.

        Returns
        -------
        list of Split
        """
        splits = [
            make_split(
                definition,
                name,
                configuration.seed,
                trial_ids=self.trial_ids,
                outcome=self.outcome,
                isi=self.isi,
                target_starts=self.target_starts,
                width_ms=configuration.window.width_ms,
            )
            for name, definition in configuration.split_definitions().items()
        ]
        wanted = configuration.sampling.negatives_per_positive
        if wanted is None:
            return splits
        return [
            with_fewer_negatives(
                split,
                wanted,
                configuration.seed,
                trial_ids=self.trial_ids,
                target_starts=self.target_starts,
            )
            for split in splits
        ]
