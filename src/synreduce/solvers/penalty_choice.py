"""Strength of the ridge by cross-validation inside the training samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synreduce.solvers.budget import Budget
from synreduce.solvers.folds import assign_folds
from synreduce.solvers.newton_steps import Point, line_search, local_model, newton_fit
from synreduce.solvers.penalty import PenaltyScale
from synreduce.solvers.records import PenaltyCurve
from synreduce.solvers.training import Curvature, TrainingData

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class PenaltyChoice:
    """A strength and where to start its fit.

    Parameters
    ----------
    ridge : float
        Strength chosen.
    curve : PenaltyCurve or None
        Held-out loss of every strength tried; None if cross-validation was not possible.
    point : Point
        Nearly the fit at the chosen strength.
    """

    ridge: float
    curve: PenaltyCurve | None
    point: Point


def choose_ridge(
    data: TrainingData,
    scale: PenaltyScale,
    smoothness: float,
    start: Point,
    ridges: Sequence[float],
    n_folds: int,
    budget: Budget,
) -> PenaltyChoice:
    """Follow the fit from strong to weak ridge and keep the strength with the least held-out loss.

    Parameters
    ----------
    data : TrainingData
        Training samples.
    scale : PenaltyScale
        Unit of the strengths.
    smoothness : float
        Strength of the roughness penalty, the same for all.
    start : Point
        Where to start the strongest.
    ridges : sequence of float
        Strengths, falling.
    n_folds : int
        Folds of the cross-validation.
    budget : Budget
        Evaluations and time allowed.

    Returns
    -------
    PenaltyChoice

    Notes
    -----
    For every strength one pass forms the curvature at the fit to all samples, apart for each fold.
    The fit without a fold is the minimum of the others' quadratic model: one Newton step from the
    fit to all, as in approximate cross-validation (Beirami et al. 2017, NeurIPS; Rad & Maleki 2020,
    J. R. Stat. Soc. B 82:965). Its held-out loss is then evaluated exactly.
    """
    fold, usable = assign_folds(data.problem, n_folds)
    middle = ridges[len(ridges) // 2]
    if usable < 2:
        return PenaltyChoice(middle, None, start)
    model, point = data.problem.model, start
    penalty = scale.matrix(ridges[0], smoothness)
    point = newton_fit(data, penalty, point, budget, max_iterations=4, tolerance=1e-3).point
    losses: list[FloatArray] = []
    points: list[Point] = []
    for position, ridge in enumerate(ridges):
        if position > 0:
            target = _minimum(data, curvature, at, scale.matrix(ridge, smoothness), point)
            found = line_search(data, scale.matrix(ridge, smoothness), point, target, budget)
            point = point if found is None else found[0]
        if not budget.spend(2):
            break
        at = point.weights(model)
        curvature = data.curvature(at, fold, usable)
        penalty = scale.matrix(ridge, smoothness)
        share = 1.0 - 1.0 / usable
        without = [
            _minimum(data, _without(curvature, left_out), at, penalty * share, point).weights(model)
            for left_out in range(usable)
        ]
        losses.append(data.held_out_losses(np.stack(without, axis=1), fold))
        points.append(point)
        totals = [float(loss.sum()) for loss in losses]
        if position - int(np.argmin(totals)) >= 2:
            break
    if not losses:
        return PenaltyChoice(middle, None, point)
    return _choice(np.array(losses), ridges, smoothness, points, data.n_rows)


def _choice(
    losses: FloatArray,
    ridges: Sequence[float],
    smoothness: float,
    points: Sequence[Point],
    n_rows: int,
) -> PenaltyChoice:
    totals = losses.sum(axis=1)
    best = int(np.argmin(totals))
    n_tried, n_folds = losses.shape
    spread = (losses - losses[best]).std(axis=1, ddof=1) * np.sqrt(n_folds) / n_rows
    curve = PenaltyCurve(
        ridge=np.asarray(ridges[:n_tried], dtype=np.float64),
        smoothness=np.full(n_tried, smoothness),
        loss=totals / n_rows,
        standard_error=spread,
        chosen=best,
        n_folds=n_folds,
    )
    return PenaltyChoice(float(ridges[best]), curve, points[best])


def _without(curvature: Curvature, left_out: int) -> Curvature:
    kept = [part for part in range(curvature.value.size) if part != left_out]
    return Curvature(
        curvature.value[kept].sum(axis=0, keepdims=True),
        curvature.gradient[kept].sum(axis=0, keepdims=True),
        curvature.hessian[kept].sum(axis=0, keepdims=True),
    )


def _minimum(
    data: TrainingData, curvature: Curvature, at: FloatArray, penalty: FloatArray, start: Point
) -> Point:
    value, gradient = float(curvature.value.sum()), curvature.gradient.sum(axis=0)
    local = local_model(value, gradient, curvature.hessian.sum(axis=0), at, penalty)
    return local.minimise(data.problem.model, start.vector)
