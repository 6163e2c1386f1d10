"""AUROC uncertainty: against the definition, closed forms and simulation."""

import numpy as np
import pytest
from scipy.stats import norm, t

from synreduce.evaluation import (
    auroc_difference,
    delong_covariance,
    delong_interval,
)
from synreduce.metrics import auroc


def brute_force(y, scores):
    positive, negative = scores[:, y == 1], scores[:, y == 0]
    kernel = (positive[:, :, None] > negative[:, None, :]) + 0.5 * (
        positive[:, :, None] == negative[:, None, :]
    )
    by_positive, by_negative = kernel.mean(axis=2), kernel.mean(axis=1)
    covariance = np.cov(by_positive) / positive.shape[1] + np.cov(by_negative) / negative.shape[1]
    return kernel.mean(axis=(1, 2)), covariance


def test_delong_is_the_pairwise_definition_with_ties():
    rng = np.random.default_rng(0)
    y = (rng.random(150) < 0.3).astype(int)
    scores = np.round(rng.normal(size=(3, 150)) + y, 1)
    value, covariance = delong_covariance(y, scores)
    expected_value, expected_covariance = brute_force(y, scores)
    assert value == pytest.approx(expected_value, abs=1e-13)
    assert covariance == pytest.approx(expected_covariance, abs=1e-14)
    assert value[0] == pytest.approx(auroc(y, scores[0]), abs=1e-13)


def test_interval_covers_the_true_auroc_as_often_as_it_says():
    rng = np.random.default_rng(1)
    truth = norm.cdf(1.5 / np.sqrt(2))  # binormal model, unit variances
    y = np.arange(300) < 60
    hits = [
        interval.low <= truth <= interval.high
        for interval in (delong_interval(y, rng.normal(size=300) + 1.5 * y) for _ in range(600))
    ]
    assert np.mean(hits) == pytest.approx(0.95, abs=0.03)


def test_standard_error_matches_the_bootstrap():
    rng = np.random.default_rng(2)
    y = np.arange(400) < 80
    score = rng.normal(size=400) + y
    draws = []
    for _ in range(400):
        index = np.concatenate([rng.integers(0, 80, 80), rng.integers(80, 400, 320)])
        draws.append(auroc(y[index], score[index]))
    assert delong_interval(y, score).standard_error == pytest.approx(np.std(draws), rel=0.12)


def test_difference_uses_the_correlation_of_the_scores():
    rng = np.random.default_rng(3)
    y = np.arange(500) < 100
    score = rng.normal(size=500) + y
    same = auroc_difference(y, score, 2 * score + 1)
    assert (same.value, same.p_value) == (0.0, 1.0)
    close = auroc_difference(y, score, score + rng.normal(scale=0.1, size=500))
    apart = auroc_difference(y, score, rng.normal(size=500))
    assert close.standard_error < 0.3 * apart.standard_error
    assert apart.p_value < 1e-4


def test_undefined_intervals_are_nan():
    assert np.isnan(delong_interval([0, 0], [1.0, 2.0]).value)
    single = delong_interval([0, 0, 1], [1.0, 3.0, 2.0])
    assert single.value == 0.5
    assert np.isnan(single.low)
    assert np.isnan(delong_interval([0, 0, 1, 1], [1.0, 2.0, 3.0, 4.0]).high)


def dependent_samples(rng, n_units=120, size=4):
    """Score and outcome share a cause that is the same in all samples of a unit."""
    unit = np.repeat(np.arange(n_units), size)
    cause = 2 * rng.normal(size=n_units)[unit]
    y = cause + rng.normal(size=unit.size) > 1.2
    return unit, y, np.round(cause + rng.normal(size=unit.size), 1)


def test_units_of_one_sample_change_nothing_and_copies_add_nothing():
    rng = np.random.default_rng(10)
    y = (rng.random(90) < 0.3).astype(int)
    scores = np.round(rng.normal(size=(2, 90)) + y, 1)
    alone = delong_covariance(y, scores)
    assert delong_covariance(y, scores, np.arange(90)[::-1])[1] == pytest.approx(alone[1], 1e-12)
    copies = delong_covariance(np.tile(y, 5), np.tile(scores, 5), np.tile(np.arange(90), 5))
    assert copies[0] == pytest.approx(alone[0], abs=1e-13)
    assert copies[1] == pytest.approx(alone[1], rel=1e-12)


def test_variance_with_units_is_the_published_sum():
    unit, y, score = dependent_samples(np.random.default_rng(11), 40)
    positive, negative = score[y], score[~y]
    wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    m, n, theta = positive.size, negative.size, wins.mean()
    s10 = s01 = s11 = 0.0
    for number in range(40):  # Obuchowski 1997, equations of section 2
        mine, other = unit[y] == number, unit[~y] == number
        first = wins.mean(axis=1)[mine].sum() - mine.sum() * theta
        second = wins.mean(axis=0)[other].sum() - other.sum() * theta
        s10, s01, s11 = s10 + first**2, s01 + second**2, s11 + first * second
    with_positive, with_negative = np.unique(unit[y]).size, np.unique(unit[~y]).size
    s10 *= with_positive / ((with_positive - 1) * m)
    s01 *= with_negative / ((with_negative - 1) * n)
    s11 *= 40 / 39
    expected = s10 / m + s01 / n + 2 * s11 / (m * n)
    assert delong_covariance(y, score, unit)[1][0, 0] == pytest.approx(expected, rel=1e-12)


def test_standard_error_with_units_matches_the_bootstrap_over_units():
    rng = np.random.default_rng(12)
    unit, y, score = dependent_samples(rng)
    y2, score2 = y.reshape(120, 4), score.reshape(120, 4)
    draws = [
        auroc(y2[chosen].ravel(), score2[chosen].ravel())
        for chosen in (rng.integers(0, 120, 120) for _ in range(800))
    ]
    with_units = delong_interval(y, score, units=unit)
    assert with_units.standard_error == pytest.approx(np.std(draws), rel=0.12)
    assert with_units.standard_error > 1.3 * delong_interval(y, score).standard_error


def test_few_units_give_wide_intervals_and_one_gives_none():
    rng = np.random.default_rng(13)
    y = np.arange(60) % 3 == 0
    score = rng.normal(size=60) + y
    few = delong_interval(y, score, units=np.arange(60) % 5)
    spread = np.diff(np.log(np.array([few.low, few.high]) / (1 - np.array([few.low, few.high]))))
    error = few.standard_error / (few.value * (1 - few.value))
    assert spread[0] == pytest.approx(2 * t.ppf(0.975, 4) * error)
    assert np.isnan(delong_interval(y, score, units=np.zeros(60)).low)
