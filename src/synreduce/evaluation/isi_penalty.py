"""Post-spike penalty: how much more net input it takes to spike soon after a spike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from synreduce.evaluation.nonlinearity import Nonlinearity

FloatArray = NDArray[np.float64]

LONGEST_ISI_MS = 80
_SHIFT_TOLERANCE = 1e-10
_ENOUGH_EXPECTED_SPIKES = 3.0


@dataclass(frozen=True)
class IsiPenalty:
    """Penalty subtracted from the net input, over the time since the last spike.

    Parameters
    ----------
    penalty : ndarray, shape (n_isi,)
        Entry ``k`` holds for times since the last spike in ``(k, k + 1]`` ms, that is for a spike
        ``k + 1`` bins of 1 ms ago. Not negative and never rising; ``+inf`` where no spike can
        follow. Older spikes cost nothing.
    method : {"smooth", "published", "none"}
        How it was estimated.
    """

    penalty: FloatArray
    method: str = "smooth"

    @property
    def isi_ms(self) -> FloatArray:
        """Time since the last spike of each entry, the upper end of its bin: 1, 2, ... ms."""
        return np.arange(1, self.penalty.size + 1, dtype=np.float64)

    @property
    def refractory_ms(self) -> int:
        """Length of the region of infinite penalty in ms."""
        return int(np.isinf(self.penalty).sum())

    def __call__(self, time_since_last_spike: ArrayLike) -> FloatArray:
        """Look up the penalty.

        Parameters
        ----------
        time_since_last_spike : array_like, any shape
            In ms, positive; infinite or NaN where there was no spike.

        Returns
        -------
        ndarray, same shape
            In units of net input.
        """
        isi = np.asarray(time_since_last_spike, dtype=np.float64)
        held = np.isfinite(isi) & (isi <= self.penalty.size)
        index = np.where(held, np.ceil(np.where(held, isi, 1.0)) - 1.0, self.penalty.size)
        extended = np.append(self.penalty, 0.0)
        return extended[np.maximum(index, 0.0).astype(np.int64)]


def no_penalty(longest_isi_ms: int = LONGEST_ISI_MS) -> IsiPenalty:
    """Return a penalty of zero everywhere, for data without usable previous spikes.

    Parameters
    ----------
    longest_isi_ms : int
        Number of entries.

    Returns
    -------
    IsiPenalty
    """
    return IsiPenalty(np.zeros(longest_isi_ms), method="none")


def estimate_isi_penalty(
    net_input: ArrayLike,
    spiked: ArrayLike,
    time_since_last_spike: ArrayLike,
    nonlinearity: Nonlinearity,
    *,
    method: Literal["smooth", "published"] = "smooth",
    longest_isi_ms: int = LONGEST_ISI_MS,
) -> IsiPenalty:
    """Estimate the post-spike penalty on training samples.

    Parameters
    ----------
    net_input : array_like, shape (n_samples,)
        Weighted net input.
    spiked : array_like of bool, shape (n_samples,)
        Whether there was a spike in the target window.
    time_since_last_spike : array_like, shape (n_samples,)
        In ms before the target window, infinite or NaN where there was none.
    nonlinearity : Nonlinearity
        Spike probability of samples without a recent spike.
    method : {"smooth", "published"}
        ``smooth``: per ms of time since the last spike, the shift of the net input with which the
        nonlinearity predicts the number of spikes that occurred, pooled over neighbouring ms until
        it never rises with time. ``published``: lower boundary of the net input of the spiking
        samples, see :func:`published_isi_boundary`.
    longest_isi_ms : int
        Number of entries; older spikes cost nothing.

    Returns
    -------
    IsiPenalty
        Floor 0; ``+inf`` for the most recent times at which spikes were expected (3 or more) but
        none occurred. :func:`no_penalty` where no sample has a previous spike in range.
    """
    value = np.asarray(net_input, dtype=np.float64)
    outcome = np.asarray(spiked).astype(bool)
    isi = np.asarray(time_since_last_spike, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        keep = np.isfinite(value) & (isi > 0) & (isi <= longest_isi_ms)
    value, outcome, isi = value[keep], outcome[keep], isi[keep]
    if method == "published":
        boundary = published_isi_boundary(isi[outcome], value[outcome], longest_isi_ms)
        if not np.isfinite(boundary).any():
            return no_penalty(longest_isi_ms)
        return IsiPenalty(boundary - boundary.min(), method="published")
    if value.size == 0:
        return no_penalty(longest_isi_ms)
    return _smooth(value, outcome, isi, nonlinearity, longest_isi_ms)


def published_isi_boundary(
    isi: FloatArray, net_input: FloatArray, longest_isi_ms: int = LONGEST_ISI_MS
) -> FloatArray:
    """Lower boundary of the net input of spiking samples, over the time since the last spike.

    The 5 % of spiking samples with the lowest net input are dropped (number rounded down). Going
    back in time from the most recent spike, successive running minima of the net input are kept
    and joined by straight lines (tutorial notebook of the in silico framework).

    Parameters
    ----------
    isi : ndarray, shape (n_spiking,)
        Time since the last spike, ms, of samples that spiked. Only ``0 < isi < longest_isi_ms``
        are used.
    net_input : ndarray, shape (n_spiking,)
        Their weighted net input.
    longest_isi_ms : int
        Number of values.

    Returns
    -------
    ndarray, shape (longest_isi_ms,)
        Boundary at 1, 2, ... ms, in units of net input: ``+inf`` more recently than the first kept
        point, the minimum beyond the last. All ``+inf`` without spiking samples.
    """
    keep = (isi > 0) & (isi < longest_isi_ms)
    isi, net_input = isi[keep], net_input[keep]
    strong = np.argsort(net_input, kind="stable")[isi.size * 5 // 100 :]
    isi, net_input = isi[strong], net_input[strong]
    if isi.size == 0:
        return np.full(longest_isi_ms, np.inf)
    order = np.lexsort((net_input, isi))
    isi, net_input = isi[order], net_input[order]
    lowest_before = np.concatenate(([np.inf], np.minimum.accumulate(net_input)[:-1]))
    kept = net_input < lowest_before
    grid = np.arange(1, longest_isi_ms + 1, dtype=np.float64)
    lowest = float(net_input.min())
    return np.interp(grid, isi[kept], net_input[kept], left=np.inf, right=lowest)


def _smooth(
    value: FloatArray,
    outcome: NDArray[np.bool_],
    isi: FloatArray,
    nonlinearity: Nonlinearity,
    longest_isi_ms: int,
) -> IsiPenalty:
    bin_of_sample = np.ceil(isi).astype(np.int64) - 1
    order = np.argsort(bin_of_sample, kind="stable")
    value, outcome = value[order], outcome[order]
    first = np.searchsorted(bin_of_sample[order], np.arange(longest_isi_ms + 1)).tolist()
    blocks: list[tuple[int, int, float]] = []
    for start in np.unique(bin_of_sample).tolist():
        block = (start, start + 1)
        inside = slice(first[start], first[start + 1])
        shift = _shift(value[inside], outcome[inside], nonlinearity)
        while blocks and blocks[-1][2] < shift:
            block = (blocks.pop()[0], block[1])
            inside = slice(first[block[0]], first[block[1]])
            shift = _shift(value[inside], outcome[inside], nonlinearity)
        blocks.append((*block, shift))
    penalty = np.zeros(longest_isi_ms)
    for (start, _, shift), stop in zip(
        blocks, [*(b[0] for b in blocks[1:]), longest_isi_ms], strict=True
    ):
        penalty[start:stop] = max(shift, 0.0)
    penalty[: blocks[0][0]] = penalty[blocks[0][0]]
    return IsiPenalty(penalty)


def _shift(net: FloatArray, spiked: NDArray[np.bool_], nonlinearity: Nonlinearity) -> float:
    """Least shift of the net input with which no more spikes are expected than were observed."""
    spikes = float(spiked.sum())
    if spikes == 0.0:
        # Fewer expected spikes than this are compatible with no penalty: stay out of the way.
        enough = float(nonlinearity(net).sum()) >= _ENOUGH_EXPECTED_SPIKES
        return np.inf if enough else 0.0
    knots = nonlinearity.net_input
    low, high = float(net.min() - knots[-1]) - 1.0, float(net.max() - knots[0]) + 1.0
    expected = _expected_spikes(net, nonlinearity)

    def surplus(shift: float) -> float:
        return expected(shift) - spikes

    # More, or fewer, spikes than any shift explains.
    if surplus(low) <= 0.0:
        return low
    if surplus(high) > 0.0:
        return high
    root = float(brentq(surplus, low, high, xtol=_SHIFT_TOLERANCE))
    before = root - 2.0 * _SHIFT_TOLERANCE
    return root if surplus(before) > 0.0 else _least_root(surplus, low, before)


def _expected_spikes(net: FloatArray, nonlinearity: Nonlinearity) -> Callable[[float], float]:
    """Sum of the spike probabilities of samples, as a function of the shift of their net input.

    Between two knots the probability is a straight line, so that its sum over samples needs only
    their number and the sum of their net input: a shift costs as much as there are knots, not
    samples. Bins of time are pooled many times, and each time many shifts are tried.
    """
    if nonlinearity.rounded:
        return lambda shift: float(nonlinearity(net - shift).sum())
    knots, probability = nonlinearity.net_input, nonlinearity.probability
    slope = np.diff(probability) / np.diff(knots)
    in_order = np.sort(net)
    sums = np.concatenate(([0.0], np.cumsum(in_order)))

    def expected(shift: float) -> float:
        shifted = knots + shift
        below = in_order.searchsorted(shifted)
        sum_below = sums[below]
        number, total = below[1:] - below[:-1], sum_below[1:] - sum_below[:-1]
        between = probability[:-1] @ number + slope @ (total - number * shifted[:-1])
        return float(between + probability[0] * below[0] + probability[-1] * (net.size - below[-1]))

    return expected


def _least_root(surplus: Callable[[float], float], low: float, high: float) -> float:
    """Bisect for where a surplus ends: on a plateau of zeros Brent's method returns any of them."""
    while high - low > _SHIFT_TOLERANCE:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if surplus(middle) > 0.0 else (low, middle)
    return high
