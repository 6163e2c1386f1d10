"""The reduced model applied: net input, probability and simulation."""

import json

import numpy as np
import pytest

from synreduce.errors import DataError, InputError
from synreduce.evaluation import (
    IsiPenalty,
    Nonlinearity,
    ReducedModel,
    milliseconds_since_spike,
    spike_raster,
)

KNOTS = np.linspace(-8, 8, 161)
CURVE = Nonlinearity(KNOTS, 1 / (1 + np.exp(-(KNOTS - 2))))


def make_model(width=7, n_bins=4, scale=0.3, penalty=None, seed=0):
    rng = np.random.default_rng(seed)
    kernel = rng.normal(scale=scale, size=(2, n_bins, width))
    penalty = penalty if penalty is not None else IsiPenalty(np.array([np.inf, np.inf, 3.0, 1.0]))
    return ReducedModel(("EXC", "INH"), kernel, np.arange(n_bins + 1) * 50.0, CURVE, penalty)


def make_counts(n_trials=70, n_ms=30, n_bins=4, seed=1):
    rng = np.random.default_rng(seed)
    return {g: rng.poisson(1.0, (n_trials, n_ms, n_bins)).astype(np.uint8) for g in ("EXC", "INH")}


def test_net_input_is_kernel_times_window_summed():
    model, counts = make_model(), make_counts(n_trials=3)
    expected = np.zeros((3, 30))
    for trial in range(3):
        for now in range(30):
            for number, group in enumerate(model.groups):
                for lag in range(model.width_ms):
                    if now - lag >= 0:
                        weight = model.kernel[number, :, model.width_ms - 1 - lag]
                        expected[trial, now] += weight @ counts[group][trial, now - lag]
    assert model.net_input(counts) == pytest.approx(expected, abs=1e-12)


def test_long_trials_are_filtered_in_slabs_without_a_seam():
    model = make_model()
    counts = make_counts(n_trials=2, n_ms=9 * model.width_ms + 1)
    whole = model.net_input(counts)
    for stop in range(model.width_ms, whole.shape[1] + 1):
        seen = {name: array[:, stop - model.width_ms : stop] for name, array in counts.items()}
        assert model.net_input(seen)[:, -1] == pytest.approx(whole[:, stop - 1], abs=1e-12)


def test_published_filters_give_the_published_net_input(shared_data):
    path = shared_data / "isf_reduced_model" / "filters_example.json"
    filters = json.loads(path.read_text())["spatiotemporal_filters"]
    kernel = np.stack([np.outer(filters[f"s_{g}"], filters[f"t_{g}"]) for g in ("exc", "inh")])
    model = ReducedModel(("EXC", "INH"), kernel, np.arange(31) * 50.0, CURVE)
    counts = np.load(shared_data / "isf_simrun" / "binned_reference.npz")["counts"]
    by_group = {g: counts[:, n, :30].transpose(0, 2, 1) for n, g in enumerate(("EXC", "INH"))}
    net = model.net_input(by_group)
    assert net[:6, 259] == pytest.approx(
        [21.4732, 17.3969, 13.7294, 12.6112, 12.8685, 10.4088], abs=6e-5
    )
    assert net[:6, 260] == pytest.approx(
        [29.0837, 22.8899, 15.6473, 13.6412, 17.4216, 15.1952], abs=6e-5
    )


def test_any_block_of_trials_gives_the_same_bits():
    model, counts = make_model(), make_counts()
    whole_net = model.net_input(counts)
    whole = model.simulate(counts, seed=5, n=3)
    for block in (slice(0, 1), slice(3, 67), slice(69, 70), slice(10, 10)):
        part = {group: array[block] for group, array in counts.items()}
        ids = range(70)[block]
        assert np.array_equal(model.net_input(part), whole_net[block])
        assert np.array_equal(model.simulate(part, seed=5, n=3, trial_ids=ids), whole[:, block])


def test_more_repetitions_leave_the_first_ones_alone():
    model, counts = make_model(), make_counts(n_trials=5)
    few, many = model.simulate(counts, seed=2, n=1), model.simulate(counts, seed=2, n=4)
    assert not np.array_equal(many[0], many[1])
    assert few.shape == (1, 5, 30)
    # n changes how a trial's stream is cut, never the first repetition
    assert np.array_equal(few[0], many[0])


def test_seed_and_trial_decide_the_draw():
    model, counts = make_model(), make_counts(n_trials=20)
    first = model.simulate(counts, seed=1)
    assert np.array_equal(first, model.simulate(counts, seed=1))
    assert not np.array_equal(first, model.simulate(counts, seed=2))
    named = model.simulate(counts, seed=1, trial_ids=[f"db/{i}" for i in range(20)])
    assert not np.array_equal(first, named)


def test_simulated_rate_is_the_conditional_probability():
    model, counts = make_model(), make_counts(n_trials=4)
    spikes = model.simulate(counts, seed=9, n=4000)
    probability = np.stack([model.spike_probability(counts, history) for history in spikes[:200]])
    # law of total probability, per millisecond
    error = spikes.mean(axis=(0, 1)) - probability.mean(axis=(0, 1))
    assert np.abs(error).max() < 0.03
    assert spikes.mean() > 0.02


def test_no_spike_inside_the_refractory_period():
    model, counts = make_model(), make_counts()
    gaps = np.concatenate([np.diff(np.flatnonzero(t)) for t in model.simulate(counts, 3)[0]])
    assert gaps.size > 50
    assert gaps.min() == 3


def test_without_history_the_penalty_is_left_out():
    model, counts = make_model(), make_counts(n_trials=4)
    assert np.array_equal(model.spike_probability(counts), CURVE(model.net_input(counts)))
    silent = np.zeros((4, 30))
    assert np.array_equal(model.spike_probability(counts, silent), model.spike_probability(counts))
    one = silent.copy()
    one[:, 10] = 1
    after = model.spike_probability(counts, one)
    assert (after[:, 11:13] == 0).all()
    assert (after[:, 10] > 0).all()


def test_time_since_spike_counts_milliseconds():
    raster = np.array([[0, 1, 0, 0, 1, 0]], dtype=bool)
    assert milliseconds_since_spike(raster).tolist() == [[np.inf, np.inf, 1, 2, 3, 1]]


def test_spike_raster_puts_spikes_in_their_millisecond():
    raster = spike_raster([0.0, 2.999, 5.0, -0.1, 250.0], [0, 2, 2, 5], n_ms=5, start_ms=0.0)
    assert raster.astype(int).tolist() == [[1, 0, 1, 0, 0], [0] * 5, [0] * 5]
    assert spike_raster([258.4], [0, 1], 3, start_ms=257.0).astype(int).tolist() == [[0, 1, 0]]


def test_refuses_what_does_not_fit():
    model, counts = make_model(), make_counts(n_trials=2)
    with pytest.raises(DataError, match="no counts for INH"):
        model.net_input({"EXC": counts["EXC"]})
    with pytest.raises(DataError, match="counts of EXC"):
        model.net_input({g: a[:, :, :3] for g, a in counts.items()})
    with pytest.raises(DataError, match="spike-history-shape"):
        model.spike_probability(counts, np.zeros((2, 29)))
    with pytest.raises(InputError, match="trial identities"):
        model.simulate(counts, 1, trial_ids=[1])
    with pytest.raises(InputError, match="kernel of shape"):
        ReducedModel(("EXC",), model.kernel, model.distance_edges, CURVE)
