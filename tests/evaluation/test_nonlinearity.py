"""The nonlinearity: the published table to the digit, and a monotone curve that can be trusted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synreduce.errors import InputError
from synreduce.evaluation import estimate_nonlinearity, published_points

PUBLISHED = [(0, 5, 0), (1, 6, 0), (2.5, 4, 1), (4, 12, 6), (7, 10, 9), (9.5, 3, 3)]
WNI = np.repeat([wni for wni, _, _ in PUBLISHED], [n for _, n, _ in PUBLISHED]).astype(float)
SPIKED = np.concatenate([np.arange(n) < spikes for _, n, spikes in PUBLISHED])


def test_published_procedure_reproduces_the_reference_table():
    points = published_points(WNI, SPIKED)
    assert points.net_input.tolist() == [1.5, 4.5, 9.0]
    assert points.probability == pytest.approx([0.066667, 0.5, 0.923077], abs=5e-7)
    table = estimate_nonlinearity(WNI, SPIKED, method="published")
    expected = [0.0667, 0.0667, 0.1389, 0.2833, 0.4278, 0.5470, 0.6410, 0.7350, 0.8291, 0.9231]
    assert table(np.arange(11)) == pytest.approx([*expected, 0.9231], abs=5e-5)
    # int(0 - 0.3 * 9.5) to int(9.5 + 0.3 * 9.5) - 1
    assert (table.net_input[0], table.net_input[-1]) == (-2, 11)


def test_published_table_is_read_at_rounded_net_input():
    table = estimate_nonlinearity(WNI, SPIKED, method="published")
    assert table(3.4) == table(3.0)
    assert table(-1000.0) == table.probability[0]
    assert table(1000.0) == table.probability[-1]


def test_all_undersized_trailing_bins_join_the_last_group():
    net = np.concatenate([np.full(12, 1.0), [4.0, 7.0, 10.0]])
    spiked = np.concatenate([np.zeros(12, bool), np.ones(3, bool)])
    points = published_points(net, spiked)
    assert points.net_input.tolist() == [1 + 3 * 3 / 2]
    assert points.probability == pytest.approx([3 / 15])


def test_samples_with_a_spike_just_before_are_left_out():
    isi = np.where(np.arange(WNI.size) < 15, 15.0, np.inf)
    table = estimate_nonlinearity(WNI, SPIKED, time_since_last_spike=isi, method="published")
    assert table.net_input[0] == int(4 - 0.3 * 5.5)


def test_monotone_curve_recovers_the_probability_that_made_the_data():
    rng = np.random.default_rng(3)
    net = rng.normal(0, 2, 200_000)
    truth = 1 / (1 + np.exp(-(net - 2)))
    curve = estimate_nonlinearity(net, rng.random(net.size) < truth)
    inside = np.linspace(-4, 5, 50)
    error = curve(inside) - 1 / (1 + np.exp(-(inside - 2)))
    assert np.abs(error).max() < 0.05
    assert np.sqrt((error**2).mean()) < 0.015


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 300), st.integers(0, 10_000), st.floats(0, 1), st.integers(1, 40))
def test_monotone_curve_rises_and_stays_inside_zero_and_one(n, seed, rate, min_items):
    rng = np.random.default_rng(seed)
    net = np.round(rng.normal(size=n), 1)
    curve = estimate_nonlinearity(net, rng.random(n) < rate, min_items=min_items)
    assert (np.diff(curve.net_input) > 0).all()
    assert (np.diff(curve.probability) >= 0).all()
    assert curve.probability[0] > 0
    assert curve.probability[-1] < 1
    far = curve([-1e6, -np.inf, 1e6, np.nan])
    assert far[0] == curve.probability[0]
    assert far[1] == 0
    assert far[2] == curve.probability[-1]
    assert np.isnan(far[3])


def test_mean_probability_equals_the_spike_fraction():
    rng = np.random.default_rng(5)
    net = rng.normal(size=20_000)
    spiked = rng.random(net.size) < 1 / (1 + np.exp(3 - net))
    curve = estimate_nonlinearity(net, spiked)
    assert curve(net).mean() == pytest.approx(spiked.mean(), rel=0.02)


def test_nothing_to_estimate_from_is_an_error_that_says_so():
    with pytest.raises(InputError, match="none of 2 samples"):
        estimate_nonlinearity([1.0, 2.0], [0, 1], time_since_last_spike=[1.0, 2.0])
    with pytest.raises(InputError, match="one value per outcome"):
        estimate_nonlinearity([1.0, 2.0], [0])


def test_grid_covers_the_knots():
    curve = estimate_nonlinearity(WNI, SPIKED)
    grid = curve.regular_grid(11)
    assert (grid[0], grid[-1], grid.size) == (curve.net_input[0], curve.net_input[-1], 11)
    single = estimate_nonlinearity([2.0, 2.0], [0, 1])
    assert (np.diff(single.regular_grid(3)) > 0).all()
