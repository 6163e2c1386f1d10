"""Rows of the table of scores: every metric of every evaluated model on every subset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synreduce.evaluation.intervals import delong_interval
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


SCORE_COLUMNS = tuple(entry.name for entry in fields(ScoreRow))
"""Columns of ``scores.csv`` in order."""


@dataclass(frozen=True)
class CalibrationCurve:
    """Predicted against observed spike probability.

    Parameters
    ----------
    predicted : ndarray, shape (n_bins,)
        Mean predicted probability of the samples of each bin.
    observed : ndarray, shape (n_bins,)
        Share of them with a spike.
    n_samples : ndarray of int, shape (n_bins,)
        Samples of each bin.
    """

    predicted: FloatArray
    observed: FloatArray
    n_samples: NDArray[np.int64]


def score_table_rows(
    model: ScoredModel,
    y: ArrayLike,
    score: ArrayLike,
    probability: ArrayLike | None,
    subsets: Mapping[str, NDArray[np.int64]],
    *,
    n_targets: int = 1,
    status: str = "ok",
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
            int(np.unique(index // n_targets).size),
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
    interval = delong_interval(part.outcome, part.score)
    return replace(row, value_low=interval.low, value_high=interval.high)


def calibration_curve(y: ArrayLike, probability: ArrayLike, n_bins: int = 10) -> CalibrationCurve:
    """Compare predicted probabilities with spike fractions.

    Bins hold equal numbers of samples, because with rare spikes nearly all samples lie in the
    lowest tenth of the probabilities; samples with equal probability stay together.

    Parameters
    ----------
    y : array_like, shape (n_samples,)
        Outcomes.
    probability : array_like, shape (n_samples,)
        Predicted spike probability.
    n_bins : int
        Largest number of bins.

    Returns
    -------
    CalibrationCurve
    """
    chance = np.asarray(probability, dtype=np.float64)
    outcome = np.asarray(y, dtype=np.float64)
    edges = np.unique(np.quantile(chance, np.linspace(0.0, 1.0, n_bins + 1)[1:-1]))
    index = np.searchsorted(edges, chance, side="right")
    count = np.bincount(index, minlength=edges.size + 1)
    filled = count > 0
    predicted = np.bincount(index, weights=chance, minlength=edges.size + 1)[filled]
    observed = np.bincount(index, weights=outcome, minlength=edges.size + 1)[filled]
    kept = count[filled]
    return CalibrationCurve(predicted / kept, observed / kept, kept.astype(np.int64))


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
