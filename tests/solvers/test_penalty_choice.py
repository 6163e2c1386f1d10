"""Choice of the penalty inside the training samples."""

import numpy as np
import pytest

from synreduce.design import ArrayRows
from synreduce.errors import ConfigurationError
from synreduce.solvers import FitProblem, build_solver
from synreduce.solvers.folds import assign_folds
from synreduce.solvers.newton import NewtonOptions

from .planted_problem import plant

PLANTED = plant(2500, seed=6)


def held_out_loss_by_refitting(problem, ridge):
    fold, n_folds = assign_folds(problem, 5)
    rows, outcome, total = problem.rows.array, problem.outcome, 0.0
    for left_out in range(n_folds):
        kept = fold != left_out
        fit = build_solver(NewtonOptions(ridge=ridge)).solve(
            FitProblem(problem.layout, ArrayRows(rows[kept]), outcome[kept], rank=problem.rank)
        )
        score = rows[~kept] @ fit.theta + fit.intercept
        total += np.sum(np.logaddexp(0.0, score) - outcome[~kept] * score)
    return total / outcome.size


@pytest.mark.parametrize("rank", [1, "full"])
def test_curve_equals_refitting_without_each_fold(rank):
    problem = PLANTED.problem(1500, rank=rank)
    curve = build_solver("newton").solve(problem).penalty_curve
    steps = np.abs(np.log10(curve.ridge / curve.ridge[curve.chosen]))
    for reach, tolerance in ((0.6, 0.0035), (1.1, 0.015)):
        near = np.flatnonzero(steps < reach)
        exact = [held_out_loss_by_refitting(problem, float(curve.ridge[at])) for at in near]
        assert curve.loss[near] == pytest.approx(exact, rel=tolerance)


def test_chosen_strength_is_the_least_or_a_stronger_one_that_cannot_be_told_apart():
    curve = build_solver("newton").solve(PLANTED.problem()).penalty_curve
    least = int(np.argmin(curve.loss))
    assert curve.ridge[curve.chosen] >= curve.ridge[least]
    assert curve.loss[curve.chosen] - curve.loss[least] <= curve.standard_error[least] + 1e-12
    assert curve.n_folds == 5


def test_scarce_spikes_ask_for_more_ridge_than_plenty():
    scarce = build_solver("newton").solve(PLANTED.problem(150, rank="full"))
    plenty = build_solver("newton").solve(plant(8000, seed=6).problem(rank="full"))
    assert scarce.ridge > plenty.ridge


@pytest.mark.parametrize(
    ("n", "seed", "least"), [(150, 0, 0.1), (150, 3, 0.01), (100, 11, 1.0), (150, 12, 0.3)]
)
def test_a_handful_of_spikes_does_not_lead_to_a_ridge_too_weak_to_hold_them(n, seed, least):
    """10 to 15 spikes for 30 columns; refits without each fold are the independent source."""
    planted = plant(n, seed=seed, offset=-3.5)
    problem = planted.problem(rank="full")
    chosen = build_solver("newton").solve(problem).ridge
    assert chosen >= least
    weak, taken = (held_out_loss_by_refitting(problem, ridge) for ridge in (0.1 * least, chosen))
    assert taken < weak


def test_smoothness_is_chosen_and_smooths():
    problem = PLANTED.problem(600, rank="full", roughness=PLANTED.roughness)
    plain = build_solver("newton").solve(problem)
    smooth = build_solver(NewtonOptions(smoothness="auto")).solve(problem)
    strong = build_solver(NewtonOptions(smoothness=10.0)).solve(problem)

    def roughness(result):
        return result.theta @ PLANTED.roughness @ result.theta / (result.theta @ result.theta)

    curve = smooth.penalty_curve
    assert len(set(curve.smoothness)) > 1
    assert (smooth.ridge, smooth.smoothness) == (
        curve.ridge[curve.chosen],
        curve.smoothness[curve.chosen],
    )
    assert roughness(strong) < roughness(smooth)
    assert roughness(strong) < roughness(plain)


@pytest.mark.parametrize("smoothness", ["auto", 0.1])
def test_smoothness_without_its_form_is_refused(smoothness):
    solver = build_solver(NewtonOptions(smoothness=smoothness))
    with pytest.raises(ConfigurationError, match="lacks roughness"):
        solver.solve(PLANTED.problem(100))


def test_given_strengths_are_used_without_cross_validation():
    result = build_solver(NewtonOptions(ridge=0.3, smoothness=0.0)).solve(PLANTED.problem(500))
    assert (result.ridge, result.smoothness) == (0.3, 0.0)
    assert result.penalty_curve is None


def test_groups_stay_together_and_spikes_are_spread_evenly():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 60, 1200)
    outcome = rng.random(1200) < 0.05
    problem = FitProblem(
        PLANTED.layout, ArrayRows(PLANTED.rows[:1200]), outcome, fold_groups=groups
    )
    fold, n_folds = assign_folds(problem, 5)
    assert n_folds == 5
    assert all(len(set(fold[groups == group])) == 1 for group in range(60))
    spikes = np.bincount(fold, weights=outcome)
    assert spikes.max() - spikes.min() <= 3


def test_few_groups_make_few_folds():
    outcome = np.zeros(100, dtype=bool)
    outcome[[3, 60]] = True
    groups = np.repeat([0, 1, 2, 3], 25)
    rows = ArrayRows(PLANTED.rows[:100])
    problem = FitProblem(PLANTED.layout, rows, outcome, fold_groups=groups)
    fold, n_folds = assign_folds(problem, 5)
    assert n_folds == 2
    assert fold[3] != fold[60]
    single = FitProblem(PLANTED.layout, rows, outcome, fold_groups=np.zeros(100, dtype=int))
    assert assign_folds(single, 5)[1] == 1
    result = build_solver("newton").solve(single)
    assert result.usable
    assert result.penalty_curve is None


def test_constant_columns_and_separable_classes_do_not_break_the_choice():
    rows = PLANTED.rows[:300].copy()
    rows[:, :4] = 1.0
    outcome = rows @ PLANTED.theta > np.quantile(rows @ PLANTED.theta, 0.95)
    result = build_solver("newton").solve(FitProblem(PLANTED.layout, ArrayRows(rows), outcome))
    assert result.usable
    assert np.isfinite(result.penalty_curve.loss).all()
