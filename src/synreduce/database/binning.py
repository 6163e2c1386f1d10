"""Counting activations in bins of time and soma distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synreduce.database.model import CountArray, FloatArray, IntArray
from synreduce.errors import DataError, Problem

_UNSIGNED = (np.uint8, np.uint16, np.uint32, np.uint64)


def bin_index(values: FloatArray, edges: FloatArray) -> IntArray:
    """Find the half-open bin ``[edges[i], edges[i + 1])`` of every value, exactly.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Finite.
    edges : ndarray of float64, shape (n_bins + 1,)
        Ascending; the last may be infinite.

    Returns
    -------
    ndarray of int64, shape (n,)
        -1 below the first edge, n_bins at and beyond the last.

    Examples
    --------
    >>> bin_index(np.array([0.0, 49.9, 50.0, 150.0, -1.0]), np.array([0.0, 50.0, 100.0]))
    array([ 0,  0,  1,  2, -1])
    """
    n_bins = len(edges) - 1
    width = edges[1] - edges[0]
    inner = edges[:-1] if np.isinf(edges[-1]) else edges
    uniform = np.allclose(np.diff(inner), width, rtol=1e-9, atol=0.0) and n_bins > 2
    if not uniform:
        found: IntArray = np.searchsorted(edges, values, side="right") - 1
        return found
    # The quotient can be one off beside an edge; comparing with the edges themselves mends it.
    guess: IntArray = np.clip((values - edges[0]) * (1.0 / width), 0, n_bins - 1).astype(np.int64)
    guess -= values < edges[guess]
    guess += values >= edges[guess + 1]
    return guess


def time_bin_edges(t0: float, n_bins: int, width_ms: float) -> FloatArray:
    """Return the edges of equal time bins, ms, shape (n_bins + 1,)."""
    return t0 + width_ms * np.arange(n_bins + 1, dtype=np.float64)


def smallest_unsigned(largest: int) -> np.dtype[Any]:
    """Return the smallest unsigned integer type that holds a number.

    Examples
    --------
    >>> smallest_unsigned(255), smallest_unsigned(256)
    (dtype('uint8'), dtype('uint16'))
    """
    for kind in _UNSIGNED:
        if largest <= np.iinfo(kind).max:
            return np.dtype(kind)
    message = f"no integer type holds {largest}"
    raise OverflowError(message)


def add_events(target: CountArray, flat_index: IntArray) -> bool:
    """Count events into an array of zeros.

    Parameters
    ----------
    target : ndarray of unsigned int
        C-contiguous, all zero.
    flat_index : ndarray of int64, shape (n_events,)
        Position of every event in the flattened target.

    Returns
    -------
    bool
        False if a count did not fit in the type of `target`.
    """
    flat = target.reshape(-1)
    np.add.at(flat, flat_index, np.ones((), target.dtype))
    return int(flat.sum(dtype=np.uint64)) == len(flat_index)


def add_counts(arrays: Sequence[CountArray]) -> CountArray:
    """Add arrays of counts in the smallest type that holds the sums.

    Parameters
    ----------
    arrays : sequence of ndarray
        At least one, of equal shape.

    Returns
    -------
    ndarray of unsigned int
    """
    if len(arrays) == 1:
        return arrays[0]
    bound = sum(int(counts.max(initial=0)) for counts in arrays)
    total = arrays[0].astype(smallest_unsigned(bound))
    for counts in arrays[1:]:
        total += counts.astype(total.dtype, copy=False)
    return total.astype(smallest_unsigned(int(total.max(initial=0))), copy=False)


def merge_bins(counts: CountArray, starts: npt.NDArray[np.intp], axis: int) -> CountArray:
    """Add neighbouring bins in the smallest type that holds the sums.

    Parameters
    ----------
    counts : ndarray of unsigned int
        Any shape.
    starts : ndarray of int
        First bin of every merged bin; the last one ends with the array.
    axis : int
        Along which bins are merged.

    Returns
    -------
    ndarray of unsigned int
    """
    if len(starts) == counts.shape[axis]:
        return counts
    widest = int(np.diff([*starts, counts.shape[axis]]).max())
    bound = widest * int(counts.max(initial=0))
    sums = np.add.reduceat(counts, starts, axis=axis, dtype=smallest_unsigned(bound))
    return sums.astype(smallest_unsigned(int(sums.max(initial=0))), copy=False)


def whole_numbers(counts: npt.NDArray[Any], where: str) -> npt.NDArray[Any]:
    """Refuse counts that are negative or no whole numbers.

    Parameters
    ----------
    counts : ndarray
        Of any numeric type.
    where : str
        For the message.

    Returns
    -------
    ndarray
        The same numbers.

    Raises
    ------
    DataError
        With the first bad value.
    """
    if counts.dtype.kind not in "uifb":
        raise DataError(Problem("no-numbers", where, f"counts are of type {counts.dtype}"))
    if counts.dtype.kind == "f":
        bad = ~((counts >= 0) & (counts == np.floor(counts)) & np.isfinite(counts))
    elif counts.dtype.kind == "i":
        bad = counts < 0
    else:
        return counts
    if bad.any():
        value = counts[bad][0]
        what = f"{int(bad.sum()):,} counts are negative or not whole, the first is {value}"
        raise DataError(Problem("bad-count", where, what))
    return counts
