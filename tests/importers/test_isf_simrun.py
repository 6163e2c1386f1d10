"""Raw simulation output: the published trials give the published numbers."""

import csv
import shutil

import numpy as np
import pytest

from synreduce.database import check_database, open_database
from synreduce.errors import ConfigurationError, DataError
from synreduce.importers import ImportOptions, run_import
from synreduce.importers.synapse_files import read_presynaptic_cells, read_synapses

FOLDER = "C2_evoked_UpState_INH_PW_1.0_SuW_0.5_C2center/20150815-1530_20240"
ROWS = [4428, 4296, 4280, 4395, 4393, 4348]
EXC = [3817, 3670, 3661, 3858, 3782, 3760]
INH = [1535, 1540, 1592, 1566, 1535, 1579]
EXC_WITH_L1 = [3843, 3702, 3687, 3894, 3819, 3794]
FAR = [50, 52, 49, 51, 57, 54]
SPIKES = [
    [259.85],
    [103.65, 112.25, 133.075, 260.5],
    [260.975],
    [261.6, 342.5],
    [261.325, 294.975],
    [261.15],
]


@pytest.fixture(scope="module")
def imported(shared_data, tmp_path_factory):
    """Database of the six trials, and the report."""
    path = tmp_path_factory.mktemp("simrun") / "six.h5"
    return path, run_import("isf-simrun", [shared_data / "isf_simrun"], path)


def counts_of(path, n_bins=32, **options):
    with open_database(path) as database:
        edges = np.arange(n_bins + 1) * 50.0
        counts = database.counts(distance_edges=edges, **options)
        return np.stack([counts["EXC"], counts["INH"]], axis=1).transpose(0, 1, 3, 2)


def test_six_trials_have_their_identities_spikes_and_end(imported):
    path, report = imported
    with open_database(path) as database:
        assert list(database.trial_ids) == [f"{FOLDER}/{number:06d}" for number in range(6)]
        assert [database.spike_times.of(trial).tolist() for trial in range(6)] == SPIKES
        assert database.duration_ms == 345.0
        assert [(group.name, group.sign) for group in database.groups] == [("EXC", 1), ("INH", -1)]
    assert (report.n_trials, report.n_spikes) == (6, 11)
    assert dict(report.n_activations) == {"EXC": sum(EXC), "INH": sum(INH)}
    assert not report.dropped
    assert not check_database(path, deep=True)


def test_binned_trials_equal_the_reference_everywhere(imported, shared_data):
    counts = counts_of(imported[0])
    reference = np.load(shared_data / "isf_simrun" / "binned_reference.npz")["counts"]
    np.testing.assert_array_equal(counts, reference)
    assert counts.sum() == 31895
    assert counts[0, 0, 1, 255:265].tolist() == [4, 7, 5, 15, 7, 5, 4, 2, 3, 3]
    assert counts[0, 1, 0, 255:265].tolist() == [2, 4, 5, 3, 2, 0, 1, 1, 1, 0]
    assert counts[:, 0].sum(axis=(1, 2)).tolist() == EXC
    assert counts[:, 1].sum(axis=(1, 2)).tolist() == INH
    assert counts[:, :, 30:].sum(axis=(1, 2, 3)).tolist() == FAR


def test_l1_can_be_counted_as_excitatory(shared_data, tmp_path):
    path = tmp_path / "l1.h5"
    options = ImportOptions(l1_excitatory=True)
    run_import("isf-simrun", [shared_data / "isf_simrun"], path, options)
    counts = counts_of(path)
    reference = np.load(shared_data / "isf_simrun" / "binned_reference.npz")["counts_l1_exc"]
    np.testing.assert_array_equal(counts, reference)
    assert counts[:, 0].sum(axis=(1, 2)).tolist() == EXC_WITH_L1


def test_synapse_tables_have_the_documented_rows(shared_data):
    folder = shared_data / "isf_simrun" / FOLDER
    tables = [read_synapses(folder / f"simulation_run{k:04d}_synapses.csv") for k in range(6)]
    assert [table.n_rows for table in tables] == ROWS
    first = tables[0]
    assert len(first.synapse_type.names) == 222
    assert first.synapse_type.names[first.synapse_type.codes[0]] == "L1_C1"
    assert first.synapse_id is not None
    assert (first.synapse_id[0], first.section_id[0], first.section_point[0]) == (19, 50, 80)
    assert (first.soma_distance[0], first.times[0]) == (1539.71545505, 14.3144635349)
    assert first.synapse_type.names[first.synapse_type.codes[-1]] == "VPM_E1"
    assert (first.soma_distance[-1], first.times[-1]) == (156.98671896, 69.9448636915)
    assert (first.times.min(), first.times.max()) == (0.0691054734355, 344.985976043)
    labels = np.bincount(first.dendrite_label.codes)
    named = dict(zip(first.dendrite_label.names, labels.tolist(), strict=True))
    assert named == {"ApicalDendrite": 2451, "Dendrite": 1922, "Soma": 55}
    assert [int(table.n_times.max()) for table in tables] == [5, 6, 5, 5, 6, 6]


def test_numbers_are_those_python_reads(shared_data):
    path = shared_data / "isf_simrun" / FOLDER / "simulation_run0004_synapses.csv"
    with path.open() as file:
        rows = list(csv.reader(file, delimiter="\t"))[1:]
    table = read_synapses(path)
    assert table.soma_distance.tolist() == [float(row[2]) for row in rows]
    assert table.times.tolist() == [float(t) for row in rows for t in row[6].split(",") if t]
    assert table.n_times.tolist() == [row[6].count(",") for row in rows]


def test_presynaptic_spikes(shared_data):
    folder = shared_data / "isf_simrun" / FOLDER
    tables = [
        read_presynaptic_cells(folder / f"simulation_run{k:04d}_presynaptic_cells.csv")
        for k in range(6)
    ]
    assert [len(table.cell_id) for table in tables] == [5560, 5479, 5462, 5487, 5524, 5540]
    assert [len(table.times) for table in tables] == [9778, 9604, 9667, 9731, 9567, 9764]


def test_receptors_decide_before_the_default_lists(shared_data, tmp_path):
    parameters = shared_data / "isf_simrun" / "network_model_excerpt.param"
    flipped = tmp_path / "flipped.param"
    flipped.write_text(parameters.read_text().replace("gaba_syn", "glutamate_syn"))
    path, totals = tmp_path / "receptors.h5", []
    for file in (parameters, flipped):
        options = ImportOptions(network_parameters=file)
        report = run_import("isf-simrun", [shared_data / "isf_simrun"], path, options)
        totals.append(report.n_activations["EXC"])
    assert totals[0] == sum(EXC)
    assert totals[1] > totals[0]


def test_newer_variant_is_one_trial_named_by_its_folder(shared_data, tmp_path):
    path = tmp_path / "new.h5"
    options = ImportOptions(
        spike_times="none",
        network_parameters=shared_data / "isf_simrun_new" / "network_model_excerpt.param",
    )
    report = run_import("isf-simrun", [shared_data / "isf_simrun_new"], path, options)
    assert dict(report.n_activations) == {"EXC": 10173, "INH": 4784}
    with open_database(path) as database:
        assert database.duration_ms == 645.0
        assert list(database.trial_ids) == [
            "D3border/39/2.0/C_2/-1/0.4/results/20221209-1850_seed2796043614_pid216380"
        ]
        events = database.events(0.0, 645.0)
        assert len(events) == 14957
        assert (events.time.min(), events.time.max()) == (0.03288072836149821, 644.9799001705529)
        assert len(database.events(0.0, 400.0)) == 6549
        assert int(np.floor(events.soma_distance.max() / 50)) + 1 == 25
    table = read_synapses(next((shared_data / "isf_simrun_new").rglob("*.csv.gz")))
    assert table.n_rows == 9820
    assert table.n_times.max() == 7


def test_folder_without_voltages_needs_spikes_from_elsewhere(shared_data, tmp_path):
    source, path = shared_data / "isf_simrun_new", tmp_path / "new.h5"
    with pytest.raises(DataError, match=r"no voltage file.*spike_times"):
        run_import("isf-simrun", [source], path)
    assert not list(tmp_path.iterdir())
    trial = "D3border/39/2.0/C_2/-1/0.4/results/20221209-1850_seed2796043614_pid216380"
    (tmp_path / "spikes.csv").write_text(f"sim_trial_index,0,1\n{trial},12.5,\nother,1.0,2.0\n")
    options = ImportOptions(spike_times=tmp_path / "spikes.csv", duration_ms=645.0)
    report = run_import("isf-simrun", [source], path, options)
    assert report.n_spikes == 1
    assert any("1 rows of spike_times belong to no imported trial" in note for note in report.notes)


@pytest.mark.parametrize("packed", [False, True])
def test_gaps_long_numbers_and_compression(run_folder, trial_folder, compress, tmp_path, packed):
    (trial_folder / "simulation_run0003_synapses.csv").rename(
        trial_folder / "simulation_run0000012_synapses.csv"
    )
    if packed:
        for file in list(trial_folder.glob("*.csv")):
            compress(file)
    run_import("isf-simrun", [run_folder], tmp_path / "db.h5")
    with open_database(tmp_path / "db.h5") as database:
        name = "batch/20240101-0000_77"
        assert list(database.trial_ids) == [f"{name}/000000", f"{name}/000012"]
        assert [database.spike_times.of(k).tolist() for k in (0, 1)] == [[5.0], [6.0]]
        assert database.duration_ms == 20.0


@pytest.mark.parametrize(
    ("transpose", "with_time", "time_last"),
    [(False, True, False), (True, True, False), (False, True, True), (False, False, False)],
)
def test_voltages_as_npz_in_any_orientation(
    run_folder, trial_folder, tmp_path, transpose, with_time, time_last
):
    table = np.loadtxt(trial_folder / "77_vm_all_traces.csv", skiprows=1).T
    if not with_time:
        table = table[1:]
    elif time_last:
        table = np.roll(table, -1, axis=0)
    (trial_folder / "77_vm_all_traces.csv").unlink()
    np.savez(trial_folder / "77_vm_all_traces.npz", table.T if transpose else table)
    run_import("isf-simrun", [run_folder], tmp_path / "db.h5")
    with open_database(tmp_path / "db.h5") as database:
        spikes = [database.spike_times.of(k).item() for k in (0, 1)]
    assert spikes == pytest.approx([5.0, 6.0])


def test_spike_is_an_upward_crossing_and_not_a_start_above_threshold(
    run_folder, trial_folder, tmp_path
):
    lines = ["t\tVm run 00\tVm run 01"]
    voltages = [(10, -70), (10, 0), (-1, 5), (0, -0.1), (3, 0), (-5, -20), (-29, -29)]
    lines += [f"{0.025 * k:.3f}\t{a}\t{b}" for k, (a, b) in enumerate(voltages)]
    (trial_folder / "77_vm_all_traces.csv").write_text("\n".join(lines) + "\n")
    options = ImportOptions(duration_ms=0.2, on_out_of_range="drop")
    with pytest.raises(DataError, match="voltages end at 0 ms"):
        run_import("isf-simrun", [run_folder], tmp_path / "db.h5", options)
    more = "".join(f"{0.025 * k:.3f}\t-70\t-70\n" for k in range(7, 801))
    (trial_folder / "77_vm_all_traces.csv").write_text("\n".join(lines) + "\n" + more)
    run_import("isf-simrun", [run_folder], tmp_path / "db.h5")
    with open_database(tmp_path / "db.h5") as database:
        assert database.spike_times.of(0).tolist() == [0.075]
        assert database.spike_times.of(1).tolist() == [0.025, 0.1]
    options = ImportOptions(spike_threshold_mv=-29.0)
    run_import("isf-simrun", [run_folder], tmp_path / "db.h5", options)
    with open_database(tmp_path / "db.h5") as database:
        assert len(database.spike_times.of(0)) == 0


def test_oldest_variant_without_synapse_ids(run_folder, trial_folder, tmp_path):
    for path in trial_folder.glob("*synapses.csv"):
        rows = [line.split("\t") for line in path.read_text().splitlines()]
        path.write_text("".join("\t".join(row[:1] + row[2:]) + "\n" for row in rows))
    run_import("isf-simrun", [run_folder], tmp_path / "db.h5")
    with open_database(tmp_path / "db.h5") as database:
        events = database.events(0.0, 20.0)
        assert len(events) == 10
        assert events.synapse_id is None


def test_line_without_times_gives_no_activation(run_folder, trial_folder, tmp_path):
    for path in trial_folder.glob("*synapses.csv"):
        path.write_text(path.read_text() + "L6ct_C2\t5\t60.0\t3\t1\tDendrite\t\n")
    report = run_import("isf-simrun", [run_folder], tmp_path / "db.h5")
    assert sum(report.n_activations.values()) == 10


def test_unfinished_folders_are_skipped_and_counted(run_folder, trial_folder, tmp_path):
    shutil.copytree(trial_folder, trial_folder.with_name("20240101-0001_78_running"))
    report = run_import("isf-simrun", [run_folder], tmp_path / "db.h5")
    assert report.n_trials == 2
    assert any("1 unfinished trial folders" in note for note in report.notes)


def test_folders_are_ordered_by_path_and_several_sources_join(run_folder, trial_folder, tmp_path):
    shutil.copytree(trial_folder, run_folder / "a" / "x_1")
    other = shutil.copytree(run_folder / "a", tmp_path / "other" / "zz")
    run_import("isf-simrun", [run_folder, other.parent], tmp_path / "db.h5")
    with open_database(tmp_path / "db.h5") as database:
        folders = [trial.rpartition("/")[0] for trial in database.trial_ids[::2]]
    assert folders == ["a/x_1", "batch/20240101-0000_77", "zz/x_1"]


def test_excluded_trials_keep_the_other_trials_spikes(run_folder, trial_folder, tmp_path):
    (trial_folder / "simulation_run0000_synapses.csv").write_text("")
    name = "batch/20240101-0000_77/000000"
    options = ImportOptions(exclude_trials=(name,))
    run_import("isf-simrun", [run_folder], tmp_path / "db.h5", options)
    with open_database(tmp_path / "db.h5") as database:
        assert list(database.trial_ids) == ["batch/20240101-0000_77/000003"]
        assert database.spike_times.of(0).tolist() == [6.0]
    unknown = ImportOptions(exclude_trials=("no/such",))
    with pytest.raises(DataError, match="no trial 'no/such'"):
        run_import("isf-simrun", [run_folder], tmp_path / "db.h5", unknown)


def test_bad_pattern_is_refused_once_and_early(tmp_path):
    options = ImportOptions(type_map={"(": "EXC"})
    with pytest.raises(ConfigurationError, match=r"type_map '\('") as raised:
        run_import("isf-simrun", [tmp_path], tmp_path / "db.h5", options)
    assert len(raised.value.problems) == 1


def test_user_map_beats_all_and_brings_its_groups(run_folder, tmp_path):
    options = ImportOptions(
        type_map={"VPM": "thalamus", "L5.*": "INH"},
        group_signs={"thalamus": -1},
        drop_types=("INH",),
    )
    report = run_import("isf-simrun", [run_folder], tmp_path / "db.h5", options)
    assert dict(report.n_activations) == {"EXC": 0, "INH": 6, "thalamus": 2}
    assert report.dropped == {"activations of types in drop_types": 2}
    with open_database(tmp_path / "db.h5") as database:
        assert {group.name: group.sign for group in database.groups}["thalamus"] == -1


def test_counts_layout_equals_events_and_names_what_lies_beyond(shared_data, tmp_path):
    source, path = shared_data / "isf_simrun", tmp_path / "counts.h5"
    with pytest.raises(DataError, match="on_beyond_last_bin"):
        run_import("isf-simrun", [source], path, ImportOptions(layout="counts"))
    assert not path.exists()
    options = ImportOptions(layout="counts", on_beyond_last_bin="drop")
    report = run_import("isf-simrun", [source], path, options)
    reference = np.load(source / "binned_reference.npz")["counts"]
    np.testing.assert_array_equal(counts_of(path, 30), reference[:, :, :30])
    assert report.dropped == {"activations at or beyond 1500 um": sum(FAR)}
    options = ImportOptions(layout="counts", on_beyond_last_bin="clip")
    run_import("isf-simrun", [source], path, options)
    clipped = counts_of(path, 30)
    np.testing.assert_array_equal(clipped[:, :, 29], reference[:, :, 29:].sum(axis=2))


def test_times_out_of_range_are_refused_or_dropped_and_counted(run_folder, trial_folder, tmp_path):
    path = trial_folder / "simulation_run0003_synapses.csv"
    path.write_text(path.read_text().replace("7.125,", "-0.5,20.0,7.125,"))
    with pytest.raises(DataError) as raised:
        run_import("isf-simrun", [run_folder], tmp_path / "db.h5")
    assert f"{path}:5 activation times: time: -0.5 ms, trial starts at 0" in str(raised.value)
    assert f"{path}:5 activation times: time: 20.0 ms, trial ends at 20 ms" in str(raised.value)
    options = ImportOptions(on_out_of_range="drop")
    report = run_import("isf-simrun", [run_folder], tmp_path / "db.h5", options)
    assert report.dropped == {
        "activations before 0 ms": 1,
        "activations at or after the end of the record": 1,
    }
    assert sum(report.n_activations.values()) == 10


def test_same_input_gives_the_same_bytes(run_folder, tmp_path):
    paths = [tmp_path / "one.h5", tmp_path / "two.h5"]
    for path in paths:
        run_import("isf-simrun", [run_folder], path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
