"""What a pass over the samples does with one group of quanta.

Every function is given the blocks of a group and the group's outcomes (0 or 1), and returns sums
over the group's samples, or a value per sample.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from synreduce.solvers.row_groups import Block
from synreduce.solvers.sums import logistic, softplus

FloatArray = NDArray[np.float64]


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
    for where, block in blocks:
        shifted = block - centre
        gram += shifted.T @ shifted
        positive_sum += outcome[where] @ shifted
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
    for where, block in blocks:
        score, label = block @ weights, outcome[where]
        loss, chance = softplus(score) - label * score, logistic(score)
        root = np.sqrt(chance * (1.0 - chance))[:, None]
        for index in range(n_parts):
            if part is None:
                value[index] += loss.sum()
                gradient[index] += (chance - label) @ block
                scaled = block * root
            else:
                chosen = np.flatnonzero(part[where] == index)
                scaled = block[chosen]
                value[index] += loss[chosen].sum()
                gradient[index] += (chance - label)[chosen] @ scaled
                scaled *= root[chosen]
            hessian[index] += scaled.T @ scaled
    return value, gradient, hessian
