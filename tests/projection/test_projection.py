"""Projection against brute force, worked examples and a published model."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synreduce.basis import RaisedCosineBasis
from synreduce.errors import InputError
from synreduce.projection import (
    TRIALS_PER_QUANTUM,
    count_events,
    project_counts,
    project_events,
    project_together,
)

SPATIAL = RaisedCosineBasis(3.0, 5.0, np.arange(3.0, 11.0, 1.5), 30).matrix
TEMPORAL = RaisedCosineBasis(2.0, 1.0, np.arange(1.0, 11.0, 0.5), 80, reversed=True).matrix


def brute_force(counts, spatial, temporal, stops):
    width = temporal.shape[1]
    rows = [
        np.einsum("kz,lt,ntz->nkl", spatial, temporal, array[:, stop - width : stop])
        for stop in stops
        for array in counts.values()
    ]
    n_trials = next(iter(counts.values())).shape[0]
    shape = (len(stops), len(counts), n_trials, spatial.shape[0], temporal.shape[0])
    return np.reshape(rows, shape).transpose(2, 0, 1, 3, 4).reshape(n_trials * len(stops), -1)


def random_counts(seed, n_trials, n_ms, n_bins, rate=0.3):
    rng = np.random.default_rng(seed)
    return {g: rng.poisson(rate, (n_trials, n_ms, n_bins)).astype(np.uint8) for g in ("EXC", "INH")}


def random_events(seed, n_events, n_trials, n_ms):
    rng = np.random.default_rng(seed)
    return {
        "trial": rng.integers(0, n_trials, n_events),
        "time_ms": rng.uniform(-5.0, n_ms + 5.0, n_events),
        "soma_distance": rng.uniform(0.0, 1700.0, n_events),
        "group": rng.integers(-1, 2, n_events),
    }


def test_worked_example():
    spatial = RaisedCosineBasis(3.0, 5.0, [3.0, 4.5], 3).matrix
    temporal = RaisedCosineBasis(2.0, 1.0, [1.0, 1.5], 4, reversed=True).matrix
    trial, time, place = np.meshgrid(range(2), range(4), range(3), indexing="ij")
    counts = 12 * trial + 3 * time + place
    rows = project_counts({"EXC": counts, "INH": counts[::-1]}, spatial, temporal, [4])
    excitatory = rows[:, :4].reshape(2, 2, 2).transpose(1, 2, 0)
    expected = [
        [[8.4227, 26.5098], [7.7679, 27.4403]],
        [[41.3295, 122.7275], [38.6826, 127.2153]],
    ]
    assert excitatory == pytest.approx(np.array(expected), abs=1e-4)
    assert np.array_equal(rows[:, 4:], rows[::-1, :4])


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    n_trials=st.integers(1, 70),
    stops=st.lists(st.integers(7, 40), min_size=1, max_size=12),
)
def test_equals_brute_force_for_any_targets(seed, n_trials, stops):
    rng = np.random.default_rng(seed)
    spatial, temporal = rng.standard_normal((3, 4)), rng.standard_normal((2, 7))
    counts = random_counts(seed, n_trials, 40, 4)
    rows = project_counts(counts, spatial, temporal, stops)
    assert rows.dtype == np.float32
    assert rows == pytest.approx(brute_force(counts, spatial, temporal, stops), abs=2e-4)


def test_overlapping_windows_equal_one_by_one():
    counts = random_counts(1, 70, 300, 30)
    stops = np.arange(90, 300, 3)
    together = project_counts(counts, SPATIAL, TEMPORAL, stops).reshape(70, stops.size, -1)
    for position in (0, 33, 69):
        alone = project_counts(counts, SPATIAL, TEMPORAL, stops[position : position + 1])
        assert together[:, position] == pytest.approx(alone, rel=2e-6)


def test_one_long_trial_is_cut_into_slabs_without_a_seam():
    counts = random_counts(2, 1, 5000, 3)
    rng = np.random.default_rng(0)
    spatial, temporal = rng.standard_normal((2, 3)), rng.standard_normal((2, 50))
    stops = np.array([60, 2047, 2048, 2049, 2080, 4096, 5000])
    expected = brute_force(counts, spatial, temporal, stops)
    assert project_counts(counts, spatial, temporal, stops) == pytest.approx(expected, abs=2e-4)


def test_windows_projected_together_have_the_bits_of_each_alone():
    counts = random_counts(7, TRIALS_PER_QUANTUM + 7, 300, 30)
    sets = [[90, 95], [101], [102, 170, 171], [290]]
    together = project_together(counts, SPATIAL, TEMPORAL, sets)
    for stops, rows in zip(sets, together, strict=True):
        first, last = min(stops) - TEMPORAL.shape[1], max(stops)
        own = {name: array[:, first:last] for name, array in counts.items()}
        alone = project_counts(own, SPATIAL, TEMPORAL, np.subtract(stops, first))
        assert np.array_equal(rows, alone)


@pytest.mark.parametrize("quanta", [1, 2, 3])
def test_blocks_of_whole_quanta_give_the_same_bits(quanta):
    n_trials = 4 * TRIALS_PER_QUANTUM + 13
    counts = random_counts(3, n_trials, 100, 30)
    stops = [85, 86, 99]
    whole = project_counts(counts, SPATIAL, TEMPORAL, stops)
    size = quanta * TRIALS_PER_QUANTUM
    parts = [
        project_counts(
            {name: array[first : first + size] for name, array in counts.items()},
            SPATIAL,
            TEMPORAL,
            stops,
        )
        for first in range(0, n_trials, size)
    ]
    assert np.array_equal(np.concatenate(parts), whole)


def test_events_give_the_numbers_of_their_counts():
    edges, n_trials = np.arange(0.0, 1501.0, 50.0), 130
    events = random_events(4, 60_000, n_trials, 120)
    size = {"n_trials": n_trials, "n_groups": 2, "n_ms": 120, "distance_edges": edges}
    stops = [80, 81, 120]
    from_events = project_events(
        **events, **size, spatial=SPATIAL, temporal=TEMPORAL, target_stops=stops
    )
    counts = np.zeros((2, n_trials, 120, 30), dtype=int)
    for trial, time, distance, group in zip(*events.values(), strict=True):
        if group >= 0 and 0.0 <= time < 120.0 and distance < 1500.0:
            counts[group, trial, int(time), int(distance // 50.0)] += 1
    from_counts = project_counts(dict(enumerate(counts)), SPATIAL, TEMPORAL, stops)
    assert np.array_equal(from_events, from_counts)
    assert np.array_equal(count_events(**events, **size), counts)


def test_events_on_edges_belong_to_the_right_bin():
    counts = count_events(
        [0, 0, 0, 0],
        [0.0, 1.0, 1.999, 3.0],
        [0.0, 50.0, 99.999, 100.0],
        [0, 0, 0, 0],
        n_trials=1,
        n_groups=1,
        n_ms=3,
        distance_edges=[0.0, 50.0, 100.0],
    )
    assert counts[0, 0].tolist() == [[1, 0], [0, 2], [0, 0]]


def test_start_of_the_record_shifts_time():
    shifted = count_events(
        [0],
        [100.5],
        [10.0],
        [0],
        n_trials=1,
        n_groups=1,
        n_ms=2,
        distance_edges=[0, 50],
        start_ms=100,
    )
    assert shifted[0, 0].tolist() == [[1], [0]]


@pytest.mark.parametrize("stop", [79, 121])
def test_window_outside_the_counts_is_refused(stop):
    with pytest.raises(InputError, match="input windows need bins"):
        project_counts(random_counts(0, 2, 120, 30), SPATIAL, TEMPORAL, [stop])


def test_counts_of_other_bins_are_refused():
    with pytest.raises(InputError, match="for 30 distance bins"):
        project_counts(random_counts(0, 2, 120, 29), SPATIAL, TEMPORAL, [100])


def test_counts_stay_unchanged():
    counts = random_counts(5, 3, 100, 30)
    before = {name: array.copy() for name, array in counts.items()}
    project_counts(counts, SPATIAL, TEMPORAL, [90])
    assert all(np.array_equal(counts[name], before[name]) for name in counts)


def test_published_model_on_simulated_trials(shared_data):
    filters = json.loads((shared_data / "isf_reduced_model" / "filters_example.json").read_text())
    published = filters["spatiotemporal_filters"]
    weights = {
        name: np.linalg.lstsq(
            (SPATIAL if name.startswith("s_") else TEMPORAL).T, np.array(values), rcond=None
        )[0]
        for name, values in published.items()
    }
    theta = np.concatenate(
        [np.outer(weights[f"s_{group}"], weights[f"t_{group}"]).ravel() for group in ("exc", "inh")]
    )
    with np.load(shared_data / "isf_simrun" / "binned_reference.npz") as archive:
        binned = archive["counts"]
    excitatory, inhibitory = (
        np.stack([trial[group, :30].T for trial in binned]) for group in (0, 1)
    )
    counts = {"EXC": excitatory, "INH": inhibitory}
    score = project_counts(counts, SPATIAL, TEMPORAL, [260, 261]) @ theta
    expected = [
        [21.4732, 29.0837],
        [17.3969, 22.8899],
        [13.7294, 15.6473],
        [12.6112, 13.6412],
        [12.8685, 17.4216],
        [10.4088, 15.1952],
    ]
    assert score.reshape(6, 2) == pytest.approx(np.array(expected), abs=2e-4)
