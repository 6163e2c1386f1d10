"""Matches the rows of binned arrays with trials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from synreduce.errors import DataError
from synreduce.importers.files import refuse
from synreduce.importers.isf_db_keys import DatabaseKey, open_key
from synreduce.importers.isf_db_parquet import parquet_files
from synreduce.importers.isf_db_tables import partition_trials
from synreduce.importers.spike_table import SpikeTable
from synreduce.importers.synapse_table import FLOATS


def binned_trials(
    root: Path, n_trials: int, spikes: SpikeTable | None, key: DatabaseKey
) -> tuple[list[str], list[str]]:
    """Name the rows of binned arrays.

    They follow the order of ``synapse_activation``; where that cannot be read, the order of the
    spike times is taken, whose number of rows must be the same.

    Parameters
    ----------
    root : Path
        The database folder.
    n_trials : int
        Rows of the arrays.
    spikes : SpikeTable or None
        Spike times; None for a database without spikes.
    key : DatabaseKey
        The binned key, for messages.

    Returns
    -------
    trial_ids : list of str
    notes : list of str
        What was assumed.

    Raises
    ------
    DataError
        If the number of rows differs, or a trial has no spike row.
    """
    listed = None if spikes is None else spikes.trial_ids
    n_rows = None if spikes is None else len(spikes.n_spikes)
    if n_rows is not None and n_rows != n_trials:
        what = f"arrays of {n_trials:,} trials, spike times of {n_rows:,}"
        fix = "import the key synapse_activation, which keeps trials without activations"
        raise refuse(key, "trial-count", what, fix)
    active = _active_trials(root)
    if active is not None and len(active) == n_trials:
        missing = sorted(set(active) - set(listed or active))
        if missing:
            what = f"trial '{missing[0]}' and {len(missing) - 1} more have no spike row"
            raise refuse(key, "missing-spikes", what, "complete the spike times")
        return active, []
    if listed is not None:
        return list(listed), ["rows taken to be in the order of the spike times"]
    return [f"{trial:06d}" for trial in range(n_trials)], ["trials are numbered, names not known"]


def _active_trials(root: Path) -> list[str] | None:
    try:
        files = parquet_files(open_key(root, ("synapse_activation",)))
        return [trial for path in files for trial in sorted(partition_trials(path))]
    except DataError:
        return None  # stored in a form that is not read: the spike times give the order


def spikes_by_trial(spikes: SpikeTable, trial_ids: Sequence[str]) -> list[FLOATS]:
    """Order spike times by trial identity, or as they are if the table names no trials.

    Parameters
    ----------
    spikes : SpikeTable
        The table.
    trial_ids : sequence of str
        Wanted order.

    Returns
    -------
    list of ndarray
    """
    if spikes.trial_ids is None:
        return spikes.per_trial()
    by_id = dict(zip(spikes.trial_ids, spikes.per_trial(), strict=True))
    return [by_id[trial] for trial in trial_ids]
