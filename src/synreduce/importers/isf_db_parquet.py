"""Reads the parquet files of a database folder."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from synreduce.importers.files import refuse, require_regular_file
from synreduce.importers.isf_db_keys import EXPORT, PARQUET_DUMPERS, DatabaseKey

_PARTITION = re.compile(r"pandas_to_parquet\.(\d+)\.(\d+)\.parquet")


def parquet_files(key: DatabaseKey) -> list[Path]:
    """List the partitions of a table in order.

    Parameters
    ----------
    key : DatabaseKey
        A key stored as parquet.

    Returns
    -------
    list of Path

    Raises
    ------
    DataError
        If it is not stored as parquet, or partitions are missing.
    """
    if key.dumper not in PARQUET_DUMPERS:
        raise refuse(key, "not-a-table", f"is stored by {key.dumper}, expected parquet", EXPORT)
    if key.dumper == "pandas_to_parquet":
        return [key.path / "pandas_to_parquet.parquet"]
    found = {
        (int(match.group(1)), int(match.group(2))): path
        for path in key.path.iterdir()
        if (match := _PARTITION.fullmatch(path.name))
    }
    totals = {total for total, _ in found}
    if len(totals) != 1:
        what = "no partitions" if not totals else f"partitions of {len(totals)} different tables"
        raise refuse(key, "wrong-partitions", what, "copy the key again")
    total = totals.pop()
    missing = [number for number in range(total) if (total, number) not in found]
    if missing or len(found) != total:
        what = f"{len(found)} of {total} partitions are there, missing: {missing[:10]}"
        raise refuse(key, "wrong-partitions", what, "copy the key again")
    return [found[total, number] for number in range(total)]


def open_parquet(path: Path) -> parquet.ParquetFile:
    """Open a parquet file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    pyarrow.parquet.ParquetFile

    Raises
    ------
    DataError
        If it is missing, cut or not parquet.
    """
    require_regular_file(path)
    try:
        return parquet.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from None


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a parquet file, or some of its columns.

    Parameters
    ----------
    path : Path
        The file.
    columns : sequence of str, optional
        Columns to read.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    DataError
        If it is missing, cut, damaged or not parquet.
    """
    with open_parquet(path) as file:
        try:
            return file.read(columns=None if columns is None else list(columns))
        except (pa.ArrowException, OSError) as error:
            raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> Exception:
    what = f"cut or damaged parquet ({str(error)[:100]})"
    return refuse(path, "damaged-file", what, "copy the key again")


def index_column(schema: pa.Schema, path: Path) -> str:
    """Find the column that holds the index of a pandas table.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the parquet file.
    path : Path
        The file, for messages.

    Returns
    -------
    str

    Raises
    ------
    DataError
        If there is none: rows would have to be matched by position.
    """
    known = ("sim_trial_index", "sim_trail_index", "__index_level_0__")
    described = _described_index(schema)
    for name in (*described, *known):
        if name in schema.names:
            return str(name)
    what = "has no index column (sim_trial_index), so its rows belong to no trial"
    raise refuse(path, "no-index", what, "store the table with its index")


def _described_index(schema: pa.Schema) -> list[str]:
    try:
        columns = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))["index_columns"]
        return [name for name in columns if isinstance(name, str)]
    except (ValueError, KeyError, TypeError):
        return []
