"""The input of the examples against the figures of six recorded trials."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from synreduce.examples import InputActivity, TrialGain, build_network, input_statistics

TRIALS = 512


@pytest.fixture(scope="module")
def recorded(shared_data):
    return json.loads((shared_data / "input_statistics.json").read_text())


@pytest.fixture(scope="module")
def network():
    return build_network(3)


@pytest.fixture(scope="module")
def drawn(network):
    activity = InputActivity(network, TrialGain())
    activations = activity.draw(np.random.default_rng(11), TRIALS)
    excites = network.synapse_is_excitatory[activations.synapse]
    return SimpleNamespace(
        activations=activations,
        members={"EXC": excites, "INH": ~excites},
        distance=network.synapse_distance[activations.synapse],
        kind=network.cell_kind[network.synapse_cell[activations.synapse]],
    )


def test_network_has_the_recorded_synapses(recorded, network):
    per_cell = np.diff(network.first_synapse)
    histogram = {str(n): int((per_cell == n).sum()) for n in np.unique(per_cell)}
    assert histogram == recorded["network"]["synapses_per_cell_hist"]
    kind_of_synapse = network.cell_kind[network.synapse_cell]
    for kind, cell_type in enumerate(network.statistics.cell_types):
        facts = recorded["cell_types"][cell_type.name]
        members = kind_of_synapse == kind
        distance_bin = (network.synapse_distance[members] // 50).astype(int)
        assert np.bincount(distance_bin, minlength=32).tolist() == facts["synapse_distance_hist"]
        assert (network.cell_kind == kind).sum() == facts["connected_cells_total"]
        assert cell_type.group == facts["ei"]
        assert cell_type.release_probability == facts["release_probability"]


def test_synapses_are_numbered_within_types_and_named_by_column(network):
    kind_names = [cell_type.name for cell_type in network.statistics.cell_types]
    type_of_synapse = network.cell_synapse_type[network.synapse_cell]
    pairs = set(zip(type_of_synapse.tolist(), network.synapse_id.tolist(), strict=True))
    assert len(pairs) == network.synapse_id.size == 24780
    for name, group in zip(network.synapse_types, network.type_group, strict=True):
        cell_type, column = name.split("_")
        assert cell_type in kind_names
        assert column
        assert group == network.statistics.cell_types[kind_names.index(cell_type)].group
    assert {"VPM_C2", "L5tt_C2", "L4ss_D2"} <= set(network.synapse_types)


def test_soma_synapses_lie_at_distance_zero(network):
    assert (network.synapse_distance[network.synapse_label == 0] == 0.0).all()
    assert (network.synapse_label == 0).sum() == 98  # as counted in the recorded network
    assert (network.synapse_distance[network.synapse_label == 1] < 400.0).all()


def test_synapses_of_one_cell_lie_near_each_other(network):
    first = network.first_synapse[:-1][np.diff(network.first_synapse) == 2]
    apart = np.abs(network.synapse_distance[first] - network.synapse_distance[first + 1])
    assert 50.0 < np.median(apart) < 200.0  # 110 um in the recorded network


def test_activations_per_trial(recorded, drawn):
    for group, members in drawn.members.items():
        expected = recorded["mean_per_trial"][f"activations_{group.lower()}"]
        assert members.sum() / TRIALS == pytest.approx(expected, rel=0.02)


def test_activations_per_cell_type(recorded, network, drawn):
    for kind, cell_type in enumerate(network.statistics.cell_types):
        expected = recorded["cell_types"][cell_type.name]["activations_per_trial"]
        tolerance = 0.06 * expected + 4.0 * np.sqrt(expected / 6.0)
        assert (drawn.kind == kind).sum() / TRIALS == pytest.approx(expected, abs=tolerance)


def test_rates_in_windows_of_time(recorded, drawn):
    for group, members in drawn.members.items():
        times = drawn.activations.time[members]
        for window in recorded["groups"][group]["windows"]:
            start, end = window["start_ms"], window["end_ms"]
            rate = ((times >= start) & (times < end)).sum() / TRIALS / (end - start)
            expected = window["activations_per_ms_per_trial"]
            # what six trials can tell, and 3 % for the gain of the trials drawn here
            spread = 4.0 * np.sqrt(1.5 * expected / (6.0 * (end - start)))
            assert rate == pytest.approx(expected, abs=spread + 0.03 * expected)


def test_distances_of_activations(recorded, drawn):
    for group, members in drawn.members.items():
        expected = np.array(recorded["groups"][group]["activation_distance_hist"]) / 6.0
        found = np.bincount((drawn.distance[members] // 50).astype(int), minlength=32) / TRIALS
        assert np.abs(found - expected).sum() / expected.sum() < 0.06


def test_synapses_of_a_cell_release_independently(network):
    activations = InputActivity(network, TrialGain()).draw(np.random.default_rng(5), 200)
    cell = network.synapse_cell[activations.synapse]
    two = np.diff(network.first_synapse)[cell] == 2
    spikes = np.stack([activations.trial[two], cell[two], activations.time[two]])
    excites = network.synapse_is_excitatory[activations.synapse[two]]
    for members, probability in ((excites, 0.6), (~excites, 0.25)):
        _, released = np.unique(spikes[:, members], axis=1, return_counts=True)
        expected = probability**2 / (1.0 - (1.0 - probability) ** 2)
        assert (released == 2).mean() == pytest.approx(expected, abs=0.01)


def test_activations_share_presynaptic_spikes_as_recorded(recorded, network, drawn):
    few = drawn.activations.trial < 20
    cell = network.synapse_cell[drawn.activations.synapse[few]]
    population = network.cell_synapse_type[cell]
    spikes = np.stack([drawn.activations.trial[few], population, drawn.activations.time[few]])
    _, count = np.unique(spikes, axis=1, return_counts=True)
    shared = count[count > 1].sum() / count.sum()
    name = "fraction_of_activations_sharing_population_and_exact_time_with_another"
    assert shared == pytest.approx(np.mean(recorded["correlation"][name]), abs=0.015)


def test_gain_spreads_the_response_and_keeps_its_mean(network):
    total = {}
    for name, gain in (("without", TrialGain(0.0, 0.0)), ("with", TrialGain(0.3, 0.1))):
        activations = InputActivity(network, gain).draw(np.random.default_rng(8), TRIALS)
        total[name] = np.bincount(activations.trial, minlength=TRIALS)
    assert total["with"].mean() == pytest.approx(total["without"].mean(), rel=0.02)
    # standard deviation of the recording's own scheme, 100 trials of which gave 79
    assert total["without"].std() == pytest.approx(79.0, rel=0.12)
    assert total["with"].std() > 2.0 * total["without"].std()
    drawn = TrialGain(0.3, 0.1).draw(np.random.default_rng(1), 20_000)
    assert drawn.mean(axis=0) == pytest.approx([1.0, 1.0], abs=0.02)
    assert np.log(drawn).std(axis=0) == pytest.approx([np.hypot(0.3, 0.1)] * 2, rel=0.03)


def test_times_and_trials_lie_within_the_record(network):
    activations = InputActivity(network, TrialGain()).draw(np.random.default_rng(2), 7)
    ordered = activations.sorted_by_trial()
    assert activations.time.min() >= 0.0
    assert activations.time.max() < input_statistics().duration_ms
    assert np.array_equal(np.unique(activations.trial), np.arange(7))
    assert (np.diff(ordered.trial) >= 0).all()
    assert np.bincount(ordered.synapse, minlength=1).sum() == activations.synapse.size
