"""Rows of a problem in groups of quanta, which may be held in several processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from synreduce.design import ROWS_PER_BLOCK, RowSource

Block = tuple[slice, NDArray[np.float64]]
"""A quantum: its place in the group, and its rows with a last column of ones."""

Samples = Sequence[NDArray[Any] | None]
"""Arrays with an entry per sample; None is handed on as it is."""

Result = TypeVar("Result")

ROWS_PER_GROUP = 4 * ROWS_PER_BLOCK
"""Samples per group: sums are formed per group and the groups added in order, so the bits do not
depend on where a group was summed."""


class RowGroups(Protocol):
    """Rows in groups of quanta, wherever they are held."""

    def map(
        self, function: Callable[..., Result], samples: Samples, arguments: Sequence[Any]
    ) -> Iterator[Result]:
        """Run a function on every group.

        Parameters
        ----------
        function : callable
            Importable; called with the blocks of a group, the group's part of each array of
            `samples`, and `arguments`.
        samples : sequence of numpy.ndarray or None
            Arrays with an entry per sample.
        arguments : sequence
            What the function needs besides.

        Yields
        ------
        object
            What the function returns for each group, in order.
        """
        ...


Spread = Callable[[RowSource, int], RowGroups]
"""Holds rows on several workers, in a number of bytes each."""


def group_ranges(n_rows: int) -> list[tuple[int, int]]:
    """List the groups of a number of samples.

    Parameters
    ----------
    n_rows : int
        Samples.

    Returns
    -------
    list of (int, int)
        First sample and the one after the last.

    Examples
    --------
    >>> group_ranges(70_000)
    [(0, 32768), (32768, 65536), (65536, 70000)]
    """
    starts = range(0, n_rows, ROWS_PER_GROUP)
    return [(start, min(start + ROWS_PER_GROUP, n_rows)) for start in starts]


def cached_bytes(n_rows: int, n_features: int) -> int:
    """Memory that rows take in double precision, with their column of ones.

    Parameters
    ----------
    n_rows, n_features : int
        Samples and columns.

    Returns
    -------
    int
    """
    return 8 * n_rows * (n_features + 1)


def read_blocks(rows: RowSource, start: int, stop: int) -> Iterator[Block]:
    """Read a group quantum by quantum.

    Parameters
    ----------
    rows : RowSource
        Where the rows are.
    start, stop : int
        First sample of the group and the one after its last.

    Yields
    ------
    slice, numpy.ndarray of float64, shape (rows, n_features + 1)
    """
    for first in range(start, stop, ROWS_PER_BLOCK):
        last = min(first + ROWS_PER_BLOCK, stop)
        block = np.empty((last - first, rows.n_features + 1))
        block[:, :-1] = rows.read(first, last)
        block[:, -1] = 1.0
        yield slice(first - start, last - start), block


def samples_of(samples: Samples, start: int, stop: int) -> list[NDArray[Any] | None]:
    """Cut a group's part out of arrays with an entry per sample.

    Parameters
    ----------
    samples : sequence of numpy.ndarray or None
        Of all samples.
    start, stop : int
        First sample of the group and the one after its last.

    Returns
    -------
    list of numpy.ndarray or None
    """
    return [None if array is None else array[start:stop] for array in samples]


class LocalRowGroups:
    """Rows in this process.

    Parameters
    ----------
    rows : RowSource
        Where the rows are.
    cached : bool
        Whether to keep them in memory in double precision; else every pass reads them.
    """

    def __init__(self, rows: RowSource, *, cached: bool) -> None:
        self._rows, self._ranges = rows, group_ranges(rows.n_rows)
        self.cached = (
            [list(read_blocks(rows, *where)) for where in self._ranges] if cached else None
        )

    def map(
        self, function: Callable[..., Result], samples: Samples, arguments: Sequence[Any]
    ) -> Iterator[Result]:
        """Run a function on one group after the other; see `RowGroups.map`."""
        for number, (start, stop) in enumerate(self._ranges):
            blocks = (
                read_blocks(self._rows, start, stop) if self.cached is None else self.cached[number]
            )
            yield function(blocks, *samples_of(samples, start, stop), *arguments)
