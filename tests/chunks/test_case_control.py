"""Case-control sampling: who is left out, and what that does to a logistic fit."""

import numpy as np
import pytest

from synreduce.chunks import (
    TEST_FIRST,
    TRAIN,
    Split,
    full_scale,
    relative_efficiency,
    with_fewer_negatives,
)
from synreduce.errors import InputError

STARTS = np.array([258.0, 259.0, 260.0])


def make_split(outcome, role=None):
    n_trials, n_targets = outcome.shape
    role = np.full(outcome.shape, TRAIN, np.uint8) if role is None else role
    block = np.zeros(n_targets, np.int64)
    return Split(
        "random", role.ravel(), outcome.astype(np.uint8).ravel(), np.arange(n_trials), block
    )


def ids(n_trials):
    return np.array([f"db/{trial}" for trial in range(n_trials)])


def sampled(split, per_positive, seed=1, trial_ids=None, starts=STARTS):
    names = ids(split.unit_of_trial.size) if trial_ids is None else trial_ids
    return with_fewer_negatives(split, per_positive, seed, trial_ids=names, target_starts=starts)


@pytest.fixture
def split():
    rng = np.random.default_rng(0)
    outcome = rng.random((500, 3)) < 0.05
    role = rng.choice([0, TRAIN, TEST_FIRST], size=outcome.shape, p=[0.1, 0.6, 0.3])
    return make_split(outcome, role.astype(np.uint8))


def test_all_positives_and_exactly_so_many_negatives_are_fitted(split):
    fewer = sampled(split, 4)
    n_positive = int(split.outcome[split.train].sum())
    assert set(fewer.fitted) <= set(split.train)
    assert fewer.outcome[fewer.fitted].sum() == n_positive
    assert fewer.fitted.size == 5 * n_positive
    n_negative = split.train.size - n_positive
    assert fewer.negative_fraction == pytest.approx(4 * n_positive / n_negative, rel=1e-12)
    assert full_scale(fewer).shift == pytest.approx(np.log(4 * n_positive / n_negative))
    np.testing.assert_array_equal(fewer.test, split.test)
    np.testing.assert_array_equal(fewer.train, split.train)


def test_nothing_is_left_out_where_negatives_are_few(split):
    fewer = sampled(split, 1000)
    np.testing.assert_array_equal(fewer.fitted, split.train)
    assert fewer.negative_fraction == 1.0
    assert (full_scale(fewer).shift, full_scale(fewer).variance_change) == (0.0, 0.0)


@pytest.mark.parametrize(("per_positive", "n_positive", "kept"), [
    (0.07, 100, 7), (1.1, 10, 11), (0.1, 30, 3), (0.5, 5, 3), (0.07, 101, 8),
])  # fmt: skip
def test_a_ratio_in_decimals_is_rounded_up_as_in_decimals(per_positive, n_positive, kept):
    outcome = (np.arange(500) < n_positive)[:, None]
    fewer = sampled(make_split(outcome), per_positive, starts=STARTS[:1])
    assert fewer.fitted.size == n_positive + kept


@pytest.mark.parametrize(("n_trials", "n_targets"), [(499, 3), (501, 3), (500, 2), (1000, 3)])
def test_ids_and_windows_of_other_samples_are_refused(split, n_trials, n_targets):
    starts = np.arange(n_targets, dtype=float)
    with pytest.raises(InputError, match="1500 samples"):
        sampled(split, 4, trial_ids=ids(n_trials), starts=starts)


def test_a_sample_is_drawn_by_its_identity_alone(split):
    fewer = sampled(split, 3)
    chosen = {divmod(int(sample), 3) for sample in fewer.fitted}
    order = np.random.default_rng(1).permutation(500)
    shuffled = make_split(split.outcome.reshape(500, 3)[order], split.role.reshape(500, 3)[order])
    again = sampled(shuffled, 3, trial_ids=ids(500)[order])
    assert {(int(order[s // 3]), s % 3) for s in again.fitted.tolist()} == chosen
    # More of them hold all that fewer did; another seed draws others.
    assert set(fewer.fitted) < set(sampled(split, 6).fitted)
    assert set(fewer.fitted) != set(sampled(split, 3, seed=2).fitted)


def test_every_negative_is_as_likely_as_any_other(split):
    negative = np.flatnonzero((split.role == TRAIN) & (split.outcome == 0))
    times = np.zeros(split.role.size)
    for seed in range(400):
        times[sampled(split, 5, seed).fitted] += 1
    share = sampled(split, 5).negative_fraction
    error = np.sqrt(share * (1 - share) * 400)
    deviation = (times[negative] - 400 * share) / error
    assert np.abs(deviation).max() < 4.5
    assert np.std(deviation) == pytest.approx(1.0, abs=0.1)


def fit(x, y):
    """Maximum likelihood by Newton steps: weights with the intercept last, and its variance."""
    columns, estimate = np.column_stack([x, np.ones(len(x))]), np.zeros(x.shape[1] + 1)
    for _ in range(12):
        chance = 1 / (1 + np.exp(-columns @ estimate))
        inverse = np.linalg.inv((columns * (chance * (1 - chance))[:, None]).T @ columns)
        estimate = estimate + inverse @ (columns.T @ (y - chance))
    return estimate, inverse[-1, -1]


def test_weights_and_corrected_intercept_are_those_of_all_samples():
    """Mean over draws of the sample, against the fit to all, within its Monte Carlo error."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(6000, 2))
    y = rng.random(6000) < 1 / (1 + np.exp(3.5 - x @ [1.0, -0.5]))
    split = make_split(y[:, None])
    everything, _ = fit(x, y)
    estimates = []
    for seed in range(80):
        fewer = sampled(split, 5, seed, starts=STARTS[:1])
        estimate, _ = fit(x[fewer.fitted], y[fewer.fitted])
        estimate[-1] += full_scale(fewer).shift
        estimates.append(estimate)
    error = np.std(estimates, axis=0) / np.sqrt(80)
    # The maximum of a likelihood has a bias of the order of one over the number of positives.
    allowed = 4 * error + 1.0 / y.sum()
    assert (np.abs(np.mean(estimates, axis=0) - everything) < allowed).all()
    assert abs(full_scale(fewer).shift) > 20 * allowed[-1]


def test_the_standard_error_of_the_corrected_intercept_is_its_spread_over_data():
    rng = np.random.default_rng(4)
    intercepts, errors = [], []
    for seed in range(500):
        x = rng.normal(size=(800, 1))
        y = rng.random(800) < 1 / (1 + np.exp(1.5 - 0.5 * x[:, 0]))
        fewer = sampled(make_split(y[:, None]), 1, seed, starts=STARTS[:1])
        estimate, variance = fit(x[fewer.fitted], y[fewer.fitted])
        naive = np.sqrt(variance)
        intercepts.append(estimate[-1] + full_scale(fewer).shift)
        errors.append((full_scale(fewer).standard_error(naive), naive))
    corrected, naive = np.mean(errors, axis=0)
    assert np.std(intercepts) == pytest.approx(corrected, rel=0.1)
    assert naive > 1.2 * corrected


def test_relative_efficiency_is_that_of_a_difference_of_two_means():
    # var(mean of p positives) + var(mean of n negatives), all negatives against those kept
    assert relative_efficiency(100, 600, 0.1) == pytest.approx(
        (1 / 100 + 1 / 5000) / (1 / 100 + 1 / 500)
    )
    assert relative_efficiency(100, 600, 1.0) == 1.0
    assert relative_efficiency(100, 1100, 1e-9) == pytest.approx(10 / 11)
