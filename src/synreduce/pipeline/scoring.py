"""Scores and spike probabilities of all samples of a chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from synreduce.design import RowSource, iterate_blocks
from synreduce.evaluation import calibrate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synreduce.chunks import Split


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
