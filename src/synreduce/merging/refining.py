"""Refit all weights of all spatial chunks together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from synreduce.merging.joint import JointDesign, SummedRows, joint_design
from synreduce.merging.parts import SpatialPart
from synreduce.solvers.bootstrap import bootstrap
from synreduce.solvers.newton import NewtonOptions, NewtonSolver
from synreduce.solvers.problem import DEFAULT_CACHE_BYTES, FitProblem
from synreduce.solvers.records import BiasCorrected, FitResult
from synreduce.solvers.resampling import Resampling
from synreduce.solvers.row_groups import Spread
from synreduce.strategies import Rank

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class RefineSettings:
    """Choices of `refine`.

    Parameters
    ----------
    rank : int or "full"
        Pairs of filters per chunk and group; 1 keeps the model separable inside a chunk.
    folds : int
        Folds of the cross-validation inside the training samples.
    max_iterations : int
        Newton steps at most.
    cache_bytes : int
        Rows are kept in memory if they fit; the result is the same if not.
    spread : callable, optional
        Holds rows that do not fit on several workers. Default: they are read in every pass.
    """

    rank: Rank = 1
    folds: int = 5
    max_iterations: int = 50
    cache_bytes: int = DEFAULT_CACHE_BYTES
    spread: Spread | None = None


@dataclass(frozen=True)
class Refined:
    """Joint fit of all chunks.

    Parameters
    ----------
    theta : list of ndarray
        Weights of each chunk, log odds per unit of projected input.
    covariance : list of ndarray or None
        Of the weights of each chunk.
    bias_corrected : list of BiasCorrected or None
        Weights of each chunk without the bias of the penalties.
    fit : FitResult
        What the solver says.
    coupling : float
        Strength of the penalty on differences between neighbours; infinite where one filter for
        all chunks predicts left-out training samples best, NaN where chunks cannot be compared.
    replicates : list of ndarray, shape (n_replicates, n_features)
        Weights of bootstrap replicates of each chunk; empty where none were wanted.
    """

    theta: list[FloatArray]
    covariance: list[FloatArray | None]
    bias_corrected: list[BiasCorrected | None]
    fit: FitResult
    coupling: float
    replicates: list[FloatArray] = field(default_factory=list)


def refine(
    parts: Sequence[SpatialPart],
    start: Sequence[FloatArray],
    outcome: NDArray[np.bool_],
    settings: RefineSettings,
    fold_groups: NDArray[Any] | None = None,
    *,
    resampling: Resampling | None = None,
) -> Refined:
    """Maximise the penalised likelihood over all weights of all chunks.

    Parameters
    ----------
    parts : sequence of SpatialPart
        Chunks in the order of soma distance, with training samples.
    start : sequence of ndarray
        Weights to start from, of each chunk.
    outcome : ndarray of bool, shape (n_samples,)
        Outcomes of the training samples, of both classes.
    settings : RefineSettings
        Choices.
    fold_groups : ndarray, shape (n_samples,), optional
        Samples that cross-validation keeps together.
    resampling : Resampling, optional
        Bootstrap replicates wanted.

    Returns
    -------
    Refined

    Notes
    -----
    A ridge alone cannot keep many chunks from overfitting: strong enough for the weights of ten
    chunks it suppresses the filters themselves. Therefore two penalties are used. The ridge is the
    one that cross-validation chooses for a single separable filter over all chunks (whose rows are
    the sum of the rows of the chunks). The second penalty is on the differences of the weights that
    neighbouring chunks give the same basis function; its strength is chosen by cross-validation on
    the same folds: the strongest within one standard error of the best. Infinitely strong it gives
    the single filter, which is taken unless a finite strength predicts the left-out training
    samples better by more than a standard error. So the refined model is not worse than the single
    fit by more than the noise of that choice.
    """
    shared = _pooled_problem(parts, outcome, settings, fold_groups)
    pooled = None if shared is None else _pooled_fit(shared, settings)
    joint = joint_design(parts)
    problem = FitProblem(
        layout=joint.layout,
        rows=joint.rows,
        outcome=outcome,
        rank=settings.rank,
        fold_groups=fold_groups,
        roughness=joint.difference,
        name="refine",
        cache_bytes=settings.cache_bytes,
        spread=settings.spread,
    )
    options = NewtonOptions(
        ridge="auto" if pooled is None else pooled.ridge,
        smoothness=0.0 if joint.difference is None else "auto",
        folds=settings.folds,
        max_iterations=settings.max_iterations,
    )
    fit = NewtonSolver(options).solve(problem, problem.model.nearest(joint.gather(start)))
    if shared is not None and pooled is not None and not _clearly_better(fit, pooled):
        return _same_filters(parts, pooled, _replicates(shared, pooled, resampling))
    strongest = _strongest_coupling(fit)
    if strongest > fit.smoothness:
        settled = options.model_copy(update={"ridge": fit.ridge, "smoothness": strongest})
        again = NewtonSolver(settled).solve(problem, fit.vector)
        fit = replace(again, penalty_curve=fit.penalty_curve) if again.usable else fit
    return _own_filters(parts, joint, fit, _replicates(problem, fit, resampling))


def _replicates(
    problem: FitProblem, fit: FitResult, resampling: Resampling | None
) -> FloatArray | None:
    return None if resampling is None else bootstrap(problem, fit, resampling)


def _pooled_problem(
    parts: Sequence[SpatialPart],
    outcome: NDArray[np.bool_],
    settings: RefineSettings,
    fold_groups: NDArray[Any] | None,
) -> FitProblem | None:
    """One filter for all chunks; None if they do not have the same columns."""
    layout = parts[0].layout
    if any(part.layout.terms != layout.terms for part in parts):
        return None
    return FitProblem(
        layout=layout,
        rows=SummedRows([part.rows for part in parts]),
        outcome=outcome,
        rank=settings.rank,
        fold_groups=fold_groups,
        name="one filter for all chunks",
        cache_bytes=settings.cache_bytes,
        spread=settings.spread,
    )


def _pooled_fit(problem: FitProblem, settings: RefineSettings) -> FitResult | None:
    fit = NewtonSolver(NewtonOptions(folds=settings.folds)).solve(problem)
    return fit if fit.usable else None


def _clearly_better(fit: FitResult, pooled: FitResult) -> bool:
    """Whether filters of their own predict left-out training samples better, beyond noise.

    Without cross-validation (too few spikes) nothing speaks for the richer model.
    """
    own, shared = fit.penalty_curve, pooled.penalty_curve
    if not fit.usable or own is None or shared is None:
        return False
    noise = own.standard_error[np.argmax(own.smoothness)]
    return bool(own.loss[own.chosen] + noise < shared.loss[shared.chosen])


def _strongest_coupling(fit: FitResult) -> float:
    """Strongest coupling within one standard error of the best (one-standard-error rule)."""
    curve = fit.penalty_curve
    if curve is None:
        return fit.smoothness
    close = curve.loss <= curve.loss[curve.chosen] + curve.standard_error
    close &= curve.ridge == curve.ridge[curve.chosen]
    return float(curve.smoothness[close].max())


def _same_filters(
    parts: Sequence[SpatialPart], pooled: FitResult, replicates: FloatArray | None
) -> Refined:
    return Refined(
        theta=[pooled.theta.copy() for _ in parts],
        covariance=[pooled.covariance for _ in parts],
        bias_corrected=[pooled.bias_corrected for _ in parts],
        fit=pooled,
        coupling=float("inf"),
        replicates=[] if replicates is None else [replicates for _ in parts],
    )


def _own_filters(
    parts: Sequence[SpatialPart], joint: JointDesign, fit: FitResult, replicates: FloatArray | None
) -> Refined:
    covariance: list[FloatArray | None] = [None for _ in joint.sizes]
    if fit.covariance is not None:
        covariance = list(joint.spread_covariance(fit.covariance))
    corrected: list[BiasCorrected | None] = [None for _ in joint.sizes]
    if fit.bias_corrected is not None:
        corrected = list(_spread_corrected(parts, joint, fit.bias_corrected))
    spread = [joint.spread(draw) for draw in replicates] if replicates is not None else []
    return Refined(
        theta=joint.spread(fit.theta),
        covariance=covariance,
        bias_corrected=corrected,
        fit=fit,
        coupling=float("nan") if joint.difference is None else fit.smoothness,
        replicates=[np.array(draws) for draws in zip(*spread, strict=True)],
    )


def _spread_corrected(
    parts: Sequence[SpatialPart], joint: JointDesign, corrected: BiasCorrected
) -> Iterator[BiasCorrected]:
    """Give every chunk its share of joint weights, columns that were left out included."""
    theta = joint.spread(corrected.theta)
    covariance = joint.spread_covariance(block_diag(*corrected.covariance))
    for part, weights, matrix in zip(parts, theta, covariance, strict=True):
        within = (matrix[columns, columns] for columns in part.layout.slices.values())
        yield BiasCorrected(weights, tuple(within))
