"""The likelihood solvers against other implementations and closed forms."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

from synreduce.design import ArrayRows, SelectedRows
from synreduce.solvers import FitProblem, agreement, build_solver, restart_start
from synreduce.solvers.budget import Budget
from synreduce.solvers.calibration import calibrate
from synreduce.solvers.lbfgs import LbfgsOptions
from synreduce.solvers.lda import LdaOptions
from synreduce.solvers.newton import NewtonOptions
from synreduce.solvers.newton_steps import Point, newton_fit
from synreduce.solvers.penalty import penalty_scale
from synreduce.solvers.quadratic import Quadratic, minimise_quadratic, solve_symmetric
from synreduce.solvers.sums import logistic
from synreduce.solvers.training import TrainingData
from synreduce.solvers.uncertainty import UNDERSMOOTHING
from synreduce.strategies import FactorModel

from .planted_problem import cosine, plant

PLANTED = plant(4000, seed=3)


def loss(rows, outcome, weights):
    score = rows @ weights[:-1] + weights[-1]
    return float(np.sum(np.logaddexp(0.0, score) - outcome * score))


def fold_labels(n, k=5):
    return np.random.default_rng(9).integers(0, k, n)


def test_curvature_equals_numerical_derivatives():
    problem = PLANTED.problem(300)
    data, rng = TrainingData(problem), np.random.default_rng(0)
    rows = np.asarray(problem.rows.array, dtype=np.float64)
    at = np.append(0.1 * rng.standard_normal(rows.shape[1]), -1.0)
    curvature = data.curvature(at)
    value, gradient, hessian = curvature.total
    assert value == pytest.approx(loss(rows, problem.outcome, at))
    slope = approx_fprime(at, lambda point: loss(rows, problem.outcome, point), 1e-6)
    assert gradient == pytest.approx(slope, rel=1e-4, abs=1e-2)
    chance = logistic(rows @ at[:-1] + at[-1])
    wide = np.column_stack([rows, np.ones(len(rows))])
    assert hessian == pytest.approx((wide * (chance * (1 - chance))[:, None]).T @ wide)
    assert data.slope(at)[1] == pytest.approx(gradient)
    assert data.losses(np.stack([at, 2 * at], axis=1))[0] == pytest.approx(value)


def test_parts_of_the_curvature_add_up():
    data = TrainingData(PLANTED.problem(500))
    at = np.zeros(PLANTED.layout.n_features + 1)
    part = fold_labels(500)
    together, apart = data.curvature(at), data.curvature(at, part, 5)
    for whole, pieces in zip(together.total, apart.total, strict=True):
        assert pieces == pytest.approx(whole)
    rest = data.curvature(at, (part == 2).astype(np.int64), 2)
    assert apart.without(2).total[2] == pytest.approx(rest.hessian[0])


@pytest.mark.parametrize("strength", [0.01, 1.0])
@pytest.mark.parametrize("options", [NewtonOptions, LbfgsOptions])
def test_full_rank_fit_equals_scikit_learn(strength, options):
    problem = PLANTED.problem(3000, rank="full")
    result = build_solver(options(ridge=strength, tolerance=1e-12)).solve(problem)
    scale = penalty_scale(TrainingData(problem)).ridge * strength
    # scikit-learn penalises all weights alike, so the columns are scaled instead.
    reference = LogisticRegression(C=1.0, tol=1e-12, solver="newton-cholesky", max_iter=500)
    reference.fit(problem.rows.array / np.sqrt(scale), problem.outcome)
    assert result.theta == pytest.approx(reference.coef_[0] / np.sqrt(scale), abs=2e-5)
    assert result.intercept == pytest.approx(reference.intercept_[0], abs=1e-4)


@pytest.mark.parametrize("rank", [1, 2])
def test_limited_rank_is_a_stationary_point_no_solver_leaves(rank):
    problem = PLANTED.problem(3000, rank=rank)
    newton = build_solver(NewtonOptions(ridge=0.1, tolerance=1e-12)).solve(problem)
    lbfgs = build_solver(LbfgsOptions(ridge=0.1, tolerance=1e-14)).solve(problem)
    assert lbfgs.objective == pytest.approx(newton.objective, rel=1e-7)
    model, data = problem.model, TrainingData(problem)
    scale = 0.1 * penalty_scale(data).ridge
    slope = data.slope(np.append(newton.theta, newton.intercept))[1]
    slope[:-1] += scale * newton.theta
    gradient = model.jacobian(newton.vector).T @ slope[:-1]
    assert np.abs(gradient).max() < 1e-4 * np.abs(scale * newton.theta).max()
    assert abs(slope[-1]) < 1e-4


def test_richer_models_fit_training_samples_no_worse():
    values = [
        build_solver(NewtonOptions(ridge=0.01)).solve(PLANTED.problem(rank=rank)).objective
        for rank in (1, 2, 3, "full")
    ]
    assert values == sorted(values, reverse=True)
    assert values[2] == pytest.approx(values[3], rel=1e-9)


def test_discriminant_of_full_rank_equals_scikit_learn():
    problem = PLANTED.problem(3000, rank="full")
    result = build_solver(LdaOptions(ridge=0.0)).solve(problem)
    reference = LinearDiscriminantAnalysis(solver="lsqr").fit(
        np.asarray(problem.rows.array, np.float64), problem.outcome
    )
    assert cosine(result.theta, reference.coef_[0]) == pytest.approx(1.0, abs=1e-8)


def test_calibration_equals_scikit_learn():
    rng = np.random.default_rng(0)
    score = 3.0 * rng.standard_normal(2000) + 7.0
    outcome = (rng.random(2000) < logistic(0.5 * score - 5.0)).astype(float)
    reference = LogisticRegression(C=np.inf, tol=1e-10).fit(score[:, None], outcome)
    scale, intercept = calibrate(score, outcome)
    assert scale == pytest.approx(reference.coef_[0, 0], rel=1e-3)
    assert intercept == pytest.approx(reference.intercept_[0], rel=1e-3)


@pytest.mark.parametrize("rank", [1, 2, "full"])
def test_minimum_of_a_quadratic_is_stationary_and_below_random_starts(rank):
    rng = np.random.default_rng(4)
    model = FactorModel(PLANTED.layout, rank)
    root = rng.standard_normal((40, PLANTED.layout.n_features))
    quadratic = Quadratic(rng.standard_normal(root.shape[1]), root.T @ root)
    found = minimise_quadratic(model, quadratic, model.random_start(rng))
    slope = model.jacobian(found).T @ quadratic.slope(model.theta(found))
    assert np.abs(slope).max() < 1e-8
    if rank == "full":
        exact = -np.linalg.solve(quadratic.hessian, quadratic.gradient)
        assert model.theta(found) == pytest.approx(exact)


def test_singular_system_is_solved_by_least_norm():
    matrix = np.diag([2.0, 0.0, 1.0])
    assert solve_symmetric(matrix, np.array([2.0, 0.0, 3.0])) == pytest.approx([1.0, 0.0, 3.0])


def test_rescaling_a_column_leaves_the_fit_as_it_is():
    problem = PLANTED.problem(2000, rank="full")
    factors = np.exp(np.linspace(-3.0, 3.0, PLANTED.layout.n_features))
    scaled = FitProblem(
        PLANTED.layout, ArrayRows(problem.rows.array * factors), problem.outcome, rank="full"
    )
    first, second = (build_solver("newton").solve(each) for each in (problem, scaled))
    assert second.ridge == first.ridge
    assert second.theta * factors == pytest.approx(first.theta, rel=1e-6)


def test_rows_need_not_fit_into_memory():
    problem = PLANTED.problem(rank=1)
    streamed = PLANTED.problem(rank=1, cache_bytes=0)
    index = np.arange(4000)
    selected = FitProblem(
        PLANTED.layout, SelectedRows(problem.rows, index), problem.outcome, cache_bytes=0
    )
    first = build_solver("newton").solve(problem)
    for other in (streamed, selected):
        result = build_solver("newton").solve(other)
        assert np.array_equal(result.theta, first.theta)
        assert np.array_equal(result.trace, first.trace)


@pytest.mark.parametrize("kind", ["newton", "lda", "lbfgs"])
@pytest.mark.parametrize("rank", [1, 2, "full"])
def test_other_block_sizes_differ_by_rounding_alone(kind, rank, monkeypatch):
    problem = PLANTED.problem(rank=rank)
    first = build_solver(kind).solve(problem)
    for size in (700, 1500):
        monkeypatch.setattr("synreduce.solvers.training.ROWS_PER_BLOCK", size)
        result = build_solver(kind).solve(problem)
        # L-BFGS stops within its tolerance, Newton's method at the minimum itself.
        close = (1e-6 if kind == "lbfgs" else 1e-9) * np.abs(first.theta).max()
        assert result.theta == pytest.approx(first.theta, rel=0.0, abs=close)
        assert result.objective == pytest.approx(first.objective, rel=1e-9)


def test_fits_from_random_starts_agree():
    solver, problem = build_solver(NewtonOptions(ridge=0.1)), PLANTED.problem()
    results = []
    for restart in range(4):
        rng = np.random.default_rng(restart)
        results.append(solver.solve(problem, restart_start(problem, restart, rng), rng))
    found = agreement([fit.theta for fit in results], [fit.objective for fit in results], 0.99)
    assert found.n_agreeing == 4
    assert found.cosine > 0.999
    assert 0.0 < found.spread < 1e-6
    assert all(result.status == "ok" for result in results)


def test_iteration_limit_is_reported():
    result = build_solver(NewtonOptions(ridge=1e-6, max_iterations=1, tolerance=1e-15)).solve(
        PLANTED.problem(1000), PLANTED.problem().model.random_start(np.random.default_rng(0))
    )
    assert result.status == "not_converged"
    assert "did not converge in 1 steps" in result.message


def errors_and_standard_errors(ridge):
    errors, standard_errors = [], []
    for seed in range(40):
        planted = plant(1500, seed=100 + seed)
        fit = build_solver(NewtonOptions(ridge=ridge)).solve(planted.problem())
        errors.append(fit.theta - planted.theta)
        standard_errors.append(np.sqrt(np.diag(fit.covariance)))
    return np.array(errors), np.array(standard_errors)


def test_standard_errors_equal_the_spread_of_repetitions():
    errors, predicted = errors_and_standard_errors(1e-6)
    ratio = errors.std(axis=0, ddof=1) / predicted.mean(axis=0)
    assert 0.85 < np.median(ratio) < 1.15


def test_intervals_cover_the_truth_with_the_penalty_chosen():
    errors, predicted = errors_and_standard_errors("auto")
    assert 0.93 < np.mean(np.abs(errors) < 1.96 * predicted) <= 1.0


def test_newton_steps_never_raise_the_objective_from_a_bad_start():
    problem = PLANTED.problem(1500, rank="full")
    data, penalty = (
        TrainingData(problem),
        np.diag(1e-3 * penalty_scale(TrainingData(problem)).ridge),
    )
    vector = 3.0 * np.random.default_rng(1).standard_normal(problem.model.n_parameters)
    fit = newton_fit(
        data, penalty, Point(vector, 4.0), Budget(), max_iterations=100, tolerance=1e-9
    )
    assert fit.converged
    assert np.all(np.diff(fit.trace) < 0.0)
    usual = build_solver(NewtonOptions(ridge=1e-3)).solve(problem)
    assert fit.objective / data.n_rows == pytest.approx(usual.objective, rel=1e-8)


def test_covariance_of_full_rank_is_that_of_refits_and_the_squared_bias():
    problem = PLANTED.problem(1000, rank="full")
    result = build_solver(NewtonOptions(ridge=0.1, tolerance=1e-12)).solve(problem)
    data = TrainingData(problem)
    hessian = data.curvature(np.append(result.theta, result.intercept)).total[2]
    penalty = np.diag(np.append(0.1 * penalty_scale(data).ridge, 0.0))
    inverse, weaker = (np.linalg.inv(hessian + penalty / part) for part in (1.0, UNDERSMOOTHING))
    released = (1.0 - 1.0 / UNDERSMOOTHING) * penalty @ np.append(result.theta, 0.0)
    bias = weaker @ released
    expected = (inverse @ hessian @ inverse + np.outer(bias, bias))[:-1, :-1]
    assert result.covariance == pytest.approx(expected, rel=1e-4, abs=1e-6 * expected.max())


def test_standard_error_of_the_intercept_is_that_of_the_inverse_curvature():
    problem = PLANTED.problem(3000, rank="full")
    result = build_solver(NewtonOptions(ridge=1e-9, tolerance=1e-12)).solve(problem)
    hessian = TrainingData(problem).curvature(np.append(result.theta, result.intercept)).total[2]
    expected = np.sqrt(np.linalg.inv(hessian)[-1, -1])
    assert result.intercept_se == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("constant", [5.0, 1e-4])
def test_an_intercept_that_a_constant_column_can_replace_has_no_error(constant):
    problem = PLANTED.problem(1500, rank="full")
    options = NewtonOptions(ridge=0.0)
    errors = {}
    for value in (0.0, constant):
        rows = PLANTED.rows[:1500].copy()
        rows[:, 9] = value
        changed = FitProblem(PLANTED.layout, ArrayRows(rows), problem.outcome, rank="full")
        errors[value] = build_solver(options).solve(changed)
    # An empty column has no weight either, but nothing to do with the intercept.
    usual = build_solver(options).solve(problem).intercept_se
    assert errors[0.0].intercept_se == pytest.approx(usual, rel=0.1)
    assert np.isnan(errors[constant].intercept_se)
    assert all(np.isinf(fit.condition) for fit in errors.values())


def test_columns_without_information_get_no_weight():
    rows = PLANTED.rows[:1000].copy()
    rows[:, 4] = 0.0
    rows[:, 9] = 5.0
    for rank in (1, "full"):
        problem = FitProblem(PLANTED.layout, ArrayRows(rows), PLANTED.outcome[:1000], rank=rank)
        result = build_solver("newton").solve(problem)
        typical = np.abs(result.theta).max()
        # In the separable model the weight of a column is tied to those of its row and column.
        assert rank == 1 or np.abs(result.theta[[4, 9]]).max() < 1e-9 * typical
        assert np.isfinite(result.covariance).all()


def test_curvature_summary():
    separable = build_solver(NewtonOptions(ridge=1e-6)).solve(PLANTED.problem())
    assert separable.effective_degrees_of_freedom == pytest.approx(2 * (3 + 5 - 1) + 1, abs=0.05)
    full = build_solver(NewtonOptions(ridge=1e-9)).solve(PLANTED.problem(rank="full"))
    assert full.effective_degrees_of_freedom == pytest.approx(2 * 3 * 5 + 1, abs=0.05)
    assert np.linalg.matrix_rank(separable.covariance, tol=1e-12) <= 14
    stronger = build_solver(NewtonOptions(ridge=1.0)).solve(PLANTED.problem())
    assert stronger.effective_degrees_of_freedom < separable.effective_degrees_of_freedom
    assert stronger.condition < separable.condition
