"""Finds and opens the keys of a database folder of the in silico framework."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
EXPORT = (
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
        raise refuse(root, "pickled-database", what, EXPORT)
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
        raise refuse(folder, "pickled-key", what, EXPORT)
    loader = read_json(folder / "Loader.json")
    name = loader.get("Loader") if isinstance(loader, dict) else None
    if not isinstance(name, str):
        raise refuse(folder / "Loader.json", "bad-loader", "has no 'Loader'", "copy the key again")
    dumper = name.rpartition(".")[2]
    if dumper in _PICKLES:
        what = f"is stored by {dumper} as Python objects; refused (could run code)"
        raise refuse(folder, "pickled-key", what, EXPORT)
    if dumper in _MSGPACK:
        what = f"is stored by {dumper}: msgpack needs libraries that no longer work with pandas 3"
        raise refuse(folder, "msgpack-key", what, EXPORT)
    if dumper not in {*PARQUET_DUMPERS, *NUMPY_DUMPERS, SUB_DATABASE, "just_create_folder"}:
        raise refuse(folder, "unknown-dumper", f"is stored by '{dumper}', which is unknown", EXPORT)
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
