"""Merge the spatial chunks of one temporal chunk and split, and evaluate the merged model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from synreduce.chunks import UNUSED, full_scale
from synreduce.design import FeatureLayout, SelectedRows, Term
from synreduce.evaluation import (
    ScoredModel,
    ScoreRow,
    calibration_curve,
    estimate_isi_penalty,
    estimate_nonlinearity,
)
from synreduce.merging import (
    MergedModel,
    RefineSettings,
    SpatialPart,
    canonical_scale,
    choose_best,
    corrected_kernel,
    merge_spatial,
    merged_kernel,
)
from synreduce.pipeline.merge_records import ChunkFiles, MergeTask, SearchRecord, WindowMerge
from synreduce.pipeline.merge_searches import search_record
from synreduce.pipeline.scoring import probabilities, split_rows
from synreduce.result import HDF5Rows, read_fits, read_layout
from synreduce.solvers import build_solver
from synreduce.strategies import Rank, build_strategy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synreduce.evaluation import IsiPenalty, Nonlinearity
    from synreduce.result import StoredFit
    from synreduce.solvers import SolverOptions
    from synreduce.solvers.row_groups import Spread

_CALIBRATED_SOLVERS = frozenset({"newton", "lbfgs"})


def merge_window(task: MergeTask, spread: Spread | None = None) -> WindowMerge:
    """Choose the best fit of every spatial chunk on training samples and merge them.

    Parameters
    ----------
    task : MergeTask
        What to merge.
    spread : callable, optional
        Holds the rows of a large task on several workers.

    Returns
    -------
    WindowMerge

    Raises
    ------
    ChunkFailedError
        If a chunk has no usable fit and partial merges are not allowed.
    ArtefactError
        If a file is damaged or of another run.
    """
    fits = tuple(_fits(task, files) for files in task.files)
    chosen = tuple(_best_fit(task, found) for found in fits)
    searches = tuple(
        search_record(fit, found, task.solvers, (files.basis.functions, task.temporal_basis))
        for fit, found, files in zip(chosen, fits, task.files, strict=True)
    )
    sources = [HDF5Rows(files.design, files.design_identity) for files in task.files]
    fitted, scale = task.split.fitted, full_scale(task.split)
    parts = [
        _part(files, fit, SelectedRows(source, fitted), task.solvers, scale.shift)
        for files, fit, source in zip(task.files, chosen, sources, strict=True)
    ]
    model = merge_spatial(
        parts,
        task.split.outcome[fitted],
        task.method,
        settings=RefineSettings(
            rank=_rank(task, chosen, parts[0].layout), cache_bytes=task.cache_bytes, spread=spread
        ),
        fold_groups=task.split.unit[fitted],
        allow_partial=task.allow_partial,
        resampling=task.resampling,
    )
    model = replace(model, intercept=model.intercept + scale.shift)
    return _evaluated(task, model, sources, fits=fits, chosen=chosen, searches=searches)


def _evaluated(
    task: MergeTask,
    model: MergedModel,
    sources: list[HDF5Rows],
    *,
    fits: tuple[tuple[StoredFit, ...], ...],
    chosen: tuple[StoredFit | None, ...],
    searches: tuple[SearchRecord | None, ...],
) -> WindowMerge:
    """Kernel, response and scores of a merged model."""
    groups = model.layouts[0].names
    bases = {files.name: files.basis for files in task.files}
    n_bins = task.sizes["soma_distance"]
    kernel = merged_kernel(model, bases, task.temporal_basis, groups, n_bins)
    scale = canonical_scale(kernel.kernel, groups)
    log_odds = model.scores(sources) + model.intercept
    net_input = (log_odds - model.intercept) / scale
    outcome, train, test = task.split.outcome, task.split.train, task.split.test
    nonlinearity = estimate_nonlinearity(
        net_input[train], outcome[train], time_since_last_spike=task.isi[train]
    )
    probability = probabilities(log_odds, task.split)
    return WindowMerge(
        fits=fits,
        chosen=chosen,
        searches=searches,
        model=model,
        kernel=kernel,
        corrected=corrected_kernel(model, bases, task.temporal_basis, groups, n_bins),
        scale=scale,
        nonlinearity=nonlinearity,
        penalty=_penalty(task, net_input, nonlinearity),
        calibration=calibration_curve(outcome[test], probability[test]),
        train_calibration=calibration_curve(outcome[train], probability[train]),
        rows=tuple(_score_rows(task, chosen, model, log_odds, probability)),
        n_samples=int(task.split.fitted.size),
        n_positive=int(outcome[train].sum()),
        negative_fraction=task.split.negative_fraction,
    )


def _penalty(
    task: MergeTask, net_input: NDArray[np.float64], nonlinearity: Nonlinearity
) -> IsiPenalty:
    recent = _with_recent_spikes(task)
    return estimate_isi_penalty(
        net_input[recent], task.split.outcome[recent], task.isi[recent], nonlinearity
    )


def _with_recent_spikes(task: MergeTask) -> NDArray[np.int64]:
    """Find the samples that show what follows a spike: training ones, and those left out for it.

    The latter only from trials, or blocks of time, that do not test.
    """
    split = task.split
    unit = split.unit
    tests = np.zeros(int(unit.max()) + 1, dtype=bool)
    tests[unit[split.test]] = True
    left_out = (split.role == UNUSED) & (task.isi < task.min_isi_ms) & ~tests[unit]
    return np.flatnonzero(split.mask("train") | left_out)


def _fits(task: MergeTask, files: ChunkFiles) -> tuple[StoredFit, ...]:
    """Read the fits of a chunk for the split; none if there is no file."""
    if not files.fits.exists():
        return ()
    return tuple(read_fits(files.fits, files.fits_identity, split=task.split.name))


def _best_fit(task: MergeTask, fits: tuple[StoredFit, ...]) -> StoredFit | None:
    values = [_training_score(fit, task.choose_by) for fit in fits]
    best = choose_best(
        values, [fit.status for fit in fits], larger_is_better=task.choose_by == "auroc"
    )
    return None if best is None else fits[best]


def _rank(task: MergeTask, chosen: tuple[StoredFit | None, ...], layout: FeatureLayout) -> Rank:
    """Rank of the strategy that was chosen; where chunks differ, of the first by name."""
    names = sorted({fit.strategy for fit in chosen if fit is not None})
    if not names:
        return 1
    return build_strategy(task.strategies[names[0]]).model(layout).rank


def _training_score(fit: StoredFit, metric: str) -> float:
    found = [row.value for row in fit.scores if row.subset == "train" and row.metric == metric]
    return found[0] if found else float("nan")


def _part(
    files: ChunkFiles,
    fit: StoredFit | None,
    rows: SelectedRows,
    solvers: dict[str, SolverOptions],
    shift: float,
) -> SpatialPart:
    sizes = read_layout(files.design)
    layout = FeatureLayout([Term(name, *size) for name, size in sizes.items()])
    if fit is None:
        nothing = np.full(layout.n_features, np.nan)
        return SpatialPart(files.name, layout, rows, nothing, status="failed")
    return SpatialPart(
        files.name,
        layout,
        rows,
        fit.theta,
        fit.intercept - shift,  # back to the log odds in what is merged
        status=fit.status,
        calibrated=build_solver(solvers[fit.solver]).kind in _CALIBRATED_SOLVERS,
        covariance=fit.covariance,
        bias_corrected=fit.bias_corrected,
        replicates=fit.replicates,
    )


def _score_rows(
    task: MergeTask,
    chosen: tuple[StoredFit | None, ...],
    model: MergedModel,
    log_odds: NDArray[np.float64],
    probability: NDArray[np.float64],
) -> list[ScoreRow]:
    used = [fit for fit in chosen if fit is not None]
    label = ScoredModel(
        level="merged",
        spatial="all",
        temporal=task.temporal,
        strategy="+".join(sorted({fit.strategy for fit in used})),
        solver="+".join(sorted({fit.solver for fit in used})),
        split=task.split.name,
        merge=model.method,
    )
    rows = split_rows(
        label, task.split, log_odds, probability, status=model.status, baseline=task.baseline
    )
    if task.truth is not None:
        known = replace(label, level="truth", strategy="", solver="", merge="")
        truth = task.truth
        rows += split_rows(
            known, task.split, truth.score, truth.probability, baseline=task.baseline
        )
    return rows
