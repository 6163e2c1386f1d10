"""Bad databases and bad input: one clear message, every problem at once, no partial file."""

import h5py
import numpy as np
import pytest

from synreduce.database import (
    SCHEMA_NAME,
    ActivationEvents,
    DatabaseWriter,
    Group,
    check_database,
    database_warnings,
    describe_database,
    open_database,
    write_binned,
)
from synreduce.errors import DataError


def damage(path, change):
    with h5py.File(path, "r+") as file:
        change(file)


def replace(name, values):
    def change(file):
        attributes = dict(file[name].attrs)
        del file[name]
        file[name] = values
        file[name].attrs.update(attributes)

    return change


def set_value(name, index, value):
    return lambda file: file[name].__setitem__(index, value)


def set_attribute(name, key, value):
    return lambda file: file[name].attrs.__setitem__(key, value)


TILE = "events/tile_0000"
DAMAGES = [
    ("missing", lambda file: file.__delitem__("spikes/time"), "/spikes/time' is missing"),
    ("missing", lambda file: file.__delitem__("groups"), "/groups/name' is missing"),
    ("missing", lambda file: file.attrs.__delitem__("duration_ms"), "'duration_ms' is missing"),
    ("no-activations", lambda file: file.__delitem__("events"), "neither '/events' nor"),
    ("duplicate-trial", set_value("trials/id", 4, b"t/000001"), "'t/000001' appears more"),
    ("wrong-length", set_attribute("/", "n_trials", 13), "n_trials is 13"),
    ("bad-pointer", set_value("spikes/trial_pointer", 3, 99), "does not cut"),
    ("unsorted-spikes", set_value("spikes/time", 1, 500.0), "do not ascend, the first in trial 2"),
    ("bad-spike-time", set_value("spikes/time", 0, np.nan), "1 times are no numbers"),
    ("bad-duration", set_attribute("/", "duration_ms", -1.0), "record from 0.0 to -1.0"),
    ("bad-groups", set_value("groups/sign", 0, 3), "sign 3"),
    ("bad-types", set_value("synapse_types/group", 0, 7), "1 types have no group"),
    ("bad-pointer", set_value("events/trial_pointer", (0, 3), 10**6), "does not ascend"),
    ("wrong-length", set_attribute("events", "n_events", 3), "n_events is 3"),
    ("bad-pointer", lambda file: file[f"{TILE}/time"].resize((3,)), "holds 3 events"),
    ("bad-time", set_value(f"{TILE}/time", 2, np.nan), "a time that is no number"),
    ("time-too-early", set_value(f"{TILE}/time", 2, -5.0), "a time before 0.0 ms"),
    ("time-too-late", set_value(f"{TILE}/time", 2, 120.0), "a time at or after 120.0 ms"),
    ("negative-distance", set_value(f"{TILE}/soma_distance", 2, -1.0), "a negative soma"),
    ("wrong-tile", set_value(f"{TILE}/soma_distance", 2, 999.0), "1 activations do not belong"),
    ("unknown-synapse_type", set_value(f"{TILE}/synapse_type", 2, 4), "not in the table of 4"),
    ("unknown-dendrite_label", set_value(f"{TILE}/dendrite_label", 2, 3), "the table of 3"),
    ("damaged", set_value(f"{TILE}/synapse_id", 2, 4711), "content has the fingerprint"),
    ("damaged", replace("provenance", "{}"), "provenance or ground truth"),
]


@pytest.mark.parametrize(("code", "change", "message"), DAMAGES)
def test_every_damage_is_named(recorded, code, change, message):
    damage(recorded.path, change)
    problems = check_database(recorded.path, deep=True)
    fitting = [problem for problem in problems if problem.code == code]
    assert fitting, problems
    assert any(message in problem.what for problem in fitting)
    assert all(str(recorded.path) in problem.where for problem in problems)


def test_all_problems_are_named_at_once(recorded):
    for change in (
        set_value("trials/id", 4, b"t/000001"),
        set_value("spikes/time", 0, np.nan),
        set_value(f"{TILE}/time", 2, np.nan),
        set_value(f"{TILE}/synapse_type", 5, 9),
        set_attribute("events", "n_events", 3),
    ):
        damage(recorded.path, change)
    codes = {problem.code for problem in check_database(recorded.path, deep=True)}
    assert codes >= {
        "duplicate-trial",
        "bad-spike-time",
        "bad-time",
        "unknown-synapse_type",
        "wrong-length",
    }


def test_a_good_database_has_no_problem(recorded):
    assert check_database(recorded.path) == check_database(recorded.path, deep=True) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_attribute("/", "schema_name", "synreduce-result"), "is 'synreduce-result', not"),
        (set_attribute("/", "schema_version", "2.0"), "version 2.0; this program reads up to 1.0"),
        (lambda file: file.attrs.__delitem__("schema_name"), "has no schema_name"),
    ],
)
def test_other_schemas_are_refused(recorded, change, message):
    damage(recorded.path, change)
    with pytest.raises(DataError, match=message):
        open_database(recorded.path)
    assert [message in problem.what for problem in check_database(recorded.path)] == [True]


def test_newer_minor_versions_are_read(recorded):
    damage(recorded.path, set_attribute("/", "schema_version", "1.7"))
    damage(recorded.path, lambda file: file.create_dataset("extra/later", data=1))
    with open_database(recorded.path) as database:
        assert database.n_trials == 12


def test_a_plain_hdf5_file_is_no_database(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(DataError, match=f"has no schema_name, expected '{SCHEMA_NAME}'"):
        open_database(tmp_path / "a.h5")


@pytest.mark.parametrize("change", [change for _, change, _ in DAMAGES[:4]])
def test_incomplete_databases_are_refused_when_opened(recorded, change):
    damage(recorded.path, change)
    with pytest.raises(DataError, match=str(recorded.path)):
        open_database(recorded.path)


def test_any_truncation_is_refused(recorded):
    content = recorded.path.read_bytes()
    for size in range(97, len(content), len(content) // 40):
        recorded.path.write_bytes(content[:size])
        assert check_database(recorded.path)
        with pytest.raises(DataError):
            open_database(recorded.path)


def test_bit_flips_in_stored_values_are_found(recorded):
    content = recorded.path.read_bytes()
    with h5py.File(recorded.path) as file:
        places = []
        for name in ("trials/id", "spikes/time", "events/trial_pointer", f"{TILE}/time"):
            dataset = file[name]
            if dataset.chunks:
                infos = [
                    dataset.id.get_chunk_info(index)
                    for index in range(min(3, dataset.id.get_num_chunks()))
                ]
                places += [(info.byte_offset, info.size) for info in infos]
            else:
                places.append((dataset.id.get_offset(), dataset.nbytes))
    with open_database(recorded.path) as database:
        spikes, times = database.spike_times, database.events().time
    generator = np.random.default_rng(0)
    for _ in range(40):
        offset, size = places[int(generator.integers(len(places)))]
        damaged = bytearray(content)
        damaged[offset + int(generator.integers(size))] ^= 1 << int(generator.integers(8))
        recorded.path.write_bytes(damaged)
        if not check_database(recorded.path, deep=True):
            # a bit that means nothing, such as the padding of a compressed stream
            with open_database(recorded.path) as database:
                assert database.trial_ids.tolist() == recorded.trial_ids
                assert np.array_equal(database.spike_times.times, spikes.times)
                assert np.array_equal(database.events().time, times)


COUNT_DAMAGES = [
    ("missing", lambda file: file.__delitem__("counts/INH"), "dataset is missing"),
    ("wrong-shape", replace("counts/INH", np.zeros((12, 120, 3), "u1")), "expected (12, 120, 32)"),
    ("wrong-type", replace("counts/INH", np.zeros((12, 120, 32))), "expected an unsigned"),
    ("bad-edges", set_attribute("counts", "time_bin_ms", 0.0), "time bin 0.0"),
    ("damaged", set_value("counts/EXC", (0, 0, 0), 200), "content has the fingerprint"),
]


@pytest.mark.parametrize(("code", "change", "message"), COUNT_DAMAGES)
def test_every_damage_of_counts_is_named(recorded, tmp_path, code, change, message):
    with open_database(recorded.path) as database:
        write_binned(database, tmp_path / "c.h5")
    assert check_database(tmp_path / "c.h5", deep=True) == []
    damage(tmp_path / "c.h5", change)
    problems = check_database(tmp_path / "c.h5", deep=True)
    assert any(problem.code == code and message in problem.what for problem in problems), problems


def one(**changes):
    columns = {
        "trial": np.array([0, 1]),
        "time": np.array([1.0, 2.0]),
        "soma_distance": np.array([10.0, 20.0]),
        "synapse_type": np.array([0, 1]),
    }
    return ActivationEvents(**(columns | changes))


BAD_EVENTS = [
    ({"time": np.array([1.0, np.nan])}, "1 activations with a time that is no number"),
    ({"time": np.array([1.0, 120.0])}, "at or after 120.0 ms; the first in trial 'b'"),
    ({"time": np.array([-0.1, 2.0])}, "a time before 0.0 ms; the first in trial 'a'"),
    ({"soma_distance": np.array([1.0, -2.0])}, "negative soma distance"),
    ({"soma_distance": np.array([1.0, np.inf])}, "distance that is no number"),
    ({"synapse_type": np.array([0, 4])}, "synapse type that is not in the table of 4"),
    ({"trial": np.array([0, 2])}, "in a block of 2 trials"),
    ({"trial": np.array([0.0, 1.0])}, "column 'trial' is of type float64"),
    ({"synapse_type": np.array([0.0, 1.0])}, "column 'synapse_type' is of type float64"),
    ({"time": np.array(["1", "2"])}, "column 'time' is of type"),
    ({"dendrite_label": np.array([0, 3])}, "dendrite label that is not in the table of 3"),
]


@pytest.mark.parametrize(("changes", "message"), BAD_EVENTS)
def test_bad_events_leave_no_file(make, tmp_path, changes, message):
    def attempt() -> None:
        with DatabaseWriter(
            tmp_path / "a.h5",
            duration_ms=120,
            synapse_types=make.type_table(),
            dendrite_labels=make.LABELS,
        ) as writer:
            writer.append(["first", "second"], [[], []], one())
            writer.append(["a", "b"], [[], []], one(**changes))

    with pytest.raises(DataError, match=message):
        attempt()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("ids", "spikes", "message"),
    [
        (["a", "a"], [[], []], "trial 'a' appears twice"),
        (["a", ""], [[], []], "trial id ''"),
        (["a", "b\0"], [[], []], "trial id"),
        (["a", "b"], [[], [np.nan]], "spike time that is no number"),
        (["a", "b"], [[]], "2 trial ids, 1 lists"),
    ],
)
def test_bad_trials_leave_no_file(make, tmp_path, ids, spikes, message):
    def attempt() -> None:
        with DatabaseWriter(
            tmp_path / "a.h5", duration_ms=120, synapse_types=make.type_table()
        ) as writer:
            writer.append(ids, spikes, one())

    with pytest.raises(DataError, match=message):
        attempt()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"duration_ms": -1}, "give an end after the begin"),
        ({"duration_ms": np.nan}, "unknown"),
        ({"duration_ms": 5, "groups": (Group("A", 1), Group("A", 1))}, "name each once"),
        ({"duration_ms": 5, "groups": (Group("A/B", 1),)}, "may not hold '/'"),
        ({"duration_ms": 5, "layout": "counts"}, "do not ascend"),
        (
            {"duration_ms": 5, "layout": "counts", "distance_edges": [0, 1], "time_bin_ms": 0},
            "time bin of 0",
        ),
        ({"duration_ms": 5, "layout": "event"}, "did you mean 'events'"),
    ],
)
def test_bad_definitions_are_refused(tmp_path, options, message):
    with pytest.raises(DataError, match=message):
        DatabaseWriter(tmp_path / "a.h5", **options)


def test_a_database_without_trials_is_refused(tmp_path):
    with (
        pytest.raises(DataError, match="no trial"),
        DatabaseWriter(tmp_path / "a.h5", duration_ms=5),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_program_error_leaves_the_former_database(make, recorded):
    before = recorded.path.read_bytes()

    def fails() -> None:
        with DatabaseWriter(
            recorded.path, duration_ms=120, synapse_types=make.type_table()
        ) as writer:
            writer.append(["a", "b"], [[], []], one())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert recorded.path.read_bytes() == before
    assert [entry.name for entry in recorded.path.parent.iterdir()] == ["db.h5"]


def test_unusual_things_are_warned_about(make, tmp_path):
    with DatabaseWriter(
        tmp_path / "a.h5", duration_ms=120, synapse_types=make.type_table()
    ) as writer:
        spikes = [[5.0, 5.01, 130.0], []]
        writer.append(["a", "b"], spikes, one(synapse_type=np.array([0, 0])))
    assert check_database(tmp_path / "a.h5", deep=True) == []
    assert database_warnings(tmp_path / "a.h5") == [
        "1 spikes lie outside the record",
        "1 spikes follow another within 0.1 ms",
        "group INH has no activation",
    ]


def test_description_fits_a_screen_and_escapes_names(make, recorded):
    lines = describe_database(recorded.path)
    text = "\n".join(lines)
    assert len(lines) <= 25
    assert "trials               12, first 't/000000'" in text
    assert "EXC (+1), INH (-1)" in text
    with DatabaseWriter(recorded.path, duration_ms=120, synapse_types=make.type_table()) as writer:
        writer.append(["\x1b[31mred", "b"], [[], []], one())
    assert "\x1b" not in "\n".join(describe_database(recorded.path))
