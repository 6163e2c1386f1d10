"""Adding trials to a database, and joining databases without copying."""

import pickle
import threading

import h5py
import numpy as np
import pytest

from synreduce.database import (
    ActivationEvents,
    DatabaseWriter,
    Group,
    Grouping,
    append_trials,
    check_database,
    open_database,
    open_joined,
    write_binned,
)
from synreduce.errors import DataError, ResourceError

EDGES = 50.0 * np.arange(33)


def test_appended_trials_follow_and_old_ones_stay(make, recorded):
    with open_database(recorded.path) as database:
        before = database.counts(None, EDGES)
        old_events = database.events()
    added = make.random_events(np.random.default_rng(9), 4, 500)
    names = [f"new/{trial}" for trial in range(4)]
    append_trials(recorded.path, names, [[1.0], [], [2.0], []], added)
    with open_database(recorded.path) as database:
        assert database.n_trials == 16
        assert database.trial_ids.tolist() == recorded.trial_ids + names
        assert database.spike_times.of(12).tolist() == [1.0]
        assert np.array_equal(database.spike_times.of(2), recorded.spike_times[2])
        after = database.counts(None, EDGES)
        for name, values in before.items():
            assert np.array_equal(after[name][:12], values)
        again = database.events(trials=slice(0, 12))
        assert len(again) == len(old_events)
        assert np.array_equal(np.sort(again.time), np.sort(old_events.time))
        assert database.n_events == len(recorded.events) + 500
    assert check_database(recorded.path, deep=True) == []


def test_appending_equals_writing_at_once(make, tmp_path):
    generator = np.random.default_rng(4)
    blocks = [make.random_events(generator, 30, 40_000) for _ in range(3)]
    options = {"duration_ms": 120, "dendrite_labels": make.LABELS}
    names = [[f"{block}/{trial}" for trial in range(30)] for block in range(3)]
    with DatabaseWriter(tmp_path / "a.h5", synapse_types=make.type_table(), **options) as writer:
        for ids, events in zip(names, blocks, strict=True):
            writer.append(ids, [[7.0]] * 30, events)
    with DatabaseWriter(tmp_path / "b.h5", synapse_types=make.type_table(), **options) as writer:
        writer.append(names[0], [[7.0]] * 30, blocks[0])
    for ids, events in zip(names[1:], blocks[1:], strict=True):
        append_trials(tmp_path / "b.h5", ids, [[7.0]] * 30, events)
    with open_database(tmp_path / "a.h5") as a, open_database(tmp_path / "b.h5") as b:
        assert a.fingerprint == b.fingerprint
    assert check_database(tmp_path / "b.h5", deep=True) == []


def test_new_types_may_come_with_new_trials(recorded):
    with DatabaseWriter.continuing(recorded.path) as writer:
        code = writer.synapse_types.add("SymLocal1", "INH")
        events = ActivationEvents(
            np.zeros(1, int), np.full(1, 5.0), np.full(1, 20.0), np.array([code])
        )
        writer.append(["with new type"], [[]], events)
    with open_database(recorded.path) as database:
        assert database.counts(Grouping("cell_type"), EDGES)["SymLocal1"].sum() == 1
        assert database.events(trials=slice(12, 13)).section_id.tolist() == [-1]
    assert check_database(recorded.path, deep=True) == []


def test_counts_can_be_appended(make, recorded, tmp_path):
    with open_database(recorded.path) as database:
        write_binned(database, tmp_path / "c.h5", distance_edges=EDGES)
        whole = database.counts(None, EDGES)
    with DatabaseWriter.continuing(tmp_path / "c.h5") as writer:
        writer.append_counts(["x", "y"], [[], [1.0]], {"INH": whole["INH"][:2]})
        writer.append_counts(["z"], [[]], {name: values[5:6] for name, values in whole.items()})
    with open_database(tmp_path / "c.h5") as database:
        found = database.counts()
        assert database.trial_ids[-3:].tolist() == ["x", "y", "z"]
        for name, values in whole.items():
            assert np.array_equal(found[name][:12], values)
            assert np.array_equal(found[name][14], values[5])
        assert np.array_equal(found["INH"][12:14], whole["INH"][:2])
        assert not found["EXC"][12:14].any()
    assert check_database(tmp_path / "c.h5", deep=True) == []


def test_counts_layout_can_be_written_block_by_block(tmp_path):
    generator = np.random.default_rng(2)
    counts = {name: generator.poisson(0.2, (2500, 20, 7)) for name in ("EXC", "INH")}
    counts["EXC"][2400, 3, 3] = 1000
    with DatabaseWriter(
        tmp_path / "c.h5", duration_ms=20, layout="counts", distance_edges=EDGES[:8]
    ) as writer:
        for start in range(0, 2500, 300):
            stop = min(start + 300, 2500)
            block = {name: values[start:stop] for name, values in counts.items()}
            writer.append_counts([str(i) for i in range(start, stop)], [[]] * (stop - start), block)
    with open_database(tmp_path / "c.h5") as database:
        for name, values in database.counts().items():
            assert np.array_equal(values, counts[name])
    assert check_database(tmp_path / "c.h5", deep=True) == []


def test_refused_trials_leave_the_database_as_it_was(make, recorded):
    before = recorded.path.read_bytes()
    events = make.random_events(np.random.default_rng(0), 2, 50)
    with pytest.raises(DataError, match="trial 't/000003' appears twice"):
        append_trials(recorded.path, ["new", "t/000003"], [[], []], events)
    assert recorded.path.read_bytes() == before
    assert [entry.name for entry in recorded.path.parent.iterdir()] == ["db.h5"]


def test_full_disk_while_appending_leaves_the_database_as_it_was(make, recorded, monkeypatch):
    before = recorded.path.read_bytes()

    def fail(*_arguments: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.pwrite", fail)
    events = make.random_events(np.random.default_rng(0), 1, 50)
    with pytest.raises(ResourceError, match="No space left"):
        append_trials(recorded.path, ["new"], [[]], events)
    monkeypatch.undo()
    assert recorded.path.read_bytes() == before
    assert [entry.name for entry in recorded.path.parent.iterdir()] == ["db.h5"]


def test_readers_see_the_old_or_the_new_database(make, recorded):
    sizes, stop = set(), threading.Event()

    def read() -> None:
        while not stop.is_set():
            with open_database(recorded.path) as database:
                sizes.add((database.n_trials, database.counts(None, EDGES)["EXC"].shape[0]))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(5):
        events = make.random_events(np.random.default_rng(number), 1, 50)
        append_trials(recorded.path, [f"new{number}"], [[]], events)
    stop.set()
    reader.join()
    assert sizes <= {(n, n) for n in range(12, 18)}


def test_concatenation_puts_trial_after_trial(make, tmp_path):
    one = make.write(tmp_path / "one.h5", seed=1)
    two = make.write(tmp_path / "two.h5", seed=2, n_trials=7, n_events=900)
    with (
        open_database(one.path) as a,
        open_database(two.path) as b,
        open_database([("A", one.path), ("B", two.path)]) as joint,
    ):
        assert joint.n_trials == 19
        assert joint.trial_ids[0] == "A/t/000000"
        assert joint.trial_ids[12] == "B/t/000000"
        for trial in range(19):
            part, at = (a, trial) if trial < 12 else (b, trial - 12)
            assert np.array_equal(joint.spike_times.of(trial), part.spike_times.of(at))
        for request in ({}, {"groups": Grouping("dendrite_label")}, {"t0": 30, "t1": 110}):
            wanted = {"distance_edges": EDGES} | request
            first, second, both = (each.counts(**wanted) for each in (a, b, joint))
            piece = joint.counts(trials=slice(5, 14), **wanted)
            for name, values in both.items():
                assert np.array_equal(values, np.concatenate([first[name], second[name]]))
                assert np.array_equal(piece[name], values[5:14])
        events = joint.events(trials=slice(10, 14))
        pieces = a.events(trials=slice(10, 12)), b.events(trials=slice(0, 2))
        per_trial = [np.bincount(piece.trial, minlength=2) for piece in pieces]
        assert np.bincount(events.trial, minlength=4).tolist() == np.concatenate(per_trial).tolist()
        assert (np.diff(events.trial) >= 0).all()
        assert joint.n_events == a.n_events + b.n_events
        assert joint.provenance["parts"]["B"]["seed"] == 2
        assert pickle.loads(pickle.dumps(joint)).fingerprint == joint.fingerprint
    with open_database([("B", two.path), ("A", one.path)]) as swapped:
        assert swapped.fingerprint != joint.fingerprint


def test_types_of_parts_are_joined_by_name(make, tmp_path):
    one = make.write(tmp_path / "one.h5")
    with DatabaseWriter(
        tmp_path / "two.h5", duration_ms=120, dendrite_labels=["ApicalDendrite", "Soma"]
    ) as writer:
        writer.synapse_types.add("L6ct_C2", "EXC")
        writer.synapse_types.add("VPM_C2", "EXC")
        events = ActivationEvents(
            np.zeros(3, int),
            np.ones(3),
            np.ones(3),
            np.array([0, 1, 1]),
            dendrite_label=np.array([0, 1, 1]),
        )
        writer.append(["only"], [[]], events)
    with open_database([one.path, tmp_path / "two.h5"]) as joint:
        rule = Grouping("cell_type", signs={"L6ct": -1})
        assert {group.name: group.sign for group in joint.resolve_groups(rule)}["L6ct"] == -1
        counts = joint.counts(rule, EDGES)
        assert counts["L6ct"][:12].sum() == 0
        assert counts["L6ct"][12, 1, 0] == 1
        assert counts["VPM"][12, 1, 0] == 2
        last = joint.events(trials=slice(12, 13))
        names = [joint.synapse_types[code].name for code in last.synapse_type]
        labels = [joint.dendrite_labels.names[code] for code in last.dendrite_label]
        assert sorted(zip(names, labels, strict=True)) == [
            ("L6ct_C2", "ApicalDendrite"),
            ("VPM_C2", "Soma"),
            ("VPM_C2", "Soma"),
        ]
        assert last.synapse_id is None


def test_events_and_counts_can_be_joined(make, tmp_path, recorded):
    with open_database(recorded.path) as database:
        write_binned(database, tmp_path / "c.h5", distance_edges=EDGES)
        expected = database.counts(None, EDGES)["INH"]
    with open_database([("e", recorded.path), ("c", tmp_path / "c.h5")]) as joint:
        found = joint.counts(None, EDGES)["INH"]
        assert np.array_equal(found, np.concatenate([expected, expected]))
        with pytest.raises(DataError, match="no single activations"):
            joint.events()


def test_databases_that_disagree_are_refused_with_every_reason(make, tmp_path):
    make.write(tmp_path / "a.h5")
    make.write(tmp_path / "b.h5", duration_ms=200)
    table = make.type_table()
    make.write(
        tmp_path / "c.h5",
        groups=(Group("EXC", 1), Group("INH", 1)),
        synapse_types=table,
    )
    with pytest.raises(DataError) as error:
        open_database([tmp_path / "a.h5", tmp_path / "b.h5", tmp_path / "c.h5"])
    assert {problem.code for problem in error.value.problems} == {"other-record", "other-groups"}
    with pytest.raises(DataError, match="repeat"):
        open_database([tmp_path / "a.h5", tmp_path / "a.h5"])
    (tmp_path / "d.h5").write_text("text")
    with pytest.raises(DataError) as error:
        open_database([tmp_path / "d.h5", tmp_path / "missing.h5"])
    assert {problem.code for problem in error.value.problems} == {"not-hdf5", "no-file"}


def test_a_list_of_one_still_prefixes_ids(recorded):
    with open_joined([("A", recorded.path)]) as joint:
        assert joint.trial_ids[0] == "A/t/000000"


def test_truth_of_parts_is_joined(make, tmp_path):
    filters = np.linspace(0, 1, 30)
    for number in (1, 2):
        truth = {"score": np.full(12, float(number)), "spatial_filter_EXC": filters}
        make.write(tmp_path / f"{number}.h5", truth=truth)
    with open_database([tmp_path / "1.h5", tmp_path / "2.h5"]) as joint:
        assert joint.truth["score"].tolist() == [1.0] * 12 + [2.0] * 12
        assert np.array_equal(joint.truth["spatial_filter_EXC"], filters)


def test_appending_drops_truth_that_no_longer_fits(make, tmp_path):
    truth = {"score": np.arange(12.0), "spatial_filter_EXC": np.ones(30)}
    recorded = make.write(tmp_path / "a.h5", truth=truth)
    events = make.random_events(np.random.default_rng(0), 1, 50)
    append_trials(recorded.path, ["new"], [[]], events)
    with open_database(recorded.path) as database:
        assert list(database.truth) == ["spatial_filter_EXC"]
    with h5py.File(recorded.path) as file:
        assert file.attrs["n_trials"] == 13
