"""Rounds of restarts: they end when enough of them agree, and only then."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synreduce.solvers import SolverOptions, agreement, next_restarts

AHEAD, ASIDE, NEARLY = np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([1.0, 0.05])


def made(options, kernels, objectives):
    """Restarts that are made of a list of possible outcomes, round by round."""
    n_made = 0
    while True:
        found = agreement(kernels[:n_made], objectives[:n_made], options.agreement)
        following = next_restarts(options, n_made, found)
        if not following:
            return n_made
        assert following.start == n_made
        n_made = following.stop


def test_three_that_agree_end_the_restarts():
    options = SolverOptions(restarts=10)
    assert made(options, [AHEAD, 3 * AHEAD, NEARLY] + [ASIDE] * 7, [1.0, 1.0, 1.0005] * 4) == 3


def test_agreement_off_the_best_fit_does_not_count():
    options = SolverOptions(restarts=10)
    # Three agree on an optimum until a better one is found by others.
    kernels = [ASIDE, ASIDE, AHEAD, ASIDE, AHEAD, AHEAD, ASIDE]
    objectives = [1.0, 1.0, 0.9, 1.0, 0.9, 0.9, 1.0]
    assert made(options, kernels, objectives) == 6


@pytest.mark.parametrize(
    ("kernel", "objective"), [(ASIDE, 1.0), (AHEAD, 1.002), (np.zeros(2), 1.0)]
)
def test_kernel_and_objective_both_have_to_agree(kernel, objective):
    found = agreement([AHEAD, kernel], [1.0, objective], 0.99)
    assert found.n_agreeing == 1
    assert found.n_usable == 2
    assert found.spread == pytest.approx(objective - 1.0)


def test_all_are_made_where_that_is_asked_for():
    options = SolverOptions(restarts=7, agreeing_restarts=None)
    assert made(options, [AHEAD] * 7, [1.0] * 7) == 7


@given(
    restarts=st.integers(1, 12),
    enough=st.integers(2, 5),
    optima=st.lists(st.sampled_from([0, 1, 2]), min_size=12, max_size=12),
)
def test_restarts_end_after_the_first_round_in_which_enough_agree(restarts, enough, optima):
    options = SolverOptions(restarts=restarts, agreeing_restarts=enough)
    kernels = [np.eye(3)[optimum] for optimum in optima]
    n_made = made(options, kernels, [float(optimum) + 1.0 for optimum in optima])
    ends = [*range(enough, restarts, enough), restarts]
    found = [optima[:end].count(min(optima[:end])) >= enough for end in ends]
    assert n_made == (ends[found.index(True)] if True in found else restarts)


def test_nothing_usable_agrees_with_nothing():
    found = agreement([], [], 0.99)
    assert (found.n_usable, found.n_agreeing) == (0, 0)
    assert np.isnan([found.cosine, found.spread]).all()
