"""Which trials stay together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from synreduce.errors import DataError, Problem

GROUPINGS = ("database", "folder")
"""Named groupings: by the part of the trial id before its first, or before its last, slash."""


def _label(group_by: str) -> Callable[[str], str | None]:
    if group_by == "database":
        return lambda trial_id: trial_id.partition("/")[0]
    if group_by == "folder":
        return lambda trial_id: trial_id.rpartition("/")[0]
    pattern = re.compile(group_by)

    def matched(trial_id: str) -> str | None:
        match = pattern.search(trial_id)
        return match.group(1) if match else None

    return matched


def _labels(trial_ids: Iterable[str], group_by: str) -> list[str]:
    label_of = _label(group_by)
    labels: list[str] = []
    unmatched: list[str] = []
    for trial_id in map(str, trial_ids):
        label = label_of(trial_id)
        labels.append(label or "")
        if label is None:
            unmatched.append(trial_id)
    if unmatched:
        raise DataError(
            Problem(
                "ungrouped-trials",
                "splits.group_by",
                f"'{group_by}' does not match {len(unmatched)} of {len(labels)} trial ids, "
                f"for example '{unmatched[0]}'",
                "change the pattern so that it matches every id",
            )
        )
    return labels


def unit_of_each_trial(
    trial_ids: Sequence[str] | NDArray[np.str_],
    group_by: str | None,
    groups: Sequence[str] | None = None,
) -> tuple[Sequence[str] | NDArray[np.str_], NDArray[np.int64]]:
    """Find the units (trials, or groups of trials) that a split divides.

    Parameters
    ----------
    trial_ids : sequence of str, (n_trials,)
    group_by : str or None
        ``"database"``, ``"folder"``, a regular expression with one group, or None.
    groups : sequence of str, (n_trials,), optional
        Labels that replace `group_by`.

    Returns
    -------
    names : sequence of str, (n_units,)
    unit : ndarray of int64, (n_trials,)
        Position in `names` of the unit of each trial.

    Raises
    ------
    DataError
        If an id does not match the pattern.

    Examples
    --------
    >>> unit_of_each_trial(["a/x/1", "a/x/2", "a/y/1"], "folder")
    (['a/x', 'a/y'], array([0, 0, 1]))
    """
    if groups is None and group_by is None:
        return trial_ids, np.arange(len(trial_ids))
    labels = groups if groups is not None else _labels(trial_ids, group_by or "")
    codes: dict[str, int] = {}
    unit = np.fromiter((codes.setdefault(label, len(codes)) for label in labels), np.int64)
    return list(codes), unit
