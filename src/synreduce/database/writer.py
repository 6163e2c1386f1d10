"""Writing activation databases trial by trial, or plane by plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synreduce.database.counts_store import CountsStore
from synreduce.database.counts_writer import (
    CountsDefinition,
    begin_counts,
    count_block_problems,
    finish_counts,
)
from synreduce.database.event_store import EventStore
from synreduce.database.fingerprint import EventSum
from synreduce.database.model import DEFAULT_GROUPS, ActivationEvents, Group
from synreduce.database.names import NameTable, SynapseTypeTable
from synreduce.database.recording import Recording
from synreduce.database.schema import BAND_UM, SCHEMA_NAME, SLAB_MS, TileGrid
from synreduce.database.tables import (
    read_groups,
    read_labels,
    read_provenance,
    read_spikes,
    read_texts,
    read_truth,
    read_types,
)
from synreduce.database.validation import event_problems, type_problems
from synreduce.errors import DataError, Problem
from synreduce.storage import open_hdf5


class DatabaseWriter(Recording):
    """Write an activation database block by block; it appears when the ``with`` block ends.

    Parameters
    ----------
    path : str or Path
        The database. A former file is replaced only by a complete new one.
    duration_ms, start_ms : float
        End and begin of the record.
    groups : sequence of Group
        Groups of synapses and their signs; EXC and INH by default.
    synapse_types : SynapseTypeTable, optional
        Types and their groups; may grow while writing.
    dendrite_labels : NameTable or sequence of str, optional
        Labels; may grow while writing.
    provenance : mapping, optional
        Where the data come from. ``writer.provenance`` may be changed until the end.
    truth : mapping of str to ndarray, optional
        Ground truth of an example. ``writer.truth`` may be changed until the end.
    layout : {"events", "counts"}
        What `append` or `append_counts` will be given.
    distance_edges : array_like, optional
        Only for counts: edges of the distance bins, um.
    time_bin_ms : float, default: 1.0
        Only for counts.
    slab_ms, band_um : float
        Wanted size of the tiles into which events are cut.
    level : int, default: 1
        Compression level of zlib, 1 to 9.

    Examples
    --------
    >>> import tempfile
    >>> from synreduce.database import open_database
    >>> types = SynapseTypeTable()
    >>> events = ActivationEvents(
    ...     trial=np.array([0, 0, 2]), time=np.array([1.5, 7.25, 3.0]),
    ...     soma_distance=np.array([0.0, 50.0, 120.5]),
    ...     synapse_type=np.array([types.add("L5tt_C2", "EXC"), types.add("INH", "INH"), 0]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with DatabaseWriter(f"{folder}/db.h5", duration_ms=10, synapse_types=types) as writer:
    ...         writer.append(["a", "b", "c"], [[2.0], [], []], events)
    ...     with open_database(f"{folder}/db.h5") as database:
    ...         counts = database.counts(distance_edges=[0, 50, 100, 150])
    ...         counts["EXC"].shape, int(counts["EXC"][2, 3, 2])
    ((3, 10, 3), 1)
    """

    def __init__(
        self,
        path: str | Path,
        *,
        duration_ms: float,
        start_ms: float = 0.0,
        groups: Sequence[Group] = DEFAULT_GROUPS,
        synapse_types: SynapseTypeTable | None = None,
        dendrite_labels: NameTable | Sequence[str] = (),
        provenance: Mapping[str, Any] | None = None,
        truth: Mapping[str, npt.NDArray[Any]] | None = None,
        layout: str = "events",
        distance_edges: npt.ArrayLike | None = None,
        time_bin_ms: float = 1.0,
        slab_ms: float = SLAB_MS,
        band_um: float = BAND_UM,
        level: int = 1,
    ) -> None:
        super().__init__(
            path,
            groups=groups,
            start_ms=start_ms,
            duration_ms=duration_ms,
            synapse_types=SynapseTypeTable() if synapse_types is None else synapse_types,
            dendrite_labels=NameTable.of(dendrite_labels),
            provenance=provenance,
            truth=truth,
            layout=layout,
            level=level,
        )
        self._layout = layout
        self._tiles = TileGrid.for_record(self.start_ms, self.duration_ms, slab_ms, band_um)
        self._definition = (
            CountsDefinition.of(self, distance_edges, time_bin_ms) if layout == "counts" else None
        )
        self._events: EventStore | None = None
        self._counts: CountsStore | None = None
        self._per_type = np.zeros(0, np.int64)
        self._largest_distance = 0.0
        self._continues = False

    @classmethod
    def continuing(cls, path: str | Path, *, level: int = 1) -> Self:
        """Prepare to append trials to a database.

        The file is copied, the copy is extended, verified and renamed over the old one: readers
        see the old database or the new one. Truth arrays with one row per trial are dropped.

        Parameters
        ----------
        path : str or Path
            An existing database.
        level : int, default: 1
            Compression level of zlib.

        Returns
        -------
        DatabaseWriter
            With the stored types and labels, to be used in a ``with`` statement.
        """
        with open_hdf5(path, SCHEMA_NAME) as file:
            counts = file.get("counts")
            groups = read_groups(file)
            ids = read_texts(file["trials/id"])
            truth = read_truth(file) or {}
            writer = cls(
                path,
                duration_ms=float(file.attrs["duration_ms"]),
                start_ms=float(file.attrs["start_ms"]),
                groups=groups,
                synapse_types=read_types(file, groups),
                dendrite_labels=read_labels(file),
                provenance=read_provenance(file),
                truth={name: a for name, a in truth.items() if a.shape[:1] != (len(ids),)},
                layout="events" if counts is None else "counts",
                distance_edges=None if counts is None else counts.attrs["distance_edges"],
                time_bin_ms=1.0 if counts is None else float(counts.attrs["time_bin_ms"]),
                level=level,
            )
            if counts is not None and "events" in file:
                what = "holds both events and counts; trials can be added to one layout only"
                raise DataError(Problem("two-layouts", str(path), what))
            writer._trial_ids = dict.fromkeys(ids)
            writer._spike_times = list(read_spikes(file))
            writer._continues = True
        return writer

    def append(
        self,
        trial_ids: Sequence[str],
        spike_times: Sequence[npt.ArrayLike],
        events: ActivationEvents,
    ) -> None:
        """Add a block of trials with their activations.

        Parameters
        ----------
        trial_ids : sequence of str
            Names of the trials, unique in the database.
        spike_times : sequence of array_like
            One list per trial, ms; possibly empty.
        events : ActivationEvents
            ``events.trial`` counts from 0 within the block. Trials without events stay trials.

        Raises
        ------
        DataError
            Listing what is wrong with ids, spike times, or events.
        """
        if self._layout != "events":
            what = "was opened for counts; use append_counts"
            raise DataError(Problem("wrong-layout", str(self.path), what))
        problems = type_problems(self.path, events)
        if problems:
            raise DataError(problems)
        events = replace(events, trial=events.trial.astype(np.int64, copy=False))
        if (np.diff(events.trial) < 0).any():
            events = events.take(np.argsort(events.trial, kind="stable"))
        problems = event_problems(self, trial_ids, events)
        problems += [] if problems else self._add_trials(trial_ids, spike_times)
        if problems:
            raise DataError(problems)
        self._event_store(events).append(len(trial_ids), events)
        if len(events):
            counted = np.bincount(events.synapse_type, minlength=len(self.synapse_types))
            counted[: len(self._per_type)] += self._per_type
            self._per_type = counted
            largest = float(events.soma_distance.max())
            self._largest_distance = max(self._largest_distance, largest)

    def append_counts(
        self,
        trial_ids: Sequence[str],
        spike_times: Sequence[npt.ArrayLike],
        counts: Mapping[str, npt.NDArray[Any]],
    ) -> None:
        """Add a block of trials with their binned counts.

        Parameters
        ----------
        trial_ids : sequence of str
            Names of the trials, unique in the database.
        spike_times : sequence of array_like
            One list per trial, ms; possibly empty.
        counts : mapping of str to ndarray, shape (trials, time bins, distance bins)
            Per group; a group that is missing has zeros.

        Raises
        ------
        DataError
            If ids repeat, or shapes or values do not fit.
        """
        if self._counts is None:
            what = "was opened for events; use append"
            raise DataError(Problem("wrong-layout", str(self.path), what))
        shape = (len(trial_ids), *self._counts.shape[1:])
        problems = count_block_problems(self, shape, counts)
        problems += [] if problems else self._add_trials(trial_ids, spike_times)
        if problems:
            raise DataError(problems)
        first = self._counts.shape[0]
        self._counts.extend(len(trial_ids))
        for name, array in counts.items():
            self._counts.write(name, (first, 0, 0), array)

    def _copy_of(self) -> Path | None:
        return self.path if self._continues else None

    def _begin(self) -> None:
        if self._definition is not None:
            self._counts = begin_counts(self, self._definition, 0)
        elif self._continues and "events" in self.file:
            group = self.file["events"]
            self._per_type = self.file["synapse_types/n_events"][()].astype(np.int64)
            self._largest_distance = float(group.attrs["largest_distance_um"])
            self._events = EventStore.continuing(group, self.stream)

    def _event_store(self, events: ActivationEvents) -> EventStore:
        if self._events is None:
            group = self.file.create_group("events")
            columns = list(events.columns())
            self._events = EventStore(group, self.stream, self._tiles, columns, EventSum())
        missing = set(events.columns()) - set(self._events.columns)
        if missing:
            what = f"column {sorted(missing)} was not in the first block"
            fix = "give it from the first block on, with -1 where it is unknown"
            raise DataError(Problem("new-column", str(self.path), what, fix))
        return self._events

    def _finish_layouts(self) -> None:
        if self._counts is not None:
            self._counts.finish()
            finish_counts(self._counts)
        if self._events is not None:
            self._events.finish()
            attributes = self.file["events"].attrs
            attributes["n_events"] = self._events.n_events
            attributes["largest_distance_um"] = self._largest_distance
            attributes["fingerprint_sums"] = np.array(self._events.fingerprint.state, np.uint64)
            totals = np.zeros(len(self.synapse_types), np.int64)
            totals[: len(self._per_type)] = self._per_type
            table = self.file.require_group("synapse_types")
            if "n_events" in table:
                del table["n_events"]
            table["n_events"] = totals
