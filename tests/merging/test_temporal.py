"""Consensus over temporal windows and its test of heterogeneity."""

import numpy as np
import pytest
from scipy.stats import chi2, kstest, ncx2

from synreduce.errors import InputError
from synreduce.merging import ConsensusSums, consensus


def test_consensus_is_the_weighted_least_squares_mean_of_each_filter():
    rng = np.random.default_rng(0)
    value, variance = rng.normal(size=(6, 3, 4)), rng.uniform(0.5, 3, size=(6, 3, 4))
    fitted = value - rng.random(size=value.shape)
    sums = ConsensusSums()
    for window in zip(value, variance, fitted, strict=True):
        sums.add(*window)
    pooled, ones = sums.consensus(), np.ones((6, 1))
    for point in np.ndindex(3, 4):
        of_filter = np.diag(1 / variance[:, point[0]].mean(axis=1))
        least_squares = np.linalg.solve(ones.T @ of_filter @ ones, ones.T @ of_filter)[0]
        error = least_squares @ np.diag(variance[:, *point]) @ least_squares
        assert pooled.value[point] == pytest.approx(least_squares @ value[:, *point])
        assert pooled.fitted[point] == pytest.approx(least_squares @ fitted[:, *point])
        assert pooled.standard_error[point] == pytest.approx(error**0.5)
        of_point = 1 / variance[:, *point]
        residual = value[:, *point] - of_point @ value[:, *point] / of_point.sum()
        assert pooled.q[point] == pytest.approx(of_point @ residual**2)
    assert pooled.p_value == pytest.approx(chi2.sf(pooled.q, 5))
    assert pooled.i2 == pytest.approx(np.maximum(0, 1 - 5 / pooled.q))
    assert (pooled.n_windows == 6).all()


def test_small_differences_of_large_values_are_not_lost():
    from fractions import Fraction

    rng = np.random.default_rng(4)
    value = 1e9 + rng.normal(size=60)
    variance = 10.0 ** rng.uniform(-6, 6, size=60)
    weights = [1 / Fraction(float(entry)) for entry in variance]
    exact = [Fraction(float(entry)) for entry in value]
    mean = sum(w * v for w, v in zip(weights, exact, strict=True)) / sum(weights)
    q = sum(w * (v - mean) ** 2 for w, v in zip(weights, exact, strict=True))
    pooled = consensus(value[:, None], variance[:, None])
    assert pooled.value[0] - 1e9 == pytest.approx(float(mean - 10**9), abs=1e-6)
    assert pooled.q[0] == pytest.approx(float(q), rel=1e-6)


def test_published_example_of_a_meta_analysis():
    # Two studies, effects 0.1 and 0.5 with standard errors 0.1 and 0.2:
    # weights 100 and 25, mean 0.18, Q = 100 * 0.08^2 + 25 * 0.32^2 = 3.2, I2 = 2.2 / 3.2.
    pooled = consensus([[0.1], [0.5]], [[0.01], [0.04]])
    assert pooled.value == pytest.approx([0.18])
    assert pooled.q == pytest.approx([3.2])
    assert pooled.i2 == pytest.approx([0.6875])
    assert pooled.p_value == pytest.approx([0.07364], abs=1e-5)


def test_q_follows_chi_squared_when_all_windows_share_the_filter():
    rng = np.random.default_rng(1)
    error = rng.uniform(0.2, 4, size=(8, 4000))
    pooled = consensus(2.0 + error * rng.normal(size=error.shape), error**2)
    assert kstest(pooled.q, chi2(7).cdf).pvalue > 0.001
    assert (pooled.p_value < 0.05).mean() == pytest.approx(0.05, abs=0.012)
    normal = (pooled.value - 2.0) / pooled.standard_error
    assert kstest(normal, "norm").pvalue > 0.001


def test_windows_that_differ_are_found():
    rng = np.random.default_rng(2)
    truth = np.repeat([0.0, 3.0], 4)[:, None]
    pooled = consensus(truth + rng.normal(size=(8, 500)), np.ones((8, 500)))
    # Q is then noncentral chi-squared; its noncentrality is the sum of the squared deviations
    expected = ncx2(7, 8 * 1.5**2)
    power = expected.sf(chi2.isf(0.05, 7))
    assert kstest(pooled.q, expected.cdf).pvalue > 0.001
    assert (pooled.p_value < 0.05).mean() == pytest.approx(power, abs=0.05)
    assert np.median(pooled.i2) == pytest.approx(1 - 7 / expected.median(), abs=0.03)


def test_failed_windows_are_left_out():
    value = np.array([[1.0, 1.0], [np.nan, np.nan], [3.0, np.nan]])
    pooled = consensus(value, np.ones((3, 2)))
    assert pooled.value.tolist() == [2.0, 1.0]
    assert pooled.n_windows.tolist() == [2, 1]
    assert pooled.pooled.tolist() == [True, False, True]
    assert pooled.without_variance == ()
    assert np.isnan(pooled.q[1])
    assert np.isnan(pooled.p_value[1])


def test_windows_without_variance_are_named_and_left_out():
    for unknown in (np.nan, 0.0, -1.0, np.inf):
        pooled = consensus([[1.0], [50.0], [3.0]], [[1.0], [unknown], [1.0]])
        assert pooled.value.tolist() == [2.0]
        assert pooled.without_variance == (1,)
        assert pooled.pooled.tolist() == [True, False, True]


def test_without_any_variance_windows_count_alike_and_nothing_is_claimed():
    pooled = consensus([[1.0], [2.0], [6.0]])
    assert pooled.value.tolist() == [3.0]
    assert pooled.weighting == "equal"
    assert pooled.without_variance == (0, 1, 2)
    assert np.isnan([pooled.standard_error, pooled.q, pooled.i2, pooled.p_value]).all()


def test_one_window_and_no_window():
    alone = consensus([[1.0]], [[4.0]])
    assert (alone.value.item(), alone.standard_error.item()) == (1.0, 2.0)
    assert np.isnan(alone.q).all()
    nothing = consensus(np.full((2, 1), np.nan), np.ones((2, 1)))
    assert np.isnan(nothing.value).all()
    with pytest.raises(InputError, match="at least one window"):
        consensus(np.empty((0, 3)))
    with pytest.raises(InputError, match="one variance each"):
        consensus([[1.0]], [[1.0, 2.0]])


def test_order_of_windows_does_not_matter_beyond_rounding():
    rng = np.random.default_rng(3)
    value, variance = rng.normal(size=(5, 9)), rng.uniform(1, 2, (5, 9))
    order = rng.permutation(5)
    first, second = consensus(value, variance), consensus(value[order], variance[order])
    assert first.value == pytest.approx(second.value, abs=1e-14)
    assert first.q == pytest.approx(second.q, abs=1e-12)
