"""The post-spike penalty: the published boundary by hand, and planted penalties found again."""

import numpy as np
import pytest

from synreduce.evaluation import (
    Nonlinearity,
    estimate_isi_penalty,
    no_penalty,
    published_isi_boundary,
)

LOGISTIC_KNOTS = np.linspace(-12, 12, 481)
LOGISTIC = Nonlinearity(LOGISTIC_KNOTS, 1 / (1 + np.exp(-LOGISTIC_KNOTS)))


def planted(n, penalty, seed):
    rng = np.random.default_rng(seed)
    net = rng.normal(0, 2, n)
    isi = rng.uniform(0, 120, n)
    cost = np.append(penalty, 0.0)[np.minimum(np.ceil(isi).astype(int) - 1, penalty.size)]
    return net, rng.random(n) < LOGISTIC(net - cost), isi


def test_published_boundary_worked_by_hand():
    # the lowest of 20 (5 %) is dropped; from the most recent spike backwards, minima are kept
    isi = np.array([10.0, 12.0, 14.0, 20.0, 30.0, 79.5, *np.full(14, 40.0)])
    net = np.array([9.0, 10.0, 5.0, 6.0, 3.0, -9.0, *np.full(14, 8.0)])
    boundary = published_isi_boundary(isi, net)
    assert boundary.size == 80
    assert np.isposinf(boundary[:9]).all()
    assert boundary[9] == 9.0  # 10 ms
    assert boundary[11] == pytest.approx(7.0)  # 12 ms: between (10, 9) and (14, 5)
    assert boundary[13] == 5.0
    assert boundary[21] == pytest.approx(4.0)  # 22 ms: between (14, 5) and (30, 3)
    assert (boundary[29:] == 3.0).all()


def test_published_penalty_has_floor_zero_and_uses_spiking_samples_only():
    isi = np.array([5.0, 10.0, 20.0, 85.0, 2.0])
    net = np.array([8.0, 6.0, 1.0, -50.0, -50.0])
    spiked = np.array([1, 1, 1, 1, 0])
    penalty = estimate_isi_penalty(net, spiked, isi, LOGISTIC, method="published")
    assert penalty.refractory_ms == 4
    assert penalty([5.0, 10.0, 15.0, 20.0, 60.0]) == pytest.approx([7.0, 5.0, 2.5, 0.0, 0.0])


def test_smooth_penalty_finds_the_planted_one():
    isi = np.arange(1, 81)
    truth = 6 * np.exp(-isi / 12.0)
    truth[:3] = np.inf
    net, spiked, time = planted(400_000, truth, 1)
    found = estimate_isi_penalty(net, spiked, time, LOGISTIC)
    assert found.refractory_ms == 3
    error = found.penalty[3:] - truth[3:]
    assert np.abs(error).max() < 0.45
    assert np.abs(error).mean() < 0.12


@pytest.mark.parametrize(
    ("net", "spiked", "least"),
    [([0.0, 10.0], [0, 1], 0.0), ([3.0, 10.0], [0, 1], 3.0), ([0.0, 3.0, 30.0], [0, 0, 1], 3.0)],
)
def test_of_shifts_that_explain_the_spikes_equally_the_least_is_taken(net, spiked, least):
    # Between probabilities of 0 and 1 the expected number of spikes does not change for a while.
    certain = Nonlinearity(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    found = estimate_isi_penalty(net, spiked, np.full(len(net), 5.0), certain)
    assert found(5.0) == pytest.approx(least, abs=1e-6)


def test_a_spike_count_that_the_lowest_probability_explains_is_reached_at_the_least_shift():
    at_least_half = Nonlinearity(np.array([0.0, 1.0]), np.array([0.5, 1.0]))
    found = estimate_isi_penalty([0.0, 10.0], [0, 1], [5.0, 5.0], at_least_half)
    assert found(5.0) == pytest.approx(10.0, abs=1e-6)


@pytest.mark.parametrize("rounded", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_with_the_penalty_of_a_millisecond_as_many_spikes_are_expected_as_occurred(seed, rounded):
    rng = np.random.default_rng(seed)
    knots, probability = np.cumsum(rng.exponential(0.5, 12)) - 3, np.sort(rng.random(12))
    response = Nonlinearity(knots, probability, rounded=rounded)
    net = rng.normal(0, 2, 500)
    spiked = rng.random(500) < response(net - 1.5)
    cost = estimate_isi_penalty(net, spiked, np.full(500, 7.0), response)(7.0)
    # Of a table of whole numbers the expected number jumps, and a little more cost is too much.
    above, below = (response(net - cost + step).sum() for step in (1e-7, -1e-7))
    assert below - 1e-4 <= spiked.sum() <= above + 1e-4


def test_smooth_penalty_never_rises_and_is_not_negative():
    net, spiked, time = planted(3000, np.zeros(80), 2)
    found = estimate_isi_penalty(net, spiked, time, LOGISTIC).penalty
    assert (found >= 0).all()
    assert (np.diff(found) <= 0).all()


def test_few_silent_samples_do_not_make_an_infinite_penalty():
    found = estimate_isi_penalty([-3.0, -3.0, 1.0], [0, 0, 1], [1.0, 2.0, 30.0], LOGISTIC)
    assert np.isfinite(found.penalty).all()


def test_penalty_of_a_continuous_time_is_that_of_its_bin():
    penalty = no_penalty()
    assert penalty([0.2, 80.0, 81.0, np.inf, np.nan]).tolist() == [0.0] * 5
    stepped = type(penalty)(np.array([np.inf, 2.0, 1.0]))
    assert stepped([0.5, 1.0, 1.5, 2.0, 2.01, 3.0, 3.01]).tolist() == [
        np.inf, np.inf, 2.0, 2.0, 1.0, 1.0, 0.0,
    ]  # fmt: skip
    assert stepped.isi_ms.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("method", ["smooth", "published"])
def test_no_previous_spike_means_no_penalty(method):
    found = estimate_isi_penalty([1.0, 2.0], [1, 0], [np.inf, np.nan], LOGISTIC, method=method)
    assert (found.penalty == 0).all()
    assert found.method == "none"
