"""Checks the values of a synapse table: what does not fit is refused, or left out and counted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synreduce.errors import DataError
from synreduce.importers.options import ImportOptions
from synreduce.importers.problems import FileProblems
from synreduce.importers.synapse_table import FLOATS, INTEGERS, SynapseTable

_BOOLEANS = npt.NDArray[np.bool_]

# Nothing a dendrite or a simulation reaches: such values are damage, not data.
_LARGEST_DISTANCE_UM = 1e5
_LARGEST_TIME_MS = 1e9

BEFORE_START = "activations before 0 ms"
AFTER_END = "activations at or after the end of the record"
NEGATIVE_DISTANCE = "synapse rows at a negative soma distance"


def line_of_row(row: int) -> str:
    """Place of a row in a text file with one line of heading.

    Parameters
    ----------
    row : int
        Counted from 0.

    Returns
    -------
    str

    Examples
    --------
    >>> line_of_row(0)
    ':2'
    """
    return f":{row + 2}"


@dataclass(frozen=True)
class CheckedSynapses:
    """A table whose values are all usable.

    Parameters
    ----------
    table : SynapseTable
        Without what was left out.
    dropped : dict of str to int
        Reason -> number left out.
    n_unsorted : int
        Rows whose times do not ascend.
    """

    table: SynapseTable
    dropped: dict[str, int]
    n_unsorted: int


def check_synapses(
    table: SynapseTable,
    name: str,
    options: ImportOptions,
    duration_ms: float | None,
    place: Callable[[int], str] = line_of_row,
) -> CheckedSynapses:
    """Check distances, times and the uniqueness of synapses.

    Parameters
    ----------
    table : SynapseTable
        As read.
    name : str
        The file, for messages.
    options : ImportOptions
        Says whether values out of range are refused or dropped.
    duration_ms : float or None
        End of the record; None if nothing states it.
    place : callable, optional
        Row number -> its place in the file; by default line numbers below one heading line.

    Returns
    -------
    CheckedSynapses

    Raises
    ------
    DataError
        One problem for each kind of mistake, with its first row and the number of cases.
    """
    report = _Cases(FileProblems(name), place)
    _check_distances(table.soma_distance, report, options)
    _check_times(table, report, options, duration_ms)
    _check_unique(table, report)
    if report.problems.found:
        raise DataError(report.problems.found)
    table, dropped = _drop(table, duration_ms)
    return CheckedSynapses(table, dropped, _unsorted_rows(table))


@dataclass(frozen=True)
class _Cases:
    problems: FileProblems
    place: Callable[[int], str]

    def add(self, rows: INTEGERS, field: str, what: str, fix: str) -> None:
        """Report the first of several rows with the same mistake."""
        more = f" (and {len(rows) - 1:,} more)" if len(rows) > 1 else ""
        where = f"{self.place(int(rows[0]))} {field}".rstrip()
        self.problems.add("bad-value", where, f"{what}{more}", fix)


def _check_distances(distance: FLOATS, cases: _Cases, options: ImportOptions) -> None:
    if not len(distance) or (distance.min() >= 0 and distance.max() <= _LARGEST_DISTANCE_UM):
        return
    bad = np.flatnonzero(~np.isfinite(distance))
    if len(bad):
        cases.add(bad, "soma distance", f"{distance[bad[0]]}", "a number in um")
    bad = np.flatnonzero(np.isfinite(distance) & (distance > _LARGEST_DISTANCE_UM))
    if len(bad):
        what = f"{distance[bad[0]]} um is beyond any dendrite (limit {_LARGEST_DISTANCE_UM:g} um)"
        cases.add(bad, "soma distance", what, "correct it; distances are in um")
    bad = np.flatnonzero(distance < 0)
    if len(bad) and options.on_negative_distance == "refuse":
        what = f"{distance[bad[0]]}"
        cases.add(bad, "soma distance", what, "correct it, or on_negative_distance: drop")


def _check_times(
    table: SynapseTable, cases: _Cases, options: ImportOptions, duration_ms: float | None
) -> None:
    times, end = table.times, np.inf if duration_ms is None else duration_ms
    if not len(times) or (times.min() >= 0 and times.max() < min(end, _LARGEST_TIME_MS)):
        return

    def add(bad: _BOOLEANS, what: str, fix: str) -> None:
        found = np.flatnonzero(bad)
        if len(found):
            first = f"time: {times[found[0]]} ms{what}"
            cases.add(table.row_of_times()[found], "activation times", first, fix)

    finite = np.isfinite(times)
    huge = finite & (np.abs(times) > _LARGEST_TIME_MS)
    add(~finite, "", "a finite number")
    add(huge, f" > limit {_LARGEST_TIME_MS:g} ms", "a time in ms")
    if options.on_out_of_range == "refuse":
        fix = "on_out_of_range: drop"
        add(finite & ~huge & (times < 0), ", trial starts at 0", f"correct it, or {fix}")
        late = finite & ~huge & (times >= end)
        add(late, f", trial ends at {end:g} ms", f"give duration_ms, or {fix}")


def _check_unique(table: SynapseTable, cases: _Cases) -> None:
    if table.synapse_id is None or not table.n_rows:
        return
    bad = np.flatnonzero(table.synapse_id < 0)
    if len(bad):
        cases.add(bad, "synapse ID", f"{table.synapse_id[bad[0]]}", "IDs count from 0")
        return
    order = np.lexsort((table.synapse_id, table.synapse_type.codes))
    ids, codes = table.synapse_id[order], table.synapse_type.codes[order]
    same = np.flatnonzero((ids[1:] == ids[:-1]) & (codes[1:] == codes[:-1]))
    if not len(same):
        return
    first, second = sorted((int(order[same[0]]), int(order[same[0] + 1])))
    name = table.synapse_type.names[codes[same[0]]]
    earlier = cases.place(first).removeprefix(":")
    what = f"synapse ({name}, {ids[same[0]]}) is already in row {earlier}"
    cases.add(np.full(len(same), second), "", what, "remove the duplicate")


def _drop(table: SynapseTable, duration_ms: float | None) -> tuple[SynapseTable, dict[str, int]]:
    times, dropped = table.times, {}
    early = times < 0
    late = times >= (np.inf if duration_ms is None else duration_ms)
    far = table.soma_distance < 0
    for reason, mask in ((BEFORE_START, early), (AFTER_END, late), (NEGATIVE_DISTANCE, far)):
        if mask.any():
            dropped[reason] = int(mask.sum())
    if dropped:
        kept = ~(early | late)
        n_times = np.bincount(table.row_of_times()[kept], minlength=table.n_rows)
        table = dataclasses.replace(table, n_times=n_times.astype(np.int64), times=times[kept])
        table = select_rows(table, ~far)
    return table, dropped


def select_rows(table: SynapseTable, kept: _BOOLEANS) -> SynapseTable:
    """Keep some rows of a table with their activations.

    Parameters
    ----------
    table : SynapseTable
        Any table.
    kept : ndarray of bool, shape (n_rows,)
        Rows to keep.

    Returns
    -------
    SynapseTable
    """
    if kept.all():
        return table
    text = {
        field: dataclasses.replace(column, codes=column.codes[kept])
        for field, column in (
            ("synapse_type", table.synapse_type),
            ("dendrite_label", table.dendrite_label),
        )
    }
    return SynapseTable(
        synapse_type=text["synapse_type"],
        synapse_id=None if table.synapse_id is None else table.synapse_id[kept],
        soma_distance=table.soma_distance[kept],
        section_id=table.section_id[kept],
        section_point=table.section_point[kept],
        dendrite_label=text["dendrite_label"],
        n_times=table.n_times[kept],
        times=table.times[np.repeat(kept, table.n_times)],
    )


def _unsorted_rows(table: SynapseTable) -> int:
    if len(table.times) < 2:
        return 0
    falling = np.flatnonzero(np.diff(table.times) < 0)
    rows = table.row_of_times()
    inside = rows[falling] == rows[falling + 1]
    return len(np.unique(rows[falling[inside]]))
