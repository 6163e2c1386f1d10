"""Database folders of the in silico framework."""

import json
import shutil
import tarfile

import numpy as np
import pandas as pd
import pytest

from synreduce.database import open_database
from synreduce.errors import ConfigurationError, DataError
from synreduce.importers import ImportOptions, run_import

BINNED = "synapse_activation_binned/t1/EI__binned_somadist"
TRIALS = [
    f"C2_evoked_UpState_INH_PW_1.0_SuW_0.5_C2center/20150815-1530_20240/{number:06d}"
    for number in range(3)
]
SPIKES = [[259.85], [103.65, 112.25, 133.075, 260.5], [260.975]]


@pytest.fixture(scope="session")
def unpacked(shared_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("isf_db")
    with tarfile.open(shared_data / "isf_db_parquet.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder / "isf_db_parquet"


@pytest.fixture
def database_folder(unpacked, tmp_path):
    """A copy that may be damaged."""
    return shutil.copytree(unpacked, tmp_path / "isf_db_parquet")


def rewrite(path, change):
    table = pd.read_parquet(path)
    table = change(table)
    table.to_parquet(path)


def partition(folder, number):
    return folder / "synapse_activation" / f"pandas_to_parquet.3.{number}.parquet"


def array_file(folder, group, distance):
    base = folder / "synapse_activation_binned/db/t1/db/EI__binned_somadist/db"
    return base / group / "db" / distance / "np.npz"


def spike_file(folder):
    return folder / "spike_times" / "pandas_to_parquet.parquet"


def test_tables_equal_the_raw_files_they_were_made_of(unpacked, shared_data, tmp_path):
    path = tmp_path / "db.h5"
    report = run_import("isf-db", [unpacked], path)
    assert (report.n_trials, report.n_spikes) == (3, 6)
    assert sum(report.n_activations.values()) == 15815
    reference = np.load(shared_data / "isf_simrun" / "binned_reference.npz")["counts"][:3]
    with open_database(path) as database:
        assert list(database.trial_ids) == TRIALS
        assert [database.spike_times.of(trial).tolist() for trial in range(3)] == SPIKES
        assert database.duration_ms == 345.0
        counts = database.counts(distance_edges=np.arange(33) * 50.0)
        for position, group in enumerate(("EXC", "INH")):
            expected = reference[:, position].transpose(0, 2, 1)
            np.testing.assert_array_equal(counts[group], expected)
        events = database.events(0.0, 345.0)
        assert events.section_id is not None
        assert events.dendrite_label is not None


def test_binned_key_becomes_a_counts_database(unpacked, shared_data, tmp_path):
    path = tmp_path / "binned.h5"
    report = run_import("isf-db", [unpacked], path, ImportOptions(key=BINNED))
    assert sum(report.n_activations.values()) == 15815
    assert any("64 arrays" in note for note in report.notes)
    reference = np.load(shared_data / "isf_simrun" / "binned_reference.npz")["counts_l1_exc"][:3]
    with open_database(path) as database:
        assert database.duration_ms == 400.0
        assert list(database.trial_ids) == TRIALS
        assert [database.spike_times.of(trial).tolist() for trial in range(3)] == SPIKES
        counts = database.counts()
        for position, group in enumerate(("EXC", "INH")):
            assert counts[group].shape == (3, 400, 32)
            expected = reference[:, position].transpose(0, 2, 1)
            np.testing.assert_array_equal(counts[group][:, :345], expected)
            assert not counts[group][:, 345:].any()


def test_missing_combinations_are_zeros(database_folder, tmp_path):
    shutil.rmtree(array_file(database_folder, "EXC", "50to100").parent)
    path = tmp_path / "binned.h5"
    options = ImportOptions(key="synapse_activation_binned/db/t1/db/EI__binned_somadist")
    run_import("isf-db", [database_folder], path, options)
    with open_database(path) as database:
        counts = database.counts()
        assert not counts["EXC"][:, :, 1].any()
        assert counts["EXC"][:, :, 2].any()
        assert counts["INH"].shape == counts["EXC"].shape


def test_binned_record_can_be_cut_with_account(unpacked, tmp_path):
    options = ImportOptions(key=BINNED, duration_ms=300.0)
    report = run_import("isf-db", [unpacked], tmp_path / "cut.h5", options)
    dropped = report.dropped["activations at or after the end of the record"]
    assert dropped + sum(report.n_activations.values()) == 15815
    assert dropped > 0


def test_trials_without_activations_stay_where_the_spike_table_has_them(database_folder, tmp_path):
    rewrite(partition(database_folder, 1), lambda table: table.iloc[:0])
    run_import("isf-db", [database_folder], tmp_path / "db.h5")
    with open_database(tmp_path / "db.h5") as database:
        assert list(database.trial_ids) == TRIALS
        assert [database.spike_times.of(trial).tolist() for trial in range(3)] == SPIKES
        counts = database.counts(distance_edges=np.arange(33) * 50.0)
        totals = counts["EXC"].sum(axis=(1, 2)) + counts["INH"].sum(axis=(1, 2))
        assert totals.tolist() == [5352, 0, 5253]


def test_rows_are_matched_by_index_and_not_by_position(database_folder, tmp_path):
    rewrite(spike_file(database_folder), lambda table: table.iloc[::-1])
    rewrite(partition(database_folder, 0), lambda table: table.sample(frac=1, random_state=1))
    run_import("isf-db", [database_folder], tmp_path / "db.h5")
    with open_database(tmp_path / "db.h5") as database:
        assert list(database.trial_ids) == TRIALS
        assert [database.spike_times.of(trial).tolist() for trial in range(3)] == SPIKES


def test_several_trials_in_a_partition_and_categorical_text(database_folder, tmp_path):
    tables = [pd.read_parquet(partition(database_folder, number)) for number in range(3)]
    joined = pd.concat(tables)
    joined["synapse_type"] = joined["synapse_type"].astype("category")
    for number in range(3):
        partition(database_folder, number).unlink()
    joined.to_parquet(database_folder / "synapse_activation" / "pandas_to_parquet.1.0.parquet")
    run_import("isf-db", [database_folder], tmp_path / "db.h5")
    with open_database(tmp_path / "db.h5") as database:
        assert list(database.trial_ids) == TRIALS
        assert len(database.events(0.0, 345.0)) == 15815


def test_spikes_from_a_file_or_none(database_folder, tmp_path):
    shutil.rmtree(database_folder / "spike_times")
    with pytest.raises(DataError, match=r"no key 'spike_times'.*spike_times: FILE"):
        run_import("isf-db", [database_folder], tmp_path / "db.h5")
    lines = "\n".join(f"{trial},{10.5 * number}" for number, trial in enumerate(TRIALS, 1))
    (tmp_path / "spikes.csv").write_text(f"sim_trial_index,0\n{lines}\n")
    options = ImportOptions(spike_times=tmp_path / "spikes.csv")
    report = run_import("isf-db", [database_folder], tmp_path / "db.h5", options)
    assert report.n_spikes == 3
    report = run_import(
        "isf-db", [database_folder], tmp_path / "db.h5", ImportOptions(spike_times="none")
    )
    assert (report.n_trials, report.n_spikes) == (3, 0)


def set_loader(key, dumper):
    def damage(folder):
        text = json.dumps({"Loader": f"data_base.IO.LoaderDumper.{dumper}"})
        (folder / key / "Loader.json").write_text(text)

    return damage


def pickled_loader(folder):
    (folder / "synapse_activation" / "Loader.json").rename(
        folder / "synapse_activation" / "Loader.pickle"
    )


def old_database(folder):
    (folder / "db_state.json").rename(folder / "dbcore.pickle")


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


DAMAGES = {
    "msgpack": (set_loader("synapse_activation", "dask_to_msgpack"), "store it again as parquet"),
    "pickle": (set_loader("spike_times", "to_cloudpickle"), "could run code"),
    "unknown": (set_loader("spike_times", "to_nowhere"), "'to_nowhere', which is unknown"),
    "pickled loader": (pickled_loader, "Loader.pickle"),
    "old database": (old_database, "database of an old kind"),
    "no database": (lambda folder: (folder / "db_state.json").unlink(), "no db_state.json"),
    "missing partition": (
        lambda folder: partition(folder, 1).unlink(),
        "2 of 3 partitions are there, missing: [1]",
    ),
    "cut partition": (lambda folder: truncate(partition(folder, 1)), "cut or damaged parquet"),
    "empty partition": (lambda folder: partition(folder, 1).write_bytes(b""), "damaged parquet"),
    "loader": (
        lambda folder: (folder / "synapse_activation" / "Loader.json").write_text("{"),
        "not JSON",
    ),
    "no spikes of a trial": (
        lambda folder: rewrite(spike_file(folder), lambda table: table.iloc[:2]),
        "1 of 3 trials have activations but no spike row",
    ),
    "zeros lost": (
        lambda folder: rewrite(
            spike_file(folder), lambda table: table.set_axis([t[:-6] + t[-1] for t in table.index])
        ),
        "20240/0' where the trial is",
    ),
    "spike row twice": (
        lambda folder: rewrite(
            spike_file(folder), lambda table: pd.concat([table, table.iloc[:1]])
        ),
        "has 2 rows",
    ),
    "trial twice": (
        lambda folder: shutil.copy(partition(folder, 0), partition(folder, 1)),
        "appears in pandas_to_parquet.3.0.parquet too",
    ),
    "no index": (
        lambda folder: rewrite(partition(folder, 0), lambda table: table.reset_index(drop=True)),
        "no index column",
    ),
    "no column": (
        lambda folder: rewrite(
            partition(folder, 0), lambda table: table.drop(columns="soma_distance")
        ),
        "columns missing: soma_distance",
    ),
    "text ids": (
        lambda folder: rewrite(
            partition(folder, 0), lambda table: table.assign(synapse_ID="seven")
        ),
        "'synapse_ID' holds",
    ),
    "negative time": (
        lambda folder: rewrite(
            partition(folder, 0), lambda table: table.assign(**{"5": [-1.5] + [np.nan] * 4427})
        ),
        "row 0 (trial C2_evoked_UpState_INH_PW_1.0_SuW_0.5_C2center/20150815-1530_20240/000000)",
    ),
    "unknown type": (
        lambda folder: rewrite(
            partition(folder, 0), lambda table: table.replace({"synapse_type": {"L2_C2": "Q_C2"}})
        ),
        "synapse type 'Q_C2'",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_named_and_nothing_is_written(database_folder, tmp_path, name):
    damage, what = DAMAGES[name]
    damage(database_folder)
    with pytest.raises(DataError) as raised:
        run_import("isf-db", [database_folder], tmp_path / "db.h5")
    assert what in str(raised.value)
    assert len(raised.value.problems) <= 3
    assert not list(tmp_path.glob("*.h5*"))


@pytest.mark.parametrize(
    ("array", "what"),
    [
        (np.zeros((2, 400)), r"shape \(2, 400\), but the first array of the key has \(3, 400\)"),
        (np.full((3, 400), 0.5), "0.5 is no count"),
        (np.full((3, 400), -1), "-1.0 is no count"),
        (np.full((3, 400), np.nan), "nan is no count"),
        (np.array([{}]), "Python objects; refused"),
    ],
)
def test_binned_arrays_must_hold_counts(database_folder, tmp_path, array, what):
    np.savez(array_file(database_folder, "INH", "100to150"), arr_0=array)
    with pytest.raises(DataError, match=what):
        run_import("isf-db", [database_folder], tmp_path / "b.h5", ImportOptions(key=BINNED))
    assert not list(tmp_path.glob("*.h5*"))


def test_binned_trials_must_be_as_many_as_spike_rows(database_folder, tmp_path):
    def longer(table):
        extra = table.iloc[:1].set_axis(["a/b/000009"])
        return pd.concat([table, extra]).rename_axis("sim_trial_index")

    rewrite(spike_file(database_folder), longer)
    with pytest.raises(DataError, match="arrays of 3 trials, spike times of 4"):
        run_import("isf-db", [database_folder], tmp_path / "b.h5", ImportOptions(key=BINNED))


def test_wrong_requests(database_folder, tmp_path):
    output = tmp_path / "db.h5"
    with pytest.raises(DataError, match="did you mean 'synapse_activation'"):
        run_import("isf-db", [database_folder], output, ImportOptions(key="synapse_activatio"))
    too_short = ImportOptions(key="synapse_activation_binned/t1")
    with pytest.raises(DataError, match="does not name levels of a binned key"):
        run_import("isf-db", [database_folder], output, too_short)
    with pytest.raises(ConfigurationError, match="2 folders given"):
        run_import("isf-db", [database_folder, database_folder], output)
    with pytest.raises(DataError, match=r"isf_db_parquet/?$|give .*isf_db_parquet"):
        run_import("isf-db", [database_folder.parent], output)
    with pytest.raises(ConfigurationError, match="no format 'isf_db'"):
        run_import("isf_db", [database_folder], output)
