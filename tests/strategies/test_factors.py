"""From parameters to kernels and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synreduce.design import FeatureLayout, Term
from synreduce.errors import ConfigurationError, InputError
from synreduce.strategies import (
    STRATEGIES,
    FactorModel,
    SpatiotemporalOptions,
    build_strategy,
    kernel_roughness,
)

LAYOUT = FeatureLayout([Term("EXC", 3, 5), Term("INH", 2, 4), Term("VPM", 1, 6)])
ranks = st.sampled_from([1, 2, 3, "full"])


@settings(max_examples=20, deadline=None)
@given(rank=ranks, seed=st.integers(0, 1000))
def test_jacobian_equals_differences(rank, seed):
    model = FactorModel(LAYOUT, rank)
    vector = np.random.default_rng(seed).standard_normal(model.n_parameters)
    jacobian = model.jacobian(vector)
    for position in range(model.n_parameters):
        moved = vector.copy()
        moved[position] += 1e-6
        slope = (model.theta(moved) - model.theta(vector)) / 1e-6
        assert jacobian[:, position] == pytest.approx(slope, abs=1e-7)


@settings(max_examples=20, deadline=None)
@given(rank=ranks, seed=st.integers(0, 1000))
def test_nearest_gives_back_the_kernel_of_a_vector(rank, seed):
    model = FactorModel(LAYOUT, rank)
    theta = model.theta(np.random.default_rng(seed).standard_normal(model.n_parameters))
    assert model.theta(model.nearest(theta)) == pytest.approx(theta, abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(rank=ranks, seed=st.integers(0, 1000))
def test_factors_multiply_to_the_kernel(rank, seed):
    model = FactorModel(LAYOUT, rank)
    vector = np.random.default_rng(seed).standard_normal(model.n_parameters)
    matrices = LAYOUT.matrices(model.theta(vector))
    for name, (spatial, temporal) in model.factors(vector).items():
        assert spatial.T @ temporal == pytest.approx(matrices[name], abs=1e-12)
    assert LAYOUT.flatten(matrices) == pytest.approx(model.theta(vector))


def test_second_derivative_of_products():
    model = FactorModel(LAYOUT, 2)
    rng = np.random.default_rng(0)
    vector, weights = rng.standard_normal(model.n_parameters), rng.standard_normal(29)
    step = rng.standard_normal(model.n_parameters)
    values = [weights @ model.theta(vector + size * step) for size in (-1.0, 0.0, 1.0)]
    second = values[0] - 2.0 * values[1] + values[2]
    assert step @ model.cross_curvature(weights) @ step == pytest.approx(second)


def test_separable_vector_holds_group_by_group_space_then_time():
    layout = FeatureLayout([Term("EXC", 2, 2), Term("INH", 2, 2)])
    theta = FactorModel(layout).theta(np.array([1.0, 0.5, 2.0, -1.0, 0.3, -0.2, -1.0, 0.5]))
    assert theta == pytest.approx([2.0, -1.0, 1.0, -0.5, -0.3, 0.15, 0.2, -0.1])


def test_rank_that_does_not_limit_is_linear():
    layout = FeatureLayout([Term("EXC", 2, 4)])
    assert FactorModel(layout, 2).is_linear
    assert FactorModel(layout, "full").n_parameters == FactorModel(layout, 2).n_parameters == 8
    assert not FactorModel(layout, 1).is_linear


def test_failed_fit_has_factors_that_are_nan():
    model = FactorModel(LAYOUT, "full")
    spatial, temporal = model.factors(np.full(model.n_parameters, np.nan))["EXC"]
    assert spatial.shape == (3, 3)
    assert np.isnan(temporal).all()


@pytest.mark.parametrize("rank", [0, -1, 1.5, "half"])
def test_impossible_rank_is_refused(rank):
    with pytest.raises(InputError, match="rank"):
        FactorModel(LAYOUT, rank)


def test_roughness_measures_second_differences_of_the_kernel():
    rng = np.random.default_rng(1)
    layout = FeatureLayout([Term("EXC", 3, 4), Term("INH", 3, 4)])
    spatial, temporal = rng.standard_normal((3, 8)), rng.standard_normal((4, 9))
    form = kernel_roughness(layout, spatial, temporal)
    unit = [np.eye(1, 24, i).ravel() @ form @ np.eye(1, 24, i).ravel() for i in range(24)]
    assert np.sum(unit) == pytest.approx(2 * 2)

    def by_hand(theta, axis):
        kernels = [spatial.T @ m @ temporal for m in layout.matrices(theta).values()]
        return sum(np.sum(np.diff(kernel, n=2, axis=axis) ** 2) for kernel in kernels)

    units = [np.eye(24)[i] for i in range(12)]
    norms = [sum(by_hand(unit, axis) for unit in units) for axis in (0, 1)]
    theta = rng.standard_normal(24)
    expected = sum(by_hand(theta, axis) / norm for axis, norm in zip((0, 1), norms, strict=True))
    assert theta @ form @ theta == pytest.approx(expected)


@pytest.mark.parametrize("kind", STRATEGIES)
def test_every_strategy_can_be_built_by_name(kind):
    strategy = build_strategy(kind)
    layout = strategy.layout(["EXC", "INH"], 6, 20)
    assert strategy.name == strategy.kind == kind
    assert strategy.model(layout).layout is layout
    assert strategy.provides


def test_rank_of_the_options_reaches_the_model():
    strategy = build_strategy(SpatiotemporalOptions(rank="full", name="free"))
    assert strategy.name == "free"
    assert strategy.model(strategy.layout(["EXC"], 2, 3)).rank == "full"


def test_unknown_strategy_is_refused_with_a_suggestion():
    with pytest.raises(ConfigurationError, match="did you mean 'spatiotemporal_raised_cosine'"):
        build_strategy("spatiotemporal_raised_cosin")
