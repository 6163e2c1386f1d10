"""Fit the chunks of a batch: every strategy, solver, split and restart is a task of its own."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from synreduce.chunks import SUBSETS
from synreduce.design import SelectedRows
from synreduce.errors import ChunkFailedError, Problem
from synreduce.evaluation import ScoredModel, ScoreRow, score_table_rows
from synreduce.execution import open_engine
from synreduce.execution.engine import TaskFailure
from synreduce.pipeline.batches import find_batch, write_batch_record
from synreduce.pipeline.checked_run import CheckedRun
from synreduce.pipeline.inputs import RunBases, WindowSamples, open_databases
from synreduce.pipeline.scoring import probabilities, scores_of_rows
from synreduce.progress import progress
from synreduce.result import (
    ArtefactIdentity,
    HDF5Rows,
    StoredFit,
    fits_are_current,
    read_layout,
    write_fits,
)
from synreduce.seeds import generator
from synreduce.solvers import FitProblem, FitResult, build_solver
from synreduce.strategies import build_strategy, kernel_roughness
from synreduce.units import parse_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from synreduce.chunks import Chunk, Split
    from synreduce.configuration import Configuration
    from synreduce.execution import Engine
    from synreduce.solvers import SolverOptions
    from synreduce.strategies import StrategyOptions

logger = logging.getLogger(__name__)

_CACHED_SHARE = 0.6
"""Part of the memory budget for rows; the rest is for what is made of them."""


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
    n_targets : int
        Target windows per trial.
    seed : int
        Root seed.
    cache_bytes : int
        Rows are kept in memory if they fit; the result is the same if not.
    minimum_positives : int
        With fewer training samples of either outcome there is no fit.
    bases : (ndarray, ndarray), shapes (K, n_bins) and (L, width)
        Spatial basis functions on the chunk's bins, and temporal ones: what smoothness refers to.
    """

    chunk: Chunk
    design: Path
    identity: ArtefactIdentity
    strategy: StrategyOptions
    solver: SolverOptions
    split: Split
    restart: int
    n_targets: int
    seed: int
    cache_bytes: int
    minimum_positives: int
    bases: tuple[NDArray[np.float64], NDArray[np.float64]]

    @property
    def label(self) -> str:
        """What the fit is called in messages."""
        return f"{self.chunk.id} {self.solver.name} {self.split.name} restart {self.restart}"


def fit_one(task: FitTask) -> StoredFit:
    """Make one fit and score it on every subset of its split.

    Parameters
    ----------
    task : FitTask
        What to fit.

    Returns
    -------
    StoredFit
    """
    rows = HDF5Rows(task.design, task.identity)
    strategy = build_strategy(task.strategy)
    sizes = read_layout(task.design)
    n_spatial, n_temporal = next(iter(sizes.values()))
    layout = strategy.layout(list(sizes), n_spatial, n_temporal)
    train = task.split.train
    problem = FitProblem(
        layout,
        SelectedRows(rows, train),
        task.split.outcome[train],
        rank=strategy.model(layout).rank,
        fold_groups=task.split.unit[train],
        name=task.label,
        provides=strategy.provides,
        cache_bytes=task.cache_bytes,
        minimum_positives=task.minimum_positives,
        roughness=kernel_roughness(layout, *task.bases),
    )
    random = generator(
        task.seed,
        "fit",
        task.chunk.id,
        strategy.name,
        task.solver.name,
        task.split.name,
        task.restart,
    )
    fit = build_solver(task.solver).solve(problem, None, random)
    return StoredFit.of(
        fit,
        strategy=strategy.name,
        solver=task.solver.name,
        split=task.split.name,
        restart=task.restart,
        scores=_score(task, fit, rows, strategy.name),
        curves=_curves(fit),
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
    subsets = {str(name): task.split.subset(name) for name in SUBSETS}
    return score_table_rows(
        model,
        task.split.outcome,
        score,
        probability,
        subsets,
        n_targets=task.n_targets,
        status=fit.status,
    )


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


def fit_batch(configuration: Configuration, batch_name: str, *, n_workers: int) -> None:
    """Fit the chunks of a batch that are not there yet, and record the batch.

    Parameters
    ----------
    configuration : Configuration
        The run.
    batch_name : str
        Which batch.
    n_workers : int
        Dask workers.

    Raises
    ------
    ChunkFailedError
        If chunks could not be fitted; the others are kept.
    """
    run = CheckedRun.open(configuration)
    batch = find_batch(configuration, batch_name)
    stale = [
        chunk
        for chunk in batch.chunks
        if not fits_are_current(run.paths.fits(chunk), run.fits_identity(chunk))
    ]
    kept = len(batch.chunks) - len(stale)
    logger.info("%s: %d chunks to fit, %d up to date", batch.name, len(stale), kept)
    if stale:
        with open_engine(n_workers, scheduler=configuration.resources.scheduler) as engine:
            fit_chunks(run, stale, engine)
    write_batch_record(run.paths, "fit", batch, run.identities)


def fit_chunks(run: CheckedRun, chunks: Sequence[Chunk], engine: Engine) -> None:
    """Fit chunks; a chunk's file appears when all its fits are there.

    Parameters
    ----------
    run : CheckedRun
        The run.
    chunks : sequence of Chunk
        Projected chunks.
    engine : Engine
        Runs the fits.

    Raises
    ------
    ChunkFailedError
        If fits gave no result (a lost worker, no memory); chunks without such fits are kept.
    """
    failures: list[Problem] = []
    n_fits = run.configuration.n_fits_per_chunk
    outcomes = engine.try_map_ordered(fit_one, _tasks(run, chunks))
    with progress("fitting", len(chunks) * n_fits, "fits") as report:
        for chunk in chunks:
            fits: list[StoredFit] = []
            for _ in range(n_fits):
                outcome = next(outcomes)
                report.advance()
                if isinstance(outcome, TaskFailure):
                    failures.append(_failure(chunk, outcome))
                else:
                    fits.append(outcome)
            if len(fits) == n_fits:
                write_fits(run.paths.fits(chunk), run.fits_identity(chunk), fits)
                logger.info("%s: %d fits", chunk.id, n_fits)
    if failures:
        raise ChunkFailedError(failures)


def _failure(chunk: Chunk, outcome: TaskFailure) -> Problem:
    logger.error("chunk %s", chunk.id, exc_info=outcome.error)
    return Problem(
        "chunk-failed", f"chunk {chunk.id}", outcome.reason, "run the same command again"
    )


def _tasks(run: CheckedRun, chunks: Sequence[Chunk]) -> Iterator[FitTask]:
    configuration = run.configuration
    bases = RunBases.of(configuration)
    cache_bytes = int(_CACHED_SHARE * parse_bytes(configuration.resources.memory))
    for chunk in chunks:
        with open_databases(configuration) as database:
            samples = WindowSamples.of(database, chunk.temporal)
        for split in samples.splits(configuration):
            for strategy, solver in product(configuration.strategies, configuration.solvers):
                for restart in range(solver.restarts):
                    yield FitTask(
                        chunk=chunk,
                        design=run.paths.design(chunk),
                        identity=run.design_identity(chunk),
                        strategy=strategy,
                        solver=solver,
                        split=split,
                        restart=restart,
                        n_targets=samples.n_targets,
                        seed=configuration.seed,
                        cache_bytes=cache_bytes,
                        minimum_positives=configuration.minimum_positives.train,
                        bases=(bases.spatial[:, bases.bins(chunk.spatial)], bases.temporal),
                    )
