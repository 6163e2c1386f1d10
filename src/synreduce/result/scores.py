"""The table ``scores.csv``: one row per evaluated model, side of its split and metric."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from operator import attrgetter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

import numpy as np

from synreduce.errors import DataError, Problem
from synreduce.evaluation.scores import SCORE_COLUMNS, ScoreRow
from synreduce.storage import publish_pieces

if TYPE_CHECKING:
    import pandas as pd

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_HELD_BYTES = 2**16


COLUMNS = SCORE_COLUMNS
"""Columns of ``scores.csv``, in order."""

INTEGER_COLUMNS = ("restart", "n_trials", "n_positive", "n_samples")
"""Columns that hold whole numbers."""

NUMBER_COLUMNS = (
    "value", "value_low", "value_high", "baseline_mean", "baseline_95", "p_value",
)  # fmt: skip
"""Columns that hold scores; ``nan`` where one is undefined."""

_KINDS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(INTEGER_COLUMNS, int),
    **dict.fromkeys(NUMBER_COLUMNS, float),
}
_cells = attrgetter(*COLUMNS)

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


class ScoreTable:
    """The table while it grows: rows lie on disk, not in memory.

    Rows are sorted by level and spatial chunk; within these, what is added first comes first, and
    what is added together is sorted. A context manager.
    """

    def __init__(self) -> None:
        self._parts: dict[tuple[str, str], IO[str]] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._open.close()

    def add(self, rows: Iterable[ScoreRow]) -> None:
        """Add rows.

        Parameters
        ----------
        rows : iterable of ScoreRow
            In any order.
        """
        for row in sorted(rows, key=row_order):
            key = (row.level, row.spatial)
            if key not in self._parts:
                self._parts[key] = self._open.enter_context(_spool())
            writer = csv.writer(self._parts[key], lineterminator="\n")
            writer.writerow([_cell(value) for value in _cells(row)])

    def publish(self, path: Path | str) -> None:
        """Write the table.

        Parameters
        ----------
        path : Path or str
            File to be written or replaced.

        Raises
        ------
        ResourceError
            If there is no space.
        """
        publish_pieces(Path(path), self._pieces())

    def _pieces(self) -> Iterator[bytes]:
        yield (",".join(COLUMNS) + "\n").encode()
        for _, part in sorted(self._parts.items()):
            part.seek(0)
            while piece := part.read(_HELD_BYTES):
                yield piece.encode()


def _spool() -> IO[str]:
    return tempfile.SpooledTemporaryFile(_HELD_BYTES, "w+", encoding="utf-8", newline="")


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
    with ScoreTable() as table:
        table.add(rows)
        table.publish(path)


def _cell(value: str | float) -> str:
    if isinstance(value, str):
        return f"'{value}" if value.startswith((*_FORMULA_STARTS, "'")) else value
    return _number(value)


def _number(value: float) -> str:
    # plain numbers, because the repr of a NumPy number names its type
    return repr(int(value)) if isinstance(value, int | np.integer) else repr(float(value))


def rows_to_text(rows: Iterable[ScoreRow]) -> str:
    """Write rows as comma-separated values, for a file that only this package reads.

    Parameters
    ----------
    rows : iterable of ScoreRow
        In any order.

    Returns
    -------
    str
        A header and the rows in order; numbers in full precision.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in sorted(rows, key=row_order):
        table.writerow(
            [value if isinstance(value, str) else _number(value) for value in _cells(row)]
        )
    return text.getvalue()


def rows_from_text(text: str) -> tuple[ScoreRow, ...]:
    """Read what `rows_to_text` wrote.

    Parameters
    ----------
    text : str
        Comma-separated values with a header.

    Returns
    -------
    tuple of ScoreRow
        In the order of the text.
    """
    return tuple(
        ScoreRow(**{name: _KINDS.get(name, str)(value) for name, value in row.items()})
        for row in csv.DictReader(io.StringIO(text))
    )


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
