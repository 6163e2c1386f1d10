"""Fits whose rows lie on several workers, started in every way: the bits of one process."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from synreduce.configuration.resources import ResourcesSettings
from synreduce.design import ArrayRows, FeatureLayout, SelectedRows, Term
from synreduce.errors import ResourceError
from synreduce.examples import write_example
from synreduce.execution import Engine, cluster, open_engine
from synreduce.execution.launched import mpiexec
from synreduce.execution.spread import SpreadRowGroups
from synreduce.solvers import FitProblem, FitResult
from synreduce.solvers.newton import NewtonSolver
from synreduce.solvers.row_groups import ROWS_PER_GROUP
from synreduce.workers.mpi import is_rank

N_ROWS = 3 * ROWS_PER_GROUP + 500
MPI = ResourcesSettings(engine="mpi")


def problem(**options: object) -> FitProblem:
    random = np.random.default_rng(5)
    rows = random.standard_normal((N_ROWS + 100, 4)).astype(np.float32)
    outcome = random.random(N_ROWS) < 0.1 + 0.5 * (rows[:N_ROWS, 0] > 0.8)
    layout = FeatureLayout([Term("EXC", 2, 1), Term("INH", 2, 1)])
    selected = SelectedRows(ArrayRows(rows), np.arange(N_ROWS))
    return FitProblem(layout, selected, outcome, cache_bytes=0, **options)


def bits(fit: FitResult) -> bytes:
    assert fit.usable
    return b"".join(
        np.asarray(getattr(fit, name)).tobytes()
        for name in ("theta", "intercept", "objective", "covariance", "train_auroc", "trace")
    )


@pytest.fixture(scope="module")
def here() -> bytes:
    return bits(NewtonSolver().solve(problem()))


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with open_engine(2) as engine:
        yield engine


class KillingRowGroups(SpreadRowGroups):
    """Kills the worker that holds the first group during the third pass."""

    passes = 0

    def map(self, *arguments):
        self.passes += 1
        if self.passes == 3:
            holder = self._client.who_has(self._held[:1]).popitem()[1][0]
            os.kill(self._client.run(os.getpid)[holder], signal.SIGKILL)
        yield from super().map(*arguments)


@pytest.mark.parametrize("cache_bytes", [0, 10**9], ids=["read in every pass", "held"])
def test_a_fit_on_two_workers_has_the_bits_of_one_process(
    engine: Engine, here: bytes, cache_bytes: int
) -> None:
    def spread(rows, _cache_bytes):
        return engine.spread(rows, cache_bytes)

    assert bits(NewtonSolver().solve(problem(spread=spread))) == here


def test_what_a_lost_worker_held_is_read_by_another(engine: Engine, here: bytes) -> None:
    made = []

    def spread(rows, _cache_bytes):
        made.append(KillingRowGroups(engine.client, rows, 10**9))
        return made[-1]

    assert bits(NewtonSolver().solve(problem(spread=spread))) == here
    assert made[0].passes > 3


def test_few_groups_are_in_flight_however_many_there_are(engine: Engine) -> None:
    rows = np.repeat(np.arange(12, dtype=np.float32), ROWS_PER_GROUP)[:, np.newaxis]
    groups = engine.spread(ArrayRows(rows), 0)
    before = len(engine.client.futures)
    mapped = groups.map(list, (), ())
    first = next(mapped)
    assert len(engine.client.futures) - before <= 2 * engine.n_workers
    numbers = [block[0, 0] for blocks in (first, *mapped) for _, block in blocks[:1]]
    assert numbers == list(range(12))


def test_a_large_task_is_given_all_workers_and_a_small_one_is_not(engine: Engine) -> None:
    assert list(engine.map_ordered(whether_spread, [7], lambda item: item == 7)) == [True]
    assert list(engine.map_ordered(whether_spread, [8], lambda item: item == 7)) == [False]
    # Enough large tasks for all workers: one each, without exchange of sums.
    assert list(engine.map_ordered(whether_spread, [7, 7], lambda item: item == 7)) == [False] * 2


def test_what_ranks_write_in_any_encoding_does_not_fail_the_job(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    launcher = f"""sh -c 'printf "M\\374nchen\\n"; exec {mpiexec()} "$@"' --"""
    monkeypatch.setenv("SYNREDUCE_MPIEXEC", launcher)
    with caplog.at_level(logging.INFO), open_engine(1, MPI) as engine:
        assert list(engine.map_ordered(abs, [-1])) == [1]
    assert "M\N{REPLACEMENT CHARACTER}nchen" in caplog.text


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("SHELL=sh", False),
        ("PMI_RANK=0 PMI_SIZE=1", True),
        ("PMIX_RANK=0", True),
        ("SLURM_STEP_NUM_TASKS=4 PMIX_RANK=2", True),
        ("SLURM_STEP_NUM_TASKS=1 PMIX_RANK=0", False),
        ("SLURM_STEP_NUM_TASKS=1 PMI_RANK=0 PMI_SIZE=1", False),
        ("SLURM_STEP_NUM_TASKS=1 PMI_RANK=0 PMI_SIZE=4", True),
        ("SLURM_STEP_NUM_TASKS=1 PMIX_RANK=0 OMPI_COMM_WORLD_SIZE=4", True),
    ],
)
def test_the_only_task_of_a_slurm_step_is_no_rank_unless_mpiexec_made_it_one(
    monkeypatch: pytest.MonkeyPatch, environment: str, expected: bool
) -> None:
    monkeypatch.setattr(os, "environ", dict(pair.split("=") for pair in environment.split()))
    assert is_rank() == expected


def whether_spread(_item: int, spread: object = None) -> bool:
    return spread is not None


def test_under_mpiexec_a_killed_worker_is_replaced_and_a_killed_rank_ends_the_job(
    here: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "SECONDS_WITHOUT_WORKERS", 3)
    with open_engine(2, MPI) as engine:
        assert engine.n_workers == 2

        def spread(rows, _cache_bytes):
            return KillingRowGroups(engine.client, rows, 10**9)

        assert bits(NewtonSolver().solve(problem(spread=spread))) == here

        worker = psutil.Process(next(iter(engine.client.run(os.getpid).values())))
        rank = next(
            above for above in worker.parents() if "workers.mpi" in " ".join(above.cmdline())
        )
        rank.kill()
        with pytest.raises(ResourceError, match="all workers are gone"):
            list(engine.map_ordered(abs, range(-4, 0)))


@pytest.mark.parametrize("words", ["no slots left", r"\303 \377 no slots left"])
def test_a_launcher_that_fails_is_quoted(monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    monkeypatch.setenv("SYNREDUCE_MPIEXEC", f"sh -c 'printf \"{words}\"; exit 3' --")
    with (
        pytest.raises(ResourceError, match="no slots left"),
        open_engine(2, MPI),
    ):
        pass


def test_srun_outside_a_slurm_job_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    with (
        pytest.raises(ResourceError, match="inside a Slurm job"),
        open_engine(2, ResourcesSettings(engine="srun", nodes=2)),
    ):
        pass


CONFIGURATION = """\
run: ranks
databases: [{id: example, path: example.h5}]
chunks: {temporal: [{start_ms: 257, stop_ms: 260}]}
solvers: [lda]
resources: {engine: %s, memory: 6 MB}
"""


def fit(folder: Path, engine: str, *command: str) -> subprocess.CompletedProcess[str]:
    (folder / f"{engine}.yaml").write_text(CONFIGURATION % engine, encoding="utf-8")
    arguments = ["-m", "synreduce.cli.main", "fit", "example.h5", "--config", f"{engine}.yaml"]
    return subprocess.run(
        [*command, sys.executable, *arguments, "--output", f"{engine}.h5"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_run_under_mpiexec_writes_the_file_of_one_process(tmp_path: Path) -> None:
    write_example("planted", tmp_path / "example.h5", 1000, 1)
    for engine, command in (("local", ()), ("mpi", (mpiexec(), "-n", "4"))):
        done = fit(tmp_path, engine, *command)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("test scores") == 1
    assert (tmp_path / "mpi.h5").read_bytes() == (tmp_path / "local.h5").read_bytes()


def test_a_mistake_under_mpiexec_ends_all_ranks_with_its_status(tmp_path: Path) -> None:
    done = fit(tmp_path, "mpi", mpiexec(), "-n", "2")
    assert done.returncode == 2
    assert done.stderr.count("example.h5") == 1
