"""Windows with too few spikes are explained before anything is fitted."""

import numpy as np
import pytest

from synreduce.chunks import Chunk, SpatialRange, Split, TemporalRange, too_few_positives

CHUNK = Chunk(SpatialRange(0, 1500), TemporalRange(260, 261))


def _split(train, first, second, n_targets=1):
    """A split from (samples, positives) of its subsets."""
    parts = [(role, *counts) for role, counts in ((1, train), (2, first), (3, second))]
    role = np.concatenate([np.full(n, code, dtype=np.uint8) for code, n, _ in parts])
    outcome = np.concatenate([(np.arange(n) < k).astype(np.uint8) for _, n, k in parts])
    n_trials = len(role) // n_targets
    return Split("random", role, outcome, np.arange(n_trials), np.zeros(n_targets, dtype=np.int64))


def test_enough_spikes_are_no_problem():
    assert too_few_positives(_split((700, 10), (150, 1), (150, 1)), CHUNK) == []


def test_the_message_has_counts_needs_and_two_ways_out():
    (problem,) = too_few_positives(_split((4, 1), (1, 0), (1, 1)), CHUNK)
    text = str(problem)
    assert "chunk d0000-1500/t0260-0261 split random" in text
    assert "2 of 6 trials spike in [260, 261) ms: 1 in train, 1 in test" in text
    assert "at least 10 in train and 2 in test are needed" in text
    assert "about 45 in all" in text
    assert "widen the target window" in text


def test_the_number_of_trials_advised_is_enough():
    """At 5 % spikes, 10 in 70 % of trials need 286 trials; half a test part of one, 134."""
    (problem,) = too_few_positives(_split((70, 4), (15, 0), (15, 1)), CHUNK)
    assert "about 290 in all" in problem.fix


@pytest.mark.parametrize(
    ("split", "words"),
    [
        (_split((70, 0), (15, 0), (15, 0)), "0 of 100 trials spike"),
        (_split((70, 70), (15, 15), (15, 15)), "0 of 100 trials do not spike"),
        (_split((70, 20), (15, 3), (15, 0)), "0 in the second half of test"),
        (_split((0, 0), (0, 0), (0, 0)), "0 of 0 samples are left"),
    ],
)
def test_each_lack_is_named(split, words):
    (problem,) = too_few_positives(split, CHUNK)
    assert words in problem.what
    assert problem.fix


def test_samples_are_not_called_trials_where_a_trial_has_many():
    wide = Chunk(SpatialRange(0, 1500), TemporalRange(260, 262))
    (problem,) = too_few_positives(_split((70, 2), (16, 0), (14, 1), n_targets=2), wide)
    assert "3 of 100 samples (trial, target window) spike in [260, 262) ms" in problem.what


def test_the_minimum_can_be_lowered():
    split = _split((70, 3), (15, 0), (15, 1))
    assert too_few_positives(split, CHUNK, {"train": 3, "test": 1}) == []
