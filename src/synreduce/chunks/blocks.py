"""Blocks of time on one side of a split, for trials that are few and long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from synreduce.chunks.randomness import unit_numbers
from synreduce.chunks.sides import (
    TEST_FIRST,
    TEST_SECOND,
    TRAIN,
    UNUSED,
    by_fraction,
    with_test_fold,
)

_TOLERANCE_MS = 1e-9


class BlockDefinition(Protocol):
    """The part of a split's definition that blocks of time need."""

    @property
    def block_ms(self) -> float | None:
        """Length of a block."""

    @property
    def folds(self) -> int | None:
        """Number of folds."""

    @property
    def fold(self) -> int | None:
        """The fold that tests."""

    @property
    def train_fraction(self) -> float:
        """Share of blocks that train where there are no folds."""

    @property
    def stratify(self) -> bool:
        """Balance the number of spikes."""

    @property
    def assignment(self) -> Literal["shuffled", "round_robin"]:
        """How blocks get their fold."""

    @property
    def shared_between_trials(self) -> bool:
        """The same blocks test in every trial."""


def block_of_each_target(
    target_starts: NDArray[np.float64], block_ms: float | None
) -> NDArray[np.int64]:
    """Find the block of time of each target window, counted from the first window.

    Parameters
    ----------
    target_starts : ndarray of float64, (n_targets,)
        ms, ascending.
    block_ms : float or None
        Length of a block; None: one block.

    Returns
    -------
    ndarray of int64, (n_targets,)

    Examples
    --------
    >>> block_of_each_target(np.array([80.0, 379.0, 380.0]), 300.0)
    array([0, 0, 1])
    """
    since_first = target_starts - target_starts[0] + _TOLERANCE_MS
    block: NDArray[np.int64] = np.floor(since_first / (block_ms or np.inf)).astype(np.int64)
    return block


def assign_blocks(
    definition: BlockDefinition,
    family: str,
    seed: int,
    *,
    trial_ids: Sequence[str] | NDArray[np.str_],
    outcome: NDArray[np.uint8],
    usable: NDArray[np.bool_],
    block: NDArray[np.int64],
) -> NDArray[np.uint8]:
    """Give every sample the side of its block of time.

    Parameters
    ----------
    definition : SplitDefinition
    family : str
        Name whose random numbers are used.
    seed : int
    trial_ids : sequence of str, (n_trials,)
    outcome : ndarray of uint8, (n_trials, n_targets)
    usable : ndarray of bool, (n_trials, n_targets)
        Samples that pass the filter by ISI.
    block : ndarray of int64, (n_targets,)
        Block of each target window, from `block_of_each_target`.

    Returns
    -------
    ndarray of uint8, (n_trials, n_targets)
        0 unused, 1 train, 2 first half of test, 3 second half of test.
    """
    positive = (outcome > 0) & usable
    positives = _sum_per_block(positive, block)
    present = _sum_per_block(usable, block) > 0
    owners: Sequence[str] | NDArray[np.str_] = trial_ids
    if definition.shared_between_trials:
        owners = [""]
        positives = positives.sum(axis=0, keepdims=True)
        present = np.logical_or.reduce(present, axis=0, keepdims=True)
    side = _sides_of_blocks(
        definition, family, seed, owners=owners, positives=positives, present=present
    )
    role = np.repeat(side[:, block], len(trial_ids) // len(side), axis=0)
    _halve_single_block(role, positive)
    return role


def empty_gap(role: NDArray[np.uint8], target_starts: NDArray[np.float64], gap_ms: float) -> None:
    """Take training samples out that are near a testing sample of the same trial, in place.

    Parameters
    ----------
    role : ndarray of uint8, (n_trials, n_targets)
    target_starts : ndarray of float64, (n_targets,)
        ms, ascending.
    gap_ms : float
        Training samples nearer than this become unused. With the width of the input window no
        training sample shares input with a testing one.
    """
    test = role >= TEST_FIRST
    before = np.maximum.accumulate(np.where(test, target_starts, -np.inf), axis=1)
    after = np.minimum.accumulate(np.where(test, target_starts, np.inf)[:, ::-1], axis=1)[:, ::-1]
    distance = np.minimum(target_starts - before, after - target_starts)
    role[(role == TRAIN) & (distance < gap_ms - _TOLERANCE_MS)] = UNUSED


def _sum_per_block(samples: NDArray[np.bool_], block: NDArray[np.int64]) -> NDArray[np.int64]:
    edges = np.flatnonzero(np.diff(block, prepend=-1))
    sums = np.zeros((len(samples), int(block[-1]) + 1), dtype=np.int64)
    sums[:, block[edges]] = np.add.reduceat(samples, edges, axis=1, dtype=np.int64)
    return sums


def _sides_of_blocks(
    definition: BlockDefinition,
    family: str,
    seed: int,
    *,
    owners: Sequence[str] | NDArray[np.str_],
    positives: NDArray[np.int64],
    present: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """Side of each block, (number of owners, number of blocks)."""
    n_owners, n_blocks = positives.shape
    first = unit_numbers(seed, family, owners)
    in_turn = definition.assignment == "round_robin"
    if in_turn:
        number = np.tile(np.arange(n_blocks, dtype=np.uint64), n_owners)
    else:
        names = [f"{owner}\x1f{index}" for owner in owners for index in range(n_blocks)]
        number = unit_numbers(seed, family, names)
    flat, used = positives.reshape(-1), present.reshape(-1)
    stratum = (flat > 0) if definition.stratify else np.zeros(len(flat), dtype=np.bool_)
    if definition.folds is None:
        return by_fraction(number, stratum, used, definition.train_fraction).reshape(
            positives.shape
        )
    if in_turn:
        offset = first % np.uint64(definition.folds) if n_owners > 1 else np.zeros(1, np.uint64)
        turn = np.arange(n_blocks, dtype=np.uint64)[np.newaxis] + offset[:, np.newaxis]
        fold = (turn % np.uint64(definition.folds)).astype(np.int64).reshape(-1)
    else:
        weight = flat if definition.stratify else np.zeros_like(flat)
        fold = _dealt(number, weight, used, definition.folds)
    fold = np.where(used, fold, -1)
    return with_test_fold(fold, definition.fold or 0, number, stratum).reshape(positives.shape)


def _dealt(
    number: NDArray[np.uint64],
    positives: NDArray[np.int64],
    used: NDArray[np.bool_],
    folds: int,
) -> NDArray[np.int64]:
    """Deal blocks to folds in rounds, those with most spikes first, to the poorest fold first."""
    members = np.flatnonzero(used)
    order = members[np.lexsort((number[members], -positives[members]))]
    fold = np.zeros(len(number), dtype=np.int64)
    spikes = np.zeros(folds, dtype=np.int64)
    for start in range(0, len(order), folds):
        dealt = order[start : start + folds]
        poorest = np.argsort(spikes, kind="stable")[: len(dealt)]
        fold[dealt] = poorest
        spikes[poorest] += positives[dealt]
    return fold


def _halve_single_block(role: NDArray[np.uint8], positive: NDArray[np.bool_]) -> None:
    """Halve the test samples in time where whole blocks leave a half without spikes."""
    test = role >= TEST_FIRST
    spikes = [int((positive & (role == half)).sum()) for half in (TEST_FIRST, TEST_SECOND)]
    when = np.flatnonzero((positive & test).any(axis=0))
    if min(spikes) > 0 or len(when) < 2:
        return
    middle = when[len(when) // 2]
    later = np.arange(role.shape[1]) >= middle
    role[test & ~later] = TEST_FIRST
    role[test & later] = TEST_SECOND
