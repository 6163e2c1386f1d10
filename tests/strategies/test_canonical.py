"""Canonical form of filters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synreduce.basis import RaisedCosineBasis
from synreduce.errors import InputError
from synreduce.metrics import auroc
from synreduce.projection import project_counts
from synreduce.strategies import canonical_form, standard_reference

SPATIAL = RaisedCosineBasis(3.0, 5.0, [3.0, 4.5], 3).matrix
TEMPORAL = RaisedCosineBasis(2.0, 1.0, [1.0, 1.5], 4, reversed=True).matrix
PARAMETERS = {"EXC": ([1.0, 0.5], [2.0, -1.0]), "INH": ([0.3, -0.2], [-1.0, 0.5])}
SIGNS = {"EXC": 1, "INH": -1}


def worked_example_rows():
    trial, time, place = np.meshgrid(range(2), range(4), range(3), indexing="ij")
    counts = 12 * trial + 3 * time + place
    return project_counts({"EXC": counts, "INH": counts[::-1]}, SPATIAL, TEMPORAL, [4])


def kernels(parameters):
    return np.concatenate(
        [(np.atleast_2d(y).T @ np.atleast_2d(x)).ravel() for y, x in parameters.values()]
    )


def test_weighted_net_input_of_the_worked_example():
    score = worked_example_rows() @ kernels(PARAMETERS)
    assert score == pytest.approx([39.0529, 87.7351], abs=1e-4)
    assert -auroc([1, 0], score) == 0.0


def test_canonical_form_of_the_worked_example():
    form = canonical_form(PARAMETERS, SPATIAL, TEMPORAL, SIGNS)
    assert form.spatial_weight["EXC"][0] == pytest.approx([1.163729, 0.581865], abs=1e-6)
    assert form.temporal_weight["EXC"][0] == pytest.approx([1.990181, -0.995091], abs=1e-6)
    assert form.spatial_weight["INH"][0] == pytest.approx([0.174559, -0.116373], abs=1e-6)
    assert form.temporal_weight["INH"][0] == pytest.approx([-1.990181, 0.995091], abs=1e-6)
    assert form.temporal_filter["EXC"].max() == pytest.approx(1.0)
    assert form.temporal_filter["INH"].min() == pytest.approx(-1.0)
    assert form.spatial_filter["EXC"][0] == pytest.approx([1.0, 0.640004, 0.384783], abs=1e-6)
    expected = [-0.048214, -0.071074, -0.067627]
    assert form.spatial_filter["INH"][0] == pytest.approx(expected, abs=1e-6)
    assert form.score_factor == pytest.approx(1 / 0.863546, abs=1e-6)
    canonical = {name: (form.spatial_weight[name], form.temporal_weight[name]) for name in SIGNS}
    rows = worked_example_rows()
    ratio = (rows @ kernels(canonical)) / (rows @ kernels(PARAMETERS))
    assert ratio == pytest.approx(form.score_factor)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 1000),
    factors=st.lists(
        st.floats(0.01, 100.0).flatmap(lambda size: st.sampled_from([size, -size])),
        min_size=3,
        max_size=3,
    ),
    overall=st.floats(0.01, 100.0),
)
def test_scale_of_the_factors_does_not_matter(seed, factors, overall):
    rng = np.random.default_rng(seed)
    names = ["L4ss", "VPM", "L6"]
    parameters = {name: (rng.standard_normal(2), rng.standard_normal(2)) for name in names}
    moved = {
        name: (y * factor * overall, x / factor)
        for (name, (y, x)), factor in zip(parameters.items(), factors, strict=True)
    }
    first = canonical_form(parameters, SPATIAL, TEMPORAL)
    second = canonical_form(moved, SPATIAL, TEMPORAL)
    for name in names:
        assert second.spatial_filter[name] == pytest.approx(first.spatial_filter[name], rel=1e-9)
        assert second.temporal_filter[name] == pytest.approx(first.temporal_filter[name], rel=1e-9)
    assert second.score_factor == pytest.approx(first.score_factor / overall)
    assert first.reference == "L4ss"


def test_any_writing_of_a_kernel_of_rank_two_has_the_same_form():
    rng = np.random.default_rng(0)
    spatial, temporal = rng.standard_normal((3, 8)), rng.standard_normal((4, 9))
    pairs = rng.standard_normal((2, 3)), rng.standard_normal((2, 4))
    turn = rng.standard_normal((2, 2))
    other = turn.T @ pairs[0], np.linalg.inv(turn) @ pairs[1]
    first = canonical_form({"EXC": pairs}, spatial, temporal)
    second = canonical_form({"EXC": other}, spatial, temporal)
    assert second.spatial_filter["EXC"] == pytest.approx(first.spatial_filter["EXC"])
    assert second.temporal_filter["EXC"] == pytest.approx(first.temporal_filter["EXC"])
    kernel = spatial.T @ pairs[0].T @ pairs[1] @ temporal * first.score_factor
    assert first.spatial_filter["EXC"].T @ first.temporal_filter["EXC"] == pytest.approx(kernel)
    strength = np.linalg.norm(first.spatial_filter["EXC"], axis=1) * np.linalg.norm(
        first.temporal_filter["EXC"], axis=1
    )
    assert strength[0] > strength[1]


def test_group_without_weight_stays_zero():
    parameters = {**PARAMETERS, "INH": ([0.0, 0.0], [0.0, 0.0])}
    form = canonical_form(parameters, SPATIAL, TEMPORAL, SIGNS)
    assert not form.spatial_filter["INH"].any()
    assert np.isfinite(form.temporal_filter["EXC"]).all()


def test_failed_fit_stays_nan():
    parameters = {name: ([np.nan] * 2, [np.nan] * 2) for name in SIGNS}
    assert np.isnan(canonical_form(parameters, SPATIAL, TEMPORAL, SIGNS).score_factor)


def test_reference_group():
    assert standard_reference(["INH", "EXC"]) == "EXC"
    form = canonical_form(PARAMETERS, SPATIAL, TEMPORAL, SIGNS, reference="INH")
    assert np.abs(form.spatial_filter["INH"]).max() == pytest.approx(1.0)


def test_unknown_reference_and_bad_sign_are_both_named():
    with pytest.raises(InputError) as refused:
        canonical_form(PARAMETERS, SPATIAL, TEMPORAL, {"EXC": 2}, reference="VPM")
    assert {problem.code for problem in refused.value.problems} == {"bad-sign", "unknown-group"}
