"""The bootstrap against refits, closed forms, and itself in other circumstances."""

import numpy as np
import pytest
from scipy.stats import chi2, poisson
from sklearn.linear_model import LogisticRegression

from synreduce.chunks import unit_numbers
from synreduce.design import ArrayRows
from synreduce.solvers import FitProblem, Resampling, bootstrap, build_solver
from synreduce.solvers.lbfgs import LbfgsOptions
from synreduce.solvers.newton import NewtonOptions
from synreduce.solvers.penalty import penalty_scale
from synreduce.solvers.resampling import poisson_weights
from synreduce.solvers.training import TrainingData
from synreduce.solvers.uncertainty import UNDERSMOOTHING

from .planted_problem import plant
from .test_row_groups import BackwardRowGroups

PLANTED = plant(3000, seed=6)


def units(n):
    return unit_numbers(1, "bootstrap", [f"trial {i}" for i in range(n)])


def test_weights_are_poisson_and_belong_to_their_trial():
    draws = poisson_weights(units(2000), 100)
    counts = np.array([np.sum(draws == k) for k in range(5)] + [np.sum(draws >= 5)])
    expected = draws.size * np.append(poisson.pmf(range(5), 1.0), poisson.sf(4, 1.0))
    assert chi2.sf(np.sum((counts - expected) ** 2 / expected), 5) > 1e-4
    assert np.abs(np.corrcoef(draws[:5])[np.triu_indices(5, 1)]).max() < 0.1
    order = np.random.default_rng(0).permutation(2000)
    assert np.array_equal(poisson_weights(units(2000)[order], 100), draws[:, order])


@pytest.mark.parametrize("options", [NewtonOptions, LbfgsOptions])
def test_spread_equals_that_of_refits_with_the_same_weights(options):
    """Every replicate is refitted by scikit-learn on rows weighted as the replicate weighs them."""
    n, n_replicates, ridge = 1000, 60, 0.1
    problem = PLANTED.problem(n, rank="full")
    fit = build_solver(options(ridge=ridge, tolerance=1e-12)).solve(problem)
    found = bootstrap(problem, fit, Resampling(units(n), n_replicates))
    scale = np.sqrt(penalty_scale(TrainingData(problem)).ridge * ridge / UNDERSMOOTHING)
    model = LogisticRegression(C=1.0, tol=1e-8, solver="newton-cholesky", max_iter=200)
    refits = []
    for weight in poisson_weights(units(n), n_replicates):
        model.fit(problem.rows.array / scale, problem.outcome, sample_weight=weight)
        refits.append(model.coef_[0] / scale)
    # The same draws, so what differs is one Newton step against the whole way.
    ratio = found.std(axis=0) / np.std(refits, axis=0)
    assert 0.8 < np.median(ratio) < 1.15
    for one, other in zip(found.T, np.transpose(refits), strict=True):
        assert np.corrcoef(one, other)[0, 1] > 0.9


def test_spread_is_the_sandwich_of_trials():
    """Closed form: inverse curvature times the sum of squared gradients per trial, and again."""
    n, per_trial = 3000, 5
    trial = np.arange(n) // per_trial
    problem = PLANTED.problem(n)
    fit = build_solver(NewtonOptions(ridge=0.01, tolerance=1e-12)).solve(problem)
    found = bootstrap(problem, fit, Resampling(units(n // per_trial)[trial], 3000))
    data = TrainingData(problem)
    rows = np.column_stack([problem.rows.array.astype(float), np.ones(n)])
    weights = np.append(fit.theta, fit.intercept)
    hessian = data.curvature(weights).total[2]
    hessian[:-1, :-1] += penalty_scale(data).matrix(0.01 / UNDERSMOOTHING)
    left, values, _ = np.linalg.svd(problem.model.jacobian(fit.vector))
    free = left[:, : np.sum(values > 1e-9 * values[0])]
    free = np.block([[free, np.zeros((len(free), 1))], [np.zeros((1, free.shape[1])), 1.0]])
    residual = 1.0 / (1.0 + np.exp(-rows @ weights)) - problem.outcome
    score = np.zeros((n // per_trial, rows.shape[1]))
    np.add.at(score, trial, residual[:, None] * rows)
    bread = free @ np.linalg.inv(free.T @ hessian @ free) @ free.T
    expected = np.sqrt(np.diag(bread @ score.T @ score @ bread)[:-1])
    assert found.std(axis=0) / expected == pytest.approx(np.ones(expected.size), abs=0.15)
    assert np.median(found.std(axis=0) / expected) == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize("rank", [1, "full"])
def test_replicates_do_not_depend_on_memory_or_workers(rank, monkeypatch):
    monkeypatch.setattr("synreduce.solvers.row_groups.ROWS_PER_GROUP", 1000)
    monkeypatch.setattr("synreduce.solvers.row_groups.ROWS_PER_BLOCK", 500)
    problem = PLANTED.problem(rank=rank)
    fit = build_solver(NewtonOptions(ridge=0.1)).solve(problem)
    resampling = Resampling(units(3000), 50)
    first = bootstrap(problem, fit, resampling)

    spread = PLANTED.problem(rank=rank, cache_bytes=0, spread=BackwardRowGroups)
    for other in (PLANTED.problem(rank=rank, cache_bytes=0), spread):
        assert np.array_equal(bootstrap(other, fit, resampling), first)


def test_replicates_do_not_depend_on_the_order_of_trials():
    n = 2000
    problem = PLANTED.problem(n)
    fit = build_solver(NewtonOptions(ridge=0.1)).solve(problem)
    first = bootstrap(problem, fit, Resampling(units(n), 50))
    order = np.random.default_rng(1).permutation(n)
    mixed = FitProblem(
        PLANTED.layout, ArrayRows(PLANTED.rows[:n][order]), PLANTED.outcome[:n][order]
    )
    other = bootstrap(mixed, fit, Resampling(units(n)[order], 50))
    assert other == pytest.approx(first, rel=1e-8, abs=1e-9 * np.abs(first).max())


def test_solvers_without_likelihood_have_no_replicates():
    problem = PLANTED.problem(1000)
    fit = build_solver("lda").solve(problem)
    assert bootstrap(problem, fit, Resampling(units(1000), 50)) is None
