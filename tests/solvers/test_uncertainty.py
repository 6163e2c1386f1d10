"""Errors of a penalised fit against closed forms, and which weights the data decide."""

import numpy as np
import pytest

from synreduce.design import ArrayRows, FeatureLayout, Term
from synreduce.solvers import DETERMINED_SHARE, FitProblem, build_solver
from synreduce.solvers.newton import NewtonOptions
from synreduce.solvers.uncertainty import UNDERSMOOTHING, assess
from synreduce.strategies import FactorModel

from .planted_problem import plant


def test_covariance_is_sampling_covariance_and_squared_bias():
    rng = np.random.default_rng(2)
    layout = FeatureLayout([Term("EXC", 2, 2)])
    root = rng.standard_normal((9, 5))
    hessian, penalty = root.T @ root, np.diag([3.0, 1.0, 0.5, 2.0])
    theta = rng.standard_normal(4)
    found = assess(FactorModel(layout, "full"), theta, hessian, penalty)
    wide = np.zeros((5, 5))
    wide[:-1, :-1] = penalty
    inverse = np.linalg.inv(hessian + wide)
    weaker = np.linalg.inv(hessian + wide / UNDERSMOOTHING)
    released = np.append((1.0 - 1.0 / UNDERSMOOTHING) * penalty @ theta, 0.0)
    bias = (weaker @ released)[:-1]
    expected = (inverse @ hessian @ inverse)[:-1, :-1] + np.outer(bias, bias)
    assert found.covariance == pytest.approx(expected)
    assert found.degrees_of_freedom == pytest.approx(np.trace(inverse @ hessian))
    share = 1.0 - np.diag(inverse)[:-1] * np.diag(penalty)
    assert found.data_share == pytest.approx(np.clip(share, 0.0, 1.0))


def test_a_column_without_spikes_or_variance_is_not_determined():
    planted = plant(1500, seed=8)
    rows = planted.rows.copy()
    rows[:, 4] = 0.0
    rows[:, 9] = 5.0
    problem = FitProblem(planted.layout, ArrayRows(rows), planted.outcome, rank="full")
    for ridge in (1e-3, 0.0):
        fit = build_solver(NewtonOptions(ridge=ridge)).solve(problem)
        assert fit.data_share[4] < 1e-6
        assert fit.data_share[9] < DETERMINED_SHARE


def test_more_data_determine_more_weights():
    shares = []
    for n in (300, 3000, 30_000):
        fit = build_solver(NewtonOptions(ridge=0.05 * 3000 / n)).solve(
            plant(n, seed=9).problem(rank="full")
        )
        shares.append(float(np.mean(fit.data_share)))
    assert shares == sorted(shares)
    assert shares[-1] > DETERMINED_SHARE > shares[0]


def test_without_penalty_data_decide_everything_they_see():
    fit = build_solver(NewtonOptions(ridge=0.0)).solve(plant(2000, seed=3).problem(rank="full"))
    assert fit.data_share == pytest.approx(np.ones(fit.theta.size))
