"""Turns tables of synapses into blocks of an activation database."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from synreduce.database import (
    ActivationEvents,
    DatabaseWriter,
    Group,
    NameTable,
    SynapseTypeTable,
)
from synreduce.errors import Problem
from synreduce.importers.event_binning import EventBinner
from synreduce.importers.groups import (
    SynapseTypeRules,
    cell_type_of,
    group_signs,
    unknown_type,
)
from synreduce.importers.options import ImportOptions
from synreduce.importers.problems import ProblemList
from synreduce.importers.report import ImportReport
from synreduce.importers.synapse_checks import line_of_row, select_rows
from synreduce.importers.synapse_table import FLOATS, INTEGERS, SynapseTable

DROPPED_TYPES = "activations of types in drop_types"
LATE_SPIKES = "spikes at or after the end of the record"

_Number = TypeVar("_Number", np.int64, np.float64)

_BLOCK_EVENTS = 2**18
_BLOCK_TRIALS = 1024

# A tile costs milliseconds however little it holds: small databases get wider slabs of time.
_TRIALS_PER_SLAB = 4
_SMALLEST_SLAB_MS = 50.0


class EventSink:
    """Collects trials and writes them block by block; the database appears when all went well.

    Parameters
    ----------
    output : Path
        The database to write.
    options : ImportOptions
        The user's choices.
    problems : ProblemList
        Once it holds anything, nothing more is written, but trials are still looked at.
    provenance : mapping
        Where the data come from; stored in the database.
    expected_trials : int
        About how many trials will come.
    """

    def __init__(
        self,
        output: Path,
        options: ImportOptions,
        problems: ProblemList,
        provenance: Mapping[str, Any],
        expected_trials: int,
    ) -> None:
        self.expected_trials = expected_trials
        self.output, self.options, self.problems = output, options, problems
        self.provenance = dict(provenance)
        self.types, self.labels = SynapseTypeTable(), NameTable()
        self.duration_ms: float | None = None
        self.n_trials = self.n_spikes = self.bytes_read = 0
        self.dropped: Counter[str] = Counter()
        self.notes: list[str] = []
        self._signs = group_signs(options)
        self._activations = dict.fromkeys(self._signs, 0)
        self._unknown: dict[str, tuple[str, int]] = {}
        self._block: list[tuple[str, FLOATS, SynapseTable, INTEGERS, INTEGERS]] = []
        self._block_events = 0
        self._stack = ExitStack()
        self._writer: DatabaseWriter | None = None
        self._started = time.monotonic()
        self._binner = EventBinner(options) if options.layout == "counts" else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.__exit__(*error)  # type: ignore[arg-type]

    def type_codes(
        self,
        table: SynapseTable,
        name: str,
        rules: SynapseTypeRules,
        place: Callable[[int], str] = line_of_row,
    ) -> INTEGERS:
        """Find the code of each row's synapse type, noting types that no rule knows.

        Parameters
        ----------
        table : SynapseTable
            Of one file.
        name : str
            The file, for messages.
        rules : SynapseTypeRules
            Which type belongs to which group.
        place : callable, optional
            Row number -> its place in the file.

        Returns
        -------
        ndarray of int64, shape (n_rows,)
            -1 for types to leave out or unknown.
        """
        codes = np.empty(len(table.synapse_type.names), dtype=np.int64)
        for position, synapse_type in enumerate(table.synapse_type.names):
            group = None if rules.is_dropped(synapse_type) else rules.group_of(synapse_type)
            if group is not None:
                cell_type = cell_type_of(synapse_type)
                column = synapse_type.removeprefix(cell_type).removeprefix("_")
                codes[position] = self.types.add(synapse_type, group, cell_type, column)
                continue
            codes[position] = -1
            if not rules.is_dropped(synapse_type):
                rows = np.flatnonzero(table.synapse_type.codes == position)
                if len(rows):
                    where = f"{name}{place(int(rows[0]))} synapse type"
                    first, known = self._unknown.get(synapse_type, (where, 0))
                    self._unknown[synapse_type] = (first, known + len(rows))
        found: INTEGERS = codes[table.synapse_type.codes]
        return found

    def add(self, trial_id: str, spikes: FLOATS, table: SynapseTable, types: INTEGERS) -> None:
        """Take one trial.

        Parameters
        ----------
        trial_id : str
            Its identity.
        spikes : ndarray of float64
            Its spike times in ms.
        table : SynapseTable
            Its activations.
        types : ndarray of int64
            What `type_codes` gave for the table.
        """
        if self.problems or self._unknown or (self._binner is not None and self._binner.refused):
            return
        kept = types >= 0
        if not kept.all():
            self.dropped[DROPPED_TYPES] += int(table.n_times[~kept].sum())
            table, types = select_rows(table, kept), types[kept]
        labels = np.array([self.labels.add(name) for name in table.dendrite_label.names], np.int64)
        row_labels = labels[table.dendrite_label.codes] if len(labels) else np.empty(0, np.int64)
        self._block.append((trial_id, self._spikes_in_record(spikes), table, types, row_labels))
        self._block_events += len(table.times)
        if self._block_events >= _BLOCK_EVENTS or len(self._block) >= _BLOCK_TRIALS:
            self._flush()

    def _spikes_in_record(self, spikes: FLOATS) -> FLOATS:
        end = np.inf if self.duration_ms is None else self.duration_ms
        late = int((spikes >= end).sum())
        if late:
            self.dropped[LATE_SPIKES] += late
        return spikes[spikes < end]

    def _flush(self) -> None:
        if not self._block:
            return
        ids, spikes, tables, types, labels = zip(*self._block, strict=True)
        self._block, self._block_events = [], 0
        events = _events(tables, types, labels)
        writer = self._open()
        if self._binner is None:
            writer.append(ids, spikes, events)
        else:
            events = self._binner.keep(events)
            if self._binner.refused:
                return
            n_ms = int(np.ceil(writer.duration_ms))
            counts = self._binner.counts(
                events, self.types.groups, list(self._signs), len(ids), n_ms
            )
            writer.append_counts(ids, spikes, counts)
        self.n_trials += len(ids)
        self.n_spikes += sum(len(times) for times in spikes)
        per_type = np.bincount(events.synapse_type, minlength=len(self.types))
        for group, count in zip(self.types.groups, per_type.tolist(), strict=True):
            self._activations[group] += count

    def _open(self) -> DatabaseWriter:
        if self._writer is None:
            if self.duration_ms is None:
                message = "the end of the record must be set before the first trial"
                raise RuntimeError(message)
            n_slabs = max(1, self.expected_trials // _TRIALS_PER_SLAB)
            writer = DatabaseWriter(
                self.output,
                duration_ms=self.duration_ms,
                groups=tuple(Group(name, sign) for name, sign in self._signs.items()),
                synapse_types=self.types,
                dendrite_labels=self.labels,
                provenance=self.provenance,
                layout=self.options.layout,
                distance_edges=None if self._binner is None else self._binner.edges,
                slab_ms=max(_SMALLEST_SLAB_MS, self.duration_ms / n_slabs),
            )
            self._writer = self._stack.enter_context(writer)
        return self._writer

    def finish(self) -> ImportReport:
        """Write the last block, or refuse the import with everything that was found.

        Returns
        -------
        ImportReport

        Raises
        ------
        DataError
            If the list of problems is not empty, a synapse type is unknown, or nothing was read.
        """
        for synapse_type, (where, n_rows) in self._unknown.items():
            self.problems.add(unknown_type(synapse_type, where, n_rows))
        if not self.problems and not self._block and not self.n_trials:
            what = "no trial is left to import"
            self.problems.add(Problem("no-trials", "import", what, "check exclude_trials"))
        if not self.problems:
            self._flush()
        if self._binner is not None:
            self.problems.add(self._binner.problems())
            self.dropped.update(self._binner.dropped)
        self.problems.raise_if_any()
        if self._writer is not None:
            self._writer.provenance["left_out"] = dict(self.dropped)
            self._stack.close()
        return ImportReport(
            n_trials=self.n_trials,
            n_activations=self._activations,
            n_spikes=self.n_spikes,
            dropped=dict(self.dropped),
            notes=tuple(self.notes),
            seconds=time.monotonic() - self._started,
            bytes_read=self.bytes_read,
        )


def _events(
    tables: Sequence[SynapseTable], types: Sequence[INTEGERS], labels: Sequence[INTEGERS]
) -> ActivationEvents:
    n_times = np.concatenate([table.n_times for table in tables])

    def spread(columns: Sequence[npt.NDArray[_Number]]) -> npt.NDArray[_Number]:
        return np.repeat(np.concatenate(columns), n_times)

    ids = [
        np.full(table.n_rows, -1) if table.synapse_id is None else table.synapse_id
        for table in tables
    ]
    unknown_ids = all(table.synapse_id is None for table in tables)
    trial = np.repeat(np.arange(len(tables)), [len(table.times) for table in tables])
    return ActivationEvents(
        trial=trial,
        time=np.concatenate([table.times for table in tables]),
        soma_distance=spread([table.soma_distance for table in tables]),
        synapse_type=spread(types),
        synapse_id=None if unknown_ids else spread(ids),
        section_id=spread([table.section_id for table in tables]),
        section_point=spread([table.section_point for table in tables]),
        dendrite_label=spread(labels),
    )
