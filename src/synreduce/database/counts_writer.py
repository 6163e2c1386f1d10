"""Writing binned counts whose pieces arrive in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synreduce.database.counts_store import CountsStore
from synreduce.database.fingerprint import CountSum
from synreduce.database.model import DEFAULT_GROUPS, FloatArray, Group
from synreduce.database.names import NameTable, SynapseTypeTable
from synreduce.database.recording import Recording
from synreduce.errors import DataError, Problem
from synreduce.suggestions import did_you_mean


@dataclass(frozen=True)
class CountsDefinition:
    """The bins of a counts layout.

    Parameters
    ----------
    distance_edges : ndarray of float64, shape (n_bins + 1,)
        um, ascending.
    time_bin_ms : float
        Width of a time bin.
    n_times : int
        Number of time bins from the begin of the record.
    """

    distance_edges: FloatArray
    time_bin_ms: float
    n_times: int

    @classmethod
    def of(
        cls, recording: Recording, distance_edges: npt.ArrayLike | None, time_bin_ms: float
    ) -> Self:
        """Check the bins against a record.

        Parameters
        ----------
        recording : Recording
            Begin and end of the record.
        distance_edges : array_like
            um.
        time_bin_ms : float
            Width of a time bin.

        Returns
        -------
        CountsDefinition

        Raises
        ------
        DataError
            If edges do not ascend or the width is not positive.
        """
        where = str(recording.path)
        edges = np.asarray([] if distance_edges is None else distance_edges, np.float64)
        if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
            what = f"distance edges {np.array2string(edges, threshold=8)} do not ascend"
            raise DataError(Problem("bad-edges", where, what, "give at least two, ascending"))
        if not time_bin_ms > 0:
            raise DataError(Problem("bad-time-bin", where, f"time bin of {time_bin_ms} ms"))
        span = recording.duration_ms - recording.start_ms
        return cls(edges, float(time_bin_ms), int(np.ceil(span / time_bin_ms - 1e-9)))


class CountsWriter(Recording):
    """Write a counts database whose pieces arrive in any order, e.g. one plane after another.

    Chunks are compressed as soon as they are complete. For planes (one group, one distance bin,
    all trials and times) at most five planes are held in memory.

    Parameters
    ----------
    path : str or Path
        The database. A former file is replaced only by a complete new one.
    trial_ids : sequence of str
        Names of all trials.
    spike_times : sequence of array_like
        One list per trial, ms.
    distance_edges : array_like
        Edges of the distance bins, um.
    duration_ms, start_ms : float
        End and begin of the record; the first time bin begins at `start_ms`.
    time_bin_ms : float, default: 1.0
        Width of a time bin.
    groups : sequence of Group
        Groups of synapses and their signs; EXC and INH by default.
    provenance, truth : mapping, optional
        As in `DatabaseWriter`.
    n_beyond : int, optional
        Activations beyond the last edge that the source had and these counts lack, if known.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        trial_ids: Sequence[str],
        spike_times: Sequence[npt.ArrayLike],
        distance_edges: npt.ArrayLike,
        duration_ms: float,
        start_ms: float = 0.0,
        time_bin_ms: float = 1.0,
        groups: Sequence[Group] = DEFAULT_GROUPS,
        provenance: Mapping[str, Any] | None = None,
        truth: Mapping[str, npt.NDArray[Any]] | None = None,
        n_beyond: int | None = None,
    ) -> None:
        super().__init__(
            path,
            groups=groups,
            start_ms=start_ms,
            duration_ms=duration_ms,
            synapse_types=SynapseTypeTable(),
            dendrite_labels=NameTable(),
            provenance=provenance,
            truth=truth,
            layout="counts",
        )
        self.n_beyond = n_beyond
        self._definition = CountsDefinition.of(self, distance_edges, time_bin_ms)
        problems = self._add_trials(trial_ids, spike_times)
        if problems:
            raise DataError(problems)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Trials, time bins, distance bins."""
        edges = self._definition.distance_edges
        return self.n_trials, self._definition.n_times, len(edges) - 1

    def write(
        self,
        group: str,
        trials: slice,
        times: slice,
        bins: slice,
        counts: npt.NDArray[Any],
    ) -> None:
        """Store a block of counts; every cell may be written once, cells not written are zero.

        Parameters
        ----------
        group : str
            Name of the group.
        trials, times, bins : slice
            Where the block lies, in trials, time bins and distance bins; steps of 1.
        counts : ndarray, shape (trials, times, bins)
            Whole numbers from 0, of any numeric type.

        Raises
        ------
        DataError
            If the group is unknown, the shape does not fit, or a value is no count.
        """
        if group not in [known.name for known in self.groups]:
            raise DataError(Problem("unknown-group", str(self.path), f"group '{group}'"))
        ranges = [
            range(*piece.indices(length))
            for piece, length in zip((trials, times, bins), self.shape, strict=True)
        ]
        shape = tuple(len(piece) for piece in ranges)
        if shape != counts.shape or any(piece.step != 1 for piece in ranges):
            what = f"block of shape {counts.shape} for a place of shape {shape}"
            raise DataError(Problem("wrong-shape", str(self.path), what))
        self._counts.write(group, (ranges[0].start, ranges[1].start, ranges[2].start), counts)

    def _begin(self) -> None:
        self._counts = begin_counts(self, self._definition, self.n_trials)

    def _finish_layouts(self) -> None:
        self._counts.finish()
        finish_counts(self._counts, self.n_beyond)


def begin_counts(recording: Recording, definition: CountsDefinition, n_trials: int) -> CountsStore:
    """Create or continue the ``/counts`` group of an open recording.

    Parameters
    ----------
    recording : Recording
        Open.
    definition : CountsDefinition
        The bins.
    n_trials : int
        Trials to make room for in a new group.

    Returns
    -------
    CountsStore
    """
    file, names = recording.file, [group.name for group in recording.groups]
    fingerprint = CountSum()
    if "counts" in file:
        group = file["counts"]
        n_trials = group[names[0]].shape[0]
        fingerprint = CountSum(int(group.attrs["fingerprint_sum"]))
    else:
        group = file.create_group("counts")
        group.attrs["distance_edges"] = definition.distance_edges
        group.attrs["time_bin_ms"] = definition.time_bin_ms
    shape = (n_trials, definition.n_times, len(definition.distance_edges) - 1)
    return CountsStore(
        group, recording.stream, names, shape, fingerprint=fingerprint, path=recording.path
    )


def count_block_problems(
    recording: Recording, shape: tuple[int, ...], counts: Mapping[str, npt.NDArray[Any]]
) -> list[Problem]:
    """Find out what is wrong with groups and shapes of a block of counts.

    Parameters
    ----------
    recording : Recording
        Groups and path.
    shape : tuple of int
        Expected shape of every array.
    counts : mapping of str to ndarray
        Per group.

    Returns
    -------
    list of Problem
    """
    where, names = str(recording.path), [group.name for group in recording.groups]
    problems = [
        Problem("wrong-shape", where, f"{name}: {array.shape}, expected {shape}")
        for name, array in counts.items()
        if array.shape != shape
    ]
    problems += [
        Problem("unknown-group", where, f"group '{name}'", did_you_mean(name, names))
        for name in sorted(set(counts) - set(names))
    ]
    return problems


def finish_counts(store: CountsStore, n_beyond: int | None = None) -> None:
    """Note the fingerprint of the counts and how many activations they lack.

    Parameters
    ----------
    store : CountsStore
        Finished.
    n_beyond : int, optional
        Activations beyond the last edge that were left out, if known.
    """
    store.group.attrs["fingerprint_sum"] = np.uint64(store.fingerprint.state)
    store.group.attrs.setdefault("n_beyond", -1)
    if n_beyond is not None:
        store.group.attrs["n_beyond"] = n_beyond
