"""Sums over samples keep their bits wherever and in whatever order groups are summed."""

import pickle

import numpy as np
import pytest

from synreduce.design import FeatureLayout, Term
from synreduce.solvers import FitProblem, row_groups
from synreduce.solvers.newton import NewtonSolver
from synreduce.solvers.row_groups import group_ranges, read_blocks, samples_of
from synreduce.solvers.training import TrainingData

N_ROWS = 9000


@pytest.fixture(autouse=True)
def small_groups(monkeypatch):
    monkeypatch.setattr(row_groups, "ROWS_PER_BLOCK", 1000)
    monkeypatch.setattr(row_groups, "ROWS_PER_GROUP", 4000)


class BackwardRowGroups:
    """Runs the last group first, on what came out of a message."""

    used = 0

    def __init__(self, rows, _cache_bytes):
        self.rows = pickle.loads(pickle.dumps(rows))
        type(self).used += 1

    def map(self, function, samples, arguments):
        results = [
            pickle.loads(pickle.dumps(function))(
                read_blocks(self.rows, *where), *samples_of(samples, *where), *arguments
            )
            for where in reversed(group_ranges(self.rows.n_rows))
        ]
        yield from reversed(results)


class GeneratedRows:
    """Rows that follow from their position: nothing is kept."""

    n_rows, n_features = N_ROWS, 4

    def read(self, start, stop):
        place = np.arange(start, stop)[:, None] * np.array([0.013, 0.7, 1.9, 3.1])
        return np.sin(place) * np.array([1.0, 3.0, 0.2, 10.0])


def problem(**options):
    rows = GeneratedRows()
    everything = rows.read(0, N_ROWS)
    log_odds = everything @ np.array([0.8, -0.4, 1.0, 0.05]) - 2.0
    outcome = np.random.default_rng(5).random(N_ROWS) < 1.0 / (1.0 + np.exp(-log_odds))
    layout = FeatureLayout([Term("EXC", 2, 1), Term("INH", 2, 1)])
    return FitProblem(layout, rows, outcome, **options)


@pytest.mark.parametrize("cache_bytes", [0, 10**9])
def test_a_fit_keeps_its_bits_when_its_rows_are_spread(cache_bytes):
    BackwardRowGroups.used = 0
    here = NewtonSolver().solve(problem(cache_bytes=cache_bytes))
    spread = NewtonSolver().solve(problem(cache_bytes=0, spread=BackwardRowGroups))
    assert BackwardRowGroups.used == 1
    assert here.usable
    for name in ("theta", "intercept", "objective", "covariance", "train_auroc", "trace"):
        assert np.asarray(getattr(here, name)).tobytes() == (
            np.asarray(getattr(spread, name)).tobytes()
        ), name


def test_sums_over_groups_are_the_sums_over_all_rows():
    data = TrainingData(problem(cache_bytes=0))
    rows = np.column_stack([GeneratedRows().read(0, N_ROWS), np.ones(N_ROWS)])
    at = np.array([0.3, -0.1, 0.2, 0.02, -1.0])
    score = rows @ at
    fold = np.arange(N_ROWS) % 3
    loss = np.logaddexp(0.0, score) - data.outcome * score
    assert data.losses(at[:, None])[0] == pytest.approx(loss.sum())
    held_out = data.held_out_losses(np.repeat(at[:, None, None], 3, axis=2), fold)
    assert held_out[0] == pytest.approx(np.bincount(fold, loss))
    assert data.curvature(at, fold, 3).value == pytest.approx(np.bincount(fold, loss))
    assert data.scores(at[:-1]) == pytest.approx(score - at[-1])
    assert data.weighted_sum(fold.astype(float)) == pytest.approx(fold @ rows[:, :-1])
    assert data.n_bad_rows == 0
    positive, moments = data.outcome == 1, data.class_moments
    assert moments.mean_positive == pytest.approx(rows[positive, :-1].mean(axis=0))
    centred = rows[:, :-1] - np.where(
        positive[:, None], moments.mean_positive, moments.mean_negative
    )
    assert moments.within == pytest.approx(centred.T @ centred / N_ROWS)


def test_rows_that_fit_are_kept_here():
    BackwardRowGroups.used = 0
    TrainingData(problem(spread=BackwardRowGroups))
    assert BackwardRowGroups.used == 0
