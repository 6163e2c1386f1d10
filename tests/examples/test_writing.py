"""Example databases as a user gets them."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from synreduce.database import check_database, open_database
from synreduce.errors import ConfigurationError
from synreduce.examples import EXAMPLES, PlantedModel, write_example, write_planted_example
from synreduce.metrics import auroc

EDGES = np.arange(0.0, 1501.0, 50.0)


@pytest.fixture(scope="module")
def cable(tmp_path_factory):
    path = tmp_path_factory.mktemp("cable") / "database.h5"
    report = write_example("cable", path, 1500, 2)
    with open_database(path) as database:
        spikes, truth = database.spike_times, database.truth
        trial = np.repeat(np.arange(1500), np.diff(spikes.pointer))
        spiked = np.zeros((1500, 345), dtype=bool)
        spiked[trial, spikes.times.astype(int)] = True
        return SimpleNamespace(path=path, report=report, truth=truth, spiked=spiked)


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_same_seed_same_bytes_for_any_number_of_processes(tmp_path, kind):
    for name, seed, processes in (("a", 1, 1), ("b", 1, 2), ("c", 2, 2)):
        write_example(kind, tmp_path / name, 300, seed, processes=processes)
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b
    assert a != c


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_both_layouts_hold_the_same_trials(tmp_path, kind):
    for layout in ("counts", "events"):
        report = write_example(kind, tmp_path / layout, 20, 5, layout=layout)
        assert check_database(tmp_path / layout, deep=True) == []
    with (
        open_database(tmp_path / "counts") as binned,
        open_database(tmp_path / "events") as single,
    ):
        window = {"distance_edges": EDGES, "t0": 0.0, "t1": 345.0}
        from_counts, from_events = binned.counts(**window), single.counts(**window)
        for group in ("EXC", "INH"):
            assert np.array_equal(from_counts[group], from_events[group])
        assert np.array_equal(binned.spike_times.times, single.spike_times.times)
        assert np.array_equal(binned.truth["score"], single.truth["score"])
        assert list(binned.trial_ids) == [f"{kind}/{trial:06d}" for trial in range(20)]
        events = single.events(0.0, 345.0)
        assert len(events) == sum(report.n_activations.values())
        names = np.array(single.synapse_types.names)[events.synapse_type]
        assert {"VPM_C2", "L5tt_C2"} <= set(names)
        assert events.presynaptic_cell is not None
        assert events.dendrite_label is not None


def test_no_two_trials_are_alike(cable):
    assert np.unique(cable.truth["score"], axis=0).shape[0] == 1500


def test_cable_truth_is_the_probability_of_a_spike(cable):
    assert cable.truth["score"].shape == (1500, 50)
    assert cable.truth["target_start_ms"].tolist() == list(range(245, 295))
    p, y = cable.truth["score"].astype(float), cable.spiked[:, 245:295]
    assert abs(y.sum() - p.sum()) < 4.0 * np.sqrt((p * (1 - p)).sum())
    for members in (p > 0.3, (p > 0.02) & (p < 0.1)):
        spread = np.sqrt((p * (1 - p))[members].sum())
        assert abs(y[members].sum() - p[members].sum()) < 4.0 * spread


def test_cable_responds_to_the_whisker(cable):
    rate = cable.spiked.mean(axis=0)
    assert 257 <= rate.argmax() <= 260
    assert 0.03 < rate[258] < 0.08
    assert rate[:245].mean() < 0.003
    assert 0.9 < auroc(cable.spiked[:, 258], cable.truth["score"][:, 13]) < 0.98


def test_report_says_what_was_written(cable):
    report = cable.report
    assert report.n_spikes == cable.spiked.sum()
    with open_database(cable.path) as database:
        inside = database.counts(distance_edges=np.arange(0, 1601, 50), t0=0.0, t1=345.0)
    assert report.n_activations == {name: int(array.sum()) for name, array in inside.items()}
    assert any(str(cable.path) in line for line in report.lines())


def test_planted_truth_gives_back_the_score(tmp_path):
    model = PlantedModel(penalty=20.0)
    write_planted_example(tmp_path / "db.h5", 30, 4, model=model)
    with open_database(tmp_path / "db.h5") as database:
        truth, spikes = database.truth, database.spike_times
        counts = database.counts(distance_edges=EDGES, t0=180.0, t1=260.0)
    expected = sum(
        np.einsum(
            "ntz,t,z->n",
            counts[name],
            truth[f"temporal_filter_{name}"],
            truth[f"spatial_filter_{name}"],
        )
        for name in ("EXC", "INH")
    )
    amplitude, decay = truth["isi_penalty"]
    for trial in range(30):
        before = spikes.of(trial)[spikes.of(trial) < 259.0]
        if before.size:
            expected[trial] -= amplitude * np.exp(-(259.0 - before[-1]) / decay)
    assert truth["score"][:, 259 - 245] == pytest.approx(expected, abs=1e-4)
    assert truth["nonlinearity"].tolist() == [model.slope, model.intercept]
    assert truth["lag_ms"][[0, -1]].tolist() == [79.0, 0.0]


def test_provenance_repeats_the_request_and_no_times(cable):
    with open_database(cable.path) as database:
        provenance = json.loads(json.dumps(database.provenance))
    assert (provenance["kind"], provenance["trials"], provenance["seed"]) == ("cable", 1500, 2)
    assert provenance["neuron"]["threshold"] < 0.0
    assert not {"time", "date", "host", "seconds"} & set(provenance)


def test_all_mistakes_are_named_at_once(tmp_path):
    with pytest.raises(ConfigurationError) as caught:
        write_example("cable", tmp_path / "db.h5", 0, -1, layout="event", processes=0)
    assert {problem.where for problem in caught.value.problems} == {
        *("layout", "trials", "seed", "processes")
    }
    assert "did you mean 'events'?" in str(caught.value)
    with pytest.raises(ConfigurationError, match="did you mean 'cable'"):
        write_example("cabel", tmp_path / "db.h5", 10, 1)
    assert not list(tmp_path.iterdir())
