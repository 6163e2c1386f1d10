"""Gradient-free solvers, the smoothed AUROC, and the door for other optimisers."""

import numpy as np
import pytest

from synreduce.errors import ConfigurationError
from synreduce.metrics import auroc
from synreduce.solvers import SOLVERS, SolverOptions, build_solver
from synreduce.solvers.ask_tell import AskTellSolver
from synreduce.solvers.auroc import AurocOptions
from synreduce.solvers.cobyla import CobylaOptions
from synreduce.solvers.smooth_auroc import pair_weights
from synreduce.solvers.sums import logistic

from .planted_problem import plant

PLANTED = plant(2000, seed=8)


class _RandomSearch:
    """Draws points around the best; stops after some rounds."""

    def __init__(self, start, rng):
        self.best, self.value, self.rng, self.rounds = start, np.inf, rng, 0

    def ask(self):
        return [self.best + 0.2 * self.rng.standard_normal(self.best.size) for _ in range(5)]

    def tell(self, points, values):
        self.rounds += 1
        if min(values) < self.value:
            self.value = min(values)
            self.best = points[int(np.argmin(values))]

    def finished(self):
        return "rounds are over" if self.rounds == 20 else ""


class RandomSearchSolver(AskTellSolver):
    kind = "random_search"
    Options = SolverOptions

    def make_optimiser(self, start, rng):
        return _RandomSearch(start, rng)


def test_any_ask_tell_optimiser_becomes_a_solver():
    problem = PLANTED.problem(500)
    start = problem.model.random_start(np.random.default_rng(0))
    result = RandomSearchSolver().solve(problem, start)
    assert result.status == "ok"
    assert result.message == "rounds are over"
    assert result.n_evaluations == 100
    assert result.objective < result.trace[0]
    stopped = RandomSearchSolver(SolverOptions(max_evaluations=12)).solve(problem, start)
    assert (stopped.status, stopped.n_evaluations) == ("not_converged", 12)
    assert "budget of 12" in stopped.message


def test_optional_package_is_asked_for_before_any_work():
    if not SOLVERS["cma"].missing_package():
        pytest.skip("cma is installed")
    with pytest.raises(ConfigurationError, match="needs the package cma"):
        build_solver("cma").solve(PLANTED.problem(100))


def test_searches_of_two_threads_draw_what_each_draws_alone():
    if missing := SOLVERS["cma"].missing_package():
        pytest.skip(f"{missing} is not installed")

    def search(seed):
        rng = np.random.default_rng(seed)
        return build_solver("cma").make_optimiser(np.zeros(4), rng)

    def points(optimiser):
        asked = optimiser.ask()
        optimiser.tell(asked, [float(point @ point) for point in asked])
        return np.array(asked)

    alone = search(1)
    expected = [points(alone) for _ in range(3)]
    first, second = search(1), search(2)
    found = [(points(first), points(second))[0] for _ in range(3)]
    np.testing.assert_array_equal(found, expected)


def test_evolution_tries_the_start_itself():
    if missing := SOLVERS["cma"].missing_package():
        pytest.skip(f"{missing} is not installed")
    start = np.array([0.3, -2.0, 1.0, 0.7])
    first = build_solver("cma").make_optimiser(start, np.random.default_rng(3)).ask()
    assert min(np.abs(point - start).max() for point in first) < 1e-9


def test_published_method_starts_within_the_unit_cube_and_depends_on_the_seed():
    problem = PLANTED.problem(300)
    solver = build_solver(CobylaOptions(max_evaluations=1))
    first, second = (solver.solve(problem, rng=np.random.default_rng(seed)) for seed in (0, 1))
    start = problem.model.random_start(np.random.default_rng(0))
    assert np.abs(start).max() <= 1.0
    assert first.objective == pytest.approx(
        -auroc(problem.outcome, problem.rows.array @ problem.model.theta(start)), abs=1e-6
    )
    assert first.objective != second.objective


def test_published_method_says_that_its_budget_ran_out():
    result = build_solver(CobylaOptions(max_evaluations=30)).solve(PLANTED.problem(300))
    assert result.status == "not_converged"
    assert result.n_evaluations == 30
    assert CobylaOptions().max_evaluations == 5000


def test_weights_of_pairs_equal_brute_force():
    rng = np.random.default_rng(0)
    outcome = rng.random(400) < 0.2
    score, width = 2.0 * rng.standard_normal(400) + outcome, 0.3
    difference = (score[outcome][:, None] - score[~outcome][None, :]) / width
    slope = logistic(difference) * logistic(-difference) / width / difference.size
    expected = np.empty(400)
    expected[outcome], expected[~outcome] = slope.sum(axis=1), -slope.sum(axis=0)
    assert pair_weights(score, outcome, width) == pytest.approx(
        expected, abs=2e-3 * slope.sum(1).max()
    )
    assert not pair_weights(np.ones(400), outcome, width).any()


@pytest.mark.parametrize("rank", [1, "full"])
def test_polish_raises_the_exact_training_auroc(rank):
    problem = PLANTED.problem(1500, rank=rank)
    before = build_solver("newton").solve(problem)
    after = build_solver("auroc").solve(problem)
    assert after.train_auroc >= before.train_auroc
    assert np.all(np.diff(after.trace) < 0.0)
    assert after.objective == pytest.approx(-after.train_auroc)
    held_out = PLANTED.rows[1500:]
    loss = auroc(PLANTED.outcome[1500:], held_out @ before.theta) - auroc(
        PLANTED.outcome[1500:], held_out @ after.theta
    )
    assert loss < 0.01


def test_polish_of_a_given_start_begins_there():
    problem = PLANTED.problem(1000)
    start = problem.model.nearest(PLANTED.theta)
    result = build_solver(AurocOptions(ridge=0.1)).solve(problem, start)
    begin = auroc(problem.outcome, problem.rows.array @ problem.model.theta(start))
    assert result.trace[0] == pytest.approx(-begin, abs=1e-6)
    assert result.train_auroc >= begin - 1e-6
