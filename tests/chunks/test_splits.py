"""Splits of whole trials: what a user relies on."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, pearsonr

from synreduce.chunks import (
    SUBSETS,
    UNUSED,
    SplitDefinition,
    make_split,
)
from synreduce.chunks.randomness import unit_numbers
from synreduce.errors import DataError


def _ids(n, database="wt"):
    return [f"{database}/batch{k // 10:02d}/{k:06d}" for k in range(n)]


def _split(definition, outcome, *, ids=None, isi=None, name="random", seed=1, groups=None):
    outcome = np.asarray(outcome, dtype=np.uint8)
    outcome = outcome[:, np.newaxis] if outcome.ndim == 1 else outcome
    return make_split(
        definition,
        name,
        seed,
        trial_ids=_ids(len(outcome)) if ids is None else ids,
        outcome=outcome,
        isi=np.full(outcome.shape, np.inf) if isi is None else isi,
        target_starts=258.0 + np.arange(outcome.shape[1]),
        width_ms=80.0,
        groups=groups,
    )


def _spiking(n, share, seed=0):
    return np.random.default_rng(seed).random(n) < share


@given(
    n=st.integers(2, 400),
    share=st.floats(0, 1),
    fraction=st.floats(0.1, 0.9),
    stratify=st.booleans(),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=60, deadline=None)
def test_subsets_are_disjoint_cover_all_and_keep_the_share_of_spikes(
    n, share, fraction, stratify, seed
):
    y = _spiking(n, share, seed)
    definition = SplitDefinition(train_fraction=fraction, stratify=stratify)
    split = _split(definition, y, seed=seed)
    parts = [split.subset(name) for name in ("train", "test_first", "test_second")]
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(n))
    assert np.array_equal(split.test, np.sort(np.concatenate(parts[1:])))
    counts = split.counts()
    for name in SUBSETS:
        chosen = split.subset(name)
        assert counts[name] == (len(chosen), int(y[chosen].sum()))
    if stratify:
        for stratum in (y, ~y):
            n_train = int(stratum[split.train].sum())
            assert abs(n_train - fraction * stratum.sum()) <= 1
            halves = [int(stratum[half].sum()) for half in parts[1:]]
            assert 0 <= halves[1] - halves[0] <= 1


def test_a_split_follows_from_seed_and_name():
    y = _spiking(500, 0.1)
    definition = SplitDefinition()
    first = _split(definition, y)
    assert np.array_equal(first.role, _split(definition, y).role)
    assert not np.array_equal(first.role, _split(definition, y, seed=2).role)
    assert not np.array_equal(first.role, _split(definition, y, name="other").role)


def test_a_trial_stays_on_its_side_when_databases_are_added():
    old = _spiking(20_000, 0.05, seed=1)
    added = _spiking(30_000, 0.05, seed=2)
    alone = _split(SplitDefinition(), old)
    both = _split(
        SplitDefinition(),
        np.concatenate([added, old]),
        ids=_ids(30_000, "ko") + _ids(20_000),
    )
    same = (both.role[30_000:] == 1) == (alone.role == 1)
    assert same.mean() > 0.98


def test_a_trial_stays_on_its_side_from_window_to_window():
    one, other = _spiking(20_000, 0.05, seed=1), _spiking(20_000, 0.1, seed=2)
    same = (_split(SplitDefinition(), one).role == 1) == (
        _split(SplitDefinition(), other).role == 1
    )
    assert same.mean() > 0.97


def test_the_order_of_trials_does_not_matter():
    y = _spiking(300, 0.2)
    order = np.random.default_rng(3).permutation(300)
    ids = np.array(_ids(300))
    shuffled = _split(SplitDefinition(), y[order], ids=ids[order])
    assert np.array_equal(shuffled.role, _split(SplitDefinition(), y, ids=ids).role[order])


def test_all_targets_of_a_trial_are_on_one_side():
    y = np.random.default_rng(0).random((200, 7)) < 0.05
    split = _split(SplitDefinition(), y)
    roles = split.role.reshape(200, 7)
    assert (roles == roles[:, :1]).all()
    assert np.array_equal(split.unit, np.repeat(np.arange(200), 7))


def test_samples_after_a_recent_spike_are_left_out_and_do_not_count():
    y = np.zeros((400, 2), dtype=np.uint8)
    y[:200, 0] = 1
    isi = np.full((400, 2), np.inf)
    isi[:100, 0] = 9.99
    isi[100:200, 0] = 10.0
    split = _split(SplitDefinition(min_isi_ms=10), y, isi=isi)
    role = split.role.reshape(400, 2)
    assert (role[:100, 0] == UNUSED).all()
    assert (role[100:, 0] != UNUSED).all()
    assert (role[:, 1] != UNUSED).all()
    assert split.counts()["train"][1] == 70
    assert split.counts()["test"][1] == 30


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_every_trial_tests_in_one_fold(folds):
    y = _spiking(1003, 0.1)
    splits = [
        _split(SplitDefinition(folds=folds, fold=k, family="cv"), y, name=f"cv_{k + 1}")
        for k in range(folds)
    ]
    tests = np.concatenate([split.test for split in splits])
    assert np.array_equal(np.sort(tests), np.arange(1003))
    positives = [split.counts()["test"][1] for split in splits]
    assert max(positives) - min(positives) <= 1
    assert all(len(split.train) + len(split.test) == 1003 for split in splits)


@pytest.mark.parametrize(
    ("group_by", "n_groups"), [("database", 2), ("folder", 20), (r"batch(\d)", 1)]
)
def test_trials_of_a_group_stay_together(group_by, n_groups):
    ids = np.array(_ids(100) + _ids(100, "ko"))
    split = _split(SplitDefinition(group_by=group_by), _spiking(200, 0.3), ids=ids)
    trains = split.role == 1
    assert len(set(split.unit_of_trial)) == n_groups
    for unit in set(split.unit_of_trial):
        assert len(set(trains[split.unit_of_trial == unit])) == 1


def test_given_groups_replace_the_rule():
    labels = ["a"] * 50 + ["b"] * 50
    split = _split(SplitDefinition(group_by="folder"), _spiking(100, 0.3), groups=labels)
    assert len(set((split.role == 1)[:50])) == len(set((split.role == 1)[50:])) == 1


def test_runs_of_a_real_campaign_stay_together(shared_data):
    table = pd.read_csv(shared_data / "isf_spike_times" / "spike_times_18000.csv.gz", index_col=0)
    y = ((table >= 260) & (table < 261)).any(axis=1).to_numpy()
    ids = [f"c2/{trial}" for trial in table.index]
    split = _split(SplitDefinition(group_by="folder"), y, ids=ids)
    assert split.unit_of_trial.max() + 1 == 90
    assert len(split.train) == 200 * round(0.7 * 90)


def test_ids_that_a_pattern_does_not_match_are_named():
    with pytest.raises(DataError, match=r"2 of 3 trial ids, for example 'x1'"):
        _split(SplitDefinition(group_by=r"(y\d)"), [0, 1, 0], ids=["y1", "x1", "x2"])


def test_numbers_of_units_are_uniform_and_independent_between_splits():
    ids = _ids(20_000)
    one = unit_numbers(1, "a", ids) / 2.0**64
    assert kstest(one, "uniform").pvalue > 1e-3
    for seed, stream in ((1, "b"), (2, "a")):
        other = unit_numbers(seed, stream, ids) / 2.0**64
        assert abs(pearsonr(one, other).statistic) < 0.03


@given(
    names=st.lists(st.text(st.characters(min_codepoint=32), max_size=30), min_size=1, max_size=9)
)
@settings(max_examples=50, deadline=None)
def test_the_number_of_a_unit_depends_on_itself_alone(names):
    together = unit_numbers(5, "s", names)
    alone = [unit_numbers(5, "s", [name])[0] for name in names]
    assert together.tolist() == alone
    assert len(set(together.tolist())) == len(set(names))


def test_numbers_stay_the_same_from_version_to_version():
    assert unit_numbers(1, "random", ["wt/000000", "wt/000001"]).tolist() == [
        7216392609019004977,
        3090630565563414668,
    ]


def test_a_lone_spiking_trial_goes_somewhere_and_nothing_breaks():
    y = np.zeros(50)
    y[7] = 1
    counts = _split(SplitDefinition(), y).counts()
    assert counts["train"][1] + counts["test"][1] == 1
