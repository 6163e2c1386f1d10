"""Choosing one of several fits by its score on training samples alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synreduce.errors import InputError, Problem

USABLE_STATUSES = ("ok", "not_converged")
"""Outcomes of a fit that leave usable weights."""


def choose_best(
    training_scores: Sequence[float],
    statuses: Sequence[str],
    *,
    larger_is_better: bool = True,
) -> int | None:
    """Choose among restarts or solvers.

    Only numbers from training samples may be given: choosing on held-out samples makes the
    held-out score of the chosen one too good.

    Parameters
    ----------
    training_scores : sequence of float
        AUROC (or another score) on training samples of each fit; NaN where it is undefined.
    statuses : sequence of str
        Status of each fit. ``ok`` and ``not_converged`` count alike: a fit that stopped on its
        budget may well be the best.
    larger_is_better : bool
        False for a loss.

    Returns
    -------
    int or None
        Position of the best fit, the first of equals; None if none is usable.

    Raises
    ------
    InputError
        Lengths differ.

    Examples
    --------
    >>> choose_best([0.8, 0.9, 0.99], ["ok", "not_converged", "failed"])
    1
    """
    if len(training_scores) != len(statuses):
        what = f"{len(training_scores)} scores for {len(statuses)} statuses"
        raise InputError(Problem("bad-shape", "choice of a fit", what, "give one status per score"))
    best: int | None = None
    sign = 1.0 if larger_is_better else -1.0
    for number, (score, status) in enumerate(zip(training_scores, statuses, strict=True)):
        if status not in USABLE_STATUSES or np.isnan(score):
            continue
        if best is None or sign * score > sign * training_scores[best]:
            best = number
    return best
