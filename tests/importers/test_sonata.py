"""Two published circuits give back the numbers known for them."""

import shutil

import h5py
import numpy as np
import pytest

from synreduce.database import open_database
from synreduce.errors import ConfigurationError, DataError
from synreduce.importers import ImportOptions, run_import
from synreduce.importers.swc import read_swc

RADII = [5.4428] * 3 + [6.2366] * 3 + [6.4406] * 3
MORPHOLOGIES = ["Scnn1a_473845048_m"] * 3 + ["Rorb_325404214_m"] * 3 + ["Nr5a1_471087815_m"] * 3


@pytest.fixture(scope="module")
def allen(shared_data):
    return shared_data / "sonata" / "allen_9_cells"


@pytest.fixture(scope="module")
def ring(shared_data):
    return shared_data / "sonata" / "neurodamus_ringtest"


@pytest.fixture(scope="module")
def imported(allen, tmp_path_factory):
    path = tmp_path_factory.mktemp("allen") / "database.h5"
    return path, run_import("sonata", [allen], path)


def _events(path, trial):
    with open_database(path) as database:
        events = database.events(0.0, database.duration_ms, trials=slice(trial, trial + 1))
        groups = np.array(database.synapse_types.groups)[events.synapse_type]
        return events, groups


@pytest.mark.parametrize(
    ("group", "n_synapses", "n_activations", "first_ms", "by_bin"),
    [
        ("EXC", 83, 2681, 3.178323462231922, [28, 1594, 1004, 55]),
        ("INH", 70, 1995, 16.759603199013306, [57, 1115, 758, 65]),
    ],
)
def test_activations_of_cell_0(imported, group, n_synapses, n_activations, first_ms, by_bin):
    events, groups = _events(imported[0], 0)
    mine = events.take(groups == group)
    assert len(mine) == n_activations
    assert mine.time.min() == first_ms
    assert len(np.unique(mine.synapse_id)) == n_synapses
    from_centre = mine.soma_distance + RADII[0]
    assert np.histogram(from_centre, np.arange(0.0, 201.0, 50.0))[0].tolist() == by_bin


def test_spikes_and_identities(imported):
    with open_database(imported[0]) as database:
        assert database.duration_ms == 3000.0
        assert list(database.trial_ids) == [f"allen_9_cells/cortex/{cell}" for cell in range(9)]
        numbers = [len(database.spike_times.of(cell)) for cell in range(9)]
        assert numbers == [13, 11, 15, 3, 14, 8, 0, 7, 7]
        assert database.spike_times.of(0)[[0, -1]].tolist() == [132.3, 2936.0]


def test_report_counts_and_says_what_was_done_to_distances(imported):
    report = imported[1]
    assert (report.n_trials, report.n_spikes, dict(report.dropped)) == (9, 78, {})
    with open_database(imported[0]) as database:
        counts = database.counts(distance_edges=np.arange(0.0, 1501.0, 50.0))
    assert {name: int(array.sum()) for name, array in counts.items()} == report.n_activations
    text = "\n".join(report.lines())
    assert "soma radius subtracted (5.4428, 6.2366, 6.4406 um)" in text
    assert "agrees with the morphology for 1,289 synapses (largest difference 0.00034 um)" in text


@pytest.mark.parametrize(("source", "n_edges"), [("excvirt", 659), ("inhvirt", 630)])
def test_published_distance_is_the_path_length_and_the_soma_radius(allen, source, n_edges):
    with h5py.File(allen / "network" / f"{source}_cortex_edges.h5") as file:
        group = file[f"edges/{source}_to_cortex"]
        target = group["target_node_id"][()].astype(int)
        section, position = group["0/sec_id"][()], group["0/sec_x"][()]
        published = group["0/dist"][()]
    assert len(target) == n_edges
    for cell in range(9):
        tree = read_swc(allen / "morphologies" / f"{MORPHOLOGIES[cell]}.swc")
        mine = target == cell
        path = tree.path_distance(section[mine], position[mine])
        np.testing.assert_allclose(path, published[mine] - RADII[cell], atol=0.0004)


def test_every_source_spike_activates_every_synapse_once_after_the_delay(allen, imported):
    with (
        h5py.File(allen / "network" / "inhvirt_cortex_edges.h5") as edges,
        h5py.File(allen / "inputs" / "inh_spike_trains.h5") as spikes,
    ):
        group, train = edges["edges/inhvirt_to_cortex"], spikes["spikes/inhvirt"]
        sources = group["source_node_id"][()][group["target_node_id"][()] == 7]
        nodes, times = train["node_ids"][()], train["timestamps"][()]
    expected = np.concatenate([times[nodes == source] + 2.0 for source in sources])
    events, groups = _events(imported[0], 7)
    np.testing.assert_array_equal(np.sort(events.time[groups == "INH"]), np.sort(expected))


def test_path_length_from_the_morphology_where_no_distance_is_stored(allen, imported, tmp_path):
    folder = shutil.copytree(allen, tmp_path / "allen_9_cells")
    for source in ("excvirt", "inhvirt"):
        with h5py.File(folder / "network" / f"{source}_cortex_edges.h5", "r+") as file:
            del file[f"edges/{source}_to_cortex/0/dist"]
    run_import("sonata", [folder], tmp_path / "database.h5")
    with open_database(tmp_path / "database.h5") as ours, open_database(imported[0]) as theirs:
        edges = np.arange(0.0, 301.0, 10.0) + 0.003  # away from the distances themselves
        for name, counts in ours.counts(distance_edges=edges).items():
            np.testing.assert_array_equal(counts, theirs.counts(distance_edges=edges)[name])


def test_windows_of_one_simulation_become_trials(allen, imported, tmp_path):
    windows = ((0.0, 1000.0), (1500.0, 2500.0))
    options = ImportOptions(trial_windows_ms=windows)
    report = run_import("sonata", [allen], tmp_path / "windows.h5", options)
    events, _ = _events(imported[0], 4)
    with open_database(imported[0]) as whole, open_database(tmp_path / "windows.h5") as cut:
        assert cut.n_trials == 18
        assert cut.duration_ms == 1000.0
        assert cut.trial_ids[8] == "allen_9_cells/cortex/4/0-1000"
        assert cut.trial_ids[9] == "allen_9_cells/cortex/4/1500-2500"
        for trial, (start, stop) in zip((8, 9), windows, strict=True):
            spikes = whole.spike_times.of(4)
            expected = spikes[(spikes >= start) & (spikes < stop)] - start
            np.testing.assert_allclose(cut.spike_times.of(trial), expected)
            mine = events.time[(events.time >= start) & (events.time < stop)] - start
            found = cut.events(0.0, 1000.0, trials=slice(trial, trial + 1)).time
            np.testing.assert_allclose(np.sort(found), np.sort(mine))
    kept = sum(report.n_activations.values())
    assert kept + report.dropped["activations outside every trial window"] == 38603
    assert report.n_spikes + report.dropped["spikes outside every trial window"] == 78


def test_chosen_cells_and_populations(allen, tmp_path):
    options = ImportOptions(
        target_population="cortex",
        target_nodes=(5, 0, 3),
        exclude_trials=("allen_9_cells/cortex/3",),
        type_map={"exc.*": "EXC", "inhvirt": "basket"},
        group_signs={"basket": -1},
    )
    report = run_import("sonata", [allen], tmp_path / "database.h5", options)
    with open_database(tmp_path / "database.h5") as database:
        assert list(database.trial_ids) == ["allen_9_cells/cortex/0", "allen_9_cells/cortex/5"]
        assert {group.name: group.sign for group in database.groups}["basket"] == -1
    assert report.n_activations["basket"] > 0 == report.n_activations["INH"]


def test_simulations_of_the_same_name_are_told_apart(allen, tmp_path):
    folders = [shutil.copytree(allen, tmp_path / part / "run") for part in ("a", "b")]
    run_import("sonata", folders, tmp_path / "database.h5", ImportOptions(target_nodes=(0,)))
    with open_database(tmp_path / "database.h5") as database:
        assert list(database.trial_ids) == ["a/run/cortex/0", "b/run/cortex/0"]


def test_ringtest_without_distance_is_refused_and_says_why(ring, tmp_path):
    with pytest.raises(DataError) as caught:
        run_import("sonata", [ring], tmp_path / "database.h5")
    message = str(caught.value)
    assert "no soma distance for 3 of 3 synapses" in message
    assert "'cell_small.swc' was not found" in message
    assert "distance_column" in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [
        ImportOptions(distance_um=120.0),
        ImportOptions(distance_column="conductance"),
        ImportOptions(distance_column="conductance", target_population="RingA"),
    ],
)
def test_ringtest_with_a_given_distance(ring, tmp_path, options):
    report = run_import("sonata", [ring], tmp_path / "database.h5", options)
    events, groups = _events(tmp_path / "database.h5", 0)
    with open_database(tmp_path / "database.h5") as database:
        assert database.trial_ids[0] == "neurodamus_ringtest/RingA/0"
    assert groups.tolist() == ["INH"] * 3
    np.testing.assert_allclose(events.time, [15.15, 18.45, 21.975], atol=1e-6)
    # the edge onto cell 0 has conductance 13
    assert set(events.soma_distance) == {120.0 if options.distance_um else 13.0}
    assert any("without spikes" in note for note in report.notes)


def test_ringtest_edges_are_excitatory_from_synapse_type_100(ring, tmp_path):
    run_import("sonata", [ring], tmp_path / "database.h5", ImportOptions(distance_um=1.0))
    found = {}
    with open_database(tmp_path / "database.h5") as database:
        names = list(database.trial_ids)
    for trial, name in enumerate(names):
        found[name.split("/", 1)[1]] = sorted(set(_events(tmp_path / "database.h5", trial)[1]))
    # RingB is silent; its cell 0 has an excitatory synapse of RingA
    assert found == {
        "RingA/0": ["INH"],
        "RingA/1": ["INH"],
        "RingA/2": ["EXC"],
        "RingB/0": ["EXC"],
        "RingB/1": [],
    }


def test_ringtest_straight_line_only_on_request(ring, tmp_path):
    folder = shutil.copytree(ring, tmp_path / "ring")
    with h5py.File(folder / "local_edges_A.h5", "r+") as file:
        group = file["edges/RingA__RingA__chemical/0"]
        # cell 0 lies at (0, 1, 2)
        for axis, place in zip("xyz", (3.0, 1.0, 6.0), strict=True):
            group[f"afferent_center_{axis}"] = np.full(3, place)
    options = ImportOptions(target_population="RingA", target_nodes=(0,))
    with pytest.raises(DataError, match="no-distance"):
        run_import("sonata", [folder], tmp_path / "database.h5", options)
    allowed = ImportOptions(
        target_population="RingA", target_nodes=(0,), straight_line_distance=True
    )
    run_import("sonata", [folder], tmp_path / "database.h5", allowed)
    assert set(_events(tmp_path / "database.h5", 0)[0].soma_distance) == {5.0}


def test_nodes_of_two_populations_need_the_population(ring, tmp_path):
    options = ImportOptions(target_nodes=(0,), distance_um=1.0)
    with pytest.raises((ConfigurationError, DataError), match="set target_population"):
        run_import("sonata", [ring], tmp_path / "database.h5", options)
