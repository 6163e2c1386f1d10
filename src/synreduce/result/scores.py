"""The table ``scores.csv``: one row per evaluated model, side of its split and metric."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from synreduce.errors import DataError, Problem
from synreduce.evaluation.scores import SCORE_COLUMNS, ScoreRow
from synreduce.storage import publish_text

if TYPE_CHECKING:
    import pandas as pd

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


COLUMNS = SCORE_COLUMNS
"""Columns of ``scores.csv``, in order."""

INTEGER_COLUMNS = ("restart", "n_trials", "n_positive", "n_samples")
"""Columns that hold whole numbers."""

NUMBER_COLUMNS = (
    "value", "value_low", "value_high", "baseline_mean", "baseline_95", "p_value",
)  # fmt: skip
"""Columns that hold scores; ``nan`` where one is undefined."""

_IDENTITY = ("level", "spatial", "temporal", "strategy", "solver", "merge", "split", "subset",
             "restart", "metric")  # fmt: skip


def row_order(row: ScoreRow) -> tuple[str | int, ...]:
    """Give the place of a row in the table.

    Parameters
    ----------
    row : ScoreRow
        The row.

    Returns
    -------
    tuple
        Sort key: what identifies the row, in the order of the columns.
    """
    return tuple(getattr(row, name) for name in _IDENTITY)


def write_scores(path: Path | str, rows: Iterable[ScoreRow]) -> None:
    """Write ``scores.csv``: sorted, numbers in full precision, the same bytes for the same rows.

    Text that a spreadsheet would run as a formula is preceded by an apostrophe.

    Parameters
    ----------
    path : Path or str
        File to be written or replaced.
    rows : iterable of ScoreRow
        In any order.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in sorted(rows, key=row_order):
        writer.writerow([_cell(value) for value in astuple(row)])
    publish_text(Path(path), text.getvalue())


def _cell(value: str | float) -> str:
    if isinstance(value, str):
        return f"'{value}" if value.startswith((*_FORMULA_STARTS, "'")) else value
    # plain numbers, because the repr of a NumPy number names its type
    return repr(int(value)) if isinstance(value, int | np.integer) else repr(float(value))


def read_scores(path: Path | str) -> pd.DataFrame:
    """Read ``scores.csv``.

    Parameters
    ----------
    path : Path or str
        File written by :func:`write_scores`.

    Returns
    -------
    pandas.DataFrame
        Columns ``COLUMNS``.

    Raises
    ------
    DataError
        If the file is missing or has other columns.
    """
    import pandas as pd  # noqa: PLC0415 (half a second, not needed to write)

    if not Path(path).is_file():
        fix = "run the merge again: it writes the table beside the merged file"
        raise DataError(Problem("no-scores", str(path), "there is no table of scores", fix))
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if tuple(table.columns) != COLUMNS:
        what = f"columns are {list(table.columns)}, expected {list(COLUMNS)}"
        raise DataError(Problem("bad-scores", str(path), what, "run the merge again"))
    for name in COLUMNS:
        if name in INTEGER_COLUMNS:
            table[name] = table[name].astype("int64")
        elif name in NUMBER_COLUMNS:
            table[name] = table[name].astype(float)
        else:
            table[name] = table[name].str.removeprefix("'")
    return table
