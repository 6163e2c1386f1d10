"""Permutation baseline: against closed forms and counting by hand."""

import numpy as np
import pytest

from synreduce.chunks import TEST_FIRST, Split
from synreduce.evaluation import permutation_baseline, split_baseline
from synreduce.metrics import auroc

N_TRIALS, N_TARGETS = 60, 5


def make_split(outcome, role=None, unit_of_trial=None, block_of_target=None):
    n_trials, n_targets = outcome.shape
    role = np.full(outcome.shape, TEST_FIRST, np.uint8) if role is None else role
    unit = np.arange(n_trials) if unit_of_trial is None else unit_of_trial
    block = np.zeros(n_targets, np.int64) if block_of_target is None else block_of_target
    return Split("random", role.ravel(), outcome.astype(np.uint8).ravel(), unit, block)


def baseline(split, score, seed=0, n_permutations=400):
    return split_baseline(
        split, split.test, score.ravel(), np.random.default_rng(seed), n_permutations
    )


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


def test_a_score_that_knows_the_time_alone_is_its_own_baseline():
    rng = np.random.default_rng(8)
    rate = np.linspace(0.02, 0.6, N_TARGETS)
    outcome = rng.random((N_TRIALS, N_TARGETS)) < rate
    score = np.broadcast_to(rate, outcome.shape)
    split = make_split(outcome)
    found = baseline(split, score)
    assert found.mean == pytest.approx(auroc(outcome.ravel(), score.ravel()), abs=1e-12)
    assert found.p_value == 1.0
    naive = permutation_baseline(outcome.ravel(), score.ravel(), np.random.default_rng(0), 400)
    assert naive.p_value < 0.01


def test_dependent_samples_are_exchanged_together():
    """Trials that spike as a whole: without a relation, chance is as wide as trials are few."""
    rng = np.random.default_rng(9)
    trial_spikes = np.arange(N_TRIALS) < 15
    outcome = np.repeat(trial_spikes[:, None], N_TARGETS, axis=1)
    score = np.repeat(rng.normal(size=N_TRIALS)[:, None], N_TARGETS, axis=1)
    found = baseline(make_split(outcome), score, n_permutations=3000)
    of_trials = np.sqrt((15 + 45 + 1) / (12 * 15 * 45))
    assert found.standard_deviation == pytest.approx(of_trials, rel=0.05)
    pairs = np.arange(N_TRIALS) // 2  # two trials of one simulation each
    outcome, score = outcome[::2].repeat(2, axis=0), score[::2].repeat(2, axis=0)
    found = baseline(make_split(outcome, unit_of_trial=pairs), score, n_permutations=3000)
    n_positive = int(outcome[::2, 0].sum())
    of_pairs = np.sqrt(31 / (12 * n_positive * (30 - n_positive)))
    assert found.standard_deviation == pytest.approx(of_pairs, rel=0.05)


def test_excluded_samples_stay_excluded_with_their_outcome():
    """Three trials, two targets: all six orders counted by hand."""
    outcome = np.array([[1, 0], [0, 0], [0, 1]])
    role = np.where(np.array([[1, 0], [1, 1], [1, 1]]), TEST_FIRST, 0).astype(np.uint8)
    score = np.array([[3.0, 1.0], [2.0, 5.0], [4.0, 6.0]])
    areas = []
    for order in ([0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]):
        kept = (role[order] > 0).ravel()
        areas.append(auroc(outcome[order].ravel()[kept], score.ravel()[kept]))
    found = baseline(make_split(outcome, role), score, n_permutations=6000)
    assert found.mean == pytest.approx(np.mean(areas), abs=0.01)
    assert found.standard_deviation == pytest.approx(np.std(areas), abs=0.01)
    assert found.p_value == pytest.approx(np.mean(np.array(areas) >= areas[0]), abs=0.02)


def test_blocks_of_time_are_shifted_along_each_trial():
    outcome = np.zeros((2, 8), dtype=int)
    outcome[:, 2] = 1
    role = np.zeros((2, 8), np.uint8)
    role[:, 2:7] = TEST_FIRST
    score = np.tile(np.arange(8.0), (2, 1))
    split = make_split(outcome, role, np.zeros(2, np.int64), np.repeat([0, 1], 4))
    found = baseline(split, score, n_permutations=2000)
    # The spike moves to the second to fifth of five samples: AUROC 1/4, 2/4, 3/4 or 1.
    assert found.mean == pytest.approx(0.625, abs=0.02)
    assert found.quantile_95 == 1.0
    assert found.p_value == 1.0
