"""Reads tables of spike times: one row per trial, one column per spike."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from synreduce.errors import DataError, Problem
from synreduce.importers.files import read_text
from synreduce.importers.problems import FileProblems
from synreduce.importers.synapse_table import FLOATS, INTEGERS

INDEX_NAMES = ("sim_trial_index", "sim_trail_index", "", "Unnamed: 0")
_LARGEST_TIME_MS = 1e9
_MISSING = ["", "nan", "NaN", "NA"]
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")


@dataclass(frozen=True)
class SpikeTable:
    """Spike times of many trials.

    Parameters
    ----------
    trial_ids : tuple of str or None
        Identity of each row; None if the file has no index column.
    n_spikes : ndarray of int64, shape (n_trials,)
        Spikes of each trial.
    times : ndarray of float64
        Spike times in ms, trial after trial, ascending within a trial.
    n_unsorted : int
        Trials whose times had to be sorted.
    """

    trial_ids: tuple[str, ...] | None
    n_spikes: INTEGERS
    times: FLOATS
    n_unsorted: int

    def per_trial(self) -> list[FLOATS]:
        """Spike times of each trial.

        Returns
        -------
        list of ndarray
        """
        return np.split(self.times, np.cumsum(self.n_spikes)[:-1]) if len(self.n_spikes) else []


def read_spike_table(path: Path) -> SpikeTable:
    """Read a table of spike times, ``.csv`` or ``.csv.gz``.

    Parameters
    ----------
    path : Path
        Comma-separated, with a heading. Columns whose name is an integer hold spike times in ms,
        empty where there is none; a column ``sim_trial_index`` or without name holds the trial
        identity; other columns are not read.

    Returns
    -------
    SpikeTable

    Raises
    ------
    DataError
        If the file is missing, cut or malformed, or an identity occurs twice.
    """
    text = read_text(path)
    problems = FileProblems(str(path))
    names = _heading(text, problems)
    if problems.found:
        raise DataError(problems.found)
    columns = _parse(text, names)
    if columns is None:
        _diagnose(text, names, problems)
        if not problems.found:
            problems.add(
                "bad-table", "", "cannot be read as a comma-separated table", "export again"
            )
        raise DataError(problems.found)
    index = next((name for name in INDEX_NAMES if name in names), None)
    ids = None if index is None else tuple(columns[names.index(index)].to_pylist())
    order = sorted(_time_columns(names), key=lambda position: int(names[position]))
    times = [np.asarray(columns[position], dtype=np.float64) for position in order]
    n_rows = len(columns[0])
    values = np.column_stack(times) if times else np.empty((n_rows, 0))
    return spike_table(values, ids, str(path))


def spike_table(values: FLOATS, trial_ids: Sequence[str] | None, name: str) -> SpikeTable:
    """Make a spike table of an array padded with NaN, checking its values.

    Parameters
    ----------
    values : ndarray of float64, shape (n_trials, largest number of spikes)
        Spike times in ms.
    trial_ids : sequence of str or None
        Identity of each row.
    name : str
        The file, for messages.

    Returns
    -------
    SpikeTable

    Raises
    ------
    DataError
        If a time is negative or infinite, or an identity is empty or occurs twice.
    """
    problems = FileProblems(name)
    bad = (values < 0) | (values > _LARGEST_TIME_MS)
    for row, column in np.argwhere(bad)[:20]:
        what = f"{values[row, column]} ms is no spike time"
        problems.add("bad-value", f":{row + 2} spike times", what, "times are in ms from 0")
    for trial, count in Counter(trial_ids or ()).items():
        if count > 1 or not trial:
            what = f"trial '{trial}' has {count} rows"
            problems.add("duplicate-trial", "", what, "keep one row per trial")
    if problems.found:
        raise DataError(problems.found)
    ordered = np.sort(values, axis=1)  # NaN goes last
    present = ~np.isnan(ordered)
    packed = values[~np.isnan(values)]
    moved = packed != ordered[present]
    n_spikes = present.sum(axis=1)
    unsorted = np.unique(np.repeat(np.arange(len(values)), n_spikes)[moved])
    ids = None if trial_ids is None else tuple(trial_ids)
    return SpikeTable(ids, n_spikes.astype(np.int64), ordered[present], len(unsorted))


def refractory_note(spikes: Sequence[FLOATS], shortest_ms: float = 0.5) -> list[str]:
    """Mention spikes that follow each other faster than a neuron can fire.

    Parameters
    ----------
    spikes : sequence of ndarray
        Spike times of each trial in ms.
    shortest_ms : float, default: 0.5
        Shortest interval that is believed.

    Returns
    -------
    list of str
        One sentence, or nothing.
    """
    pairs = sum(int((np.diff(times) < shortest_ms).sum()) for times in spikes if len(times) > 1)
    if not pairs:
        return []
    return [f"{pairs} spikes follow another within {shortest_ms:g} ms; check the spike times"]


def missing_trials(wanted: Sequence[str], known: Sequence[str], name: str) -> list[Problem]:
    """Describe trials that have no row in a spike table.

    Parameters
    ----------
    wanted : sequence of str
        Identities of the trials with activations.
    known : sequence of str
        Identities in the table.
    name : str
        The table, for messages.

    Returns
    -------
    list of Problem
        Empty if all have one.
    """
    rows = set(known)
    missing = [trial for trial in wanted if trial not in rows]
    if not missing:
        return []
    shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5:,} more" if len(missing) > 5 else "")
    what = f"{len(missing):,} of {len(wanted):,} trials have activations but no spike row: {shown}"
    alike = {_without_zeros(trial): trial for trial in known}
    twin = alike.get(_without_zeros(missing[0]))
    if twin is not None:
        what += f"; the table writes '{twin}' where the trial is '{missing[0]}'"
    return [Problem("missing-spikes", name, what, "complete the table, or exclude_trials")]


def _without_zeros(trial: str) -> str:
    return re.sub(r"\b0+(?=\d)", "", trial)


def _heading(text: bytes, problems: FileProblems) -> list[str]:
    first = text.partition(b"\n")[0].decode("utf-8", "replace").lstrip("\ufeff").rstrip("\r")
    names = [name.strip() for name in next(csv.reader([first]), [""])]
    usable = [name for name in names if name.isascii() and name.isdigit()]
    if len(names) == 1 and (separator := next((mark for mark in ";\t|" if mark in first), "")):
        what = f"separator looks like {separator!r}, expected a comma"
        problems.add("wrong-separator", ":1", what, "export with commas")
    elif not usable and not set(names) <= set(INDEX_NAMES):
        what = f"no column has an integer as its name; the heading is '{first[:60]}'"
        problems.add("no-columns", ":1", what, "name the spike columns 0, 1, 2, ...")
    elif len(set(names)) < len(names):
        problems.add("wrong-columns", ":1", "a column name occurs twice", "export again")
    return names


def _time_columns(names: Sequence[str]) -> list[int]:
    return [position for position, name in enumerate(names) if name.isascii() and name.isdigit()]


def _parse(text: bytes, names: list[str]) -> list[pa.Array] | None:
    if not text.endswith(b"\n"):
        return None
    numbers = set(_time_columns(names))
    labels = [f"column {position}" for position in range(len(names))]
    types = {
        label: pa.float64() if position in numbers else pa.string()
        for position, label in enumerate(labels)
    }
    if text.count(b"\n") == 1:
        return [pa.array([], type=types[label]) for label in labels]
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(text),
            arrow_csv.ReadOptions(skip_rows=1, column_names=labels, block_size=len(text) + 1),
            arrow_csv.ParseOptions(ignore_empty_lines=False),
            arrow_csv.ConvertOptions(
                column_types=types, null_values=_MISSING, strings_can_be_null=False
            ),
        )
    except pa.ArrowException:
        return None
    return [table[label].combine_chunks() for label in labels]


def _diagnose(text: bytes, names: list[str], problems: FileProblems) -> None:
    if not text.endswith(b"\n"):
        last = text.count(b"\n") + 1
        fix = "copy the file again (or end the line, if the file is known to be complete)"
        problems.add("cut-file", f":{last}", "last line has no line end; file was cut", fix)
    columns = _time_columns(names)
    lines = csv.reader(io.StringIO(text.decode("utf-8", "replace")))
    next(lines, None)
    for row in lines:
        if problems.full:
            break
        if len(row) != len(names) and (row or len(names) > 1):
            what = f"{len(row)} fields, expected {len(names)}"
            problems.add("wrong-fields", f":{lines.line_num}", what, "export the table again")
            continue
        for position in columns if row else ():
            _check_number(row[position], f":{lines.line_num} column '{names[position]}'", problems)


def _check_number(text: str, place: str, problems: FileProblems) -> None:
    if text in _MISSING:
        return
    try:
        float(text)
    except ValueError:
        fix = "decimal point" if _DECIMAL_COMMA.fullmatch(text) else "a time in ms, or nothing"
        problems.add("bad-value", place, f"'{text[:40]}'", fix)
