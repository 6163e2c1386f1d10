"""The many ways in which SONATA files say the same, and the choices of an import."""

import json
import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest

from synreduce.database import open_database
from synreduce.errors import DataError
from synreduce.importers import ImportOptions, run_import

EDGES = "network/excvirt_cortex_edges.h5"
EDGE_GROUP = "edges/excvirt_to_cortex"
ONE_CELL = ImportOptions(target_nodes=(0,))
# half a second of one cell holds every kind of event and is quickly written
SHORT = ImportOptions(target_nodes=(0,), trial_windows_ms=((0.0, 500.0),))


@pytest.fixture
def allen(shared_data, tmp_path):
    return shutil.copytree(shared_data / "sonata" / "allen_9_cells", tmp_path / "allen")


@pytest.fixture(scope="module")
def reference(shared_data, tmp_path_factory):
    output = tmp_path_factory.mktemp("reference") / "database.h5"
    run_import("sonata", [shared_data / "sonata" / "allen_9_cells"], output, SHORT)
    return _content(output)


def _content(path):
    with open_database(path) as database:
        events = database.events(0.0, database.duration_ms)
        groups = np.array(database.synapse_types.groups)[events.synapse_type]
        order = np.lexsort((events.soma_distance, events.time, groups))
        spikes = database.spike_times.of(0)
    return spikes, groups[order], events.time[order], events.soma_distance[order]


def _import(folder, options=ONE_CELL):
    output = folder.parent / "database.h5"
    report = run_import("sonata", [folder], output, options)
    return _content(output), report


def _same(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def _replace(group, name, values):
    attributes = dict(group[name].attrs)
    del group[name]
    group[name] = values
    group[name].attrs.update(attributes)


def _edit_json(path, keys, value):
    content = json.loads(path.read_text())
    inner = content
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    path.write_text(json.dumps(content))


def _lie_about_sorting(folder):
    path = folder / "inputs" / "exc_spike_trains.h5"
    with h5py.File(path, "r+") as file:
        group = file["spikes/excvirt"]
        order = np.random.default_rng(1).permutation(len(group["timestamps"]))
        for name in ("timestamps", "node_ids"):
            _replace(group, name, group[name][()][order])
        group.attrs["sorting"] = "by_time"


def _old_form_with_gids(folder):
    path = folder / "inputs" / "exc_spike_trains.h5"
    with h5py.File(path, "r+") as file:
        times, nodes = (file[f"spikes/excvirt/{name}"][()] for name in ("timestamps", "node_ids"))
        del file["spikes/excvirt"]
        file["spikes/timestamps"], file["spikes/gids"] = times, nodes.astype(np.int32)


def _spikes_as_text(folder):
    path = folder / "output" / "spikes.h5"
    with h5py.File(path) as file:
        times, nodes = (file[f"spikes/cortex/{name}"][()] for name in ("timestamps", "node_ids"))
    rows = [f"{time!r} cortex {node}" for time, node in zip(times.tolist(), nodes, strict=True)]
    text = "\n".join(["timestamps population node_ids", *rows]) + "\n"
    (folder / "output" / "spikes.csv").write_text(text)
    path.unlink()
    _edit_json(folder / "simulation_config.json", ("output", "spikes_file"), "spikes.csv")


def _spikes_in_two_files(folder):
    first, second = folder / "inputs" / "exc_spike_trains.h5", folder / "inputs" / "more.h5"
    shutil.copy(first, second)
    for path, keep in ((first, slice(0, 100)), (second, slice(100, None))):
        with h5py.File(path, "r+") as file:
            for name in ("timestamps", "node_ids"):
                _replace(file["spikes/excvirt"], name, file[f"spikes/excvirt/{name}"][()][keep])
    entry = {"input_type": "spikes", "module": "h5", "input_file": "$INPUT_DIR/more.h5"}
    _edit_json(folder / "simulation_config.json", ("inputs", "more"), entry)


def _edges_in_two_groups(folder):
    with h5py.File(folder / EDGES, "r+") as file:
        group = file[EDGE_GROUP]
        n_edges = len(group["edge_group_id"])
        odd = np.arange(n_edges) % 2 == 1
        for name in list(group["0"]):
            values = group["0"][name][()]
            _replace(group["0"], name, values[~odd])
            group[f"1/{name}"] = values[odd]
        _replace(group, "edge_group_id", odd.astype(np.uint16))
        _replace(group, "edge_group_index", (np.arange(n_edges) // 2).astype(np.uint32))


def _no_group_datasets(folder):
    with h5py.File(folder / EDGES, "r+") as file:
        del file[f"{EDGE_GROUP}/edge_group_id"], file[f"{EDGE_GROUP}/edge_group_index"]


def _delay_of_the_edge_wins(folder):
    table = folder / "network" / "excvirt_cortex_edge_types.csv"
    table.write_text(table.read_text().replace(" 2.0 ", " 77.0 "))
    with h5py.File(folder / EDGES, "r+") as file:
        file[f"{EDGE_GROUP}/0/delay"] = np.full(659, 2.0)


def _class_of_the_source_in_a_library(folder):
    table = folder / "network" / "excvirt_node_types.csv"
    table.write_text("node_type_id model_type ei\n100 virtual i\n")
    with h5py.File(folder / "network" / "excvirt_nodes.h5", "r+") as file:
        group = file["nodes/excvirt/0"]
        group["synapse_class"] = np.ones(10, np.uint32)
        group["@library/synapse_class"] = ["INH", "EXC"]


def _receptor_of_the_edge(folder):
    table = folder / "network" / "excvirt_node_types.csv"
    table.write_text("node_type_id model_type ei\n100 virtual i\n")
    with h5py.File(folder / EDGES, "r+") as file:
        file[f"{EDGE_GROUP}/0/syn_type_id"] = np.full(659, 100)


def _no_configuration(folder):
    (folder / "simulation_config.json").unlink()
    (folder / "circuit_config.json").unlink()


def _circuit_configuration_only(folder):
    (folder / "simulation_config.json").unlink()


@pytest.mark.parametrize(
    "change",
    [
        _lie_about_sorting,
        _old_form_with_gids,
        _spikes_as_text,
        _spikes_in_two_files,
        _edges_in_two_groups,
        _no_group_datasets,
        _delay_of_the_edge_wins,
        _class_of_the_source_in_a_library,
        _receptor_of_the_edge,
    ],
)
def test_other_ways_of_writing_the_same(allen, reference, change):
    change(allen)
    if change is _old_form_with_gids:
        # a file without populations needs the configuration to say whose spikes they are
        assert "excvirt" in (allen / "simulation_config.json").read_text()
    _same(_import(allen, SHORT)[0], reference)


@pytest.mark.parametrize("change", [_no_configuration, _circuit_configuration_only])
def test_files_are_found_without_configuration(allen, reference, change):
    change(allen)
    _same(_import(allen, SHORT)[0], reference)


def test_configuration_file_as_source(allen, reference):
    output = allen.parent / "database.h5"
    run_import("sonata", [allen / "simulation_config.json"], output, SHORT)
    _same(_content(output), reference)


def test_user_map_beats_the_files(allen):
    options = ImportOptions(target_nodes=(0,), type_map={"excvirt": "INH", "inh.*": "EXC"})
    report = _import(allen, options)[1]
    assert report.n_activations == {"EXC": 1995, "INH": 2681}


def test_types_left_out_are_counted(allen):
    options = ImportOptions(target_nodes=(0,), drop_types=("excvirt",))
    report = _import(allen, options)[1]
    assert report.n_activations == {"EXC": 0, "INH": 1995}
    assert report.dropped == {"activations of synapse types left out": 2681}


def test_one_edge_for_several_synapses_needs_a_given_distance(allen):
    with h5py.File(allen / EDGES, "r+") as file:
        file[f"{EDGE_GROUP}/0/nsyns"] = np.full(659, 3)
    with pytest.raises(DataError, match="unplaced-synapses"):
        _import(allen)
    options = ImportOptions(target_nodes=(0,), distance_um=40.0)
    (_, groups, _, distance), report = _import(allen, options)
    assert report.n_activations == {"EXC": 3 * 2681, "INH": 1995}
    assert set(distance[groups == "EXC"]) == {40.0}


def test_without_morphology_the_soma_radius_must_be_given(allen, reference):
    shutil.rmtree(allen / "morphologies")
    (_, _, _, distance), report = _import(allen, SHORT)
    assert any("still counts from the centre" in note for note in report.notes)
    np.testing.assert_allclose(distance, reference[3] + 5.4428)
    options = replace(SHORT, soma_radius_um=5.4428)
    _same(_import(allen, options)[0], reference)


def test_soma_distance_is_never_negative(allen):
    options = replace(SHORT, soma_radius_um=60.0, distance_column="dist")
    (_, _, _, distance), _ = _import(allen, options)
    assert distance.min() == 0.0


def test_activations_after_the_end_are_left_out_and_counted(allen):
    _edit_json(allen / "simulation_config.json", ("run", "tstop"), 2937.0)
    (spikes, _, time, _), report = _import(allen)
    late = report.dropped["activations after the end of the simulation"]
    assert late > 0
    assert time.max() < 2937.0
    assert (len(time), len(spikes)) == (4676 - late, 13)


def test_a_shorter_record_by_named_choice_only(allen):
    options = ImportOptions(target_nodes=(0,), duration_ms=1000.0)
    with pytest.raises(DataError, match="outside the record"):
        _import(allen, options)
    options = ImportOptions(target_nodes=(0,), duration_ms=1000.0, on_out_of_range="drop")
    (spikes, _, time, _), report = _import(allen, options)
    assert sum(report.dropped.values()) == (4676 - len(time)) + (13 - len(spikes))


def test_cell_without_edges_or_spikes_stays_a_trial(allen):
    with h5py.File(allen / "network" / "cortex_nodes.h5", "r+") as file:
        group = file["nodes/cortex"]
        for name in ("node_id", "node_group_index"):
            _replace(group, name, np.arange(10, dtype=np.uint64))
        for name in ("node_group_id", "node_type_id"):
            _replace(group, name, np.append(group[name][()], group[name][0]))
        for name in "xyz":
            _replace(group, f"0/{name}", np.zeros(10))
    output = allen.parent / "database.h5"
    run_import("sonata", [allen], output)
    with open_database(output) as database:
        assert database.trial_ids[9] == "allen/cortex/9"
        assert len(database.spike_times.of(9)) == 0
        counts = database.counts(distance_edges=[0.0, 500.0], trials=slice(9, 10))
        assert sum(int(array.sum()) for array in counts.values()) == 0


def test_edge_populations_of_one_source_add_up(allen, reference):
    with h5py.File(allen / EDGES, "r+") as file:
        file.copy(EDGE_GROUP, file["edges"], name="more_to_cortex")
    _, groups, time, _ = _import(allen, SHORT)[0]
    expected = np.repeat(reference[2][reference[1] == "EXC"], 2)
    np.testing.assert_array_equal(time[groups == "EXC"], expected)
    with open_database(allen.parent / "database.h5") as database:
        events = database.events(0.0, database.duration_ms)
    synapses = np.stack([events.synapse_type, events.synapse_id, events.soma_distance], axis=1)
    n_places = len(np.unique(synapses, axis=0))
    assert n_places == len(np.unique(synapses[:, :2], axis=0)) > 83 + 70
