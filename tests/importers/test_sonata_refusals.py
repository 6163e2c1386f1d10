"""What the importer of SONATA must refuse, naming file and fault, and leaving nothing behind."""

import json
import os
import shutil

import h5py
import numpy as np
import pytest

from synreduce.errors import ConfigurationError, DataError
from synreduce.importers import ImportOptions, run_import

EDGES = "network/excvirt_cortex_edges.h5"
EDGE_GROUP = "edges/excvirt_to_cortex"
ONE_CELL = ImportOptions(target_nodes=(0,))


@pytest.fixture
def allen(shared_data, tmp_path):
    return shutil.copytree(shared_data / "sonata" / "allen_9_cells", tmp_path / "allen")


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


def _edit_spikes(folder, name, values, **attributes):
    with h5py.File(folder / "output" / "spikes.h5", "r+") as file:
        group = file["spikes/cortex"]
        if values is not None:
            _replace(group, name, values)
        group["timestamps"].attrs.update(attributes)


def _edit_edges(folder, name, values):
    with h5py.File(folder / EDGES, "r+") as file:
        if name in file[EDGE_GROUP]:
            _replace(file[EDGE_GROUP], name, values)
        else:
            file[f"{EDGE_GROUP}/{name}"] = values


def _forget_populations(folder):
    with h5py.File(folder / EDGES, "r+") as file:
        del file[f"{EDGE_GROUP}/source_node_id"].attrs["node_population"]


def _point_elsewhere(folder):
    with h5py.File(folder / EDGES, "r+") as file:
        file["edges/other"] = h5py.ExternalLink("elsewhere.h5", "/edges/other")


def _fifo(folder):
    (folder / "output" / "spikes.h5").unlink()
    os.mkfifo(folder / "output" / "spikes.h5")


BAD = {
    "source without population": (_forget_populations, "attribute node_population is missing"),
    "external link": (_point_elsewhere, "other.*external|external.*other|points to another file"),
    "FIFO": (_fifo, "spikes.h5: is a FIFO"),
    "units": (lambda f: _edit_spikes(f, "", None, units="s"), "timestamps in 's'"),
    "nan spike": (
        lambda f: _edit_spikes(f, "timestamps", np.full(78, np.nan)),
        "timestamp 0 is nan",
    ),
    "unequal spikes": (
        lambda f: _edit_spikes(f, "node_ids", np.zeros(77, int)),
        "77 values, expected 78",
    ),
    "unknown spiking node": (
        lambda f: _edit_spikes(f, "node_ids", np.full(78, 99)),
        "node 99 is not in population cortex",
    ),
    "nan delay": (lambda f: _edit_edges(f, "0/delay", np.full(659, np.nan)), "delay is nan ms"),
    "negative delay": (lambda f: _edit_edges(f, "0/delay", np.full(659, -1.0)), "delay is -1"),
    "distance contradicts": (
        lambda f: _edit_edges(f, "0/dist", np.full(659, 100.0)),
        "distance-contradiction.*the path length in Scnn1a",
    ),
    "unknown source": (
        lambda f: _edit_edges(f, "source_node_id", np.full(659, 10, np.uint64)),
        "node 10 is not in population excvirt",
    ),
    "unknown section": (
        lambda f: _edit_edges(f, "0/sec_id", np.full(659, 9999)),
        "section 9999, the morphology has 120",
    ),
    "short attribute": (
        lambda f: _edit_edges(f, "0/dist", np.zeros(5)),
        "are wanted, there are 5",
    ),
    "no group known": (
        lambda f: (f / "network" / "excvirt_node_types.csv").write_text(
            "node_type_id model_type\n100 virtual\n"
        ),
        "synapse type 'excvirt' .*is in no map",
    ),
    "missing file": (
        lambda f: (f / "network" / "excvirt_nodes.h5").unlink(),
        "excvirt_nodes.h5: not found",
    ),
    "missing output": (lambda f: (f / "output" / "spikes.h5").unlink(), "spikes.h5"),
    "cut json": (
        lambda f: (f / "simulation_config.json").write_text('{"run": '),
        "simulation_config.json:1: not JSON",
    ),
    "unknown variable": (
        lambda f: _edit_json(f / "simulation_config.json", ("network",), "$NOWHERE/x.json"),
        r"\$NOWHERE is not in the manifest",
    ),
    "circular manifest": (
        lambda f: _edit_json(
            f / "simulation_config.json", ("manifest", "$BASE_DIR"), "$BASE_DIR/a"
        ),
        "refer to each other",
    ),
    "replay delay": (
        lambda f: _edit_json(f / "simulation_config.json", ("inputs", "exc_spikes", "delay"), 5.0),
        "delay of 5.0 ms",
    ),
    "bad end": (
        lambda f: _edit_json(f / "simulation_config.json", ("run", "tstop"), -1),
        "run.tstop is -1",
    ),
    "not hdf5": (lambda f: (f / EDGES).write_text("<html>"), "excvirt_cortex_edges.h5"),
    "not sonata": (
        lambda f: shutil.copy(f / "output" / "spikes.h5", f / EDGES),
        "no group /edges",
    ),
    "cut type table": (
        lambda f: (f / "network" / "cortex_node_types.csv").write_text(
            "node_type_id ei\n100\n101 e\n"
        ),
        "cortex_node_types.csv:2: 1 fields, expected 2",
    ),
    "repeated type": (
        lambda f: (f / "network" / "cortex_node_types.csv").write_text(
            "node_type_id ei\n100 e\n100 i\n"
        ),
        "node_type_id 100 appears twice",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_by_name_and_leave_nothing(allen, name):
    damage, message = BAD[name]
    damage(allen)
    with pytest.raises(DataError, match=f"(?s){message}"):
        run_import("sonata", [allen], allen.parent / "database.h5", ONE_CELL)
    assert [path.name for path in allen.parent.iterdir()] == ["allen"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target_population": "cortx"}, "did you mean 'cortex'"),
        ({"distance_column": "dst"}, "did you mean 'dist'"),
        ({"target_nodes": (99,)}, "node 99 is not in population cortex"),
        ({"trial_windows_ms": ((0.0, 500.0), (400.0, 900.0))}, "overlaps the window before"),
        ({"trial_windows_ms": ((0.0, 500.0), (500.0, 900.0))}, "different lengths"),
        ({"trial_windows_ms": ((2500.0, 3500.0),)}, "ends after simulation"),
        ({"duration_ms": 4000.0}, "ends at 3000 ms"),
        ({"exclude_trials": ("allen/cortex/11",)}, "there is no trial 'allen/cortex/11'"),
        ({"layout": "counts"}, "not offered"),
        ({"distance_um": -1.0}, "not allowed"),
    ],
)
def test_bad_choices_are_refused(allen, options, message):
    with pytest.raises((ConfigurationError, DataError), match=message):
        run_import("sonata", [allen], allen.parent / "database.h5", ImportOptions(**options))
    assert not (allen.parent / "database.h5").exists()


def test_simulations_that_end_at_different_times_need_a_choice(allen):
    other = shutil.copytree(allen, allen.parent / "other")
    _edit_json(other / "simulation_config.json", ("run", "tstop"), 5000.0)
    with pytest.raises(ConfigurationError, match="at most 3000"):
        run_import("sonata", [allen, other], allen.parent / "database.h5", ONE_CELL)
    options = ImportOptions(target_nodes=(0,), duration_ms=3000.0)
    report = run_import("sonata", [allen, other], allen.parent / "database.h5", options)
    assert report.n_trials == 2
