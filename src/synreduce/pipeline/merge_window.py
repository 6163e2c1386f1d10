"""Merge the spatial chunks of one temporal chunk and split, and evaluate the merged model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from synreduce.chunks import SUBSETS
from synreduce.design import FeatureLayout, SelectedRows, Term
from synreduce.evaluation import (
    CalibrationCurve,
    IsiPenalty,
    Nonlinearity,
    ScoredModel,
    ScoreRow,
    calibration_curve,
    estimate_isi_penalty,
    estimate_nonlinearity,
    score_table_rows,
)
from synreduce.merging import (
    ChunkBasis,
    MergedKernel,
    MergedModel,
    SpatialPart,
    canonical_scale,
    choose_best,
    merge_spatial,
    merged_kernel,
)
from synreduce.pipeline.scoring import probabilities
from synreduce.result import HDF5Rows, read_fits, read_layout
from synreduce.strategies import Rank, StrategyOptions, build_strategy

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from synreduce.chunks import Split
    from synreduce.result import ArtefactIdentity, StoredFit

_CALIBRATED_SOLVERS = frozenset({"newton", "lbfgs"})


@dataclass(frozen=True)
class ChunkFiles:
    """Files of one spatial chunk and what they must have been made from.

    Parameters
    ----------
    name : str
        Name of the spatial range.
    design, fits : Path
        Files of the chunk; `fits` may be missing.
    design_identity, fits_identity : ArtefactIdentity
        What they must have been made from.
    basis : ChunkBasis
        Spatial basis functions of the chunk.
    """

    name: str
    design: Path
    fits: Path
    design_identity: ArtefactIdentity
    fits_identity: ArtefactIdentity
    basis: ChunkBasis


@dataclass(frozen=True)
class MergeTask:
    """One temporal chunk and split.

    Parameters
    ----------
    temporal : str
        Name of the temporal chunk.
    split : Split
        Which samples train.
    isi : ndarray, shape (n_samples,)
        Time since the last spike before the target window, ms.
    n_targets : int
        Target windows per trial.
    files : tuple of ChunkFiles
        One per spatial chunk.
    temporal_basis : ndarray, shape (L, width)
        Temporal basis functions.
    n_bins : int
        Soma-distance bins of the whole dendrite.
    strategies : dict of str to StrategyOptions
        Options of every strategy by name.
    solver_kinds : dict of str to str
        Kind of every solver by name.
    method, choose_by : str
        How spatial chunks are merged, and by which training score the best fit is chosen.
    allow_partial : bool
        Leave failed chunks out.
    truth : ndarray, shape (n_samples,), optional
        Known generating score.
    """

    temporal: str
    split: Split
    isi: NDArray[np.float64]
    n_targets: int
    files: tuple[ChunkFiles, ...]
    temporal_basis: NDArray[np.float64]
    n_bins: int
    strategies: dict[str, StrategyOptions]
    solver_kinds: dict[str, str]
    method: Literal["sum", "stack", "refine"]
    choose_by: str
    allow_partial: bool
    truth: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class WindowMerge:
    """Everything about one temporal chunk and split that goes into the result.

    Parameters
    ----------
    temporal, split : str
        Names.
    chosen : tuple of StoredFit or None
        The best fit of every spatial chunk; None where there is none.
    model : MergedModel
        The merged model, on the scale of log odds.
    kernel : MergedKernel
        Its space x time filter, on the scale of log odds.
    scale : float
        Log odds per unit of canonical weighted net input.
    nonlinearity : Nonlinearity
        Spike probability over canonical weighted net input.
    penalty : IsiPenalty
        Post-spike penalty in units of canonical weighted net input.
    calibration : CalibrationCurve
        On test samples.
    rows : tuple of ScoreRow
        Scores of the merged model, and of the truth where it is known.
    n_samples, n_positive : int
        Of the training samples.
    """

    temporal: str
    split: str
    chosen: tuple[StoredFit | None, ...]
    model: MergedModel
    kernel: MergedKernel
    scale: float
    nonlinearity: Nonlinearity
    penalty: IsiPenalty
    calibration: CalibrationCurve
    rows: tuple[ScoreRow, ...]
    n_samples: int
    n_positive: int


def merge_window(task: MergeTask) -> WindowMerge:
    """Choose the best fit of every spatial chunk on training samples and merge them.

    Parameters
    ----------
    task : MergeTask
        What to merge.

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
    chosen = tuple(_best_fit(task, files) for files in task.files)
    sources = [HDF5Rows(files.design, files.design_identity) for files in task.files]
    train = task.split.train
    parts = [
        _part(files, fit, SelectedRows(source, train), task.solver_kinds)
        for files, fit, source in zip(task.files, chosen, sources, strict=True)
    ]
    model = merge_spatial(
        parts,
        task.split.outcome[train],
        task.method,
        rank=_rank(task, chosen, parts[0].layout),
        fold_groups=task.split.unit[train],
        allow_partial=task.allow_partial,
    )
    groups = parts[0].layout.names
    kernel = merged_kernel(
        model,
        {files.name: files.basis for files in task.files},
        task.temporal_basis,
        groups,
        task.n_bins,
    )
    scale = canonical_scale(kernel.kernel, groups)
    log_odds = model.scores(sources) + model.intercept
    net_input = (log_odds - model.intercept) / scale
    nonlinearity = estimate_nonlinearity(
        net_input[train], task.split.outcome[train], time_since_last_spike=task.isi[train]
    )
    penalty = estimate_isi_penalty(
        net_input[train], task.split.outcome[train], task.isi[train], nonlinearity
    )
    probability = probabilities(log_odds, task.split)
    test = task.split.test
    return WindowMerge(
        temporal=task.temporal,
        split=task.split.name,
        chosen=chosen,
        model=model,
        kernel=kernel,
        scale=scale,
        nonlinearity=nonlinearity,
        penalty=penalty,
        calibration=calibration_curve(task.split.outcome[test], probability[test]),
        rows=tuple(_score_rows(task, chosen, model, log_odds, probability)),
        n_samples=int(train.size),
        n_positive=int(task.split.outcome[train].sum()),
    )


def _best_fit(task: MergeTask, files: ChunkFiles) -> StoredFit | None:
    if not files.fits.exists():
        return None
    fits = [
        fit for fit in read_fits(files.fits, files.fits_identity) if fit.split == task.split.name
    ]
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
    solver_kinds: dict[str, str],
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
        fit.intercept,
        status=fit.status,
        calibrated=solver_kinds[fit.solver] in _CALIBRATED_SOLVERS,
        covariance=fit.covariance,
    )


def _score_rows(
    task: MergeTask,
    chosen: tuple[StoredFit | None, ...],
    model: MergedModel,
    log_odds: NDArray[np.float64],
    probability: NDArray[np.float64],
) -> list[ScoreRow]:
    subsets = {str(name): task.split.subset(name) for name in SUBSETS}
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
    outcome = task.split.outcome
    rows = score_table_rows(
        label,
        outcome,
        log_odds,
        probability,
        subsets,
        n_targets=task.n_targets,
        status=model.status,
    )
    if task.truth is not None:
        known = replace(label, level="truth", strategy="", solver="", merge="")
        rows += score_table_rows(
            known, outcome, task.truth, None, subsets, n_targets=task.n_targets
        )
    return rows
