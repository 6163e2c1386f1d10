"""What every registered solver promises."""

import dataclasses
import pickle

import numpy as np
import pytest

from synreduce.design import ArrayRows
from synreduce.errors import ConfigurationError, OutOfTimeError, Problem
from synreduce.metrics import auroc
from synreduce.solvers import SOLVERS, STATUSES, Continuation, FitProblem, build_solver

from .planted_problem import plant

PLANTED = plant(3000, seed=1)
BUDGETS = {"cobyqa": 250}
"""Enough for gradient-free solvers to come near (400 for the others); the rest stop long before."""


@pytest.fixture(params=SOLVERS)
def solver(request):
    kind = SOLVERS[request.param]
    if kind.missing_package():
        pytest.skip(f"needs {kind.missing_package()}")
    return build_solver(kind.Options(max_evaluations=BUDGETS.get(request.param, 400)))


def with_options(solver, **changes):
    return build_solver(solver.options.model_copy(update=changes))


def fingerprint(result):
    fields = dataclasses.asdict(result)
    fields.pop("seconds")
    fields["parameters"] = [part for pair in result.parameters.values() for part in pair]
    return pickle.dumps(fields)


def test_recovers_the_planted_kernel(solver):
    result = solver.solve(PLANTED.problem(2000))
    assert result.usable, result.message
    held_out = PLANTED.rows[2000:]
    best = auroc(PLANTED.outcome[2000:], held_out @ PLANTED.theta)
    assert auroc(PLANTED.outcome[2000:], held_out @ result.theta) > best - 0.02
    assert np.corrcoef(held_out @ result.theta, held_out @ PLANTED.theta)[0, 1] > 0.93


def test_record_is_complete(solver):
    problem = PLANTED.problem(1000)
    result = solver.solve(problem)
    assert result.status in STATUSES
    assert result.message
    assert result.seconds > 0.0
    assert result.n_evaluations >= 1
    assert result.trace.size >= 1
    assert problem.model.theta(result.vector) == pytest.approx(result.theta, rel=1e-9, abs=1e-12)
    for name, (spatial, temporal) in result.parameters.items():
        matrix = problem.layout.matrices(result.theta)[name]
        assert spatial.T @ temporal == pytest.approx(matrix, rel=1e-9, abs=1e-12)
    score = problem.rows.array @ result.theta
    assert result.train_auroc == pytest.approx(auroc(problem.outcome, score), abs=1e-6)


def test_score_is_log_odds(solver):
    problem = PLANTED.problem(2000)
    result = solver.solve(problem)
    chance = 1.0 / (1.0 + np.exp(-(problem.rows.array @ result.theta + result.intercept)))
    assert chance.mean() == pytest.approx(problem.outcome.mean(), rel=0.02)
    likely = chance > np.median(chance)
    assert problem.outcome[likely].mean() == pytest.approx(chance[likely].mean(), rel=0.1)


def test_same_seed_same_bits(solver):
    problem = PLANTED.problem(900)
    solver = with_options(solver, max_evaluations=100)
    first = solver.solve(problem, rng=np.random.default_rng(5))
    again = solver.solve(problem, rng=np.random.default_rng(5))
    assert fingerprint(first) == fingerprint(again)


def test_pickled_solver_and_result(solver):
    problem = PLANTED.problem(600)
    solver = with_options(solver, max_evaluations=60)
    twin = pickle.loads(pickle.dumps(solver))
    result = solver.solve(problem, rng=np.random.default_rng(2))
    assert fingerprint(twin.solve(problem, rng=np.random.default_rng(2))) == fingerprint(result)
    assert fingerprint(pickle.loads(pickle.dumps(result))) == fingerprint(result)


@pytest.mark.parametrize("budget", [1, 3, 25])
def test_evaluation_budget_is_kept(solver, budget):
    result = with_options(solver, max_evaluations=budget).solve(PLANTED.problem(500))
    assert result.n_evaluations <= budget
    assert result.usable
    assert np.isfinite(result.theta).all()


def test_time_budget_is_kept(solver):
    result = with_options(solver, max_seconds=1e-6, max_evaluations=10**6).solve(
        PLANTED.problem(500)
    )
    assert result.status in {"ok", "not_converged", "failed"}
    assert result.n_evaluations <= 30


def test_trace_never_rises_where_promised(solver):
    result = solver.solve(PLANTED.problem(2000))
    if solver.monotone:
        assert np.all(np.diff(result.trace) <= 1e-12 * np.abs(result.trace[:-1]))
        assert result.objective == pytest.approx(result.trace[-1])
    assert result.objective <= result.trace[0]


def test_start_is_used(solver):
    problem = PLANTED.problem(1000)
    start = problem.model.nearest(PLANTED.theta)
    result = with_options(solver, max_evaluations=60).solve(problem, start)
    best = auroc(problem.outcome, problem.rows.array @ PLANTED.theta)
    assert result.train_auroc > best - 0.01


@pytest.mark.parametrize("start", [np.zeros(3), np.zeros((16, 1))])
def test_start_of_wrong_shape_is_refused(solver, start):
    with pytest.raises(ConfigurationError, match="start of shape"):
        solver.solve(PLANTED.problem(500), start)


@pytest.mark.parametrize("value", [0, 1])
def test_one_class(solver, value):
    rows = PLANTED.rows[:100]
    result = solver.solve(FitProblem(PLANTED.layout, ArrayRows(rows), np.full(100, value)))
    assert result.status == "one_class"
    assert np.isnan(result.theta).all()
    assert np.isnan(result.intercept)
    assert "one class" in result.message


def test_too_few_spikes(solver):
    outcome = np.zeros(200, dtype=bool)
    outcome[:4] = True
    rows = ArrayRows(PLANTED.rows[:200])
    result = solver.solve(FitProblem(PLANTED.layout, rows, outcome, minimum_positives=5))
    assert result.status == "too_few_spikes"
    assert "4 of 200" in result.message
    assert np.isnan(result.vector).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rows_that_are_not_finite(solver, bad):
    rows = PLANTED.rows[:300].copy()
    rows[7, 3] = rows[9, 0] = bad
    result = solver.solve(FitProblem(PLANTED.layout, ArrayRows(rows), PLANTED.outcome[:300]))
    assert result.status == "failed"
    assert "2 samples" in result.message
    assert np.isnan(result.theta).all()


@pytest.mark.parametrize("rank", [1, "full"])
def test_zero_and_equal_columns(solver, rank):
    rows = PLANTED.rows[:800].copy()
    rows[:, 2] = 0.0
    rows[:, 4] = rows[:, 3]
    problem = FitProblem(PLANTED.layout, ArrayRows(rows), PLANTED.outcome[:800], rank=rank)
    result = with_options(solver, max_evaluations=80).solve(problem)
    assert result.usable, result.message
    assert np.isfinite(result.theta).all()


def test_columns_that_are_all_zero(solver):
    rows = ArrayRows(np.zeros((300, PLANTED.layout.n_features)))
    result = with_options(solver, max_evaluations=30).solve(
        FitProblem(PLANTED.layout, rows, PLANTED.outcome[:300])
    )
    assert result.usable
    share = PLANTED.outcome[:300].mean()
    assert result.intercept == pytest.approx(np.log(share / (1 - share)), abs=1e-6)


def test_separable_classes_give_finite_weights(solver):
    rows = PLANTED.rows[:400].copy()
    outcome = rows @ PLANTED.theta > np.quantile(rows @ PLANTED.theta, 0.9)
    problem = FitProblem(PLANTED.layout, ArrayRows(rows), outcome)
    result = with_options(solver, max_evaluations=200).solve(problem)
    assert result.usable
    assert result.train_auroc > 0.95


def test_problem_that_lacks_something_is_refused_before_any_work(solver):
    class Untouchable:
        n_rows, n_features = 500, PLANTED.layout.n_features

        def read(self, *_):
            raise AssertionError

    problem = FitProblem(
        PLANTED.layout, Untouchable(), PLANTED.outcome[:500], name="cutoff", provides=frozenset()
    )
    with pytest.raises(ConfigurationError) as refused:
        solver.solve(problem)
    message = str(refused.value)
    assert f"'{solver.name}'" in message
    assert "'cutoff'" in message
    for capability in solver.needs:
        assert capability in message.split("lacks")[1]


def test_inputs_are_left_as_they_were(solver):
    problem = PLANTED.problem(500)
    rows, outcome = problem.rows.array.copy(), problem.outcome.copy()
    start = problem.model.random_start(np.random.default_rng(0))
    before = start.copy()
    with_options(solver, max_evaluations=40).solve(problem, start)
    assert np.array_equal(problem.rows.array, rows)
    assert np.array_equal(problem.outcome, outcome)
    assert np.array_equal(start, before)


class Memory(Continuation):
    """Remembers values like a checkpoint, and interrupts before a given evaluation."""

    def __init__(self, known=(), time_for=10**9):
        self.values, self.position = list(known), 0
        self.n_made, self.time_for = 0, time_for

    def recall(self, point):
        if self.position == len(self.values):
            return None
        known_point, value = self.values[self.position]
        assert np.array_equal(point, known_point)
        self.position += 1
        return value

    def record(self, point, value):
        self.values.append((point.copy(), value))
        self.position += 1

    def require_time(self):
        if self.n_made >= self.time_for:
            raise OutOfTimeError(Problem("out-of-time", "this job", "is over"))
        self.n_made += 1


@pytest.mark.parametrize("share", [0.0, 0.1, 0.6, 0.97])
def test_an_interrupted_fit_continues_to_the_same_bits(solver, share):
    problem = PLANTED.problem(600)
    solver = with_options(solver, max_evaluations=60)
    whole, counted = solver.solve(problem, rng=np.random.default_rng(3)), Memory()
    solver.solve(problem, rng=np.random.default_rng(3), continuation=counted)
    if counted.n_made == 0:
        pytest.skip("one pass over the data, nothing to interrupt")
    interrupted_at = int(share * counted.n_made)
    first = Memory(time_for=interrupted_at)
    with pytest.raises(OutOfTimeError):
        solver.solve(problem, rng=np.random.default_rng(3), continuation=first)
    second = Memory(first.values)
    continued = solver.solve(problem, rng=np.random.default_rng(3), continuation=second)
    assert fingerprint(continued) == fingerprint(whole)
    if solver.needs == {"score"}:
        assert second.n_made == counted.n_made - interrupted_at


@pytest.mark.parametrize("kind", SOLVERS)
def test_options_forbid_what_they_do_not_know(kind):
    with pytest.raises(ValueError, match="extra"):
        SOLVERS[kind].Options(riddge=1.0)
    assert SOLVERS[kind].Options().kind == kind


def test_unknown_solver_is_refused_with_a_suggestion():
    with pytest.raises(ConfigurationError, match="did you mean 'newton'"):
        build_solver("newtn")
