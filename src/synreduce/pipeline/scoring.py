"""Scores of all samples of a chunk, and the groups of samples that must stay together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from synreduce.design import RowSource, iterate_blocks
from synreduce.evaluation import calibrate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synreduce.chunks import Split, SplitDefinition
    from synreduce.pipeline.inputs import WindowSamples


def scores_of_rows(
    rows: RowSource, theta: NDArray[np.float64], intercept: float
) -> NDArray[np.float64]:
    """Score every sample of a design.

    Parameters
    ----------
    rows : RowSource
        Projected data, (n_samples, n_features).
    theta : ndarray, shape (n_features,)
        Weights of the columns.
    intercept : float
        Added to every score.

    Returns
    -------
    ndarray, shape (n_samples,)
    """
    score = np.empty(rows.n_rows)
    for where, block in iterate_blocks(rows):
        score[where] = block.astype(np.float64) @ theta
    return score + intercept


def probabilities(score: NDArray[np.float64], split: Split) -> NDArray[np.float64]:
    """Spike probability of every sample, calibrated on training samples alone.

    Parameters
    ----------
    score : ndarray, shape (n_samples,)
        Any score.
    split : Split
        Which samples train.

    Returns
    -------
    ndarray, shape (n_samples,)
    """
    train = split.train
    calibration = calibrate(score[train], split.outcome[train])
    return np.asarray(expit(calibration.slope * score + calibration.intercept))


def fold_groups(samples: WindowSamples, definition: SplitDefinition) -> NDArray[np.int64]:
    """Give each sample the number of the trial, or block of time, it must stay with.

    Parameters
    ----------
    samples : WindowSamples
        Samples of a temporal chunk.
    definition : SplitDefinition
        How the samples are split.

    Returns
    -------
    ndarray of int64, shape (n_samples,)
    """
    n_trials, n_targets = samples.outcome.shape
    trial = np.repeat(np.arange(n_trials), n_targets)
    if definition.kind != "blocks" or not definition.block_ms:
        return trial
    starts = samples.target_starts
    block = np.floor((starts - starts[0]) / definition.block_ms).astype(np.int64)
    blocks = np.tile(block, n_trials)
    return blocks if definition.shared_between_trials else trial * (block[-1] + 1) + blocks
