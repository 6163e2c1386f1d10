"""Folds for cross-validation inside the training samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synreduce.solvers.problem import FitProblem


def assign_folds(problem: FitProblem, n_folds: int) -> tuple[NDArray[np.int64], int]:
    """Give every training sample a fold, without any random draw.

    Groups (trials, blocks of time) stay together. Groups with and without spikes are dealt out in
    turn, so that folds have similar numbers of spikes.

    Parameters
    ----------
    problem : FitProblem
        Outcomes and groups.
    n_folds : int
        Folds wanted.

    Returns
    -------
    fold : numpy.ndarray of int64, shape (n,)
        Fold of each sample.
    n_folds : int
        Folds made: fewer where few groups have spikes; 1 if no cross-validation is possible.
    """
    outcome = problem.outcome
    if problem.fold_groups is None:
        group = np.arange(outcome.size)
    else:
        group = np.unique(problem.fold_groups, return_inverse=True)[1]
    spikes = np.bincount(group, weights=outcome)
    silent = np.bincount(group, weights=~outcome)
    usable = min(int(np.count_nonzero(spikes)), int(np.count_nonzero(silent)), n_folds)
    if usable < 2:
        return np.zeros(outcome.size, dtype=np.int64), 1
    # Groups with many spikes first, so that dealing in turn evens the numbers out.
    order = np.argsort(-spikes, kind="stable")
    rounds = np.arange(order.size) // usable
    position = np.arange(order.size) % usable
    # Back and forth, as sides are picked in games: no fold always gets the larger group.
    dealt = np.where(rounds % 2 == 0, position, usable - 1 - position)
    fold_of_group = np.empty(order.size, dtype=np.int64)
    fold_of_group[order] = dealt
    return fold_of_group[group], usable
