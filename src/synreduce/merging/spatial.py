"""Merging spatial chunks of one temporal window into one filter over the whole dendrite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from synreduce.design import ArrayRows, FeatureLayout, Term, iterate_blocks
from synreduce.errors import ChunkFailedError, InputError, Problem
from synreduce.merging.parts import MergedModel, SpatialPart
from synreduce.merging.refining import Refined, RefineSettings, refine
from synreduce.merging.selection import USABLE_STATUSES
from synreduce.solvers.calibration import calibrate
from synreduce.solvers.newton import NewtonOptions, NewtonSolver
from synreduce.solvers.problem import FitProblem
from synreduce.solvers.records import BiasCorrected, FitResult
from synreduce.solvers.resampling import Resampling
from synreduce.strategies import Rank

FloatArray = NDArray[np.float64]
Method = Literal["sum", "stack", "refine"]

STACK_RIDGE = 1e-4
"""Ridge of `stack`, relative to the curvature of the data: it only settles collinear chunks."""


def merge_spatial(
    parts: Sequence[SpatialPart],
    outcome: NDArray[Any],
    method: Method = "refine",
    *,
    rank: Rank = 1,
    fold_groups: NDArray[Any] | None = None,
    settings: RefineSettings | None = None,
    allow_partial: bool = False,
    resampling: Resampling | None = None,
) -> MergedModel:
    """Merge the fits of spatial chunks on training samples.

    Parameters
    ----------
    parts : sequence of SpatialPart
        One per chunk, all with the same training samples.
    outcome : ndarray of 0 and 1, shape (n_samples,)
        Outcomes of these samples.
    method : {"refine", "stack", "sum"}
        ``sum`` adds the scores. ``stack`` weighs the score of each chunk and group by one
        coefficient (logistic regression). ``refine`` starts there and refits all weights of all
        chunks together, see :func:`synreduce.merging.refining.refine`. A single chunk keeps its
        weights with every method, apart from one common factor if it is not calibrated yet.
    rank : int or "full"
        Pairs of filters per chunk and group for ``refine``.
    fold_groups : ndarray, shape (n_samples,), optional
        Samples that cross-validation keeps together, see `FitProblem`.
    settings : RefineSettings, optional
        For ``refine``, instead of `rank`.
    allow_partial : bool
        Leave failed chunks out instead of refusing.
    resampling : Resampling, optional
        Bootstrap replicates wanted of ``refine``. A single chunk keeps those of its fit; ``stack``
        and ``sum`` have none, as their factors would have to be drawn along.

    Returns
    -------
    MergedModel
        NaN weights and the solver's status where the samples do not allow a fit.

    Raises
    ------
    ChunkFailedError
        Chunks without weights and no permission to leave them out, or none left.
    InputError
        Unknown method, chunks twice, or chunks with different numbers of samples.
    """
    labels = np.asarray(outcome).astype(bool)
    _refuse_unusable(parts, labels, method)
    used = [part for part in parts if part.status in USABLE_STATUSES]
    if not used or (len(used) < len(parts) and not allow_partial):
        raise ChunkFailedError(_failed_chunks(parts))
    if labels.all() or not labels.any():
        share = "every sample has" if labels.all() else "no sample has"
        return _without_weights(parts, method, "one_class", f"{share} a spike")
    if len(used) == 1:
        return _one_factor(parts, used, labels, "single")
    if method == "sum":
        return _one_factor(parts, used, labels, "sum")
    stacked = _stack(parts, used, labels, fold_groups)
    if method == "stack" or stacked.status not in USABLE_STATUSES:
        return stacked
    separate = [
        weights
        for part, weights in zip(parts, stacked.theta, strict=True)
        if part.status in USABLE_STATUSES
    ]
    refined = refine(used, separate, labels, settings or RefineSettings(rank=rank), fold_groups,
                     resampling=resampling)  # fmt: skip
    if not refined.fit.usable:
        return _without_weights(parts, "refine", refined.fit.status, refined.fit.message)
    return _from_refined(parts, used, refined)


def part_scores(part: SpatialPart) -> FloatArray:
    """Score of every sample by each group of a chunk.

    Parameters
    ----------
    part : SpatialPart
        Fit and rows.

    Returns
    -------
    ndarray, shape (n_samples, n_groups)
    """
    mixing = np.zeros((part.layout.n_features, len(part.layout.names)))
    for number, name in enumerate(part.layout.names):
        columns = part.layout.slices[name]
        mixing[columns, number] = part.theta[columns]
    scores = np.empty((part.rows.n_rows, mixing.shape[1]))
    for where, rows in iterate_blocks(part.rows):
        scores[where] = np.asarray(rows, dtype=np.float64) @ mixing
    return scores


def _refuse_unusable(parts: Sequence[SpatialPart], outcome: NDArray[np.bool_], method: str) -> None:
    problems = [
        Problem(
            "bad-rows",
            part.name,
            f"{part.rows.n_rows} samples for {outcome.size} outcomes",
            "give every chunk the same training samples",
        )
        for part in parts
        if part.rows.n_rows != outcome.size
    ]
    names = [part.name for part in parts]
    if not names or len(set(names)) < len(names):
        problems.append(
            Problem("bad-chunks", "merge", f"chunks {names}", "give at least one, each once")
        )
    if method not in ("sum", "stack", "refine"):
        fix = "choose sum, stack or refine"
        problems.append(Problem("unknown-merge", "merge.spatial", f"{method!r}", fix))
    if problems:
        raise InputError(problems)


def _failed_chunks(parts: Sequence[SpatialPart]) -> list[Problem]:
    fix = "rerun these chunks, or set merge.allow_partial to leave them out"
    return [
        Problem("failed-chunk", part.name, f"its fit has status {part.status}", fix)
        for part in parts
        if part.status not in USABLE_STATUSES
    ]


def _without_weights(
    parts: Sequence[SpatialPart], method: str, status: str, message: str
) -> MergedModel:
    return MergedModel(
        method=method,
        parts=tuple(part.name for part in parts),
        layouts=tuple(part.layout for part in parts),
        theta=tuple(np.full(part.layout.n_features, np.nan) for part in parts),
        intercept=float("nan"),
        status=status,
        message=message,
        coefficients={},
        covariance=tuple(None for _ in parts),
        bias_corrected=tuple(None for _ in parts),
        missing=_missing(parts),
    )


def _missing(parts: Sequence[SpatialPart]) -> tuple[str, ...]:
    return tuple(part.name for part in parts if part.status not in USABLE_STATUSES)


def _rescaled(
    parts: Sequence[SpatialPart],
    method: str,
    coefficients: dict[tuple[str, str], float],
    intercept: float,
    fit: FitResult | None = None,
) -> MergedModel:
    """Multiply the weights of every chunk and group by their coefficient."""
    theta: list[FloatArray] = []
    covariance: list[FloatArray | None] = []
    corrected: list[BiasCorrected | None] = []
    for part in parts:
        of_group = [coefficients.get((part.name, name), np.nan) for name in part.layout.names]
        factor = np.repeat(of_group, [term.n_features for term in part.layout.terms])
        known = bool(np.isfinite(factor).all())
        of_fit, errors = part.bias_corrected if known else None, part.covariance if known else None
        theta.append(part.theta * factor)
        covariance.append(None if errors is None else errors * np.outer(factor, factor))
        corrected.append(None if of_fit is None else of_fit.scaled(of_group))
    return MergedModel(
        method=method,
        parts=tuple(part.name for part in parts),
        layouts=tuple(part.layout for part in parts),
        theta=tuple(theta),
        intercept=intercept,
        status="ok" if fit is None else fit.status,
        message="" if fit is None else fit.message,
        coefficients=coefficients,
        covariance=tuple(covariance),
        bias_corrected=tuple(corrected),
        missing=_missing(parts),
        **({} if fit is None else _solver_figures(fit)),
    )


def _solver_figures(fit: FitResult) -> dict[str, Any]:
    return {
        "ridge": fit.ridge,
        "penalty_curve": fit.penalty_curve,
        "n_evaluations": fit.n_evaluations,
        "n_iterations": fit.n_iterations,
        "condition": fit.condition,
    }


def _one_factor(
    parts: Sequence[SpatialPart],
    used: Sequence[SpatialPart],
    outcome: NDArray[np.bool_],
    method: str,
) -> MergedModel:
    """Add the scores up; one common factor and an intercept make them log odds."""
    slope, intercept = 1.0, used[0].intercept
    if len(used) > 1 or not used[0].calibrated:
        score = np.sum([part_scores(part).sum(axis=1) for part in used], axis=0)
        slope, intercept = calibrate(score, outcome.astype(np.float64))
    coefficients = {(part.name, name): slope for part in used for name in part.layout.names}
    merged = _rescaled(parts, method, coefficients, intercept)
    if len(used) > 1 or used[0].replicates is None:
        return merged
    draws = slope * used[0].replicates
    return replace(merged, replicates=tuple(draws if part is used[0] else None for part in parts))


def _stack(
    parts: Sequence[SpatialPart],
    used: Sequence[SpatialPart],
    outcome: NDArray[np.bool_],
    fold_groups: NDArray[Any] | None,
) -> MergedModel:
    names = [(part.name, name) for part in used for name in part.layout.names]
    problem = FitProblem(
        layout=FeatureLayout([Term(_joint_name(*name), 1, 1) for name in names]),
        rows=ArrayRows(np.concatenate([part_scores(part) for part in used], axis=1)),
        outcome=outcome,
        rank="full",
        fold_groups=fold_groups,
        name="stack",
    )
    fit = NewtonSolver(NewtonOptions(ridge=STACK_RIDGE)).solve(problem)
    if not fit.usable:
        return _without_weights(parts, "stack", fit.status, fit.message)
    coefficients = {name: float(value) for name, value in zip(names, fit.theta, strict=True)}
    return _rescaled(parts, "stack", coefficients, fit.intercept, fit)


def _joint_name(part: str, group: str) -> str:
    return f"{part}/{group}"


def _from_refined(
    parts: Sequence[SpatialPart], used: Sequence[SpatialPart], refined: Refined
) -> MergedModel:
    """Give every chunk its share of the joint weights."""
    names = [part.name for part in used]
    theta = dict(zip(names, refined.theta, strict=True))
    covariance = dict(zip(names, refined.covariance, strict=True))
    corrected = dict(zip(names, refined.bias_corrected, strict=True))
    replicates = dict(zip(names, refined.replicates, strict=False))
    return MergedModel(
        method="refine",
        parts=tuple(part.name for part in parts),
        layouts=tuple(part.layout for part in parts),
        theta=tuple(
            theta.get(part.name, np.full(part.layout.n_features, np.nan)) for part in parts
        ),
        intercept=refined.fit.intercept,
        status=refined.fit.status,
        message=refined.fit.message,
        coefficients={},
        covariance=tuple(covariance.get(part.name) for part in parts),
        bias_corrected=tuple(corrected.get(part.name) for part in parts),
        replicates=tuple(replicates.get(part.name) for part in parts) if replicates else (),
        coupling=refined.coupling,
        missing=_missing(parts),
        **_solver_figures(refined.fit),
    )
