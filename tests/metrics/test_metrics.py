"""Metrics against scikit-learn and definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from sklearn.metrics import log_loss as reference_log_loss

from synreduce.errors import InputError
from synreduce.metrics import (
    METRICS,
    auroc,
    average_precision,
    bits_per_spike,
    brier,
    evaluate,
    log_loss,
)

pairs = st.lists(st.tuples(st.booleans(), st.integers(-4, 4)), min_size=2, max_size=60)


@settings(max_examples=60, deadline=None)
@given(pairs)
def test_rank_metrics_equal_scikit_learn_with_ties(drawn):
    y, score = (np.array(column) for column in zip(*drawn, strict=True))
    if len(set(y.tolist())) == 2:
        assert auroc(y, score) == pytest.approx(roc_auc_score(y, score), abs=1e-12)
        assert average_precision(y, score) == pytest.approx(
            average_precision_score(y, score), abs=1e-12
        )


def test_auroc_is_the_chance_that_a_positive_wins():
    rng = np.random.default_rng(0)
    y, score = rng.random(300) < 0.2, rng.integers(0, 20, 300)
    difference = score[y][:, None] - score[~y][None, :]
    wins = np.mean((difference > 0) + 0.5 * (difference == 0))
    assert auroc(y, score) == pytest.approx(wins, abs=1e-14)


def test_auroc_takes_infinite_scores_and_any_order():
    y = np.array([0, 1, 0, 1])
    assert auroc(y, [-np.inf, np.inf, 0.0, 0.0]) == 0.875
    assert auroc(y[::-1], [0.0, 0.0, np.inf, -np.inf]) == 0.875


def test_auroc_ignores_rising_transformations():
    rng = np.random.default_rng(1)
    y, score = rng.random(500) < 0.1, rng.standard_normal(500)
    assert auroc(y, score) == auroc(y, np.exp(score))
    assert auroc(y, score) == pytest.approx(1.0 - auroc(y, -score), abs=1e-15)


@pytest.mark.parametrize("y", [[0, 0, 0], [1, 1, 1]])
def test_one_class_has_no_auroc(y):
    assert np.isnan(auroc(y, [1.0, 2.0, 3.0]))
    assert np.isnan(bits_per_spike(y, [0.1, 0.2, 0.3]))


def test_probability_metrics_equal_scikit_learn():
    rng = np.random.default_rng(2)
    y, chance = rng.random(400) < 0.3, rng.random(400)
    assert log_loss(y, chance) == pytest.approx(reference_log_loss(y, chance))
    assert brier(y, chance) == pytest.approx(brier_score_loss(y, chance))


def test_bits_per_spike_counts_from_the_constant_rate():
    y = np.array([0, 0, 0, 1])
    assert bits_per_spike(y, np.full(4, 0.25)) == pytest.approx(0.0, abs=1e-12)
    gain = np.log2(0.5 / 0.25) + 3 * np.log2((1 - 0.1) / 0.75)
    assert bits_per_spike(y, [0.1, 0.1, 0.1, 0.5]) == pytest.approx(gain)


def test_certain_and_wrong_is_finite():
    assert np.isfinite(log_loss([1, 0], [0.0, 1.0]))


def test_all_metrics_at_once():
    y, score = [0, 1, 0, 1], [0.1, 0.9, 0.4, 0.3]
    values = evaluate(y, score, score)
    assert tuple(values) == METRICS
    assert values["auroc"] == auroc(y, score)
    without = evaluate(y, score)
    assert without["auroc"] == values["auroc"]
    assert np.isnan([without["log_loss"], without["brier"], without["bits_per_spike"]]).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: auroc([0, 1], [1.0, np.nan]), "1 values are NaN"),
        (lambda: auroc([0, 2], [1.0, 2.0]), "other than 0 and 1"),
        (lambda: auroc([0, 1], [1.0]), "one value per outcome"),
        (lambda: brier([0, 1], [0.5, 1.5]), "from 0.5 to 1.5"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
