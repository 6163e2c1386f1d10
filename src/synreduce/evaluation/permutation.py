"""What AUROC a fitted score would have on outcomes that it knows nothing of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synreduce.chunks import Split

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]

Deal = Callable[[np.random.Generator], IndexArray]
"""Draws whose outcome every sample gets, shape (n_samples,)."""


@dataclass(frozen=True)
class PermutationBaseline:
    """Distribution of the AUROC when outcomes are dealt out at random.

    Parameters
    ----------
    mean, standard_deviation : float
        Of the permuted AUROCs.
    quantile_95 : float
        The 95 % quantile.
    p_value : float
        Share of permutations, the data counted as one, that reach the observed AUROC.
    n_permutations : int
        Number of permutations.
    """

    mean: float
    standard_deviation: float
    quantile_95: float
    p_value: float
    n_permutations: int


def permutation_baseline(
    y: ArrayLike,
    score: ArrayLike,
    rng: np.random.Generator,
    n_permutations: int = 1000,
    *,
    counted: ArrayLike | None = None,
    deal: Deal | None = None,
) -> PermutationBaseline:
    """AUROC of the score when the outcomes are dealt out at random.

    Parameters
    ----------
    y : array_like of bool, shape (n_samples,)
        Outcome.
    score : array_like, shape (n_samples,)
        Score.
    rng : numpy.random.Generator
        From :func:`synreduce.seeds.generator`.
    n_permutations : int
        Number of permutations.
    counted : array_like of bool, shape (n_samples,), optional
        Samples whose outcome counts; it stays with the outcome when that is dealt to another
        sample. Default: all.
    deal : callable, optional
        Draws whose outcome every sample gets; default: any order of the samples, which is right
        only if they are independent.

    Returns
    -------
    PermutationBaseline
        All NaN where `y` holds one class only.
    """
    outcome = np.asarray(y).astype(bool)
    used = np.ones(outcome.size, dtype=bool) if counted is None else np.asarray(counted, dtype=bool)
    order, below, through = _ties(np.asarray(score, dtype=np.float64))

    def area(donor: IndexArray) -> float:
        return _auroc(outcome[donor[order]], used[donor[order]], below, through)

    observed = area(np.arange(outcome.size))
    if np.isnan(observed):
        return PermutationBaseline(np.nan, np.nan, np.nan, np.nan, n_permutations)
    draw = deal or partial(_any_order, outcome.size)
    permuted = np.array([area(draw(rng)) for _ in range(n_permutations)])
    permuted = permuted[np.isfinite(permuted)]
    if permuted.size == 0:
        return PermutationBaseline(np.nan, np.nan, np.nan, np.nan, n_permutations)
    reached = int((permuted >= observed - 1e-12).sum())
    return PermutationBaseline(
        mean=float(permuted.mean()),
        standard_deviation=float(permuted.std()),
        quantile_95=float(np.quantile(permuted, 0.95)),
        p_value=(1 + reached) / (1 + permuted.size),
        n_permutations=n_permutations,
    )


def split_baseline(
    split: Split,
    tested: IndexArray,
    score: FloatArray,
    rng: np.random.Generator,
    n_permutations: int,
) -> PermutationBaseline:
    """Baseline of a fitted score on the testing samples of a split.

    Parameters
    ----------
    split : Split
        Outcomes, and which samples depend on each other.
    tested : ndarray of int64
        Testing samples.
    score : ndarray, shape (n_samples,)
        Score of every sample of the chunk, tested or not.
    rng : numpy.random.Generator
        Random stream.
    n_permutations : int
        Number of permutations.

    Returns
    -------
    PermutationBaseline

    Notes
    -----
    The fit has not seen the testing outcomes, so if it knows nothing of them they may change hands
    between the units that a split keeps together. Whole trials (or groups of trials) pass all
    their outcomes on, together with which of their samples count (a spike shortly before may
    exclude some); so what a trial's outcomes have in common stays, and so does the course of the
    spike rate over target windows: with several windows the baseline is what a score reaches that
    knows the time, but not the trial. Blocks of time are too few to change places; there the
    outcomes of every trial are moved along its testing samples by the same random share of them,
    around the end.
    """
    n_targets = split.block_of_target.size
    if split.block_of_target.any():
        deal: Deal = partial(_shifted, tested // n_targets)
        outcome = split.outcome[tested]
        return permutation_baseline(outcome, score[tested], rng, n_permutations, deal=deal)
    trials = np.unique(tested // n_targets)
    samples = (trials[:, np.newaxis] * n_targets + np.arange(n_targets)).ravel()
    counted = np.isin(samples, tested, assume_unique=True)
    deal = partial(_units_exchanged, split.unit_of_trial[trials], n_targets)
    return permutation_baseline(
        split.outcome[samples], score[samples], rng, n_permutations, counted=counted, deal=deal
    )


def _any_order(n_samples: int, rng: np.random.Generator) -> IndexArray:
    return rng.permutation(n_samples)


def _units_exchanged(
    unit_of_trial: IndexArray, n_targets: int, rng: np.random.Generator
) -> IndexArray:
    """Put units in random order, their trials one after the other in the places of the trials."""
    number = np.unique(unit_of_trial, return_inverse=True)[1]
    place = rng.permutation(int(number.max()) + 1)
    donor = np.empty(number.size, dtype=np.int64)
    donor[np.argsort(number, kind="stable")] = np.argsort(place[number], kind="stable")
    return np.asarray((donor[:, np.newaxis] * n_targets + np.arange(n_targets)).ravel())


def _shifted(trial: IndexArray, rng: np.random.Generator) -> IndexArray:
    """Move along the samples of each trial by the same share of them, around the end."""
    _, first, length = np.unique(trial, return_index=True, return_counts=True)
    share = rng.random()
    moved = np.empty(trial.size, dtype=np.int64)
    for start, size in zip(first.tolist(), length.tolist(), strict=True):
        step = 1 + int(share * (size - 1)) if size > 1 else 0
        moved[start : start + size] = start + (np.arange(size) + step) % size
    return moved


def _ties(score: FloatArray) -> tuple[IndexArray, IndexArray, IndexArray]:
    """Ascending order of scores; per place in it the places before its ties, and through them."""
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    return (
        order,
        np.searchsorted(ordered, ordered, side="left"),
        np.searchsorted(ordered, ordered, side="right"),
    )


def _auroc(
    outcome: NDArray[np.bool_], used: NDArray[np.bool_], below: IndexArray, through: IndexArray
) -> float:
    """AUROC of outcomes in ascending order of the score; NaN for one class."""
    positive = np.flatnonzero(outcome & used)
    negatives = np.concatenate(([0], np.cumsum(used & ~outcome)))
    pairs = positive.size * int(negatives[-1])
    wins = int((negatives[below[positive]] + negatives[through[positive]]).sum())
    return wins / (2 * pairs) if pairs else float("nan")
