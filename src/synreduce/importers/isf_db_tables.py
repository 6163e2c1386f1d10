"""Reads synapse and spike tables of a database folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as arrow_compute

from synreduce.importers.files import refuse
from synreduce.importers.isf_db_keys import DatabaseKey, read_json
from synreduce.importers.isf_db_parquet import (
    index_column,
    open_parquet,
    parquet_files,
    read_parquet,
)
from synreduce.importers.spike_table import SpikeTable, spike_table
from synreduce.importers.synapse_checks import select_rows
from synreduce.importers.synapse_table import INTEGERS, SynapseTable, TextColumn

_TEXT_COLUMNS = ("synapse_type", "dendrite_label")
_INTEGER_COLUMNS = ("synapse_ID", "section_ID", "section_pt_ID")
_COLUMNS = (*_TEXT_COLUMNS, *_INTEGER_COLUMNS, "soma_distance")
_STORE_AGAIN = "store the table again"


@dataclass(frozen=True)
class TrialRows:
    """The activated synapses of one trial in one partition.

    Parameters
    ----------
    trial_id : str
        The trial.
    rows : ndarray of int64
        Rows of the partition.
    table : SynapseTable
        Their content.
    """

    trial_id: str
    rows: INTEGERS
    table: SynapseTable


def partition_trials(path: Path) -> list[str]:
    """List the trials of a partition in the order in which they appear.

    Parameters
    ----------
    path : Path
        A parquet file.

    Returns
    -------
    list of str

    Raises
    ------
    DataError
        If the file is damaged or has no index.
    """
    with open_parquet(path) as file:
        name = index_column(file.schema_arrow, path)
    column = read_parquet(path, [name])[name]
    return [str(trial) for trial in arrow_compute.unique(_plain(column, path, name)).to_pylist()]


def read_partition(path: Path) -> Iterator[TrialRows]:
    """Read the synapse table of a partition, trial by trial.

    Parameters
    ----------
    path : Path
        A parquet file.

    Yields
    ------
    TrialRows
        In the order in which the trials appear.

    Raises
    ------
    DataError
        If the file is damaged, a column is missing or of a wrong kind, or a value is missing.
    """
    table = read_parquet(path)
    missing = [name for name in _COLUMNS if name not in table.column_names]
    if missing:
        raise refuse(path, "wrong-columns", f"columns missing: {', '.join(missing)}", _STORE_AGAIN)
    trials = _text(table, index_column(table.schema, path), path)
    synapses = _synapses(table, path)
    order = np.argsort(trials.codes, kind="stable")
    bounds = np.searchsorted(trials.codes[order], np.arange(len(trials.names) + 1))
    for trial, name in enumerate(trials.names):
        rows = order[bounds[trial] : bounds[trial + 1]]
        kept = np.zeros(len(trials.codes), dtype=bool)
        kept[rows] = True
        yield TrialRows(name, np.sort(rows), select_rows(synapses, kept))


def largest_time(path: Path) -> float:
    """Find the last activation time of a partition.

    Parameters
    ----------
    path : Path
        A parquet file.

    Returns
    -------
    float
        ms; 0 if there is no activation.
    """
    with open_parquet(path) as file:
        names = time_columns(file.schema_arrow.names)
        table = read_parquet(path, names)
    largest = [arrow_compute.max(table[name]).as_py() for name in names]
    finite = [value for value in largest if value is not None and value < 1e9]
    return float(max(finite, default=0.0))


def time_columns(names: Sequence[str]) -> list[str]:
    """Choose the columns whose name is an integer, in numeric order.

    Parameters
    ----------
    names : sequence of str
        Names of all columns.

    Returns
    -------
    list of str

    Examples
    --------
    >>> time_columns(["synapse_ID", "10", "2"])
    ['2', '10']
    """
    return sorted((name for name in names if name.isascii() and name.isdigit()), key=int)


def read_spike_key(key: DatabaseKey) -> SpikeTable:
    """Read the spike times of a database.

    Parameters
    ----------
    key : DatabaseKey
        ``spike_times``, stored as parquet.

    Returns
    -------
    SpikeTable
        With trial identities.

    Raises
    ------
    DataError
        If the table is damaged or a value is no spike time.
    """
    tables = [(path, read_parquet(path)) for path in parquet_files(key)]
    ids: list[str] = []
    values: list[np.ndarray[tuple[int, int], np.dtype[np.float64]]] = []
    for path, table in tables:
        names = time_columns(table.column_names)
        trials = _text(table, index_column(table.schema, path), path)
        ids += [trials.names[code] for code in trials.codes]
        columns = [_floats(table[name], path, name) for name in names]
        values.append(np.column_stack(columns) if columns else np.empty((len(table), 0)))
    widest = max(array.shape[1] for array in values)
    padded = [
        np.pad(array, ((0, 0), (0, widest - array.shape[1])), constant_values=np.nan)
        for array in values
    ]
    return spike_table(np.concatenate(padded), ids, str(key))


def read_trial_list(key: DatabaseKey) -> list[str]:
    """Read the list of all trials from the ``metadata`` key.

    Parameters
    ----------
    key : DatabaseKey
        Stored as parquet.

    Returns
    -------
    list of str
    """
    found: list[str] = []
    for path in parquet_files(key):
        found += [str(trial) for trial in read_parquet(path)["sim_trial_index"].to_pylist()]
    return found


def last_voltage_time(key: DatabaseKey) -> float | None:
    """Find the last time of stored voltage traces, whose columns are named by their times.

    Parameters
    ----------
    key : DatabaseKey
        ``voltage_traces``.

    Returns
    -------
    float or None
        ms; None if the description of the key does not tell.
    """
    path = key.path / "object_meta.json"
    names = read_json(path).get("columns", []) if path.is_file() else []
    try:
        return float(names[-1])
    except (IndexError, TypeError, ValueError):
        return None


def _synapses(table: pa.Table, path: Path) -> SynapseTable:
    text = {name: _text(table, name, path) for name in _TEXT_COLUMNS}
    numbers = {name: _integers(table[name], path, name) for name in _INTEGER_COLUMNS}
    distance = _floats(table["soma_distance"], path, "soma_distance")
    names = time_columns(table.column_names)
    columns = [_floats(table[name], path, name) for name in names]
    times = np.column_stack(columns) if columns else np.empty((len(table), 0))
    present = ~np.isnan(times)
    return SynapseTable(
        synapse_type=text["synapse_type"],
        synapse_id=numbers["synapse_ID"],
        soma_distance=distance,
        section_id=numbers["section_ID"],
        section_point=numbers["section_pt_ID"],
        dendrite_label=text["dendrite_label"],
        n_times=present.sum(axis=1).astype(np.int64),
        times=times[present],
    )


def _plain(column: pa.ChunkedArray, path: Path, name: str) -> pa.Array:
    """One array of text, decoded if it is categorical, without missing values."""
    values = column.combine_chunks()
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], pa.string())
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if values.null_count:
        row = values.is_null().index(pa.scalar(value=True)).as_py()
        raise refuse(path, "missing-value", f"row {row}: no '{name}'", _STORE_AGAIN)
    return values


def _text(table: pa.Table, name: str, path: Path) -> TextColumn:
    values = _plain(table[name], path, name)
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        raise refuse(path, "wrong-columns", f"'{name}' holds {values.type}, not text", _STORE_AGAIN)
    encoded = values.dictionary_encode()
    codes = np.asarray(encoded.indices, dtype=np.int64)
    return TextColumn(tuple(encoded.dictionary.to_pylist()), codes)


def _integers(column: pa.ChunkedArray, path: Path, name: str) -> INTEGERS:
    values = _plain(column, path, name)
    if not pa.types.is_integer(values.type):
        raise refuse(path, "wrong-columns", f"'{name}' holds {values.type}", "store whole numbers")
    return np.asarray(values, dtype=np.int64)


def _floats(
    column: pa.ChunkedArray, path: Path, name: str
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        raise refuse(path, "wrong-columns", f"'{name}' holds {column.type}", "store numbers")
    return np.asarray(column.to_numpy(), dtype=np.float64)
