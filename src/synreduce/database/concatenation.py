"""Several databases as one, trial after trial, without copying."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from synreduce.database.bins import Bins, common_type, empty_counts
from synreduce.database.grouping import Grouping
from synreduce.database.interface import Database
from synreduce.database.model import ActivationEvents, CountArray, Group, SpikeTimes
from synreduce.database.names import NameTable, SynapseTypeTable
from synreduce.database.stored_events import joined, no_events
from synreduce.errors import DataError, Problem
from synreduce.storage import digest_of


class ConcatenatedDatabase(Database):
    """Databases joined by trial; trial ids become ``<database id>/<trial id>``.

    Parameters
    ----------
    parts : sequence of (str, Database)
        Ids, which must differ, and databases.

    Raises
    ------
    DataError
        If groups, signs, record, or the groups of a synapse type differ.
    """

    def __init__(self, parts: Sequence[tuple[str, Database]]) -> None:
        self.ids = tuple(name for name, _ in parts)
        self.parts = tuple(part for _, part in parts)
        problems = _disagreements(self.ids, self.parts)
        if problems:
            raise DataError(problems)
        first = self.parts[0]
        self.groups = first.groups
        self.start_ms, self.duration_ms = first.start_ms, first.duration_ms
        self.layouts = frozenset.intersection(*(part.layouts for part in self.parts))
        self.distance_edges, self.time_bin_ms = _common_bins(self.parts)
        self.largest_distance_um = max(part.largest_distance_um for part in self.parts)
        known = [part.n_events for part in self.parts if part.n_events is not None]
        self.n_events = sum(known) if len(known) == len(self.parts) else None
        self._join_tables()
        self.fingerprint = digest_of(
            [[name, part.fingerprint] for name, part in zip(self.ids, self.parts, strict=True)]
        )

    def __getstate__(self) -> dict[str, Any]:
        remembered = {"trial_ids", "spike_times"}
        return {name: value for name, value in vars(self).items() if name not in remembered}

    @property
    def name(self) -> str:
        """Paths of the files."""
        return " + ".join(part.name for part in self.parts)

    @cached_property
    def _starts(self) -> npt.NDArray[np.int64]:
        return np.cumsum([0, *(part.n_trials for part in self.parts)])

    @property
    def n_trials(self) -> int:
        """Number of trials of all parts."""
        return int(self._starts[-1])

    @property
    def trials_of_parts(self) -> list[slice]:
        """Trials of every part, one after the other."""
        return [slice(start, stop) for start, stop in pairwise(self._starts.tolist())]

    @cached_property
    def trial_ids(self) -> npt.NDArray[np.str_]:
        """Names of the trials, ``<database id>/<trial id>``."""
        pairs = zip(self.ids, self._each("trial_ids"), strict=True)
        pieces = [np.char.add(f"{name}/", trial_ids) for name, trial_ids in pairs]
        longest = max(piece.dtype for piece in pieces)
        joint = np.empty(self.n_trials, dtype=longest)
        for trials in self.trials_of_parts:
            # One by one: names take more memory than anything else known of a trial.
            joint[trials] = pieces.pop(0)
        return joint

    @cached_property
    def spike_times(self) -> SpikeTimes:
        """Spike times of all trials."""
        spikes = list(self._each("spike_times"))
        starts = np.cumsum([0, *(len(part.times) for part in spikes)])
        pointer = [part.pointer[1:] + at for part, at in zip(spikes, starts[:-1], strict=True)]
        return SpikeTimes(
            np.concatenate([part.times for part in spikes]),
            np.concatenate([np.zeros(1, np.int64), *pointer]),
        )

    def _each(self, name: str) -> Iterator[Any]:
        """Ask every part for something of all its trials, and close it.

        What is found is remembered here, and HDF5 keeps megabytes of every open file.
        """
        for part in self.parts:
            yield getattr(part, name)
            part.close()

    @property
    def truth(self) -> dict[str, npt.NDArray[Any]] | None:
        """Ground truth that all parts have; arrays with a row per trial are joined."""
        truths = list(self._each("truth"))
        known = [truth for truth in truths if truth is not None]
        if len(known) < len(truths):
            return None
        joint = {}
        for name, values in known[0].items():
            if not all(name in truth for truth in known):
                continue
            others = [truth[name] for truth in known]
            per_trial = all(
                array.shape[:1] == (part.n_trials,)
                for array, part in zip(others, self.parts, strict=True)
            )
            if per_trial:
                joint[name] = np.concatenate(others)
            elif all(np.array_equal(values, other, equal_nan=True) for other in others):
                joint[name] = values
        return joint

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the data come from, by database id."""
        return {"parts": dict(zip(self.ids, self._each("provenance"), strict=True))}

    def close(self) -> None:
        """Close all files and let go of names and spikes; they are read again when needed."""
        for part in self.parts:
            part.close()
        self._forget()

    def _events(
        self,
        first: int,
        stop: int,
        window: tuple[float, float],
        distance: tuple[float, float],
        columns: Collection[str] | None,
    ) -> ActivationEvents:
        pieces = []
        for number, low, high, at in self._ranges(first, stop):
            events = self.parts[number]._events(low, high, window, distance, columns)  # noqa: SLF001
            if len(events):
                pieces.append(self._recoded(number, replace(events, trial=events.trial + at)))
        return joined(pieces) if pieces else no_events(columns or ())

    def _counts(
        self, grouping: Grouping, groups: Sequence[Group], first: int, stop: int, bins: Bins
    ) -> dict[str, CountArray]:
        counts = empty_counts(groups, stop - first, bins)
        for number, low, high, at in self._ranges(first, stop):
            part = self.parts[number]
            # A part may lack the groups whose signs are given.
            rule = replace(grouping, signs=None)
            present = {group.name for group in part.assignment(rule).groups}
            wanted = [group for group in groups if group.name in present]
            found = part._counts(rule, wanted, low, high, bins)  # noqa: SLF001
            for name, values in found.items():
                if len(values) == stop - first:
                    counts[name] = values  # all trials are of this part: no second copy
                    continue
                if values.dtype.itemsize > counts[name].dtype.itemsize:
                    counts[name] = counts[name].astype(values.dtype)
                counts[name][at : at + high - low] = values
        return common_type(counts)

    def _ranges(self, first: int, stop: int) -> list[tuple[int, int, int, int]]:
        """Return part, first and last trial within it, position in the request."""
        found = []
        for number, (start, end) in enumerate(
            zip(self._starts[:-1].tolist(), self._starts[1:].tolist(), strict=True)
        ):
            low, high = max(first, start), min(stop, end)
            if low < high:
                found.append((number, low - start, high - start, low - first))
        return found

    def _join_tables(self) -> None:
        self.synapse_types, self.dendrite_labels = SynapseTypeTable(), NameTable()
        self._type_codes, self._label_codes = [], []
        for part in self.parts:
            codes = [
                self.synapse_types.add(kind.name, kind.group, kind.cell_type, kind.column)
                for kind in part.synapse_types
            ]
            self._type_codes.append(np.array(codes, np.int64))
            labels = [self.dendrite_labels.add(label) for label in part.dendrite_labels.names]
            # the last entry serves the code -1, unknown
            self._label_codes.append(np.array([*labels, -1], np.int64))

    def _recoded(self, number: int, events: ActivationEvents) -> ActivationEvents:
        labels = events.dendrite_label
        return replace(
            events,
            synapse_type=self._type_codes[number][events.synapse_type],
            dendrite_label=None if labels is None else self._label_codes[number][labels],
        )


def _common_bins(
    parts: Sequence[Database],
) -> tuple[npt.NDArray[np.float64] | None, float | None]:
    first = parts[0]
    for part in parts:
        if part.distance_edges is None or first.distance_edges is None:
            return None, None
        same = np.array_equal(part.distance_edges, first.distance_edges)
        if not same or part.time_bin_ms != first.time_bin_ms:
            return None, None
    return first.distance_edges, first.time_bin_ms


def _disagreements(ids: Sequence[str], parts: Sequence[Database]) -> list[Problem]:
    problems = []
    if len(set(ids)) < len(ids):
        problems.append(Problem("duplicate-database", "databases", f"ids {list(ids)} repeat"))
    first, group_of = parts[0], dict[str, str]()
    for name, part in zip(ids, parts, strict=True):
        where = f"database '{name}' ({part.name})"
        if {(group.name, group.sign) for group in part.groups} != {
            (group.name, group.sign) for group in first.groups
        }:
            what = f"groups {_groups_text(part)}, but '{ids[0]}' has {_groups_text(first)}"
            problems.append(Problem("other-groups", where, what))
        if (part.start_ms, part.duration_ms) != (first.start_ms, first.duration_ms):
            what = f"record [{part.start_ms:g}, {part.duration_ms:g}) ms, but '{ids[0]}' has "
            what += f"[{first.start_ms:g}, {first.duration_ms:g})"
            problems.append(Problem("other-record", where, what))
        for kind in part.synapse_types:
            known = group_of.setdefault(kind.name, kind.group)
            if known != kind.group:
                what = f"synapse type '{kind.name}' is {kind.group} here, {known} elsewhere"
                problems.append(Problem("two-groups", where, what))
    return problems


def _groups_text(database: Database) -> str:
    return ", ".join(f"{group.name} ({group.sign:+d})" for group in database.groups)
