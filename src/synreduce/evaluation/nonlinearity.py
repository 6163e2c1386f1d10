"""Spike probability as a function of weighted net input (WNI), estimated on training samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import isotonic_regression

from synreduce.errors import InputError, Problem

FloatArray = NDArray[np.float64]

MOST_KNOTS = 200
"""Knots of a monotone nonlinearity at most."""


@dataclass(frozen=True)
class Nonlinearity:
    """Piecewise linear spike probability over weighted net input.

    Beyond the first and the last knot the probability is constant: nothing was observed there, and
    a constant neither invents certainty (0 or 1) nor needs a parametric tail.

    Parameters
    ----------
    net_input : ndarray, shape (n_knots,)
        Knots, strictly increasing, in the units of the net input.
    probability : ndarray, shape (n_knots,)
        Spike probability per target window at the knots.
    method : {"monotone", "published"}
        How it was estimated.
    rounded : bool
        Round the net input to whole numbers before looking it up, as the published table is used.
    """

    net_input: FloatArray
    probability: FloatArray
    method: str = "monotone"
    rounded: bool = False

    def __call__(self, net_input: ArrayLike) -> FloatArray:
        """Evaluate the spike probability.

        Parameters
        ----------
        net_input : array_like, any shape
            Weighted net input; ``-inf`` gives probability 0 (an infinite penalty), NaN gives NaN.

        Returns
        -------
        ndarray, same shape
        """
        value = np.asarray(net_input, dtype=np.float64)
        looked_up = np.rint(value) if self.rounded else value
        result = np.interp(looked_up, self.net_input, self.probability)
        result = np.where(np.isneginf(value), 0.0, result)
        return np.asarray(np.where(np.isnan(value), np.nan, result))

    def regular_grid(self, n_points: int = 101) -> FloatArray:
        """Return a regular grid over the knots, for files and figures.

        Parameters
        ----------
        n_points : int
            Number of points, at least 2.

        Returns
        -------
        ndarray, shape (n_points,)
        """
        first, last = float(self.net_input[0]), float(self.net_input[-1])
        if first == last:
            first, last = first - 0.5, last + 0.5
        return np.linspace(first, last, n_points)


def estimate_nonlinearity(
    net_input: ArrayLike,
    spiked: ArrayLike,
    *,
    time_since_last_spike: ArrayLike | None = None,
    exclude_recent_ms: float = 15.0,
    min_items: int = 10,
    method: Literal["monotone", "published"] = "monotone",
) -> Nonlinearity:
    """Estimate the spike probability as a function of weighted net input.

    Parameters
    ----------
    net_input : array_like, shape (n_samples,)
        Weighted net input of training samples.
    spiked : array_like of bool, shape (n_samples,)
        Whether there was a spike in the target window.
    time_since_last_spike : array_like, shape (n_samples,), optional
        In ms, infinite where there was none. Samples with a spike within `exclude_recent_ms`
        are left out, so that the post-spike penalty is not counted twice.
    exclude_recent_ms : float
        See above.
    min_items : int
        Smallest number of samples behind a knot, at least 1.
    method : {"monotone", "published"}
        ``monotone``: bins of equal width merged until each holds `min_items` samples, then pooled
        until the spike fraction never falls (weighted isotonic regression); knots at the mean net
        input of the pooled bins. ``published``: bins 3 wide, not forced to be monotone, tabulated
        on whole numbers (tutorial notebook of the in silico framework, system notes R0.19).

    Returns
    -------
    Nonlinearity

    Raises
    ------
    InputError
        Lengths differ, or no finite sample is left.

    Examples
    --------
    >>> f = estimate_nonlinearity([0.0] * 10 + [1.0] * 10, [0] * 9 + [1] + [1] * 9 + [0])
    >>> f([0.0, 0.5, 1.0]).round(2).tolist()
    [0.1, 0.5, 0.9]
    """
    value = np.asarray(net_input, dtype=np.float64)
    outcome = np.asarray(spiked).astype(bool)
    if value.ndim != 1 or value.shape != outcome.shape:
        what = f"net input of shape {value.shape}, outcomes of shape {outcome.shape}"
        raise InputError(Problem("bad-shape", "nonlinearity", what, "give one value per outcome"))
    keep = np.isfinite(value)
    if time_since_last_spike is not None:
        keep &= np.asarray(time_since_last_spike, dtype=np.float64) > exclude_recent_ms
    value, outcome = value[keep], outcome[keep]
    if value.size == 0:
        what = f"none of {keep.size} samples is finite and without a spike just before"
        fix = "give more training samples, or a smaller exclude_recent_ms"
        raise InputError(Problem("no-samples", "nonlinearity", what, fix))
    if method == "published":
        return _published(value, outcome, min_items)
    return _monotone(value, outcome, min_items)


@dataclass(frozen=True)
class LookupPoints:
    """Merged bins of the published lookup table.

    Parameters
    ----------
    net_input : ndarray, shape (n_points,)
        Midpoints of the merged bins.
    probability : ndarray, shape (n_points,)
        Spike fractions.
    """

    net_input: FloatArray
    probability: FloatArray


def published_points(
    net_input: FloatArray, spiked: NDArray[np.bool_], min_items: int = 10, step: float = 3.0
) -> LookupPoints:
    """Bin net input and merge the bins as the published procedure does.

    Bins are `step` wide from the floor of the smallest value, closed on the right, the lowest value
    included. Walking up, bins are merged until a group holds `min_items` samples. What is left over
    at the top joins the last group: all of it (the published code lost all but the last bin).

    Parameters
    ----------
    net_input : ndarray, shape (n_samples,)
        Finite values.
    spiked : ndarray of bool, shape (n_samples,)
        Outcome.
    min_items : int
        Smallest group.
    step : float
        Width of a bin.

    Returns
    -------
    LookupPoints
        Spike fraction at ``start + step * members / 2`` of each group.
    """
    start = math.floor(net_input.min())
    index = np.maximum(np.ceil((net_input - start) / step).astype(np.int64) - 1, 0)
    n_bins = int(index.max()) + 1
    items = np.bincount(index, minlength=n_bins)
    spikes = np.bincount(index, weights=spiked, minlength=n_bins)
    stops = _group_stops(items, min_items)
    starts = np.concatenate(([0], stops[:-1]))
    centre = start + step * (starts + stops) / 2.0
    fraction = np.add.reduceat(spikes, starts) / np.add.reduceat(items, starts)
    return LookupPoints(centre.astype(np.float64), fraction)


def _group_stops(items: NDArray[np.int64], min_items: int) -> NDArray[np.int64]:
    """Close a group as soon as it holds enough items; the remainder joins the last group."""
    stops: list[int] = []
    held = 0
    for number, count in enumerate(items):
        held += int(count)
        if held >= min_items:
            stops.append(number + 1)
            held = 0
    if not stops:
        stops.append(items.size)
    stops[-1] = items.size
    return np.asarray(stops, dtype=np.int64)


def _published(value: FloatArray, outcome: NDArray[np.bool_], min_items: int) -> Nonlinearity:
    points = published_points(value, outcome, min_items)
    low, high = float(value.min()), float(value.max())
    margin = 0.3 * (high - low)
    first, last = int(low - margin), int(high + margin) - 1
    grid = np.arange(first, max(first, last) + 1, dtype=np.float64)
    table = np.interp(
        grid,
        points.net_input,
        points.probability,
        left=float(points.probability.min()),
        right=float(points.probability.max()),
    )
    return Nonlinearity(grid, table, method="published", rounded=True)


def _monotone(value: FloatArray, outcome: NDArray[np.bool_], min_items: int) -> Nonlinearity:
    n_bins = max(1, min(MOST_KNOTS, value.size // max(min_items, 1)))
    edges = np.linspace(value.min(), value.max(), n_bins + 1)
    index = np.clip(np.searchsorted(edges, value, side="right") - 1, 0, n_bins - 1)
    items = np.bincount(index, minlength=n_bins)
    starts = np.concatenate(([0], _group_stops(items, min_items)[:-1]))
    count = np.add.reduceat(items, starts).astype(np.float64)
    spikes = np.add.reduceat(np.bincount(index, weights=outcome, minlength=n_bins), starts)
    total = np.add.reduceat(np.bincount(index, weights=value, minlength=n_bins), starts)
    pooled = isotonic_regression(spikes / count, weights=count)
    blocks = pooled.blocks[:-1]
    count, spikes = np.add.reduceat(count, blocks), np.add.reduceat(spikes, blocks)
    centre = np.add.reduceat(total, blocks) / count
    probability = spikes / count
    # Finite data cannot show a probability of exactly 0 or 1 and one surprise would then cost
    # infinite log loss: half an event is the most the end blocks can rule out.
    half_event = 0.5 / (count + 1.0)
    probability = np.clip(probability, half_event[0], 1.0 - half_event[-1])
    return Nonlinearity(centre, probability)
