"""Rows of the table of scores: every metric of every evaluated model on every subset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synreduce.evaluation.intervals import delong_interval
from synreduce.evaluation.permutation import PermutationBaseline
from synreduce.merging.selection import USABLE_STATUSES
from synreduce.metrics import METRICS, evaluate

FloatArray = NDArray[np.float64]

SUBSETS = ("train", "test", "test_first", "test_second")
"""Sides of a split that are scored."""


@dataclass(frozen=True)
class ScoredModel:
    """What a row of the table says about the model.

    Parameters
    ----------
    level : str
        ``chunk``, ``merged`` or ``consensus``; ``truth`` for the known generating score.
    spatial, temporal : str
        Names of the ranges, e.g. ``d0000-1500`` and ``t0258-0259``.
    strategy, solver : str
        Names of strategy and solver.
    merge : str
        Spatial merge method; empty for chunks.
    split : str
        Name of the split.
    restart : int
        Number of the restart; -1 where several fits were combined.
    """

    level: str
    spatial: str
    temporal: str
    strategy: str
    solver: str
    split: str
    merge: str = ""
    restart: int = -1


@dataclass(frozen=True)
class ScoreRow:
    """One row of ``scores.csv``.

    Parameters
    ----------
    level, spatial, temporal, strategy, solver, merge, split : str
        See :class:`ScoredModel`.
    subset : str
        Side of the split.
    restart : int
        See :class:`ScoredModel`.
    metric : str
        Name of the metric.
    value : float
        NaN where it is undefined.
    n_trials : int
        Trials with at least one sample in the subset.
    n_positive : int
        Samples with a spike.
    status : str
        ``ok``; status of the fit if it did not end well; ``no_samples`` or ``one_class`` where the
        metric is undefined.
    n_samples : int
        Samples in the subset: (trial, target window) pairs.
    value_low, value_high : float
        95 % confidence interval (DeLong), for AUROC on samples that were not fitted.
    baseline_mean, baseline_95, p_value : float
        Mean and 95 % quantile of the AUROC when outcomes change hands, and the share of such
        exchanges that reach the value; NaN unless asked for.
    """

    level: str
    spatial: str
    temporal: str
    strategy: str
    solver: str
    merge: str
    split: str
    subset: str
    restart: int
    metric: str
    value: float
    n_trials: int
    n_positive: int
    status: str
    n_samples: int
    value_low: float = float("nan")
    value_high: float = float("nan")
    baseline_mean: float = float("nan")
    baseline_95: float = float("nan")
    p_value: float = float("nan")


SCORE_COLUMNS = tuple(entry.name for entry in fields(ScoreRow))
"""Columns of ``scores.csv`` in order."""


def score_table_rows(
    model: ScoredModel,
    y: ArrayLike,
    score: ArrayLike,
    probability: ArrayLike | None,
    subsets: Mapping[str, NDArray[np.int64]],
    *,
    n_targets: int = 1,
    status: str = "ok",
    units: NDArray[np.int64] | None = None,
) -> list[ScoreRow]:
    """Score one model on every subset of a split.

    Parameters
    ----------
    model : ScoredModel
        What is scored.
    y : array_like, shape (n_samples,)
        Outcomes.
    score : array_like, shape (n_samples,)
        Weighted net input; NaN where the model says nothing (samples outside the subsets).
    probability : array_like, shape (n_samples,), optional
        Calibrated spike probability; without it the metrics that need one are NaN.
    subsets : mapping of str to ndarray of int
        Samples of each subset, see :data:`SUBSETS`.
    n_targets : int
        Target windows per trial, to count trials.
    status : str
        Status of the fit; with a status other than ``ok`` and ``not_converged`` all values are NaN.
    units : ndarray of int, shape (n_samples,), optional
        Samples of one unit may depend on each other, see :func:`delong_covariance`. Default: all
        samples are independent.

    Returns
    -------
    list of ScoreRow
        One per subset and metric.
    """
    outcome = np.asarray(y).astype(np.int8)
    value = np.asarray(score, dtype=np.float64)
    chance = None if probability is None else np.asarray(probability, dtype=np.float64)
    rows: list[ScoreRow] = []
    for name, index in subsets.items():
        part = _Subset(
            name,
            outcome[index],
            value[index],
            None if chance is None else chance[index],
            int(np.count_nonzero(np.bincount(index // n_targets))),
            _shared_units(units, index),
        )
        rows.extend(_subset_rows(model, part, status))
    return rows


@dataclass(frozen=True)
class _Subset:
    name: str
    outcome: NDArray[np.int8]
    score: FloatArray
    probability: FloatArray | None
    n_trials: int
    units: NDArray[np.int64] | None


def _shared_units(
    units: NDArray[np.int64] | None, index: NDArray[np.int64]
) -> NDArray[np.int64] | None:
    """Units of a subset; None if each of them has one sample, which is then independent."""
    if units is None or np.bincount(units[index]).max(initial=0) <= 1:
        return None
    return units[index]


def _subset_rows(model: ScoredModel, part: _Subset, status: str) -> list[ScoreRow]:
    n_positive = int(part.outcome.sum())
    values = dict.fromkeys(METRICS, float("nan"))
    undefined = _why_undefined(part.outcome.size, n_positive)
    usable = (
        status in USABLE_STATUSES and bool(np.isfinite(part.score).all()) and part.outcome.size > 0
    )
    if usable:
        known = part.probability is not None and bool(np.isfinite(part.probability).all())
        values = evaluate(part.outcome, part.score, part.probability if known else None)
    rows = []
    for metric in METRICS:
        value = values[metric]
        row_status = undefined if usable and np.isnan(value) and undefined else status
        if not usable and status == "ok":
            row_status = undefined or "failed"
        rows.append(
            ScoreRow(
                **vars(model),
                subset=part.name,
                metric=metric,
                value=value,
                n_trials=part.n_trials,
                n_positive=n_positive,
                status=row_status,
                n_samples=int(part.outcome.size),
            )
        )
    return [_with_interval(row, part) for row in rows]


def _why_undefined(n_samples: int, n_positive: int) -> str:
    if n_samples == 0:
        return "no_samples"
    return "one_class" if n_positive in (0, n_samples) else ""


def _with_interval(row: ScoreRow, part: _Subset) -> ScoreRow:
    # On training samples the interval would claim a precision that overfitting takes away.
    if row.metric != "auroc" or row.subset == "train" or np.isnan(row.value):
        return row
    interval = delong_interval(part.outcome, part.score, units=part.units)
    return replace(row, value_low=interval.low, value_high=interval.high)


def with_baseline(row: ScoreRow, baseline: PermutationBaseline) -> ScoreRow:
    """Add a permutation baseline to the row of an AUROC.

    Parameters
    ----------
    row : ScoreRow
        Row of the metric ``auroc``.
    baseline : PermutationBaseline
        Of the same score on the same samples.

    Returns
    -------
    ScoreRow
    """
    return replace(
        row,
        baseline_mean=baseline.mean,
        baseline_95=baseline.quantile_95,
        p_value=baseline.p_value,
    )


def share_of_ceiling(auroc: float, ceiling: float) -> float:
    """Share of the attainable AUROC above chance that a model reaches.

    Parameters
    ----------
    auroc : float
        Of the model.
    ceiling : float
        Of the score that generated the spikes, where it is known, on the same samples.

    Returns
    -------
    float
        1 at the ceiling, 0 at chance; NaN if the ceiling is chance.

    Examples
    --------
    >>> share_of_ceiling(0.875, 1.0)
    0.75
    """
    return (auroc - 0.5) / (ceiling - 0.5) if ceiling != 0.5 else float("nan")


def as_records(rows: list[ScoreRow]) -> list[dict[str, Any]]:
    """Turn rows into mappings, for tables.

    Parameters
    ----------
    rows : list of ScoreRow
        Rows.

    Returns
    -------
    list of dict
        Keys in the order of :data:`SCORE_COLUMNS`.
    """
    return [{name: getattr(row, name) for name in SCORE_COLUMNS} for row in rows]
