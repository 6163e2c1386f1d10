"""Everything that a merge collected, before it is laid out as a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synreduce.merging import Consensus, consensus

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synreduce.chunks import Grid
    from synreduce.evaluation import ScoreRow
    from synreduce.pipeline.inputs import RunBases
    from synreduce.pipeline.merge_records import WindowMerge


@dataclass(frozen=True)
class MergedRun:
    """Everything that a merge collected.

    Parameters
    ----------
    grid : Grid
        Chunks.
    splits : tuple of str
        Names of the splits.
    groups : dict of str to int
        Groups and their signs, in the order of the designs' terms.
    bases : RunBases
        Basis functions.
    strategies, solvers : tuple of str
        Names.
    merges : dict of (split, temporal) to WindowMerge
        All windows.
    rows : tuple of ScoreRow
        Scores of chunks, merged models and consensus.
    """

    grid: Grid
    splits: tuple[str, ...]
    groups: dict[str, int]
    bases: RunBases
    strategies: tuple[str, ...]
    solvers: tuple[str, ...]
    merges: Mapping[tuple[str, str], WindowMerge]
    rows: tuple[ScoreRow, ...]

    @property
    def cells(self) -> Iterator[tuple[int, int, WindowMerge]]:
        """Positions of split and temporal chunk, and what was merged there."""
        for first, split in enumerate(self.splits):
            for second, window in enumerate(self.grid.temporal):
                yield first, second, self.merges[split, window.name]

    def consensus(self, split: str) -> Consensus:
        """Pool the kernels of all windows of a split by inverse variance.

        Parameters
        ----------
        split : str
            Name of the split.

        Returns
        -------
        Consensus
            On the scale of log odds, (n_groups, n_bins, width), time forward.
        """
        kernels = [self.merges[split, window.name].kernel for window in self.grid.temporal]
        return consensus(
            np.array([kernel.kernel for kernel in kernels]),
            np.array([kernel.variance for kernel in kernels]),
        )


class Variables(dict[str, "NDArray[Any]"]):
    """Variables of one part of the merged file, empty until they are filled.

    Parameters
    ----------
    sizes : mapping of str to int
        Length of every dimension.
    """

    def __init__(self, sizes: Mapping[str, int]) -> None:
        super().__init__()
        self._sizes = sizes

    def real(self, name: str, *dimensions: str) -> None:
        """Add a variable of NaN.

        Parameters
        ----------
        name : str
            Name of the variable.
        *dimensions : str
            Its dimensions.
        """
        self[name] = np.full([self._sizes[axis] for axis in dimensions], np.nan)

    def integer(self, name: str, *dimensions: str, fill: int = 0) -> None:
        """Add a variable of whole numbers.

        Parameters
        ----------
        name : str
            Name of the variable.
        *dimensions : str
            Its dimensions.
        fill : int, default: 0
            Value before it is filled.
        """
        self[name] = np.full([self._sizes[axis] for axis in dimensions], fill, dtype=np.int64)
