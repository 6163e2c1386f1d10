"""Events come back as they were given, and only what is wanted is read."""

import itertools
import multiprocessing
import os
import pickle

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synreduce.database import (
    ActivationEvents,
    DatabaseWriter,
    SpikeTimes,
    SynapseTypeTable,
    check_database,
    open_database,
)
from synreduce.errors import DataError


def rows(events: ActivationEvents) -> np.ndarray:
    """Events as sorted rows, to compare without regard to the order within a trial."""
    columns = [events.trial, *(values for _, values in sorted(events.columns().items()))]
    table = np.array([np.asarray(column, np.float64) for column in columns])
    return table[:, np.lexsort(table)]


def test_everything_comes_back_exactly(recorded, make):
    with open_database(recorded.path) as database:
        found = database.events()
        assert found.columns().keys() == recorded.events.columns().keys()
        assert (np.diff(found.trial) >= 0).all()
        assert np.array_equal(rows(found), rows(recorded.events))
        assert database.trial_ids.tolist() == recorded.trial_ids
        assert database.n_trials == len(database.spike_times) == 12
        for trial, times in enumerate(recorded.spike_times):
            assert np.array_equal(database.spike_times.of(trial), times)
        assert [(group.name, group.sign) for group in database.groups] == [("EXC", 1), ("INH", -1)]
        assert database.synapse_types.names == ("L5tt_C2", "VPM_C2", "L1_D2", "INH")
        assert database.dendrite_labels.names == make.LABELS
        assert database.provenance == {"source": "random", "seed": 0}
        assert database.largest_distance_um == recorded.events.soma_distance.max()
        assert database.n_events == len(recorded.events)
        assert database.truth is None


def test_a_window_of_time_distance_and_trials(recorded):
    events = recorded.events
    requests = itertools.product(
        [slice(None), slice(2, 7), slice(3, 4), slice(5, 5)],
        [(None, None), (40.0, 60.5), (50.0, 51.0)],
        [(0, np.inf), (250, 500), (100.5, 900)],
    )
    with open_database(recorded.path) as database:
        for trials, window, distance in requests:
            first, stop, _ = trials.indices(12)
            low, high = (-np.inf, np.inf) if window[0] is None else window
            keep = (events.trial >= first) & (events.trial < stop)
            keep &= (events.time >= low) & (events.time < high)
            keep &= (events.soma_distance >= distance[0]) & (events.soma_distance < distance[1])
            expected = events.take(np.flatnonzero(keep))
            found = database.events(*window, trials=trials, distance=distance)
            shifted = ActivationEvents(trial=found.trial + first, **found.columns())
            assert np.array_equal(rows(shifted), rows(expected))


def test_only_touched_tiles_are_read(recorded, tmp_path):
    """Destroy every other tile on disk: a window within one tile still reads well."""
    with open_database(recorded.path) as database:
        grid = database.stored_events.grid
        wanted = grid.overlapping(10, 20, 0, 100)
        expected = rows(database.events(10, 20, distance=(0, 100)))
    content = bytearray(recorded.path.read_bytes())
    with h5py.File(recorded.path) as file:
        for tile in set(range(grid.n_tiles)) - set(wanted):
            for dataset in file[f"events/tile_{tile:04d}"].values():
                for index in range(dataset.id.get_num_chunks()):
                    info = dataset.id.get_chunk_info(index)
                    content[info.byte_offset : info.byte_offset + info.size] = bytes(info.size)
    (tmp_path / "holes.h5").write_bytes(content)
    with open_database(tmp_path / "holes.h5") as database:
        assert np.array_equal(rows(database.events(10, 20, distance=(0, 100))), expected)
        with pytest.raises((DataError, OSError)):
            database.events()
    assert len(wanted) == 1


def test_many_small_blocks_equal_one_large_one(tmp_path, make):
    generator = np.random.default_rng(3)
    blocks = [make.random_events(generator, 5, 700) for _ in range(40)]
    spikes = [list(generator.uniform(0, 120, 2)) for _ in range(200)]
    ids = [f"x{trial}" for trial in range(200)]
    joint = ActivationEvents(
        trial=np.concatenate([block.trial + 5 * i for i, block in enumerate(blocks)]),
        **{
            name: np.concatenate([block.columns()[name] for block in blocks])
            for name in blocks[0].columns()
        },
    )
    options = {"duration_ms": 120, "dendrite_labels": make.LABELS}
    with DatabaseWriter(tmp_path / "a.h5", synapse_types=make.type_table(), **options) as writer:
        for i, block in enumerate(blocks):
            writer.append(ids[5 * i : 5 * i + 5], spikes[5 * i : 5 * i + 5], block)
    with DatabaseWriter(tmp_path / "b.h5", synapse_types=make.type_table(), **options) as writer:
        writer.append(ids, spikes, joint)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    with open_database(tmp_path / "a.h5") as database:
        assert np.array_equal(rows(database.events()), rows(joint))


def test_other_tiles_give_the_same_fingerprint(tmp_path, make):
    fine = make.write(tmp_path / "a.h5", slab_ms=10, band_um=100, level=9)
    coarse = make.write(tmp_path / "b.h5", slab_ms=1000, band_um=1000)
    with open_database(fine.path) as a, open_database(coarse.path) as b:
        assert a.fingerprint == b.fingerprint
        assert len(a.stored_events.grid.time_edges) == 13
        assert np.array_equal(rows(a.events()), rows(b.events()))


def test_any_change_of_content_changes_the_fingerprint(recorded, tmp_path, make):
    events, ids, spikes = recorded.events, recorded.trial_ids, recorded.spike_times
    moved = events.trial.copy()
    moved[-1] -= 1

    def changed(column, index, value):
        columns = {name: values.copy() for name, values in events.columns().items()}
        columns[column][index] = value
        return ActivationEvents(trial=events.trial, **columns)

    time, distance = events.time[5], events.soma_distance[5]
    variants = [
        (ids, spikes, events),
        (ids, spikes, changed("time", 5, np.nextafter(time, 0))),
        (ids, spikes, changed("soma_distance", 5, np.nextafter(distance, 0))),
        (ids, spikes, changed("synapse_type", 5, (events.synapse_type[5] + 1) % 4)),
        (ids, spikes, changed("presynaptic_cell", 5, -1)),
        (ids, spikes, events.take(np.arange(len(events) - 1))),
        (ids, spikes, ActivationEvents(trial=moved, **events.columns())),
        (["other", *ids[1:]], spikes, events),
        (ids, [[1.0], *spikes[1:]], events),
    ]
    fingerprints = set()
    for number, (names, times, block) in enumerate(variants):
        path = tmp_path / f"{number}.h5"
        with DatabaseWriter(
            path, duration_ms=120, synapse_types=make.type_table(), dendrite_labels=make.LABELS
        ) as writer:
            writer.append(names, times, block)
        with open_database(path) as database:
            fingerprints.add(database.fingerprint)
    assert len(fingerprints) == len(variants)
    with open_database(recorded.path) as database:
        assert database.fingerprint in fingerprints


def test_provenance_does_not_change_the_fingerprint(tmp_path, make):
    one, two = (
        make.write(tmp_path / "a.h5"),
        make.write(tmp_path / "b.h5", provenance={"date": "now"}),
    )
    with open_database(one.path) as a, open_database(two.path) as b:
        assert a.fingerprint == b.fingerprint


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_any_events_survive(tmp_path_factory, data, make):
    n_trials = data.draw(st.integers(1, 6))
    n_events = data.draw(st.integers(0, 30))
    numbers = {"allow_nan": False, "allow_infinity": False, "min_value": 0.0}

    def array(strategy, kind):
        return np.array(data.draw(st.lists(strategy, min_size=n_events, max_size=n_events)), kind)

    events = ActivationEvents(
        trial=array(st.integers(0, n_trials - 1), np.int64),
        time=array(st.floats(**numbers, max_value=119.999), np.float64),
        soma_distance=array(st.floats(**numbers, max_value=1e5), np.float64),
        synapse_type=array(st.integers(0, 3), np.int64),
    )
    path = tmp_path_factory.mktemp("any") / "db.h5"
    with DatabaseWriter(path, duration_ms=120, synapse_types=make.type_table()) as writer:
        writer.append([str(i) for i in range(n_trials)], [[]] * n_trials, events)
    assert check_database(path, deep=True) == []
    with open_database(path) as database:
        assert np.array_equal(rows(database.events()), rows(events))


def test_long_records_get_at_most_64_slabs(tmp_path):
    with DatabaseWriter(tmp_path / "a.h5", duration_ms=100_000.0) as writer:
        writer.synapse_types.add("VPM", "EXC")
        times = np.linspace(0, 99_999.9, 5000)
        writer.append(
            ["one"],
            [[]],
            ActivationEvents(np.zeros(5000, np.int64), times, times / 100, np.zeros(5000, int)),
        )
    with open_database(tmp_path / "a.h5") as database:
        assert len(database.stored_events.grid.time_edges) == 65
        assert len(database.events(500, 600)) == int(((times >= 500) & (times < 600)).sum())


def test_unsorted_trials_are_sorted(tmp_path, make):
    events = ActivationEvents(
        np.array([2, 0, 1]), np.array([1.0, 2, 3]), np.zeros(3), np.array([0, 1, 2])
    )
    with DatabaseWriter(
        tmp_path / "a.h5", duration_ms=5, synapse_types=make.type_table()
    ) as writer:
        writer.append(["a", "b", "c"], [[], [], []], events)
    with open_database(tmp_path / "a.h5") as database:
        assert database.events().time.tolist() == [2.0, 3.0, 1.0]


def test_types_may_grow_while_writing(tmp_path):
    def one_event(code):
        return ActivationEvents(
            np.zeros(1, int), np.ones(1), np.ones(1), np.array([code]), synapse_id=np.array([4])
        )

    with DatabaseWriter(tmp_path / "a.h5", duration_ms=5) as writer:
        writer.append(["a"], [[]], one_event(writer.synapse_types.add("VPM_C2", "EXC")))
        writer.append(["b"], [[]], one_event(writer.synapse_types.add("L1_C2", "INH")))
    with open_database(tmp_path / "a.h5") as database:
        assert database.synapse_types[1].cell_type == "L1"
        counts = database.counts()
        assert counts["INH"][1].sum() == 1
        assert counts["INH"][0].sum() == 0


def test_column_unknown_in_a_later_block_is_minus_one(tmp_path, make):
    full = make.random_events(np.random.default_rng(0), 1, 20)
    bare = ActivationEvents(full.trial, full.time, full.soma_distance, full.synapse_type)
    options = {
        "duration_ms": 120,
        "synapse_types": make.type_table(),
        "dendrite_labels": make.LABELS,
    }
    with DatabaseWriter(tmp_path / "a.h5", **options) as writer:
        writer.append(["a"], [[]], full)
        writer.append(["b"], [[]], bare)
    with open_database(tmp_path / "a.h5") as database:
        assert (database.events(trials=slice(1, 2)).section_id == -1).all()

    def column_appears() -> None:
        with DatabaseWriter(tmp_path / "b.h5", **options) as writer:
            writer.append(["b"], [[]], bare)
            writer.append(["a"], [[]], full)

    with pytest.raises(DataError, match="was not in the first block"):
        column_appears()
    assert not (tmp_path / "b.h5").exists()


def test_a_pickled_database_opens_elsewhere(recorded):
    with open_database(recorded.path) as database:
        expected = database.counts()["EXC"].sum()
        unused = pickle.dumps(open_database(recorded.path))
        assert database.spike_times.times.size
        assert database.trial_ids.size
        payload = pickle.dumps(database)
        assert len(payload) <= len(unused)  # what was read of trials stays behind
        with pickle.loads(payload) as copy:
            assert copy.counts()["EXC"].sum() == expected


def _sum_in_child(database, queue):
    queue.put((os.getpid(), int(database.counts()["EXC"].sum())))


def test_a_forked_process_opens_its_own_handle(recorded):
    context = multiprocessing.get_context("fork")
    with open_database(recorded.path) as database:
        expected = int(database.counts()["EXC"].sum())
        queue = context.Queue()
        child = context.Process(target=_sum_in_child, args=(database, queue))
        child.start()
        process, found = queue.get(timeout=60)
        child.join()
        assert process != os.getpid()
        assert found == expected
        assert int(database.counts()["EXC"].sum()) == expected


def test_a_database_that_changed_since_it_was_pickled_is_refused(recorded, make):
    with open_database(recorded.path) as database:
        payload = pickle.dumps(database)
    make.write(recorded.path, seed=1)
    with pickle.loads(payload) as copy, pytest.raises(DataError, match="has changed"):
        copy.counts()


def test_readers_are_not_disturbed_by_a_rewrite(recorded, make):
    with open_database(recorded.path) as database:
        before = database.counts()["EXC"].sum()
        make.write(recorded.path, seed=1)
        assert database.counts()["EXC"].sum() == before


def test_truth_is_kept(tmp_path, make):
    truth = {"score": np.arange(12.0), "spatial_filter_EXC": np.ones(30)}
    path = make.write(tmp_path / "a.h5", truth=truth).path
    with open_database(path) as database:
        assert database.truth.keys() == truth.keys()
        assert np.array_equal(database.truth["score"], truth["score"])


def test_spike_times_of_one_trial():
    spikes = SpikeTimes.from_lists([[3.0, 1.0], [], [2.0]])
    assert spikes.of(-1).tolist() == [2.0]
    assert [times.tolist() for times in spikes] == [[1.0, 3.0], [], [2.0]]
    with pytest.raises(IndexError):
        spikes.of(3)


def test_a_type_cannot_belong_to_two_groups():
    table = SynapseTypeTable()
    table.add("L1_C2", "INH")
    with pytest.raises(DataError, match="INH and of group EXC"):
        table.add("L1_C2", "EXC")
