"""Choice among restarts and solvers."""

import numpy as np
import pytest

from synreduce.errors import InputError
from synreduce.merging import choose_best


def test_best_training_score_wins_and_the_first_of_equals():
    assert choose_best([0.7, 0.9, 0.9], ["ok"] * 3) == 1
    assert choose_best([0.7, 0.2, 0.9], ["ok"] * 3, larger_is_better=False) == 1


def test_a_stopped_fit_counts_a_failed_one_does_not():
    statuses = ["ok", "not_converged", "failed", "one_class", "too_few_spikes"]
    assert choose_best([0.7, 0.8, 0.99, 0.99, 0.99], statuses) == 1


def test_nothing_usable():
    assert choose_best([], []) is None
    assert choose_best([np.nan, 0.9], ["ok", "failed"]) is None


def test_lengths_must_agree():
    with pytest.raises(InputError, match="one status per score"):
        choose_best([0.5], [])
