"""Reads somatic voltage traces and finds the spikes in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from synreduce.errors import DataError
from synreduce.importers.files import read_text, refuse
from synreduce.importers.npz import load_array
from synreduce.importers.problems import FileProblems
from synreduce.importers.synapse_table import FLOATS

ASSUMED_STEP_MS = 0.025
_EXPORT = "give the file the simulation wrote"


@dataclass(frozen=True)
class VoltageTraces:
    """Voltages of all trials of one simulation folder.

    Parameters
    ----------
    time : ndarray of float64, shape (n_samples,)
        Rising times in ms.
    voltage : ndarray of float64, shape (n_trials, n_samples)
        Somatic membrane potential in mV.
    assumed_time : bool, default: False
        The file has no time axis; 0.025 ms steps from 0 were assumed.
    """

    time: FLOATS
    voltage: FLOATS
    assumed_time: bool = False

    @property
    def duration_ms(self) -> float:
        """End of the record: the last whole millisecond that was simulated."""
        step = float(np.median(np.diff(self.time)))
        return float(np.floor(self.time[-1] + step + 1e-6))

    def spikes(self, threshold_mv: float = 0.0) -> list[FLOATS]:
        """Find upward crossings of a threshold.

        Parameters
        ----------
        threshold_mv : float, default: 0.0
            A spike is a sample at or above it whose predecessor lies below.

        Returns
        -------
        list of ndarray
            Per trial, the times of those samples in ms.
        """
        above = self.voltage >= threshold_mv
        crossing = above[:, 1:] & ~above[:, :-1]
        return [self.time[1:][row] for row in crossing]


def read_voltages(path: Path, n_trials: int) -> VoltageTraces:
    """Read the voltage file of a simulation folder, ``.csv``, ``.csv.gz`` or ``.npz``.

    Parameters
    ----------
    path : Path
        The file.
    n_trials : int
        Trials of the folder: the file must hold as many traces.

    Returns
    -------
    VoltageTraces

    Raises
    ------
    DataError
        If the file is missing, cut or malformed, holds another number of traces, a value that is
        not finite, or a time axis with a missing or repeated step.
    """
    traces = _read_npz(path, n_trials) if path.suffix == ".npz" else _read_csv(path)
    if len(traces.voltage) != n_trials:
        what = f"{len(traces.voltage)} traces for {n_trials} synapse files"
        raise refuse(path, "trial-count", what, "copy the folder again; both must be complete")
    if len(traces.time) < 2:
        raise refuse(path, "no-samples", f"{len(traces.time)} time steps", "copy the file again")
    _check_values(traces, FileProblems(str(path)))
    return traces


def _read_csv(path: Path) -> VoltageTraces:
    text = read_text(path)
    problems = FileProblems(str(path))
    names = text.partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r").split("\t")
    if names[0].strip("# ").lower() != "t":
        what = f"the heading must start with 't' and a tab, found '{names[0][:40]}'"
        place = f"{path}:1"
        raise refuse(place, "no-heading", what, _EXPORT)
    if not text.endswith(b"\n"):
        what = "last line has no line end; file was cut"
        fix = "copy the file again (or end the line, if the file is known to be complete)"
        last = text.count(b"\n") + 1
        place = f"{path}:{last}"
        raise refuse(place, "cut-file", what, fix)
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(text),
            arrow_csv.ReadOptions(
                skip_rows=1,
                column_names=[str(position) for position in range(len(names))],
                block_size=len(text) + 1,
            ),
            arrow_csv.ParseOptions(delimiter="\t", quote_char=False, ignore_empty_lines=False),
            arrow_csv.ConvertOptions(
                column_types={str(position): pa.float64() for position in range(len(names))},
                null_values=[],
            ),
        )
    except pa.ArrowException:
        _diagnose(text, names, problems)
        raise DataError(problems.found) from None
    columns = [np.asarray(column.combine_chunks()) for column in table.columns]
    voltage = np.array(columns[1:]) if len(columns) > 1 else np.empty((0, len(columns[0])))
    return VoltageTraces(columns[0], voltage)


def _diagnose(text: bytes, names: list[str], problems: FileProblems) -> None:
    for row, line in enumerate(text.split(b"\n")[1:-1], start=2):
        fields = line.decode("utf-8", "replace").rstrip("\r").split("\t")
        if len(fields) != len(names):
            what = f"{len(fields)} fields, expected {len(names)}"
            problems.add("wrong-fields", f":{row}", what, "copy the file again")
            continue
        for name, value in zip(names, fields, strict=True):
            try:
                float(value)
            except ValueError:
                comma = re.fullmatch(r"[-+]?\d+,\d+", value)
                fix = "decimal point" if comma else "a number"
                problems.add("bad-value", f":{row} {name}", f"'{value[:40]}'", fix)
        if problems.full:
            return
    if not problems.found:
        problems.add("bad-table", "", "cannot be read as a table of numbers", _EXPORT)


def _read_npz(path: Path, n_trials: int) -> VoltageTraces:
    array = load_array(path)
    if array.ndim != 2:
        raise refuse(path, "wrong-shape", f"{array.ndim} axes, expected 2", _EXPORT)
    values = np.asarray(array, dtype=np.float64)
    for matrix in (values, values.T):
        if len(matrix) == n_trials + 1:
            rising = np.flatnonzero((np.diff(matrix, axis=1) > 0).all(axis=1))
            if len(rising) and matrix.shape[1] > 1:
                return VoltageTraces(matrix[rising[0]], np.delete(matrix, rising[0], axis=0))
    for matrix in (values, values.T):
        if len(matrix) == n_trials:
            time = np.arange(matrix.shape[1], dtype=np.float64) * ASSUMED_STEP_MS
            return VoltageTraces(time, matrix, assumed_time=True)
    what = f"shape {array.shape} fits neither {n_trials} traces nor {n_trials} traces and time"
    raise refuse(path, "trial-count", what, "copy the folder again; both must be complete")


def _check_values(traces: VoltageTraces, problems: FileProblems) -> None:
    if not np.isfinite(traces.time).all():
        row = int(np.flatnonzero(~np.isfinite(traces.time))[0])
        problems.add("bad-value", f":{row + 2} t", f"{traces.time[row]}", "copy the file again")
    else:
        _check_steps(traces.time, problems)
    if not np.isfinite(traces.voltage).all():
        trial, row = np.argwhere(~np.isfinite(traces.voltage))[0]
        what = f"{traces.voltage[trial, row]} is no voltage"
        problems.add(
            "bad-value", f":{row + 2} trace {trial}", what, "exclude the trial or rerun it"
        )
    if problems.found:
        raise DataError(problems.found)


def _check_steps(time: FLOATS, problems: FileProblems) -> None:
    steps = np.diff(time)
    usual = float(np.median(steps))
    bad = np.flatnonzero((steps <= 0) | (steps > 1.5 * usual))
    if len(bad):
        row = int(bad[0])
        more = f" ({len(bad)} such places)" if len(bad) > 1 else ""
        what = f"t jumps from {time[row]} to {time[row + 1]}, the usual step is {usual:g} ms{more}"
        problems.add("time-axis", f":{row + 3}", what, "copy the file again")
