"""Fits that are interrupted: the next attempt goes on where they stopped, to the same bits."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from synreduce.chunks import Chunk
from synreduce.configuration import configuration_from_mapping
from synreduce.errors import ChunkFailedError, OutOfTimeError
from synreduce.execution import open_engine
from synreduce.pipeline import fit_batches
from synreduce.pipeline.check import write_check
from synreduce.pipeline.checked_run import CheckedRun
from synreduce.pipeline.fitting import FitTask, fit_one
from synreduce.pipeline.paths import RunPaths
from synreduce.pipeline.projecting import project_chunks
from synreduce.result import StoredFit, checkpoint, read_fits
from synreduce.solvers.score_search import ScoreObjective

BUDGET = 60
DIES_AT = 25


@pytest.fixture(scope="module")
def designs(planted_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Projected data of one chunk; fits do not change them."""
    folder = tmp_path_factory.mktemp("designs")
    run = checked(planted_database, folder, [{"kind": "lda"}])
    with open_engine(1) as engine:
        project_chunks(run, run.configuration.grid().chunks, engine)
    return folder


def checked(database: Path, folder: Path, solvers: list[dict[str, Any]]) -> CheckedRun:
    configuration = configuration_from_mapping(
        {
            "run": "long",
            "databases": [{"id": "planted", "path": str(database)}],
            "chunks": {"temporal": [{"start_ms": 256, "stop_ms": 260}]},
            "solvers": solvers,
        }
    )
    paths = RunPaths(folder)
    write_check(configuration, paths)
    return CheckedRun.open(configuration, paths)


Prepare = Callable[[list[dict[str, Any]]], tuple[CheckedRun, Chunk]]


@pytest.fixture
def prepared(
    planted_database: Path, designs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Prepare:
    """Runs without fits; every evaluation and every finished fit is kept at once."""
    monkeypatch.setattr(checkpoint, "WRITE_INTERVAL_S", 0.0)
    monkeypatch.setattr(checkpoint, "_WRITING_SHARE", float("inf"))

    def prepare(solvers: list[dict[str, Any]]) -> tuple[CheckedRun, Chunk]:
        number = len(list(tmp_path.iterdir()))
        run = checked(planted_database, tmp_path / str(number), solvers)
        (chunk,) = run.configuration.grid().chunks
        run.paths.chunk(chunk).mkdir(parents=True)
        os.link(RunPaths(designs).design(chunk), run.paths.design(chunk))
        return run, chunk

    return prepare


@pytest.fixture
def evaluations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry per pass over the data by a search on scores in this process."""
    made: list[int] = []
    original = ScoreObjective._evaluated

    def counted(self: ScoreObjective, point: Any) -> float:
        value = original(self, point)
        made.append(1)
        return value

    monkeypatch.setattr(ScoreObjective, "_evaluated", counted)
    return made


def fit(run: CheckedRun, chunk: Chunk, n_workers: int = 1, stop_at: float | None = None) -> bytes:
    with open_engine(n_workers) as engine:
        fit_batches.fit_chunks(run, [chunk], engine, stop_at)
    return run.paths.fits(chunk).read_bytes()


def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every look at the clock be a second after the one before."""
    now = iter(range(10**6))
    fake = SimpleNamespace(monotonic=time.monotonic, time=lambda: float(next(now)))
    monkeypatch.setattr(checkpoint, "time", fake)


@pytest.mark.parametrize("kind", ["cobyla", "cma"])
def test_a_fit_out_of_time_is_continued_by_the_next_attempt(
    prepared: Prepare, evaluations: list[int], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    solver = {"kind": kind, "max_evaluations": BUDGET}
    whole = fit(*prepared([solver]))
    assert len(evaluations) == BUDGET
    evaluations.clear()
    run, chunk = prepared([solver])
    clock(monkeypatch)
    with pytest.raises(OutOfTimeError) as stopped:
        fit(run, chunk, stop_at=DIES_AT)
    assert "checkpointed after 24 evaluations" in str(stopped.value)
    assert "run the same command again" in str(stopped.value)
    assert run.paths.checkpoints(chunk).exists()
    assert not run.paths.fits(chunk).exists()
    assert fit(run, chunk) == whole
    assert len(evaluations) == BUDGET
    assert not run.paths.checkpoints(chunk).exists()


def test_finished_fits_of_an_unfinished_chunk_are_kept(
    prepared: Prepare, evaluations: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    solvers = [
        {"kind": "cobyla", "name": "short", "max_evaluations": 10},
        {"kind": "cobyla", "name": "long", "max_evaluations": BUDGET},
    ]
    whole = fit(*prepared(solvers))
    evaluations.clear()
    run, chunk = prepared(solvers)
    clock(monkeypatch)
    with pytest.raises(OutOfTimeError, match="1 fits are not finished"):
        fit(run, chunk, stop_at=DIES_AT)
    assert len(evaluations) < BUDGET
    assert fit(run, chunk) == whole
    assert len(evaluations) == BUDGET + 10


def test_checkpoints_of_other_options_are_not_used(
    prepared: Prepare, evaluations: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, chunk = prepared([{"kind": "cobyla", "max_evaluations": BUDGET}])
    clock(monkeypatch)
    with pytest.raises(OutOfTimeError):
        fit(run, chunk, stop_at=DIES_AT)
    evaluations.clear()
    other = {"kind": "cobyla", "max_evaluations": BUDGET, "initial_step": 0.3}
    configuration = configuration_from_mapping(
        {**run.configuration.model_dump(mode="json"), "solvers": [other]}
    )
    assert fit(replace(run, configuration=configuration), chunk)
    assert len(evaluations) == BUDGET


def fit_and_die_once(task: FitTask) -> StoredFit:
    """Be killed in mid-fit, unless an earlier attempt was."""
    checkpoint.WRITE_INTERVAL_S = 0.0
    checkpoint._WRITING_SHARE = float("inf")
    begun = task.checkpoints.begun((task.strategy.name, task.solver.name, task.split.name, 0))
    evaluated, n_known = ScoreObjective._evaluated, begun.n_evaluations
    n_made = 0

    def counted(self: ScoreObjective, point: Any) -> float:
        nonlocal n_made
        n_made += 1
        if n_known == 0 and n_made > DIES_AT:
            os.kill(os.getpid(), signal.SIGKILL)
        return evaluated(self, point)

    ScoreObjective._evaluated = counted  # type: ignore[method-assign]
    try:
        return replace(fit_one(task), message=f"{n_known} known, {n_made} made")
    finally:
        ScoreObjective._evaluated = evaluated  # type: ignore[method-assign]


def test_a_fit_whose_worker_is_killed_goes_on_in_another(prepared: Prepare) -> None:
    solver = {"kind": "cobyla", "max_evaluations": BUDGET}
    run, chunk = prepared([solver])
    fit(run, chunk)
    (expected,) = read_fits(run.paths.fits(chunk))
    run, chunk = prepared([solver])
    folder = fit_batches._checkpoints(run, chunk, None)
    (series,) = fit_batches._series(run, {chunk: folder})
    with open_engine(2) as engine:
        (found,) = engine.map_ordered(fit_and_die_once, [series.first])
    assert found.message == f"{DIES_AT} known, {BUDGET - DIES_AT} made"
    assert found.theta.tobytes() == expected.theta.tobytes()
    assert found.trace.tobytes() == expected.trace.tobytes()


def test_restarts_that_agree_end_the_series_whatever_runs_them(prepared: Prepare) -> None:
    solvers = [
        {"kind": "newton", "restarts": 8, "ridge": 0.1, "smoothness": 0.0},
        {"kind": "cobyla", "restarts": 5, "max_evaluations": 30},
    ]
    found = []
    for n_workers in (1, 2):
        run, chunk = prepared(solvers)
        found.append(fit(run, chunk, n_workers))
    assert found[0] == found[1]
    fits = read_fits(run.paths.fits(chunk))
    made = {
        solver: [fit.restart for fit in fits if fit.solver == solver]
        for solver in ("newton", "cobyla")
    }
    assert made["newton"] == [0, 1, 2]
    assert made["cobyla"] == [0, 1, 2, 3, 4]
    thetas = {fit.theta.tobytes() for fit in fits}
    assert len(thetas) == len(fits)  # no two started alike


def test_a_failure_is_still_a_failed_chunk(
    prepared: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, chunk = prepared([{"kind": "lda"}])
    run.paths.design(chunk).unlink()
    run.paths.design(chunk).write_bytes(b"damaged")
    with pytest.raises(ChunkFailedError, match="run the same command again"):
        fit(run, chunk)
