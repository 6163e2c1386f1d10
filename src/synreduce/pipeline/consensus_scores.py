"""Scores of the consensus filter, which pools all windows, on the samples of each window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from synreduce.chunks import SUBSETS
from synreduce.evaluation import ScoredModel, ScoreRow
from synreduce.pipeline.scoring import probabilities, scores_of_rows, split_rows
from synreduce.pipeline.variables import metric_arrays
from synreduce.result import HDF5Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synreduce.pipeline.merge_records import WindowSplit


@dataclass(frozen=True)
class ConsensusTask:
    """The consensus filter on one window.

    Parameters
    ----------
    window : WindowSplit
        Temporal chunk and split.
    kernel : ndarray, shape (n_groups, n_bins, width)
        Consensus filter on the scale of log odds, time forward.
    trained_trials : ndarray of bool, shape (n_trials,), optional
        Trials that trained any window of the split: they do not test the consensus.
    """

    window: WindowSplit
    kernel: NDArray[np.float64]
    trained_trials: NDArray[np.bool_] | None


@dataclass(frozen=True)
class ConsensusContent:
    """What the consensus filter adds to the result of one window.

    Parameters
    ----------
    rows : list of ScoreRow
        Its scores.
    metrics : dict of str to ndarray, shape (n_subsets, n_spatial)
        The same, as the merged file has them.
    """

    rows: list[ScoreRow]
    metrics: dict[str, NDArray[np.float64]]


def score_consensus(task: ConsensusTask) -> ConsensusContent:
    """Score the consensus filter on every subset of a window's split.

    Parameters
    ----------
    task : ConsensusTask
        Filter and window.

    Returns
    -------
    ConsensusContent
    """
    window, split = task.window, task.window.split
    score = np.zeros(split.role.size)
    for files in window.files:
        kernel = np.nan_to_num(task.kernel[:, files.basis.bins])
        theta = _weights(kernel, files.basis.functions, window.temporal_basis)
        score += scores_of_rows(HDF5Rows(files.design, files.design_identity), theta, 0.0)
    label = ScoredModel("consensus", "all", window.temporal, "", "", split.name, merge="consensus")
    subsets = {str(name): _untrained(task, name, split.subset(name)) for name in SUBSETS}
    rows = split_rows(
        label,
        split,
        score,
        probabilities(score, split),
        subsets=subsets,
        baseline=window.baseline,
    )
    return ConsensusContent(rows, metric_arrays(window, rows))


def _weights(
    kernel: NDArray[np.float64],
    spatial: NDArray[np.float64],
    temporal: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Weights of the basis functions whose superposition comes closest to a kernel."""
    return np.asarray(
        np.einsum("gzt,zk,tl->gkl", kernel, np.linalg.pinv(spatial), np.linalg.pinv(temporal))
    ).ravel()


def _untrained(task: ConsensusTask, subset: str, index: NDArray[np.int64]) -> NDArray[np.int64]:
    if task.trained_trials is None or subset == "train" or task.window.n_targets == 0:
        return index
    return index[~task.trained_trials[index // task.window.n_targets]]
