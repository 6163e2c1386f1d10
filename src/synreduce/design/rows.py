"""Rows of a design, one per sample, wherever they are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from synreduce.errors import InputError, Problem

ROWS_PER_BLOCK = 8192
"""Samples per quantum: sums over samples are formed per quantum and added in order."""

RowArray = NDArray[np.floating[Any]]


class RowSource(Protocol):
    """Rows of a design that may live in memory, in a file, or in several places."""

    @property
    def n_rows(self) -> int:
        """Number of samples."""
        ...

    @property
    def n_features(self) -> int:
        """Number of columns."""
        ...

    def read(self, start: int, stop: int) -> RowArray:
        """Read rows start to stop, shape (stop - start, n_features), float32 or float64."""
        ...


@dataclass(frozen=True)
class ArrayRows:
    """Rows held in memory.

    Parameters
    ----------
    array : numpy.ndarray, shape (n_rows, n_features)
        float32 or float64; other types are converted to float64.
    """

    array: RowArray

    def __post_init__(self) -> None:
        array = np.asarray(self.array)
        if array.ndim != 2:
            what = f"rows of shape {array.shape}"
            raise InputError(Problem("bad-rows", "design", what, "give (samples, features)"))
        if array.dtype not in (np.float32, np.float64):
            array = array.astype(np.float64)
        object.__setattr__(self, "array", array)

    @property
    def n_rows(self) -> int:
        """Number of samples."""
        return int(self.array.shape[0])

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return int(self.array.shape[1])

    def read(self, start: int, stop: int) -> RowArray:
        """Read rows start to stop, as a view.

        Parameters
        ----------
        start, stop : int
            Half-open range of samples.

        Returns
        -------
        numpy.ndarray, shape (stop - start, n_features)
        """
        return self.array[start:stop]


@dataclass(frozen=True)
class SelectedRows:
    """Some rows of another source, e.g. the training samples.

    Parameters
    ----------
    source : RowSource
        Where the rows are.
    index : numpy.ndarray of int, shape (n_rows,)
        Positions in the source, in the order wanted.
    """

    source: RowSource
    index: NDArray[np.int64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", np.asarray(self.index, dtype=np.int64))

    @property
    def n_rows(self) -> int:
        """Number of samples."""
        return int(self.index.size)

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.source.n_features

    def read(self, start: int, stop: int) -> RowArray:
        """Read selected rows start to stop.

        Only the span of the source that holds them is read, in pieces of a quantum.

        Parameters
        ----------
        start, stop : int
            Half-open range of selected samples.

        Returns
        -------
        numpy.ndarray, shape (stop - start, n_features)
        """
        wanted = self.index[start:stop]
        if isinstance(self.source, ArrayRows):
            return self.source.array[wanted]
        rows: RowArray | None = None
        for block in np.unique(wanted // ROWS_PER_BLOCK).tolist():
            first = block * ROWS_PER_BLOCK
            part = self.source.read(first, min(first + ROWS_PER_BLOCK, self.source.n_rows))
            inside = (wanted // ROWS_PER_BLOCK) == block
            if rows is None:
                rows = np.empty((wanted.size, self.n_features), dtype=part.dtype)
            rows[inside] = part[wanted[inside] - first]
        return np.empty((0, self.n_features)) if rows is None else rows


@dataclass(frozen=True)
class ConcatenatedColumns:
    """Columns of several sources side by side, e.g. spatial chunks of one window.

    Parameters
    ----------
    sources : sequence of RowSource
        All with the same number of rows.

    Raises
    ------
    InputError
        If the numbers of rows differ.
    """

    sources: Sequence[RowSource]

    def __post_init__(self) -> None:
        object.__setattr__(self, "sources", tuple(self.sources))
        sizes = {source.n_rows for source in self.sources}
        if len(sizes) != 1:
            what = f"sources have {sorted(sizes)} rows"
            raise InputError(Problem("bad-rows", "design", what, "give sources of equal length"))

    @property
    def n_rows(self) -> int:
        """Number of samples."""
        return self.sources[0].n_rows

    @property
    def n_features(self) -> int:
        """Number of columns of all sources."""
        return sum(source.n_features for source in self.sources)

    def read(self, start: int, stop: int) -> RowArray:
        """Read rows start to stop of all sources.

        Parameters
        ----------
        start, stop : int
            Half-open range of samples.

        Returns
        -------
        numpy.ndarray, shape (stop - start, n_features)
        """
        return np.concatenate([source.read(start, stop) for source in self.sources], axis=1)


def iterate_blocks(
    source: RowSource, rows_per_block: int = ROWS_PER_BLOCK
) -> Iterator[tuple[slice, RowArray]]:
    """Read a source quantum by quantum.

    Parameters
    ----------
    source : RowSource
        Rows.
    rows_per_block : int, default: ROWS_PER_BLOCK
        Rows per block. Sums that must not depend on memory or workers use the default.

    Yields
    ------
    slice, numpy.ndarray
        Which rows, and the rows.
    """
    for start in range(0, source.n_rows, rows_per_block):
        stop = min(start + rows_per_block, source.n_rows)
        yield slice(start, stop), source.read(start, stop)
