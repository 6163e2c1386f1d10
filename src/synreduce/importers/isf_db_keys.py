"""Finds and opens the keys of a database folder of the in silico framework."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from synreduce.importers.files import refuse, require_regular_file
from synreduce.suggestions import did_you_mean

PARQUET_DUMPERS = ("dask_to_parquet", "pandas_to_parquet")
NUMPY_DUMPERS = {"numpy_to_npz": "np.npz", "numpy_to_npy": "np.npy"}
SUB_DATABASE = "just_create_isf_db"

_MSGPACK = {
    "dask_to_msgpack",
    "dask_to_categorized_msgpack",
    "pandas_to_msgpack",
    "numpy_to_msgpack",
}
_PICKLES = {"to_cloudpickle", "to_pickle", "pandas_to_pickle"}
_PARTITION = re.compile(r"pandas_to_parquet\.(\d+)\.(\d+)\.parquet")
_EXPORT = (
    "load the key with the program that wrote it and store it again as parquet "
    "(dumper dask_to_parquet or pandas_to_parquet) or npz (numpy_to_npz)"
)
_MAX_JSON_BYTES = 256 * 2**20


@dataclass(frozen=True)
class DatabaseKey:
    """One key: a folder and the program part that wrote it.

    Parameters
    ----------
    names : tuple of str
        The key.
    path : Path
        Its folder.
    dumper : str
        What wrote it, e.g. ``dask_to_parquet``.
    """

    names: tuple[str, ...]
    path: Path
    dumper: str

    def __str__(self) -> str:
        return f"{self.path}"


def require_database(root: Path) -> None:
    """Check that a folder is a database that can be read without unpickling.

    Parameters
    ----------
    root : Path
        The folder.

    Raises
    ------
    DataError
        If it is no database, or one of an old kind.
    """
    if not root.is_dir():
        what = "is a file, expected a database folder" if root.exists() else "not found"
        fix = "unpack it and give the folder" if root.exists() else "check the path"
        raise refuse(root, "no-folder", what, fix)
    if (root / "db_state.json").is_file():
        return
    if (root / "dbcore.pickle").exists() or (root / "mdb").exists():
        what = "is a database of an old kind that only Python objects (pickle) describe; refused"
        raise refuse(root, "pickled-database", what, _EXPORT)
    inner = [path.parent for path in sorted(root.glob("*/db_state.json"))]
    fix = f"give {inner[0]}" if inner else "give the folder that holds db_state.json"
    raise refuse(root, "no-database", "no db_state.json: not a database folder", fix)


def split_key(text: str) -> tuple[str, ...]:
    """Split a key as a user writes it.

    Parameters
    ----------
    text : str
        ``a/b``, or its path in the folder ``a/db/b``.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> split_key("synapse_activation_binned/db/t1")
    ('synapse_activation_binned', 't1')
    """
    return tuple(name for name in text.split("/") if name not in ("", "db"))


def key_names(folder: Path) -> list[str]:
    """List the keys of a database or sub-database.

    Parameters
    ----------
    folder : Path
        A database folder, or the ``db`` folder of a sub-database.

    Returns
    -------
    list of str
    """
    loaders = ("Loader.json", "Loader.pickle")
    return sorted(
        path.name
        for path in folder.iterdir()
        if path.is_dir() and any((path / loader).exists() for loader in loaders)
    )


def open_key(root: Path, names: Sequence[str]) -> DatabaseKey:
    """Find a key and check that it can be read safely.

    Parameters
    ----------
    root : Path
        The database folder.
    names : sequence of str
        The key; more than one name for keys of sub-databases.

    Returns
    -------
    DatabaseKey

    Raises
    ------
    DataError
        If the key does not exist, or is stored as msgpack, pickle or something unknown.
    """
    folder = root
    for depth, name in enumerate(names):
        parent = folder if depth == 0 else folder / "db"
        known = key_names(parent) if parent.is_dir() else []
        if name not in known:
            key = "/".join(names)
            hint = did_you_mean(name, known) if known else ""
            raise refuse(root, "no-key", f"has no key '{key}'", hint)
        folder = parent / name
    return DatabaseKey(tuple(names), folder, _dumper(folder))


def _dumper(folder: Path) -> str:
    if not (folder / "Loader.json").is_file():
        what = "is described by a pickle (Loader.pickle) only; refused (could run code)"
        raise refuse(folder, "pickled-key", what, _EXPORT)
    loader = read_json(folder / "Loader.json")
    name = loader.get("Loader") if isinstance(loader, dict) else None
    if not isinstance(name, str):
        raise refuse(folder / "Loader.json", "bad-loader", "has no 'Loader'", "copy the key again")
    dumper = name.rpartition(".")[2]
    if dumper in _PICKLES:
        what = f"is stored by {dumper} as Python objects; refused (could run code)"
        raise refuse(folder, "pickled-key", what, _EXPORT)
    if dumper in _MSGPACK:
        what = f"is stored by {dumper}: msgpack needs libraries that no longer work with pandas 3"
        raise refuse(folder, "msgpack-key", what, _EXPORT)
    if dumper not in {*PARQUET_DUMPERS, *NUMPY_DUMPERS, SUB_DATABASE, "just_create_folder"}:
        raise refuse(
            folder, "unknown-dumper", f"is stored by '{dumper}', which is unknown", _EXPORT
        )
    return dumper


def read_json(path: Path) -> Any:  # noqa: ANN401 (whatever the file holds)
    """Read a JSON file of the database.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    object

    Raises
    ------
    DataError
        If it is missing, too large or not JSON.
    """
    if require_regular_file(path) > _MAX_JSON_BYTES:
        raise refuse(path, "too-large", "unreasonably large", "copy the key again")
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise refuse(path, "bad-json", f"not JSON ({error})", "copy the key again") from None


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
        raise refuse(key, "not-a-table", f"is stored by {key.dumper}, expected parquet", _EXPORT)
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
