"""Outcomes and ISI against a direct reading of their definitions."""

from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synreduce.chunks import outcomes, time_since_last_spike

# The package has a function of the same name.
MODULE = import_module("synreduce.chunks.outcomes")


def _spikes(trials):
    pointer = np.concatenate([[0], np.cumsum([len(times) for times in trials])])
    times = np.array([time for times in trials for time in times], dtype=float)
    return SimpleNamespace(times=times, pointer=pointer.astype(np.int64))


quarter_ms = st.integers(0, 160).map(lambda k: k / 4)
trains = st.lists(st.lists(quarter_ms, max_size=6).map(sorted), min_size=1, max_size=6)


@given(
    trials=trains,
    start=quarter_ms,
    n_targets=st.integers(1, 8),
    step=st.sampled_from([1.0, 2.0, 3.0]),
    width=st.sampled_from([0.5, 1.0, 2.5, 10.0]),
    trials_at_once=st.sampled_from([1, 2, 100]),
)
@settings(max_examples=150, deadline=None)
def test_samples_as_defined(trials, start, n_targets, step, width, trials_at_once):
    starts = start + step * np.arange(n_targets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODULE, "_TRIALS_AT_ONCE", trials_at_once)
        y = outcomes(_spikes(trials), starts, width)
        isi = time_since_last_spike(_spikes(trials), starts)
    assert y.dtype == np.uint8
    for trial, times in enumerate(trials):
        for target, tmin in enumerate(starts):
            assert y[trial, target] == any(tmin <= t < tmin + width for t in times)
            before = [t for t in times if t < tmin]
            assert isi[trial, target] == (tmin - max(before) if before else np.inf)


def test_trials_without_any_spike():
    spikes = _spikes([[], [], []])
    assert not outcomes(spikes, np.array([10.0]), 1.0).any()
    assert np.isinf(time_since_last_spike(spikes, np.array([10.0]))).all()


def test_published_number_of_spiking_trials(shared_data):
    table = pd.read_csv(shared_data / "isf_spike_times" / "spike_times_18000.csv.gz", index_col=0)
    rows = table.to_numpy(dtype=float)
    y = outcomes(_spikes([row[~np.isnan(row)] for row in rows]), np.array([260.0]), 1.0)
    assert y.shape == (18_000, 1)
    assert y.sum() == 803
