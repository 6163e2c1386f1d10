"""What is in a file, in a screenful: an activation database or a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synreduce.database import SCHEMA_NAME as DATABASE_SCHEMA
from synreduce.database import describe_database
from synreduce.errors import DataError, Problem
from synreduce.result import MERGED_SCHEMA, open_result, summary_lines
from synreduce.storage import open_hdf5

if TYPE_CHECKING:
    from pathlib import Path


def describe_file(path: Path) -> list[str]:
    """Describe a database or a result.

    Parameters
    ----------
    path : Path
        File written by synreduce.

    Returns
    -------
    list of str
        Lines for people.

    Raises
    ------
    DataError
        If it is neither.
    """
    with open_hdf5(path) as file:
        schema = str(file.attrs.get("schema_name", ""))
    if schema == DATABASE_SCHEMA:
        return describe_database(path)
    if schema == MERGED_SCHEMA:
        with open_result(path) as result:
            return summary_lines(result)
    what = f"schema '{schema}' is neither a database nor a result" if schema else "no schema"
    raise DataError(
        Problem("unknown-file", str(path), what, "give a database or a merged result of synreduce")
    )
