"""From single activations to binned counts."""

from __future__ import annotations

from pathlib import Path

import numpy.typing as npt

from synreduce.database.counts_writer import CountsWriter
from synreduce.database.interface import Database, Groups
from synreduce.database.schema import COUNTS_CHUNK_TRIALS

_BLOCK_CELLS = 2**26


def write_binned(
    database: Database,
    path: str | Path,
    *,
    groups: Groups = None,
    distance_edges: npt.ArrayLike | None = None,
    time_bin_ms: float = 1.0,
    beyond: str = "drop",
) -> None:
    """Write the counts of a database as a database of its own, trial block by trial block.

    Parameters
    ----------
    database : Database
        With events, or with counts in finer bins.
    path : str or Path
        The new database.
    groups, distance_edges, time_bin_ms, beyond
        As in `Database.counts`.
    """
    wanted = database.resolve_groups(groups)
    edges = database.resolve_edges(distance_edges)
    writer = CountsWriter(
        path,
        trial_ids=database.trial_ids.tolist(),
        spike_times=list(database.spike_times),
        distance_edges=edges,
        duration_ms=database.duration_ms,
        start_ms=database.start_ms,
        time_bin_ms=time_bin_ms,
        groups=wanted,
        provenance={"binned_from": database.provenance, "fingerprint": database.fingerprint},
        truth=database.truth,
    )
    with writer:
        _, n_times, n_bins = writer.shape
        per_trial = len(wanted) * n_times * n_bins
        blocks = max(1, _BLOCK_CELLS // per_trial // COUNTS_CHUNK_TRIALS)
        step, counted = blocks * COUNTS_CHUNK_TRIALS, 0
        for start in range(0, database.n_trials, step):
            trials = slice(start, min(start + step, database.n_trials))
            counts = database.counts(
                groups, edges, trials=trials, time_bin_ms=time_bin_ms, beyond=beyond
            )
            for name, values in counts.items():
                writer.write(name, trials, slice(None), slice(None), values)
                counted += int(values.sum(dtype="u8"))
        if database.n_events is not None:
            writer.n_beyond = database.n_events - counted
