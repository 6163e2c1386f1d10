"""Calibration of scores."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from synreduce.errors import InputError
from synreduce.evaluation import calibrate


def test_calibration_is_unpenalised_logistic_regression():
    rng = np.random.default_rng(0)
    score = 50 + 10 * rng.normal(size=3000)
    y = rng.random(3000) < 1 / (1 + np.exp(3 - 0.12 * (score - 50)))
    expected = LogisticRegression(C=1e8, tol=1e-10, max_iter=1000).fit(score[:, None], y)
    found = calibrate(score, y)
    assert found.slope == pytest.approx(expected.coef_.item(), rel=1e-3)
    assert found.intercept == pytest.approx(expected.intercept_.item(), rel=1e-3)
    assert found.probability(score).mean() == pytest.approx(y.mean(), rel=1e-4)


def test_a_perfect_score_stays_finite():
    found = calibrate(np.arange(20.0), np.arange(20) >= 10)
    assert np.isfinite([found.slope, found.intercept]).all()
    assert found.probability([0.0, 19.0]) == pytest.approx([0.0, 1.0], abs=0.01)


def test_undefined_calibration_is_nan():
    assert np.isnan(calibrate([1.0, 2.0], [1, 1]).slope)
    assert np.isnan(calibrate([1.0, np.nan], [0, 1]).intercept)
    with pytest.raises(InputError, match="one score per outcome"):
        calibrate([1.0], [0, 1])
