"""What a pass over the samples does with one group of quanta.

Every function is given the blocks of a group and the group's outcomes (0 or 1), and returns sums
over the group's samples, or a value per sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from synreduce.solvers.row_groups import Block
from synreduce.solvers.sums import logistic, softplus

FloatArray = NDArray[np.float64]

_ROWS_PER_PIECE = 2048
"""Rows weighted at a time: their copies stay in the processor's cache, in memory used again."""


def bad_rows(blocks: Iterable[Block]) -> int:
    """Count rows that hold a NaN or an infinity."""
    return sum(int(np.count_nonzero(~np.isfinite(block.sum(axis=1)))) for _, block in blocks)


def scores(blocks: Iterable[Block], theta: FloatArray) -> FloatArray:
    """Score every sample without intercept."""
    return np.concatenate([block[:, :-1] @ theta for _, block in blocks])


def weighted_sum(
    blocks: Iterable[Block], weights: FloatArray, n_features: int
) -> tuple[FloatArray]:
    """Sum the rows with a weight each."""
    total = np.zeros(n_features)
    for where, block in blocks:
        total += weights[where] @ block[:, :-1]
    return (total,)


def shifted_moments(
    blocks: Iterable[Block], outcome: FloatArray, centre: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Gram matrix of all rows, and sum of the rows with a spike, both about a centre."""
    gram, positive_sum = np.zeros((centre.size, centre.size)), np.zeros(centre.size)
    room = np.empty((_ROWS_PER_PIECE, centre.size))
    for where, block in blocks:
        label = outcome[where]
        for start in range(0, label.size, _ROWS_PER_PIECE):
            rows = block[start : start + _ROWS_PER_PIECE]
            shifted = np.subtract(rows, centre, out=room[: rows.shape[0]])
            gram += shifted.T @ shifted
            positive_sum += label[start : start + _ROWS_PER_PIECE] @ shifted
    return gram, positive_sum


def losses(blocks: Iterable[Block], outcome: FloatArray, weights: FloatArray) -> tuple[FloatArray]:
    """Negative log-likelihood at several points."""
    total = np.zeros(weights.shape[1])
    for where, block in blocks:
        score = block @ weights
        total += (softplus(score) - outcome[where, None] * score).sum(axis=0)
    return (total,)


def slope(
    blocks: Iterable[Block], outcome: FloatArray, weights: FloatArray
) -> tuple[float, FloatArray]:
    """Value and gradient of the negative log-likelihood."""
    value, gradient = 0.0, np.zeros(weights.size)
    for where, block in blocks:
        score, label = block @ weights, outcome[where]
        value += float(np.sum(softplus(score) - label * score))
        gradient += (logistic(score) - label) @ block
    return value, gradient


def held_out_losses(
    blocks: Iterable[Block], outcome: FloatArray, fold: NDArray[np.int64], weights: FloatArray
) -> tuple[FloatArray]:
    """Negative log-likelihood of each fold at its own point."""
    _, n_candidates, n_folds = weights.shape
    total = np.zeros((n_candidates, n_folds))
    for where, block in blocks:
        for part in range(n_folds):
            chosen = np.flatnonzero(fold[where] == part)
            score = block[chosen] @ weights[:, :, part]
            loss = softplus(score) - outcome[where][chosen, None] * score
            total[:, part] += loss.sum(axis=0)
    return (total,)


def curvature(
    blocks: Iterable[Block],
    outcome: FloatArray,
    part: NDArray[np.int64] | None,
    weights: FloatArray,
    n_parts: int,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Value, gradient and Hessian of the negative log-likelihood of each part of the samples."""
    size = weights.size
    value, gradient = np.zeros(n_parts), np.zeros((n_parts, size))
    hessian = np.zeros((n_parts, size, size))
    room = np.empty((_ROWS_PER_PIECE, size))
    for where, block in blocks:
        score, label = block @ weights, outcome[where]
        loss, chance = softplus(score) - label * score, logistic(score)
        root, residual = np.sqrt(chance * (1.0 - chance)), chance - label
        parts = np.zeros(label.size, dtype=np.int64) if part is None else part[where]
        for index, chosen in _pieces(parts, n_parts):
            value[index] += loss[chosen].sum()
            # Any other mode than "clip" would make a copy first.
            rows = np.take(block, chosen, axis=0, out=room[: chosen.size], mode="clip")
            gradient[index] += residual[chosen] @ rows
            rows *= root[chosen, None]
            hessian[index] += rows.T @ rows
    return value, gradient, hessian


def _pieces(part: NDArray[np.int64], n_parts: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Go through the rows of one part after the other; yield its number and some of its rows."""
    for index in range(n_parts):
        chosen = np.flatnonzero(part == index)
        for start in range(0, chosen.size, _ROWS_PER_PIECE):
            yield index, chosen[start : start + _ROWS_PER_PIECE]
