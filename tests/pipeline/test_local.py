"""The chain in one process: the same bits whatever runs it, and what the result says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import synreduce as sr
from synreduce.configuration import configuration_from_mapping
from synreduce.errors import DataError
from synreduce.execution import open_engine
from synreduce.pipeline.check import write_check
from synreduce.pipeline.checked_run import CheckedRun
from synreduce.pipeline.local import fit_to_file
from synreduce.pipeline.paths import RunPaths
from synreduce.pipeline.projecting import project_chunks
from synreduce.result import HDF5Rows, read_scores, verify_result


def run(database: Path, mapping: dict[str, Any], output: Path, n_workers: int | None = 1) -> Path:
    fit_to_file(database, configuration_from_mapping(mapping), output, n_workers=n_workers).close()
    return output


@pytest.fixture(scope="module")
def one_worker(
    planted_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], Path]:
    mapping: dict[str, Any] = {
        "run": "grid",
        "databases": [{"id": "planted", "path": "unused.h5"}],
        "chunks": {
            "spatial": {"edges_um": [0, 500, 1500]},
            "temporal": [
                {"start_ms": 250, "stop_ms": 254},
                {"start_ms": 256, "stop_ms": 260},
            ],
        },
        "solvers": [{"kind": "newton"}, {"kind": "lda"}],
        "uncertainty": {"replicates": 40},
        "resources": {"memory": "200 MB"},
    }
    output = tmp_path_factory.mktemp("one") / "merged.h5"
    return mapping, run(planted_database, mapping, output)


@pytest.mark.parametrize("n_workers", [2, 4, None])
def test_the_result_is_the_same_to_the_last_bit_for_more_workers(
    one_worker: tuple[dict[str, Any], Path],
    planted_database: Path,
    tmp_path: Path,
    n_workers: int | None,
) -> None:
    """Processes, or without a number threads of this process, as many as configured."""
    mapping, first = one_worker
    mapping = {**mapping, "resources": {**mapping["resources"], "threads": 3}}
    second = run(planted_database, mapping, tmp_path / "merged.h5", n_workers=n_workers)
    assert first.read_bytes() == second.read_bytes()
    scores = [path.with_suffix(".scores.csv").read_bytes() for path in (first, second)]
    assert scores[0] == scores[1]


def test_the_numbers_do_not_depend_on_the_memory_budget(
    one_worker: tuple[dict[str, Any], Path], planted_database: Path, tmp_path: Path
) -> None:
    mapping, first = one_worker
    small = {**mapping, "resources": {"memory": "30 MB"}}
    second = run(planted_database, small, tmp_path / "merged.h5")
    with sr.open_result(first) as one, sr.open_result(second) as other:
        for name in ("kernel", "spatial_weight", "temporal_weight", "auroc", "nonlinearity",
                     "kernel_low", "kernel_high", "spatial_filter_low"):  # fmt: skip
            np.testing.assert_array_equal(one.dataset[name], other.dataset[name])


def test_intervals_say_where_they_come_from(one_worker: tuple[dict[str, Any], Path]) -> None:
    with sr.open_result(one_worker[1]) as result:
        dataset = result.dataset.load()
    solver = dataset["solver"].to_numpy()
    by_newton = solver == dataset["solver"].attrs["flag_meanings"].split().index("newton")
    methods = dataset["filter_interval"].attrs["flag_meanings"].split()
    found = np.array(methods)[dataset["filter_interval"].to_numpy()]
    np.testing.assert_array_equal(found, np.where(by_newton, "bootstrap", "none"))
    known = np.isfinite(dataset["temporal_filter_low"].to_numpy()).all(axis=(-2, -1))
    np.testing.assert_array_equal(known, by_newton)
    assert (dataset["kernel_interval"] == methods.index("bootstrap")).all()
    assert (dataset["kernel_low"] <= dataset["kernel_high"]).all()
    inside = (dataset["kernel_low"] <= dataset["kernel"]) & (
        dataset["kernel"] <= dataset["kernel_high"]
    )
    assert float(inside.mean()) > 0.8
    flags = dataset["weight_determined"].attrs["flag_meanings"].split()
    determined = dataset["weight_determined"].to_numpy()
    assert (determined[~by_newton] == flags.index("unknown")).all()
    share = dataset["weight_data_share"].to_numpy()[by_newton]
    np.testing.assert_array_equal(determined[by_newton] == flags.index("determined"), share >= 0.5)


def test_the_consensus_has_intervals_around_the_filter_without_bias(
    one_worker: tuple[dict[str, Any], Path],
) -> None:
    with sr.open_result(one_worker[1]) as result:
        dataset = result.dataset.load()
    names = ("consensus_kernel", "consensus_kernel_se", "consensus_kernel_low",
             "consensus_kernel_high")  # fmt: skip
    kernel, error, low, high = (dataset[name].to_numpy() for name in names)
    # Of two windows each point lies between the two, and errors count the way to the corrected one.
    windows = (
        dataset["kernel"].to_numpy() * dataset["log_odds_slope"].to_numpy()[..., None, None, None]
    )
    assert (kernel >= windows.min(axis=1) - 1e-12).all()
    assert (kernel <= windows.max(axis=1) + 1e-12).all()
    assert (high > low).all()
    half, distance = (high - low) / 2 / 1.959964, (high + low) / 2 - kernel
    np.testing.assert_allclose(error, np.sqrt(half**2 + distance**2), rtol=1e-6)
    assert np.abs(distance).max() > 0.0


def test_a_window_fitted_alone_equals_the_same_window_in_a_grid(
    one_worker: tuple[dict[str, Any], Path], planted_database: Path, tmp_path: Path
) -> None:
    mapping, first = one_worker
    temporal = mapping["chunks"]["temporal"][1:]
    alone = {**mapping, "chunks": {**mapping["chunks"], "temporal": temporal}}
    second = run(planted_database, alone, tmp_path / "merged.h5")
    with sr.open_result(first) as grid, sr.open_result(second) as single:
        np.testing.assert_array_equal(
            grid.dataset["kernel"].sel(temporal="t0256-0260"),
            single.dataset["kernel"].sel(temporal="t0256-0260"),
        )


def test_the_result_verifies_and_lists_every_model_on_every_subset(
    one_worker: tuple[dict[str, Any], Path],
) -> None:
    _, path = one_worker
    verify_result(path)
    scores = read_scores(path.with_suffix(".scores.csv"))
    counts = scores[scores["metric"] == "auroc"].groupby("level").size()
    subsets = 4
    assert counts["chunk"] == 2 * 2 * 2 * subsets
    assert counts["merged"] == counts["consensus"] == counts["truth"] == 2 * subsets


def test_the_merged_model_comes_close_to_the_generating_score(
    one_worker: tuple[dict[str, Any], Path],
) -> None:
    _, path = one_worker
    scores = read_scores(path.with_suffix(".scores.csv"))
    test = scores[(scores["metric"] == "auroc") & (scores["subset"] == "test")]
    mean = test.groupby("level")["value"].mean()
    assert mean["merged"] > 0.5 + 0.8 * (mean["truth"] - 0.5)


def test_fit_takes_a_mapping_and_removes_its_folder(
    planted_database: Path, one_worker: tuple[dict[str, Any], Path]
) -> None:
    mapping, _ = one_worker
    temporal = mapping["chunks"]["temporal"][1:]
    alone = {**mapping, "chunks": {**mapping["chunks"], "temporal": temporal}}
    with sr.fit(planted_database, alone) as result:
        folder = result.path.parent
        assert result.dataset.sizes["temporal"] == 1
    assert not folder.exists()


def test_a_window_outside_the_data_is_refused_and_leaves_nothing(
    planted_database: Path, one_worker: tuple[dict[str, Any], Path], tmp_path: Path
) -> None:
    mapping, _ = one_worker
    outside = {
        **mapping,
        "chunks": {"temporal": [{"start_ms": 5000, "stop_ms": 5001}]},
    }
    output = tmp_path / "results" / "merged.h5"
    with pytest.raises(DataError, match="needs data from 4921 to 5001 ms"):
        run(planted_database, outside, output)
    assert list(output.parent.iterdir()) == []


def test_too_few_spikes_are_refused_with_the_counts(
    planted_database: Path, one_worker: tuple[dict[str, Any], Path], tmp_path: Path
) -> None:
    mapping, _ = one_worker
    strict = {**mapping, "minimum_positives": {"train": 1400, "test": 2}}
    with pytest.raises(DataError, match=r"at least 1400 in train .* are needed"):
        run(planted_database, strict, tmp_path / "merged.h5")


def test_databases_are_joined_by_trial(planted_database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "second.h5"
    copy.write_bytes(planted_database.read_bytes())
    mapping = {
        "run": "joined",
        "databases": [
            {"id": "first", "path": str(planted_database)},
            {"id": "second", "path": str(copy)},
        ],
        "chunks": {"temporal": [{"start_ms": 256, "stop_ms": 260}]},
        "solvers": [{"kind": "lda"}],
    }
    configuration = configuration_from_mapping(mapping)
    paths = RunPaths(tmp_path / "run")
    write_check(configuration, paths)
    run_ = CheckedRun.open(configuration, paths)
    (chunk,) = configuration.grid().chunks
    with open_engine(1) as engine:
        project_chunks(run_, [chunk], engine)
    rows = HDF5Rows(paths.design(chunk))
    half = rows.n_rows // 2
    np.testing.assert_array_equal(rows.read(0, half), rows.read(half, rows.n_rows))


def test_smoothness_makes_filters_smoother(
    planted_database: Path, one_worker: tuple[dict[str, Any], Path]
) -> None:
    mapping, _ = one_worker
    chunks = {"temporal": mapping["chunks"]["temporal"][1:]}
    roughness = []
    for smoothness in (0.0, 10.0):
        solver = {"kind": "newton", "ridge": 1e-4, "smoothness": smoothness}
        with sr.fit(planted_database, {**mapping, "chunks": chunks, "solvers": [solver]}) as result:
            filters = result.dataset["temporal_filter"].to_numpy()
            roughness.append(float((np.diff(filters, n=2, axis=-1) ** 2).sum()))
    assert roughness[1] < roughness[0]
