"""What jobs ask for: their own threads, attempts, and nothing of the node they land on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from synreduce.configuration import configuration_from_mapping, load_configuration
from synreduce.pipeline.estimates import RunEstimates
from synreduce.pipeline.workflow import WorkflowRun
from synreduce.solvers import SOLVERS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorkflowRun:
    configuration = load_configuration(ROOT / "config" / "examples" / "tiny.yaml")
    # The example does not exist here, so that sizes follow from the configuration alone.
    monkeypatch.chdir(tmp_path)
    return WorkflowRun(configuration)


# Every worker that fits is a process of its own; those that project are threads of one.
@pytest.mark.parametrize(("stage", "worker_mb"), [("project", 0), ("fit", 165)])
def test_memory_follows_the_threads_of_the_job_and_grows_with_every_attempt(
    run: WorkflowRun, stage: str, worker_mb: int
) -> None:
    batch = run.batches[0].name
    one = run.memory_mb(stage, batch, attempt=1, threads=1)
    four = run.memory_mb(stage, batch, attempt=1, threads=4)
    assert four - one >= 4 * worker_mb
    assert run.memory_mb(stage, batch, attempt=3, threads=4) == 3 * four


def test_memory_covers_the_snakemake_processes_of_a_cluster_job(run: WorkflowRun) -> None:
    # Job script, two Snakemake processes of 215 MB, and the libraries: more than a site's default.
    assert run.memory_mb("plot", None, attempt=1, threads=1) >= 2 * 215 + 300


def test_threads_are_the_given_cores_or_four_on_a_cluster(run: WorkflowRun) -> None:
    assert run.threads(2) == 2
    assert run.threads(None) == 4


def test_time_grows_with_every_attempt(run: WorkflowRun) -> None:
    batch = run.batches[0].name
    first = run.runtime_minutes("fit", batch, attempt=1)
    assert run.runtime_minutes("fit", batch, attempt=2) == 2 * first


def estimates(example: str = "tiny", **changes: Any) -> RunEstimates:
    """Estimate an example with other settings; run in a folder without its database."""
    file = ROOT / "config" / "examples" / f"{example}.yaml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    return RunEstimates.of(configuration_from_mapping(content | changes))


STAGES = ("check", "project", "fit", "merge")


@pytest.fixture
def sizes(run: WorkflowRun) -> RunEstimates:
    return run.estimates


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("what", ["n_trials", "n_targets"])
def test_more_samples_need_more_memory_and_time(sizes: RunEstimates, stage: str, what: str) -> None:
    n_fitted = 50 * sizes.n_fitted
    larger = replace(sizes, **{what: 50 * getattr(sizes, what)}, n_fitted=n_fitted)
    assert larger.memory_mb(stage, 2, 2) > sizes.memory_mb(stage, 2, 2)
    if (stage, what) != ("project", "n_targets"):  # which is reading trials
        assert larger.seconds(stage, 2) > sizes.seconds(stage, 2)


@pytest.mark.parametrize("stage", [*STAGES, "plot", "report"])
def test_no_job_asks_for_less_than_its_processes_take_before_they_do_anything(
    sizes: RunEstimates, stage: str
) -> None:
    smallest = replace(sizes, n_trials=1, n_targets=1, n_fitted=1)
    # Two Snakemake processes and the libraries, measured.
    assert smallest.memory_mb(stage, 1, 1) >= 2 * 185 + 225
    assert smallest.runtime_minutes(stage, 1) >= 10


@pytest.mark.parametrize("stage", ["project", "fit", "merge"])
def test_more_budget_than_the_data_fill_costs_no_memory(sizes: RunEstimates, stage: str) -> None:
    ample = replace(sizes, budget_mb=100_000)
    assert replace(sizes, budget_mb=5_000).memory_mb(stage, 1, 2) == ample.memory_mb(stage, 1, 2)


def test_a_projection_of_many_windows_fills_its_budget_with_data(sizes: RunEstimates) -> None:
    large = replace(sizes, n_trials=10_000_000)
    small, big = (replace(large, budget_mb=mb).memory_mb("project", 500, 2) for mb in (500, 5_000))
    assert 3_000 < big - small < 6_000


def test_a_projection_of_one_window_takes_no_larger_blocks_than_are_of_use(
    sizes: RunEstimates,
) -> None:
    large = replace(sizes, n_trials=10_000_000)
    small, big = (replace(large, budget_mb=mb).memory_mb("project", 1, 2) for mb in (500, 5_000))
    assert small == big


@pytest.mark.parametrize("stage", ["fit", "merge"])
def test_a_fit_whose_rows_no_worker_keeps_fills_the_budgets_of_all(
    sizes: RunEstimates, stage: str
) -> None:
    large = replace(sizes, n_fitted=10_000_000)
    small, big = (replace(large, budget_mb=mb).memory_mb(stage, 1, 2) for mb in (500, 5_000))
    assert 2 * 0.6 * 4_500 <= big - small < 2 * 5_000


@pytest.mark.parametrize("n_tasks", [4, 7])
def test_large_fits_fill_every_node_until_there_is_one_for_each_worker(
    sizes: RunEstimates, n_tasks: int
) -> None:
    large = replace(sizes, n_fitted=10_000_000)
    on_two = replace(large, nodes=2)
    # Four workers on each of two nodes hold 0.6 x 500 MB each.
    assert on_two.memory_mb("fit", n_tasks, 4) > large.memory_mb("fit", n_tasks, 4) + 4 * 300
    assert on_two.memory_mb("fit", 8, 4) < on_two.memory_mb("fit", 7, 4)


def test_more_nodes_hold_less_of_a_large_fit_each(sizes: RunEstimates) -> None:
    large = replace(sizes, n_fitted=1_000_000, nodes=2)
    assert replace(large, nodes=8).memory_mb("fit", 1, 4) < large.memory_mb("fit", 1, 4)


def test_windows_with_gaps_are_read_together_if_an_input_window_bridges_them(
    run: WorkflowRun,
) -> None:
    def reading(*starts_ms: int) -> RunEstimates:
        windows = [{"start_ms": start, "stop_ms": start + 1} for start in starts_ms]
        return estimates(window={"width_ms": 80}, chunks={"temporal": windows})

    # From 80 ms before the end of the first window to the end of the last.
    assert reading(100, 170, 240).reading_ms == 220
    assert reading(100, 101, 102).reading_ms == 82
    assert reading(100, 181, 262).reading_ms == 80
    apart, together = reading(100, 170, 240), reading(100, 101, 102)
    assert apart.memory_mb("project", 3, 1) > together.memory_mb("project", 3, 1)


def test_a_merge_needs_no_more_memory_for_more_windows_but_more_time(sizes: RunEstimates) -> None:
    few, many = 10 * sizes.n_spatial, 10_000 * sizes.n_spatial
    assert sizes.memory_mb("merge", few, 4) == sizes.memory_mb("merge", many, 4)
    assert sizes.seconds("merge", many) > 100 * sizes.seconds("merge", few)


def test_a_merge_is_counted_by_chunks_not_by_jobs(run: WorkflowRun) -> None:
    n_chunks = len(run.configuration.grid().chunks)
    expected = run.estimates.runtime_minutes("merge", n_chunks)
    assert run.runtime_minutes("merge", None, attempt=1) == expected


def test_restarts_that_may_prove_needless_count(run: WorkflowRun) -> None:
    one, five = (estimates(solvers=[{"kind": "newton", "restarts": n}]) for n in (1, 5))
    assert five.seconds("fit", 10_000) > 4.9 * one.seconds("fit", 10_000)


def test_a_plan_tells_the_time_that_fits_take(run: WorkflowRun) -> None:
    # A job of 18 fits: 9.3 s of work on one core, and some to start; 20 s beside other work.
    assert 10 < estimates("grid").seconds("fit", 3) < 25


@pytest.mark.parametrize("kind", SOLVERS)
def test_the_time_of_every_solver_is_known(run: WorkflowRun, kind: str) -> None:
    few = estimates(solvers=[{"kind": kind}])
    more = replace(few, n_trials=100 * few.n_trials, n_fitted=100 * few.n_fitted)
    assert more.seconds("fit", 2) > few.seconds("fit", 2) > estimates().seconds("check", 2)


def test_an_added_solver_gets_the_time_of_the_longest_search(run: WorkflowRun) -> None:
    longest = estimates("grid", solvers=["cma"])
    added = replace(longest, fits=tuple(replace(fits, kind="added") for fits in longest.fits))
    assert added.seconds("fit", 3) == longest.seconds("fit", 3)


@pytest.mark.parametrize("kind", ["cobyla", "cobyqa", "cma"])
def test_a_search_takes_as_long_as_its_evaluations(run: WorkflowRun, kind: str) -> None:
    def seconds(max_evaluations: int | None) -> float:
        search = {"kind": kind, "max_evaluations": max_evaluations}
        return estimates("grid", solvers=[search]).seconds("fit", 1000)

    assert seconds(1000) > 5 * seconds(100)
    # A search converges some time, however many it may make.
    assert seconds(10**9) == seconds(None) > seconds(1000)


def test_a_search_takes_longer_where_every_evaluation_reads_the_rows(run: WorkflowRun) -> None:
    cached = estimates("grid", solvers=["cobyla"])
    assert replace(cached, budget_mb=1).seconds("fit", 3) > 5 * cached.seconds("fit", 3)


@pytest.mark.parametrize("kind", ["newton", "lbfgs"])
def test_replicates_need_time_and_memory(run: WorkflowRun, kind: str) -> None:
    none, some, many = (
        estimates(solvers=[kind], uncertainty={"replicates": n}) for n in (0, 200, 2000)
    )
    for stage in ("fit", "merge"):
        assert none.seconds(stage, 2) < some.seconds(stage, 2) < many.seconds(stage, 2)
        assert none.memory_mb(stage, 2, 1) < some.memory_mb(stage, 2, 1)
        assert some.memory_mb(stage, 2, 1) < many.memory_mb(stage, 2, 1)


def test_replicates_need_time_only_where_they_are_drawn(run: WorkflowRun) -> None:
    drawn = {"replicates": 200}
    search = {"solvers": ["lda"], "merge": {"spatial": "stack"}}
    for stage in ("fit", "merge"):
        without = estimates(**search).seconds(stage, 2)
        assert estimates(**search, uncertainty=drawn).seconds(stage, 2) == without


def test_the_largest_rank_decides_what_replicates_need(run: WorkflowRun) -> None:
    kind, drawn = "spatiotemporal_raised_cosine", {"replicates": 200}
    ranks = ([1, 2], [1, "full"], ["full", "full"])
    limited, mixed, free = (
        estimates(
            strategies=[{"kind": kind, "name": f"s{n}", "rank": r} for n, r in enumerate(rank)],
            solvers=["newton"],
            uncertainty=drawn,
        )
        for rank in ranks
    )
    for stage in ("fit", "merge"):
        assert free.seconds(stage, 2) == mixed.seconds(stage, 2) > limited.seconds(stage, 2)
        assert free.memory_mb(stage, 2, 1) > limited.memory_mb(stage, 2, 1)


def test_a_bootstrap_ends_before_its_time_limit(run: WorkflowRun) -> None:
    settings: dict[str, Any] = {"solvers": ["newton"], "uncertainty": {"replicates": 200}}
    full = [{"kind": "spatiotemporal_raised_cosine", "rank": "full"}]
    # Measured on one core with the 240 columns of the example.
    for changes, seconds_per_sample in (({}, 54e-6), ({"strategies": full}, 1572e-6)):
        sizes = replace(estimates(**settings, **changes), n_fitted=10_000_000, train_share=1.0)
        assert 60 * sizes.runtime_minutes("fit", 1) > 2 * 10_000_000 * seconds_per_sample


def test_attempts_ask_for_more_in_one_place_only(run: WorkflowRun) -> None:
    once = run.estimates.memory_mb("merge", 1, 2)
    assert run.memory_mb("merge", None, attempt=2, threads=2) == 2 * once
    # What a profile sets for a rule by name would win over what its retries ask for.
    for profile in (ROOT / "slurm", ROOT / "profiles" / "default"):
        settings = yaml.safe_load((profile / "config.yaml").read_text(encoding="utf-8"))
        assert "set-resources" not in settings
