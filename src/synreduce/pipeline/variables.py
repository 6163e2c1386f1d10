"""Variables of the merged file while they are filled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from synreduce.chunks import SUBSETS
from synreduce.metrics import METRICS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synreduce.evaluation import ScoreRow
    from synreduce.pipeline.merge_records import WindowSplit


# Variables that go with the AUROC, and their columns in the table of scores.
_AUROC_INTERVAL = {"auroc_low": "value_low", "auroc_high": "value_high"}
_AUROC_BASELINE = {
    "auroc_baseline": "baseline_mean",
    "auroc_baseline_95": "baseline_95",
    "auroc_p_value": "p_value",
}


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


def metric_arrays(window: WindowSplit, rows: Iterable[ScoreRow]) -> dict[str, NDArray[np.float64]]:
    """Lay out the scores of one level.

    Parameters
    ----------
    window : WindowSplit
        Temporal chunk and split.
    rows : iterable of ScoreRow
        At most one per spatial chunk, subset and metric; a row of all spatial chunks stands at
        each of them.

    Returns
    -------
    dict of str to ndarray, shape (n_subsets, n_spatial)
    """
    spaces = {files.name: position for position, files in enumerate(window.files)}
    arrays = Variables(window.sizes)
    # A baseline that was not asked for is not in the file.
    with_baseline = window.baseline.n_permutations > 0
    figures = {**_AUROC_INTERVAL, **(_AUROC_BASELINE if with_baseline else {})}
    for name in (*METRICS, *figures):
        arrays.real(name, "subset", "spatial")
    for row in rows:
        where = (SUBSETS.index(row.subset), spaces.get(row.spatial, slice(None)))
        arrays[row.metric][where] = row.value
        if row.metric == "auroc":
            for name, column in figures.items():
                arrays[name][where] = getattr(row, column)
    return arrays
