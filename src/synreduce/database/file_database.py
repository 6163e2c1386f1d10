"""One activation database in one file."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from synreduce.database.binning import add_counts
from synreduce.database.bins import Bins, common_type, empty_counts
from synreduce.database.content import recomputed_fingerprint
from synreduce.database.event_counting import count_events
from synreduce.database.grouping import Grouping
from synreduce.database.interface import Database
from synreduce.database.model import ActivationEvents, CountArray, Group, SpikeTimes
from synreduce.database.schema import LAYOUTS, SCHEMA_NAME, SCHEMA_VERSION
from synreduce.database.stored_counts import StoredCounts
from synreduce.database.stored_events import StoredEvents
from synreduce.database.structure import READ_ERRORS, reading, require_parts
from synreduce.database.tables import (
    read_groups,
    read_labels,
    read_provenance,
    read_spikes,
    read_texts,
    read_truth,
    read_types,
)
from synreduce.errors import DataError, Problem
from synreduce.storage.hdf5 import open_screened

_BLOCK_EVENTS = 4_000_000
_BLOCK_CELLS = 2**25


_NOT_PICKLED = frozenset({"_stored_events", "_stored_counts", "trial_ids", "spike_times"})


class FileDatabase(Database):
    """A database in one HDF5 file; see `Database` and docs/reference/activation-database.md.

    Parameters
    ----------
    path : str or Path
        The file.

    Raises
    ------
    DataError
        If the file is no activation database, or is damaged.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._handle: h5py.File | None = None
        self._handle_process = 0
        self._unchanged = True
        file = self._file
        try:
            require_parts(file, self.name)
            self._read_definition(file)
        except DataError:
            self.close()
            raise
        except READ_ERRORS as error:
            self.close()
            what = f"is damaged or incomplete ({error})"
            raise DataError(Problem("damaged", self.name, what, "make it again")) from error
        # HDF5 keeps 9 MB of an open file of 81,000 trials, and of many databases few are read.
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        known = {name: value for name, value in vars(self).items() if name not in _NOT_PICKLED}
        return {**known, "_handle": None, "_handle_process": 0, "_unchanged": False}

    @property
    def name(self) -> str:
        """Path of the file."""
        return str(self.path)

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return self._n_trials

    @cached_property
    def trial_ids(self) -> npt.NDArray[np.str_]:
        """Names of the trials, shape (n_trials,)."""
        with reading(self.name):
            return np.array(read_texts(self._file["trials/id"]), dtype=np.str_)

    @cached_property
    def spike_times(self) -> SpikeTimes:
        """Spike times of all trials."""
        with reading(self.name):
            return read_spikes(self._file)

    @property
    def truth(self) -> dict[str, npt.NDArray[Any]] | None:
        """Ground truth of an example; None for other databases."""
        with reading(self.name):
            return read_truth(self._file)

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the data come from."""
        with reading(self.name):
            return read_provenance(self._file)

    def close(self) -> None:
        """Close the file and let go of names and spikes; they are read again when needed."""
        if self._handle is not None and self._handle_process == os.getpid():
            self._handle.close()
        self._handle = None
        self._forget()

    @property
    def _file(self) -> h5py.File:
        """The open file; handles are never shared with another process."""
        if self._handle is None or self._handle_process != os.getpid():
            self._handle = open_screened(self.path, SCHEMA_NAME, SCHEMA_VERSION)
            self._handle_process = os.getpid()
            self._stored_events: StoredEvents | None = None
            self._stored_counts: StoredCounts | None = None
            self._require_unchanged(self._handle)
        return self._handle

    def _require_unchanged(self, file: h5py.File) -> None:
        """Refuse, where the database was unpickled, a file with another content than then."""
        if self._unchanged:
            return
        found = _fingerprint(file)
        if found != self.fingerprint:
            self.close()
            what = f"has changed: fingerprint {found[:12]}, before {self.fingerprint[:12]}"
            raise DataError(Problem("changed", self.name, what, "run again from the start"))
        self._unchanged = True

    @property
    def stored_events(self) -> StoredEvents:
        """The events layout."""
        file = self._file
        if self._stored_events is None:
            self._stored_events = StoredEvents(self.path, file["events"])
        return self._stored_events

    @property
    def stored_counts(self) -> StoredCounts:
        """The counts layout."""
        file = self._file
        if self._stored_counts is None:
            self._stored_counts = StoredCounts(self.path, file["counts"], self.start_ms)
        return self._stored_counts

    def _read_definition(self, file: h5py.File) -> None:
        self.start_ms = float(file.attrs["start_ms"])
        self.duration_ms = float(file.attrs["duration_ms"])
        self._n_trials = int(file["trials/id"].shape[0])
        self.groups = read_groups(file)
        self.synapse_types = read_types(file, self.groups)
        self.dendrite_labels = read_labels(file)
        self.layouts = frozenset(name for name in LAYOUTS if name in file)
        if not self.layouts:
            what = "holds neither events nor counts"
            raise DataError(Problem("no-activations", self.name, what))
        self.distance_edges = self.time_bin_ms = self.n_events = None
        self.largest_distance_um = 0.0
        if "counts" in self.layouts:
            self.distance_edges = self.stored_counts.distance_edges
            self.time_bin_ms = self.stored_counts.time_bin_ms
            self.largest_distance_um = float(self.distance_edges[-1])
        if "events" in self.layouts:
            self.n_events = int(file["events"].attrs["n_events"])
            self.largest_distance_um = float(file["events"].attrs["largest_distance_um"])
        self._require_lengths(file)
        self.fingerprint = _fingerprint(file)

    def _require_lengths(self, file: h5py.File) -> None:
        """Refuse a file whose parts speak of different numbers of trials."""
        found = {
            "n_trials": int(file.attrs.get("n_trials", self._n_trials)),
            "/spikes/trial_pointer": file["spikes/trial_pointer"].shape[0] - 1,
        }
        if "events" in self.layouts:
            found["/events/trial_pointer"] = file["events/trial_pointer"].shape[1] - 1
        if "counts" in self.layouts:
            found |= {f"/counts/{g.name}": file["counts"][g.name].shape[0] for g in self.groups}
        wrong = {name: length for name, length in found.items() if length != self._n_trials}
        if wrong:
            what = f"holds {self._n_trials:,} trial ids, but "
            what += ", ".join(f"{name} speaks of {length:,}" for name, length in wrong.items())
            raise DataError(Problem("wrong-length", self.name, what, "make or copy it again"))

    @property
    def occupied_groups(self) -> frozenset[str]:
        """Groups that have activations, as far as the file notes it."""
        totals = self._file.get("synapse_types/n_events")
        if "events" not in self.layouts or totals is None:
            return frozenset(group.name for group in self.groups)
        per_type = totals[()].tolist()
        pairs = zip(self.synapse_types, per_type, strict=True)
        return frozenset(kind.group for kind, total in pairs if total)

    def _events(
        self,
        first: int,
        stop: int,
        window: tuple[float, float],
        distance: tuple[float, float],
        columns: Collection[str] | None,
    ) -> ActivationEvents:
        with reading(self.name):
            return self.stored_events.read(first, stop, window, distance, columns)

    def _counts(
        self, grouping: Grouping, groups: Sequence[Group], first: int, stop: int, bins: Bins
    ) -> dict[str, CountArray]:
        if "counts" in self.layouts and grouping.criteria == ("group",):
            problem = self.stored_counts.fits(bins)
            if problem is None:
                with reading(self.name):
                    return self._counts_from_counts(grouping, groups, first, stop, bins)
            if "events" not in self.layouts:
                raise DataError(problem)
        with reading(self.name):
            return self._counts_from_events(grouping, groups, first, stop, bins)

    def _counts_from_counts(
        self, grouping: Grouping, groups: Sequence[Group], first: int, stop: int, bins: Bins
    ) -> dict[str, CountArray]:
        assignment = self.assignment(grouping)
        # with groups as the only criterion, the categories of the table are the stored groups
        target = [assignment.groups[at].name if at >= 0 else "" for at in assignment.table.ravel()]
        counts = empty_counts(groups, stop - first, bins)
        for group in groups:
            members = [
                known.name
                for known, to in zip(self.groups, target, strict=True)
                if to == group.name
            ]
            stored = [self.stored_counts.read(name, first, stop, bins) for name in members]
            counts[group.name] = add_counts(stored) if stored else counts[group.name]
        return common_type(counts)

    def _counts_from_events(
        self, grouping: Grouping, groups: Sequence[Group], first: int, stop: int, bins: Bins
    ) -> dict[str, CountArray]:
        assignment = self.assignment(grouping)
        counts = empty_counts(groups, stop - first, bins)
        per_trial = max(1, (self.n_events or 0) // max(1, self.n_trials))
        rows = max(
            1,
            min(_BLOCK_EVENTS // per_trial, _BLOCK_CELLS // max(1, bins.shape[0] * bins.shape[1])),
        )
        for start in range(first, stop, rows):
            end = min(start + rows, stop)
            block = count_events(self.stored_events, assignment, groups, (start, end), bins)
            for name, values in block.items():
                if values.dtype.itemsize > counts[name].dtype.itemsize:
                    counts[name] = counts[name].astype(values.dtype)
                counts[name][start - first : end - first] = values
        return common_type(counts)


def _fingerprint(file: h5py.File) -> str:
    return str(file.attrs.get("fingerprint", "")) or recomputed_fingerprint(file)
