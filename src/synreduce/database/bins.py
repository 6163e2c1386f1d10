"""The bins of a request for counts, and arrays that have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from synreduce.database.binning import time_bin_edges
from synreduce.database.model import CountArray, FloatArray, Group
from synreduce.errors import DataError, Problem
from synreduce.suggestions import did_you_mean

BEYOND = ("drop", "clip", "refuse")


@dataclass(frozen=True)
class Bins:
    """The bins of a request for counts.

    Parameters
    ----------
    distance_edges : ndarray of float64, shape (n_bins + 1,)
        um.
    time_edges : ndarray of float64, shape (n_times + 1,)
        ms.
    time_bin_ms : float
        Width of a time bin.
    beyond : {"drop", "clip", "refuse"}
        What happens to activations at and beyond the last distance edge.
    """

    distance_edges: FloatArray
    time_edges: FloatArray
    time_bin_ms: float
    beyond: str

    @property
    def shape(self) -> tuple[int, int]:
        """Number of time bins and of distance bins."""
        return len(self.time_edges) - 1, len(self.distance_edges) - 1

    @classmethod
    def of(
        cls,
        name: str,
        record: tuple[float, float],
        distance_edges: FloatArray,
        window: tuple[float | None, float | None],
        *,
        width: float,
        beyond: str,
    ) -> Self:
        """Check a request against the record.

        Parameters
        ----------
        name : str
            Of the database, for messages.
        record : tuple of float
            Begin and end of the record, ms.
        distance_edges : ndarray of float64
            um.
        window : tuple of float or None
            Wanted window, ms; None for begin or end of the record.
        width : float
            Of a time bin, ms.
        beyond : str
            What happens beyond the last edge.

        Returns
        -------
        Bins

        Raises
        ------
        DataError
            If the window leaves the record or is no multiple of the bin, or edges do not ascend.
        """
        if not width > 0:
            raise DataError(Problem("bad-time-bin", name, f"time bin of {width} ms"))
        problems = []
        if beyond not in BEYOND:
            what = f"beyond = '{beyond}'"
            problems.append(Problem("bad-option", "counts", what, did_you_mean(beyond, BEYOND)))
        if distance_edges.ndim != 1 or len(distance_edges) < 2 or not _ascend(distance_edges):
            what = f"distance edges {np.array2string(distance_edges, threshold=8)} do not ascend"
            problems.append(Problem("bad-edges", name, what, "give at least two, ascending"))
        end_of_bins = record[0] + width * int(np.ceil((record[1] - record[0]) / width - 1e-9))
        begin = record[0] if window[0] is None else float(window[0])
        end = end_of_bins if window[1] is None else float(window[1])
        n_times, slack = round((end - begin) / width), 1e-6 * width
        if n_times < 1 or abs(n_times * width - (end - begin)) > slack:
            left = end - begin - int((end - begin) / width) * width
            what = f"window {begin:g} to {end:g} ms / bin {width:g} ms leaves {left:g} ms"
            problems.append(Problem("bad-window", name, what, "choose a multiple of the bin"))
        if begin < record[0] - slack or end > end_of_bins + slack:
            what = (
                f"window [{begin:g}, {end:g}) leaves the record [{record[0]:g}, {record[1]:g}) ms"
            )
            problems.append(Problem("outside-record", name, what, "choose a window within it"))
        if problems:
            raise DataError(problems)
        return cls(distance_edges, time_bin_edges(begin, n_times, width), width, beyond)


def empty_counts(
    groups: Sequence[Group], n_trials: int, bins: Bins, dtype: npt.DTypeLike = np.uint8
) -> dict[str, CountArray]:
    """Make arrays of zeros.

    Parameters
    ----------
    groups : sequence of Group
        Names of the arrays.
    n_trials : int
        First axis.
    bins : Bins
        The other axes.
    dtype : dtype
        Of the values.

    Returns
    -------
    dict of str to ndarray
    """
    return {group.name: np.zeros((n_trials, *bins.shape), dtype) for group in groups}


def common_type(counts: Mapping[str, CountArray]) -> dict[str, CountArray]:
    """Give all arrays the widest type among them."""
    widest = np.result_type(np.uint8, *counts.values())
    return {name: values.astype(widest, copy=False) for name, values in counts.items()}


def _ascend(edges: FloatArray) -> bool:
    return bool((np.diff(edges) > 0).all())
