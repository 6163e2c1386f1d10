"""Splits into blocks of time, for trials that are few and long."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synreduce.chunks import TEST_FIRST, TRAIN, UNUSED, SplitDefinition, make_split


def _definition(**options):
    return SplitDefinition(**{"kind": "blocks", "block_ms": 300.0, "family": "time", **options})


def _folds(outcome, starts, *, folds=5, width=80.0, isi=None, **options):
    return [
        make_split(
            _definition(folds=folds, fold=fold, **options),
            f"time_{fold + 1}",
            1,
            trial_ids=[f"cells/{k}" for k in range(len(outcome))],
            outcome=np.asarray(outcome, dtype=np.uint8),
            isi=np.full(np.shape(outcome), np.inf) if isi is None else isi,
            target_starts=np.asarray(starts, dtype=float),
            width_ms=width,
        )
        for fold in range(folds)
    ]


NINE_CELLS = np.random.default_rng(0).random((9, 2920)) < 0.003
EVERY_MS = 80.0 + np.arange(2920)


@pytest.mark.parametrize("assignment", ["round_robin", "shuffled"])
@pytest.mark.parametrize("shared", [True, False])
def test_every_sample_tests_in_one_fold(assignment, shared):
    splits = _folds(NINE_CELLS, EVERY_MS, assignment=assignment, shared_between_trials=shared)
    tested = np.sum([split.role >= TEST_FIRST for split in splits], axis=0)
    assert (tested == 1).all()


def test_round_robin_takes_blocks_in_turn():
    splits = _folds(NINE_CELLS, EVERY_MS, assignment="round_robin")
    for fold, split in enumerate(splits):
        role = split.role.reshape(NINE_CELLS.shape)
        expected = ((EVERY_MS - 80) // 300).astype(int) % 5 == fold
        assert ((role >= TEST_FIRST) == expected).all()


@given(
    n_targets=st.integers(1, 60),
    step=st.integers(1, 3),
    block=st.sampled_from([3.0, 7.0, 20.0]),
    gap=st.sampled_from([None, 0.0, 4.0]),
    assignment=st.sampled_from(["round_robin", "shuffled"]),
    shared=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_training_samples_are_those_far_from_every_testing_one(
    n_targets, step, block, gap, assignment, shared
):
    starts = 5.0 + step * np.arange(n_targets)
    y = np.random.default_rng(n_targets).random((3, n_targets)) < 0.2
    options = {"assignment": assignment, "shared_between_trials": shared}
    for split in _folds(y, starts, folds=3, width=6.0, block_ms=block, gap_ms=gap, **options):
        role = split.role.reshape(y.shape)
        reach = 6.0 if gap is None else gap
        for row in role:
            testing = starts[row >= TEST_FIRST]
            for start, found in zip(starts, row, strict=True):
                near = (np.abs(testing - start) < reach).any()
                if start in testing:
                    continue
                assert found == (UNUSED if near else TRAIN)


def test_no_input_of_a_testing_sample_is_seen_in_training():
    for split in _folds(NINE_CELLS, EVERY_MS):
        role = split.role.reshape(NINE_CELLS.shape)[0]
        seen = {stop - lag for stop in EVERY_MS[role == TRAIN] + 1 for lag in range(1, 81)}
        tested = {stop - lag for stop in EVERY_MS[role >= TEST_FIRST] + 1 for lag in range(1, 81)}
        assert not seen & tested


def test_shared_blocks_test_at_the_same_time_in_every_trial():
    for shared in (True, False):
        split = _folds(NINE_CELLS, EVERY_MS, shared_between_trials=shared)[0]
        testing = split.role.reshape(NINE_CELLS.shape) >= TEST_FIRST
        assert (testing == testing[0]).all() == shared


def test_shuffled_blocks_spread_spikes_evenly():
    rng = np.random.default_rng(1)
    y = rng.random((1, 6000)) < np.repeat(rng.uniform(0, 0.1, 60), 100)

    def spikes(assignment):
        splits = _folds(y, np.arange(6000.0), block_ms=100.0, assignment=assignment)
        return [split.counts()["test"][1] for split in splits]

    assert np.ptp(spikes("shuffled")) <= 2
    assert np.ptp(spikes("round_robin")) > 10


def test_both_halves_of_test_have_spikes_where_they_can():
    for split in _folds(NINE_CELLS, EVERY_MS):
        counts = split.counts()
        assert counts["test_first"][1] > 0
        assert counts["test_second"][1] > 0
    y = np.zeros((1, 100))
    y[0, [22, 37]] = 1
    splits = _folds(y, np.arange(100.0), block_ms=20.0, assignment="round_robin")
    counts = splits[1].counts()
    assert (counts["test_first"][1], counts["test_second"][1]) == (1, 1)


def test_samples_left_out_by_isi_are_unused_on_both_sides():
    isi = np.full(NINE_CELLS.shape, np.inf)
    isi[:, ::3] = 5.0
    for split in _folds(NINE_CELLS, EVERY_MS, isi=isi, min_isi_ms=10.0):
        assert (split.role.reshape(NINE_CELLS.shape)[:, ::3] == UNUSED).all()


def test_samples_of_a_block_share_a_unit_and_sides_do_not():
    for shared in (True, False):
        split = _folds(NINE_CELLS, EVERY_MS, shared_between_trials=shared)[2]
        assert len(np.unique(split.unit)) == (10 if shared else 90)
        assert not set(split.unit[split.train]) & set(split.unit[split.test])


def test_without_folds_a_fraction_of_blocks_trains():
    split = make_split(
        _definition(block_ms=10.0, gap_ms=0.0, stratify=False, train_fraction=0.6),
        "time",
        1,
        trial_ids=["a"],
        outcome=np.zeros((1, 1000), dtype=np.uint8),
        isi=np.full((1, 1000), np.inf),
        target_starts=np.arange(1000.0),
        width_ms=80.0,
    )
    assert len(split.train) == 600
