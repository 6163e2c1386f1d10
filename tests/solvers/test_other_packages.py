"""An optimiser of another package, plugged in as the documentation shows it."""

import re
from pathlib import Path

import numpy as np
import pytest

from synreduce.errors import OutOfTimeError

from .planted_problem import plant
from .test_contract import Memory, fingerprint

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "extend.md"
PLANTED = plant(1000, seed=8)


@pytest.fixture(scope="module")
def parzen_solver():
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(block, names)
    return names["ParzenSolver"](names["ParzenOptions"](max_evaluations=40))


def test_it_keeps_the_contract_of_solvers(parzen_solver):
    problem = PLANTED.problem()
    start = problem.model.random_start(np.random.default_rng(0))
    result = parzen_solver.solve(problem, start, np.random.default_rng(1))
    assert result.n_evaluations == result.trace.size == 40
    assert result.status == "not_converged"
    assert result.objective == result.trace.min() < result.trace[0]
    assert problem.model.theta(result.vector) == pytest.approx(result.theta)
    assert fingerprint(parzen_solver.solve(problem, start, np.random.default_rng(1))) == (
        fingerprint(result)
    )


def test_it_is_continued_where_it_was_interrupted(parzen_solver):
    problem = PLANTED.problem()
    whole = parzen_solver.solve(problem, rng=np.random.default_rng(1))
    first = Memory(time_for=23)
    with pytest.raises(OutOfTimeError):
        parzen_solver.solve(problem, rng=np.random.default_rng(1), continuation=first)
    second = Memory(first.values)
    continued = parzen_solver.solve(problem, rng=np.random.default_rng(1), continuation=second)
    assert fingerprint(continued) == fingerprint(whole)
    assert second.n_made == 40 - 23 + 1  # the last one asked for finds the budget spent
