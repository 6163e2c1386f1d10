"""What is in a database, in a screenful."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from synreduce.database.file_database import FileDatabase
from synreduce.errors import printable
from synreduce.units import format_bytes


def describe_database(path: str | Path) -> list[str]:
    """Describe a database for people.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    list of str
        Lines of text.

    Raises
    ------
    DataError
        If it is no activation database.
    """
    with FileDatabase(path) as database:
        spikes = np.diff(database.spike_times.pointer)
        groups = ", ".join(f"{group.name} ({group.sign:+d})" for group in database.groups)
        lines = [
            f"activation database  {path} ({format_bytes(Path(path).stat().st_size)})",
            f"trials               {database.n_trials:,}, first '{database.trial_ids[0]}'",
            f"record               {database.start_ms:g} to {database.duration_ms:g} ms",
            f"spikes               {int(spikes.sum()):,} in {int((spikes > 0).sum()):,} trials",
            f"groups               {groups}",
            f"layouts              {', '.join(sorted(database.layouts))}",
        ]
        if database.n_events is not None:
            per_trial = database.n_events / database.n_trials
            lines += [
                f"activations          {database.n_events:,} ({per_trial:,.1f} per trial)",
                f"largest distance     {database.largest_distance_um:g} um",
                f"synapse types        {len(database.synapse_types)}",
                f"columns              {', '.join(database.stored_events.columns)}",
            ]
        if database.distance_edges is not None:
            edges = database.distance_edges
            lines.append(
                f"bins                 {len(edges) - 1} from {edges[0]:g} to {edges[-1]:g} um, "
                f"{database.time_bin_ms:g} ms"
            )
        truth = database.truth
        if truth is not None:
            lines.append(f"ground truth         {', '.join(sorted(truth))}")
        lines += [
            f"provenance           {key}: {value}"
            for key, value in sorted(database.provenance.items())
        ][:10]
        lines.append(f"fingerprint          {database.fingerprint}")
        return [printable(line)[:200] for line in lines]
