"""Everything that can be wrong with a database, found at once."""

from __future__ import annotations

from pathlib import Path

from synreduce.database.content import recomputed_fingerprint
from synreduce.database.file_database import FileDatabase
from synreduce.errors import DataError, Problem


def check_database(path: str | Path, deep: bool = False) -> list[Problem]:
    """Look for everything that is wrong with a database.

    Parameters
    ----------
    path : str or Path
        The file.
    deep : bool, default: False
        Whether every value is read.

    Returns
    -------
    list of Problem
        Empty for a good database.
    """
    try:
        database = FileDatabase(path)
    except DataError as error:
        return list(error.problems)
    with database:
        if deep and recomputed_fingerprint(database._file) != database.fingerprint:  # noqa: SLF001
            return [Problem("damaged", str(path), "content differs from its fingerprint")]
    return []


def database_warnings(path: str | Path) -> list[str]:
    """Look for what is unusual, but not wrong."""
    with FileDatabase(path):
        return []
