"""AUROC uncertainty: against the definition, closed forms and simulation."""

import numpy as np
import pytest
from scipy.stats import norm

from synreduce.evaluation import (
    auroc_difference,
    delong_covariance,
    delong_interval,
    permutation_baseline,
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


def test_permuted_auroc_has_the_mann_whitney_distribution():
    y = np.arange(120) < 20
    score = np.random.default_rng(4).normal(size=120)
    baseline = permutation_baseline(y, score, np.random.default_rng(5), 4000)
    expected = np.sqrt((20 + 100 + 1) / (12 * 20 * 100))
    assert baseline.mean == pytest.approx(0.5, abs=4 * expected / np.sqrt(4000))
    assert baseline.standard_deviation == pytest.approx(expected, rel=0.05)
    assert baseline.quantile_95 == pytest.approx(0.5 + 1.645 * expected, abs=0.01)


def test_permutation_p_value_and_seed():
    y = np.arange(100) < 30
    score = y + np.random.default_rng(6).normal(size=100)
    first = permutation_baseline(y, score, np.random.default_rng(7), 199)
    assert first.p_value == pytest.approx(1 / 200)
    assert first == permutation_baseline(y, score, np.random.default_rng(7), 199)
    assert np.isnan(permutation_baseline([1, 1], [0.0, 1.0], np.random.default_rng(0)).mean)
