"""Runs with case-control sampling: fewer samples, the same probabilities, the same bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

import synreduce as sr
from synreduce.configuration import Configuration, configuration_from_mapping
from synreduce.pipeline.estimates import RunEstimates
from synreduce.pipeline.inputs import WindowSamples, open_databases
from synreduce.pipeline.local import fit_to_file
from synreduce.result import Result, summary_lines

START, STOP, PER_POSITIVE = 248, 256, 5


def configure(database: Path, **changes: Any) -> Configuration:
    mapping = {
        "run": "sampled",
        "databases": [str(database)],
        "chunks": {
            "spatial": {"edges_um": [0, 500, 1500]},
            "temporal": [{"start_ms": START, "stop_ms": STOP}],
        },
        "solvers": [{"kind": "lda"}],
        "sampling": {"negatives_per_positive": PER_POSITIVE},
    }
    return configuration_from_mapping(mapping | changes)


def run(database: Path, output: Path, n_workers: int = 1, **changes: Any) -> Result:
    configuration = configure(database, **changes)
    return fit_to_file(database, configuration, output, n_workers=n_workers)


@pytest.mark.parametrize("method", ["sum", "stack", "refine", "single"])
def test_probabilities_stay_those_of_all_samples(
    planted_database: Path, tmp_path: Path, method: str
) -> None:
    """The merged log odds, uncalibrated, expect the spikes of test samples that there are."""
    changes: dict[str, Any] = {"merge": {"spatial": "sum" if method == "single" else method}}
    if method == "single":
        window = {"temporal": [{"start_ms": START, "stop_ms": STOP}]}
        changes |= {"chunks": window, "solvers": [{"kind": "newton"}]}
    with run(planted_database, tmp_path / "merged.h5", **changes) as result:
        cell = result.dataset.isel(split=0, temporal=0)
        model = result.model()
        with sr.open_database(planted_database) as database:
            counts = database.counts(distance_edges=model.distance_edges, t0=START - 79, t1=STOP)
        net_input = model.net_input(counts)[:, 79:].ravel()
        log_odds = float(cell["log_odds_intercept"]) + float(cell["log_odds_slope"]) * net_input
        split = _split(planted_database)
        expected = expit(log_odds[split.test]).sum()
        spikes = split.outcome[split.test].sum()
        assert abs(expected - spikes) < 4 * np.sqrt(spikes)
        assert float(cell["negative_fraction"]) < 0.25
        assert (cell["n_samples"] == (1 + PER_POSITIVE) * cell["n_positive"]).all()
        if method == "single":
            assert float(cell["intercept"][0]) == pytest.approx(float(cell["merged_intercept"]))
            assert 0 < float(cell["intercept_se"][0]) < 10
            assert "of the training samples without a spike" in "\n".join(summary_lines(result))


def test_little_is_lost_on_held_out_samples(planted_database: Path, tmp_path: Path) -> None:
    newton = {"solvers": [{"kind": "newton"}]}
    area = {}
    for name, sampling in (("few", {}), ("all", {"sampling": {}})):
        with run(planted_database, tmp_path / f"{name}.h5", **newton, **sampling) as result:
            merged = result.scores.query("level == 'merged' and metric == 'auroc'")
            row = merged[merged["subset"] == "test"].iloc[0]
            area[name] = row["value"]
            margin = (row["value_high"] - row["value_low"]) / 2
    assert area["few"] > area["all"] - margin


def test_the_same_samples_for_any_number_of_workers_and_any_memory(
    planted_database: Path, tmp_path: Path
) -> None:
    first, second, third = (tmp_path / f"{name}.h5" for name in ("one", "two", "small"))
    run(planted_database, first).close()
    run(planted_database, second, n_workers=2).close()
    assert first.read_bytes() == second.read_bytes()
    run(planted_database, third, resources={"memory": "30 MB"}).close()
    with sr.open_result(first) as result, sr.open_result(third) as small:
        np.testing.assert_array_equal(result.dataset["kernel"], small.dataset["kernel"])


def test_estimates_fall_and_bound_what_is_fitted(planted_database: Path) -> None:
    sampled = RunEstimates.of(configure(planted_database))
    complete = RunEstimates.of(configure(planted_database, sampling={}))
    assert complete.n_fitted == complete.n_samples
    assert _split(planted_database).fitted.size <= sampled.n_fitted < 0.5 * sampled.n_samples
    assert sampled.seconds("fit", 200) < 0.8 * complete.seconds("fit", 200)
    assert sampled.memory_mb("fit", 2, workers=2) < complete.memory_mb("fit", 2, workers=2)


def _split(database: Path) -> Any:
    configuration = configure(database)
    with open_databases(configuration) as opened:
        samples = WindowSamples.of(opened, configuration.grid().temporal[0])
        return samples.splits(configuration)[0]
