"""One fit of one chunk: the task that workers run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from synreduce.chunks import full_scale
from synreduce.design import SelectedRows
from synreduce.evaluation import ScoredModel, ScoreRow
from synreduce.pipeline.scoring import probabilities, scores_of_rows, split_rows
from synreduce.result import (
    ArtefactIdentity,
    CheckpointFolder,
    HDF5Rows,
    StoredFit,
    read_layout,
)
from synreduce.seeds import generator
from synreduce.solvers import (
    Continuation,
    FitProblem,
    FitResult,
    bootstrap,
    build_solver,
    restart_start,
)
from synreduce.solvers.row_groups import Spread, cached_bytes
from synreduce.strategies import build_strategy, kernel_roughness

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from synreduce.chunks import Chunk, Split
    from synreduce.solvers import Resampling, SolverOptions
    from synreduce.strategies import StrategyOptions


@dataclass(frozen=True)
class FitTask:
    """One fit of one chunk.

    Parameters
    ----------
    chunk : Chunk
        Cell of the grid.
    design : Path
        Its projected data.
    identity : ArtefactIdentity
        What the projected data must have been made from.
    strategy : StrategyOptions
        What the score is made of.
    solver : SolverOptions
        How it is fitted.
    split : Split
        Which samples train.
    restart : int
        Number of the restart.
    seed : int
        Root seed.
    cache_bytes : int
        Rows are kept in memory if they fit; the result is the same if not.
    minimum_positives : int
        With fewer training samples of either outcome there is no fit.
    bases : (ndarray, ndarray), shapes (K, n_bins) and (L, width)
        Spatial basis functions on the chunk's bins, and temporal ones: what smoothness refers to.
    checkpoints : CheckpointFolder
        Where fits of the chunk are kept until all are done, and when they have to stop.
    resampling : Resampling, optional
        Bootstrap replicates wanted.
    """

    chunk: Chunk
    design: Path
    identity: ArtefactIdentity
    strategy: StrategyOptions
    solver: SolverOptions
    split: Split
    restart: int
    seed: int
    cache_bytes: int
    minimum_positives: int
    bases: tuple[NDArray[np.float64], NDArray[np.float64]]
    checkpoints: CheckpointFolder
    resampling: Resampling | None = None

    @property
    def series_label(self) -> str:
        """What all restarts of the fit are called in messages."""
        return f"{self.chunk.id} {self.strategy.name} {self.solver.name} {self.split.name}"

    def is_large(self) -> bool:
        """Tell whether the training samples are more than one worker keeps in memory."""
        n_features = sum(
            spatial * temporal for spatial, temporal in read_layout(self.design).values()
        )
        return cached_bytes(self.split.fitted.size, n_features) > self.cache_bytes

    @property
    def label(self) -> str:
        """What the fit is called in messages."""
        return f"{self.series_label} restart {self.restart}"


def fit_one(task: FitTask, spread: Spread | None = None) -> StoredFit:
    """Make one fit and score it on every subset of its split, or take up what was done of it.

    Parameters
    ----------
    task : FitTask
        What to fit.
    spread : callable, optional
        Holds the rows of a large task on several workers.

    Returns
    -------
    StoredFit

    Raises
    ------
    OutOfTimeError
        If the job ends before the fit does.
    """
    key = (task.strategy.name, task.solver.name, task.split.name, task.restart)
    finished = task.checkpoints.finished(key)
    if finished is not None:
        return finished
    fit = _fit(task, task.checkpoints.begun(key), spread)
    task.checkpoints.keep(fit)
    return fit


def _fit(task: FitTask, continuation: Continuation, spread: Spread | None) -> StoredFit:
    # Before the data are read, which a job without time should not begin.
    continuation.require_time()
    rows = HDF5Rows(task.design, task.identity)
    problem = _problem(task, rows, spread)
    strategy, solver, split = task.strategy.name, task.solver.name, task.split.name
    random = generator(task.seed, "fit", task.chunk.id, strategy, solver, split, task.restart)
    start = restart_start(problem, task.restart, random)
    fit = build_solver(task.solver).solve(problem, start, random, continuation)
    if task.resampling is not None:
        fit = replace(fit, replicates=bootstrap(problem, fit, task.resampling))
    scale = full_scale(task.split)
    fit = replace(
        fit,
        intercept=fit.intercept + scale.shift,
        intercept_se=scale.standard_error(fit.intercept_se),
    )
    return StoredFit.of(
        fit,
        strategy=strategy,
        solver=solver,
        split=split,
        restart=task.restart,
        scores=_score(task, fit, rows, strategy),
        curves=_curves(fit),
    )


def _problem(task: FitTask, rows: HDF5Rows, spread: Spread | None) -> FitProblem:
    strategy = build_strategy(task.strategy)
    sizes = read_layout(task.design)
    n_spatial, n_temporal = next(iter(sizes.values()))
    layout = strategy.layout(list(sizes), n_spatial, n_temporal)
    fitted = task.split.fitted
    return FitProblem(
        layout,
        SelectedRows(rows, fitted),
        task.split.outcome[fitted],
        rank=strategy.model(layout).rank,
        fold_groups=task.split.unit[fitted],
        name=task.label,
        provides=strategy.provides,
        cache_bytes=task.cache_bytes,
        spread=spread,
        minimum_positives=task.minimum_positives,
        roughness=kernel_roughness(layout, *task.bases),
    )


def _score(task: FitTask, fit: FitResult, rows: HDF5Rows, strategy: str) -> list[ScoreRow]:
    model = ScoredModel(
        "chunk",
        task.chunk.spatial.name,
        task.chunk.temporal.name,
        strategy,
        task.solver.name,
        task.split.name,
        restart=task.restart,
    )
    if fit.usable:
        score = scores_of_rows(rows, fit.theta, fit.intercept)
        probability = probabilities(score, task.split)
    else:
        score = probability = np.full(rows.n_rows, np.nan)
    return split_rows(model, task.split, score, probability, status=fit.status)


def _curves(fit: FitResult) -> dict[str, NDArray[np.float64]]:
    curve = fit.penalty_curve
    chosen = {"chosen_ridge": np.atleast_1d(fit.ridge)} if np.isfinite(fit.ridge) else {}
    if curve is None:
        return chosen
    return chosen | {
        "ridge": curve.ridge,
        "smoothness": curve.smoothness,
        "held_out_loss": curve.loss,
        "held_out_loss_se": curve.standard_error,
    }
