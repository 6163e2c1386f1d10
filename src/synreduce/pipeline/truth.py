"""What generated the spikes, where the database knows it: the ceiling of all scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy.special import expit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synreduce.chunks import TemporalRange

Truth: TypeAlias = "Mapping[str, NDArray[Any]]"

_WIDTH_MS = 1.0
"""Target width that the scores in a database are for."""


@dataclass(frozen=True)
class KnownTruth:
    """Score and probability that generated the spikes.

    Parameters
    ----------
    score : ndarray, shape (n_samples,)
        No model can be expected to have a higher AUROC.
    probability : ndarray, shape (n_samples,), optional
        No model can be expected to have a lower log loss; None where it is not known.
    """

    score: NDArray[np.float64]
    probability: NDArray[np.float64] | None


def known_truth(truth: Truth | None, window: TemporalRange) -> KnownTruth | None:
    """Look up the generating score of every sample, if it is known for all target windows.

    Parameters
    ----------
    truth : mapping of str to ndarray, or None
        Ground truth of the databases.
    window : TemporalRange
        Target windows.

    Returns
    -------
    KnownTruth or None
        None for target windows of other than 1 ms, which the scores are not for.
    """
    columns = _columns(truth, window)
    if truth is None or columns is None:
        return None
    score = np.asarray(truth["score"][:, columns], dtype=np.float64).ravel()
    return KnownTruth(score, _probability(score, truth.get("nonlinearity")))


def truth_is_known(truth: Truth | None, windows: Iterable[TemporalRange]) -> bool:
    """Whether the score that generated the spikes is known for any window.

    Parameters
    ----------
    truth : mapping of str to ndarray, or None
        Ground truth of the databases.
    windows : iterable of TemporalRange
        Temporal chunks.

    Returns
    -------
    bool
    """
    return any(_columns(truth, window) is not None for window in windows)


def _columns(truth: Truth | None, window: TemporalRange) -> NDArray[np.int64] | None:
    if not truth or "score" not in truth or "target_start_ms" not in truth:
        return None
    starts = truth["target_start_ms"]
    place = np.searchsorted(starts, window.target_starts)
    known = place < starts.size
    if not known.all() or not np.array_equal(starts[place], window.target_starts):
        return None
    if window.target_width_ms != _WIDTH_MS:
        return None
    return np.asarray(place)


def _probability(
    score: NDArray[np.float64], nonlinearity: NDArray[np.float64] | None
) -> NDArray[np.float64] | None:
    """Probability by the slope and intercept of its log odds; without them it is the score."""
    if nonlinearity is not None and nonlinearity.shape == (2,):
        slope, intercept = nonlinearity.tolist()
        return np.asarray(expit(slope * score + intercept))
    is_probability = bool(((score >= 0.0) & (score <= 1.0)).all())
    return score if is_probability else None
