"""What a sound configuration means."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from synreduce.basis import RaisedCosineBasis
from synreduce.configuration import configuration_from_mapping, configuration_from_text
from synreduce.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]


def test_defaults_are_the_published_settings(sound):
    configuration = configuration_from_mapping(sound)
    spatial = RaisedCosineBasis(3, 5, [3, 4.5, 6, 7.5, 9, 10.5], 30)
    temporal = RaisedCosineBasis(2, 1, np.arange(1, 11, 0.5), 80, reversed=True)
    basis, n_bins = configuration.basis, configuration.n_distance_bins
    width = configuration.window.width_ms
    assert np.array_equal(basis.spatial.basis(n_bins).matrix, spatial.matrix)
    assert np.array_equal(basis.temporal.basis(width).matrix, temporal.matrix)
    assert [chunk.id for chunk in configuration.grid().chunks] == ["d0000-1500/t0258-0259"]
    assert configuration.split_definitions()["random"].train_fraction == 0.7
    assert configuration.example is None


def test_a_file_is_a_delta_on_the_defaults(sound):
    sound["basis"] = {"spatial": {"steepness": 4}}
    basis = configuration_from_mapping(sound).basis
    assert (basis.spatial.steepness, basis.spatial.offset) == (4.0, 5.0)
    assert len(basis.temporal.phases) == 20


def test_intervals_need_enough_replicates(sound):
    sound["uncertainty"] = {"replicates": 10}
    with pytest.raises(ConfigurationError, match=r"at least 40, or 0"):
        configuration_from_mapping(sound)
    for replicates in (0, 40, 200):
        sound["uncertainty"] = {"replicates": replicates}
        assert configuration_from_mapping(sound).uncertainty.replicates == replicates


def test_short_forms_mean_the_same_as_long_ones(sound):
    sound["solvers"] = [{"kind": "cobyla", "name": "cobyla"}]
    long = configuration_from_mapping(sound)
    sound |= {"databases": ["wt.h5"], "solvers": ["cobyla"]}
    assert configuration_from_mapping(sound) == long


@pytest.mark.parametrize(
    ("path", "identifier"),
    [
        ("data/wt_2.h5", "wt_2"),
        ("results/example/database.h5", "example"),
        ("data/my cell (2).h5", "my_cell__2_"),
        ("database.h5", "database"),
    ],
)
def test_a_database_is_named_after_its_file(path, identifier, sound):
    sound["databases"] = [path]
    assert configuration_from_mapping(sound).databases[0].id == identifier


@pytest.mark.parametrize("name", ["grid", "allen_9_cells", "isf_simrun"])
def test_a_resolved_configuration_loads_as_the_same_one(name):
    text = (ROOT / "config" / "examples" / f"{name}.yaml").read_text(encoding="utf-8")
    configuration = configuration_from_text(text)
    assert configuration_from_mapping(configuration.model_dump(mode="json")) == configuration
    decisive = configuration.decisive_yaml()
    assert configuration_from_text(decisive).digest() == configuration.digest()
    assert set(yaml.safe_load(decisive)) == set(type(configuration).model_fields) - {"resources"}


def test_how_the_work_is_divided_does_not_enter_what_decides_the_result(sound):
    divided = {**sound, "resources": {"memory": "1 GB", "threads": 7}}
    divided["chunks"] = {**sound.get("chunks", {}), "per_job": 7}
    before, after = (configuration_from_mapping(given) for given in (sound, divided))
    assert after.decisive_yaml() == before.decisive_yaml()
    assert after.digest("chunks") == before.digest("chunks")


def test_the_grid_example_is_two_by_three_with_three_solvers_and_two_splits():
    text = (ROOT / "config" / "examples" / "grid.yaml").read_text(encoding="utf-8")
    configuration = configuration_from_text(text)
    grid = configuration.grid()
    assert (len(grid.spatial), len(grid.temporal)) == (2, 3)
    assert [solver.kind for solver in configuration.solvers] == ["newton", "lda", "cobyla"]
    assert list(configuration.split_definitions()) == ["random_1", "random_2"]
    assert configuration.n_fits_per_chunk == 6


def test_a_range_is_cut_into_chunks_that_fill_it(sound):
    sound["chunks"]["temporal"] = [{"start_ms": 200, "stop_ms": 300, "chunk_ms": 30}]
    windows = configuration_from_mapping(sound).grid().temporal
    assert [window.name for window in windows][-2:] == ["t0260-0290", "t0290-0300"]
    starts = np.concatenate([window.target_starts for window in windows])
    assert np.array_equal(starts, np.arange(200.0, 300.0))


def test_windows_are_in_the_order_of_time(sound):
    sound["chunks"]["temporal"] = [
        {"start_ms": 300, "stop_ms": 301},
        {"start_ms": 258, "stop_ms": 259},
    ]
    starts = [window.start_ms for window in configuration_from_mapping(sound).grid().temporal]
    assert starts == [258.0, 300.0]


@pytest.mark.parametrize("n_windows", [1, 3, 100, 1601, 10_000])
def test_automatic_batches_make_about_a_hundred_jobs_with_real_work(n_windows, sound):
    sound["chunks"]["temporal"] = [{"start_ms": 80, "stop_ms": 80 + n_windows, "chunk_ms": 1}]
    sizes = [len(batch.chunks) for batch in configuration_from_mapping(sound).batches()]
    assert sum(sizes) == n_windows
    assert len(sizes) <= 100
    assert len(sizes) == 1 or min(sizes) >= 14
    assert max(sizes) - min(sizes) <= 1


def test_automatic_batches_have_the_same_work_where_windows_are_unequal(sound):
    sound["chunks"]["temporal"] = [
        {"start_ms": 80, "stop_ms": 180, "chunk_ms": 1},
        {"start_ms": 180, "stop_ms": 280, "chunk_ms": 5},
        {"start_ms": 280, "stop_ms": 380},
    ]
    batches = configuration_from_mapping(sound).batches()
    work = [sum(chunk.temporal.n_targets for chunk in batch.chunks) for batch in batches]
    assert sum(work) == 300
    assert max(work) == 100  # the longest window is a job of its own
    assert all(20 <= targets <= 50 for targets in work[:-1])


def test_a_number_of_chunks_per_job_is_taken_as_it_is(sound):
    sound["chunks"]["temporal"] = [{"start_ms": 80, "stop_ms": 90, "chunk_ms": 1}]
    sound["chunks"]["per_job"] = 4
    batches = configuration_from_mapping(sound).batches()
    assert [len(batch.chunks) for batch in batches] == [4, 4, 2]


def test_folds_of_one_split_share_their_random_numbers(sound):
    sound["splits"] = [{"kind": "trials", "name": "cv", "folds": 3}]
    definitions = configuration_from_mapping(sound).split_definitions()
    assert list(definitions) == ["cv_1", "cv_2", "cv_3"]
    assert {(d.family, d.folds) for d in definitions.values()} == {("cv", 3)}
    assert [d.fold for d in definitions.values()] == [0, 1, 2]


def test_repeats_do_not_share_them(sound):
    sound["splits"] = [{"kind": "trials", "repeats": 2}]
    definitions = configuration_from_mapping(sound).split_definitions()
    assert {d.family for d in definitions.values()} == {None}


def test_a_digest_changes_with_its_sections_alone(sound):
    before = configuration_from_mapping(sound)
    after = configuration_from_mapping(
        {**sound, "resources": {"memory": "1 GB"}, "solvers": ["lda"]}
    )
    assert before.digest("window", "basis") == after.digest("window", "basis")
    assert before.digest("solvers") != after.digest("solvers")
    assert before.digest() != after.digest()
    spelled_out = {**sound, "window": {"width_ms": 80}}
    assert configuration_from_mapping(spelled_out).digest() == before.digest()


def test_variables_in_paths_are_expanded_when_used_and_kept_as_written(sound, monkeypatch):
    monkeypatch.setenv("PROJECT", "/data/project")
    sound["databases"] = [{"id": "wt", "path": "$PROJECT/${PROJECT}/wt.h5"}]
    (database,) = configuration_from_mapping(sound).databases
    assert database.file == Path("/data/project//data/project/wt.h5")
    assert database.path == "$PROJECT/${PROJECT}/wt.h5"


@given(
    edges=st.lists(st.integers(1, 29), unique=True, max_size=5).map(sorted),
    windows=st.lists(st.integers(80, 400), unique=True, min_size=1, max_size=6),
)
@settings(max_examples=30, deadline=None)
def test_the_grid_is_every_space_with_every_time(edges, windows):
    mapping = {
        "run": "test",
        "databases": ["wt.h5"],
        "chunks": {
            "spatial": {"edges_um": [0, *(50 * edge for edge in edges), 1500]},
            "temporal": [{"start_ms": t, "stop_ms": t + 1} for t in windows],
        },
    }
    grid = configuration_from_mapping(mapping).grid()
    assert len(grid.chunks) == (len(edges) + 1) * len(windows)
    assert len({chunk.id for chunk in grid.chunks}) == len(grid.chunks)
    assert grid.spatial[0].start_um == 0
    assert all(one.stop_um == other.start_um for one, other in pairwise(grid.spatial))
