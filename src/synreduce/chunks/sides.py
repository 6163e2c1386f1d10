"""Give units (trials, groups of trials, blocks of time) a side of a split, by rank."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

UNUSED, TRAIN, TEST_FIRST, TEST_SECOND = 0, 1, 2, 3


def _ranked(
    number: NDArray[np.uint64], stratum: NDArray[np.bool_], present: NDArray[np.bool_]
) -> Iterator[NDArray[np.int64]]:
    """Units of each stratum in the order of their random numbers."""
    for value in (False, True):
        members = np.flatnonzero(present & (stratum == value))
        if len(members):
            yield members[np.argsort(number[members], kind="stable")]


def _set_test(side: NDArray[np.uint8], test: NDArray[np.int64]) -> None:
    half = len(test) // 2
    side[test[:half]] = TEST_FIRST
    side[test[half:]] = TEST_SECOND


def by_fraction(
    number: NDArray[np.uint64],
    stratum: NDArray[np.bool_],
    present: NDArray[np.bool_],
    train_fraction: float,
) -> NDArray[np.uint8]:
    """Let the units with the smallest numbers of each stratum train and the rest test.

    Parameters
    ----------
    number : ndarray of uint64, (n_units,)
    stratum : ndarray of bool, (n_units,)
    present : ndarray of bool, (n_units,)
        Units with at least one usable sample.
    train_fraction : float
        A stratum of two or more units has at least one on either side.

    Returns
    -------
    ndarray of uint8, (n_units,)
        0 unused, 1 train, 2 first half of test, 3 second half of test.
    """
    side = np.full(len(number), UNUSED, dtype=np.uint8)
    for order in _ranked(number, stratum, present):
        n_train = int(np.floor(train_fraction * len(order) + 0.5))
        if len(order) > 1:
            n_train = min(max(n_train, 1), len(order) - 1)
        side[order[:n_train]] = TRAIN
        _set_test(side, order[n_train:])
    return side


def by_folds(
    number: NDArray[np.uint64],
    stratum: NDArray[np.bool_],
    present: NDArray[np.bool_],
    folds: int,
    fold: int,
) -> NDArray[np.uint8]:
    """Let one of several equal folds of each stratum test and the rest train.

    Parameters
    ----------
    number, stratum, present : ndarray, (n_units,)
        As for `by_fraction`.
    folds : int
        Number of folds.
    fold : int
        The one that tests, counted from 0.

    Returns
    -------
    ndarray of uint8, (n_units,)
    """
    side = np.full(len(number), UNUSED, dtype=np.uint8)
    for order in _ranked(number, stratum, present):
        start, stop = fold * len(order) // folds, (fold + 1) * len(order) // folds
        side[order] = TRAIN
        _set_test(side, order[start:stop])
    return side


def with_test_fold(
    fold_of_unit: NDArray[np.int64],
    fold: int,
    number: NDArray[np.uint64],
    stratum: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """Let the units of a given fold test.

    Parameters
    ----------
    fold_of_unit : ndarray of int64, (n_units,)
        Fold of each unit; -1 for units that are not used.
    fold : int
        The one that tests.
    number, stratum : ndarray, (n_units,)
        Order in which test units are halved.

    Returns
    -------
    ndarray of uint8, (n_units,)
    """
    side = np.where(fold_of_unit < 0, UNUSED, TRAIN).astype(np.uint8)
    for order in _ranked(number, stratum, fold_of_unit == fold):
        _set_test(side, order)
    return side
