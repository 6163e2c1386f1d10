"""Scores and spike probabilities of all samples of a chunk, and the rows of their table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from synreduce.chunks import SUBSETS
from synreduce.design import RowSource, iterate_blocks
from synreduce.evaluation import (
    ScoredModel,
    ScoreRow,
    calibrate,
    score_table_rows,
    split_baseline,
    with_baseline,
)
from synreduce.seeds import generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synreduce.chunks import Split


@dataclass(frozen=True)
class BaselineRequest:
    """Permutations of the testing outcomes that are asked for.

    Parameters
    ----------
    seed : int
        Root seed.
    n_permutations : int
        How many; 0: no baseline.
    """

    seed: int
    n_permutations: int


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


def split_rows(
    model: ScoredModel,
    split: Split,
    score: NDArray[np.float64],
    probability: NDArray[np.float64] | None,
    *,
    status: str = "ok",
    subsets: Mapping[str, NDArray[np.int64]] | None = None,
    baseline: BaselineRequest | None = None,
) -> list[ScoreRow]:
    """Score one model on every subset of a split.

    Parameters
    ----------
    model : ScoredModel
        What is scored.
    split : Split
        Outcomes, and which samples depend on each other.
    score : ndarray, shape (n_samples,)
        Score of every sample.
    probability : ndarray, shape (n_samples,), or None
        Spike probability of every sample.
    status : str, default: "ok"
        Status of the fit.
    subsets : mapping of str to ndarray of int, optional
        Samples of each subset; default: those of the split.
    baseline : BaselineRequest, optional
        Adds a permutation baseline to the AUROC on the testing samples.

    Returns
    -------
    list of ScoreRow
        One per subset and metric.
    """
    parts = subsets or {str(name): split.subset(name) for name in SUBSETS}
    rows = score_table_rows(
        model,
        split.outcome,
        score,
        probability,
        parts,
        n_targets=split.block_of_target.size,
        status=status,
        units=split.unit,
    )
    if baseline is None or baseline.n_permutations == 0:
        return rows
    # The same exchanges for all models of a window, so that their baselines can be compared.
    random = generator(baseline.seed, "permutation", model.temporal, split.name)
    found = split_baseline(split, parts["test"], score, random, baseline.n_permutations)
    return [
        with_baseline(row, found)
        if (row.subset, row.metric) == ("test", "auroc") and np.isfinite(row.value)
        else row
        for row in rows
    ]
