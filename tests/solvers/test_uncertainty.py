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
    layout = FeatureLayout([Term("EXC", 1, 2), Term("INH", 2, 1)])
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
    assert found.bias_corrected.theta == pytest.approx(theta + bias)
    assert len(found.bias_corrected.covariance) == 2
    assert found.bias_corrected.covariance[0] == pytest.approx(weaker[:2, :2])
    assert found.bias_corrected.covariance[1] == pytest.approx(weaker[2:4, 2:4])
    assert found.degrees_of_freedom == pytest.approx(np.trace(inverse @ hessian))
    share = 1.0 - np.diag(inverse)[:-1] * np.diag(penalty)
    assert found.data_share == pytest.approx(np.clip(share, 0.0, 1.0))


@pytest.mark.parametrize("rank", [1, "full"])
def test_weights_without_bias_are_those_of_a_weaker_ridge(rank):
    problem = plant(8000, seed=4).problem(rank=rank)
    fits = [
        build_solver(NewtonOptions(ridge=ridge, tolerance=1e-12)).solve(problem)
        for ridge in (0.1, 0.1 / UNDERSMOOTHING)
    ]
    moved = np.linalg.norm(fits[0].theta - fits[1].theta)
    left = np.linalg.norm(fits[0].bias_corrected.theta - fits[1].theta)
    assert left < 0.25 * moved


def test_rescaled_terms_keep_the_ratio_of_weights_to_errors():
    fit = build_solver(NewtonOptions(ridge=0.1)).solve(plant(500, seed=4).problem())
    corrected, scaled = fit.bias_corrected, fit.bias_corrected.scaled([2.0, -3.0])
    size = len(corrected.covariance[0])
    assert scaled.theta[:size] == pytest.approx(2.0 * corrected.theta[:size])
    assert scaled.theta[size:] == pytest.approx(-3.0 * corrected.theta[size:])
    assert scaled.covariance[1] == pytest.approx(9.0 * corrected.covariance[1])


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
