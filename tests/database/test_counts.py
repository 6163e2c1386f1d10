"""Counts from events, from stored counts, and by any grouping."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synreduce.database import (
    ActivationEvents,
    CountsWriter,
    DatabaseWriter,
    Group,
    Grouping,
    check_database,
    open_database,
    write_binned,
)
from synreduce.database.binning import bin_index, merge_bins, smallest_unsigned
from synreduce.errors import DataError

EDGES = 50.0 * np.arange(31)


def group_of(recorded):
    return np.array([0, 0, 1, 1])[recorded.events.synapse_type]


@pytest.mark.parametrize(
    ("edges", "t0", "t1", "width"),
    [
        (EDGES, 0, 120, 1),
        (EDGES, 30, 110, 1),
        ([0, 100, 1000, 1600], 50, 60, 0.5),
        ([250, 500], 0, 120, 10),
        ([13.7, 99.1, 1234.5], 3.25, 5.25, 0.25),
    ],
)
def test_counts_equal_counting_by_hand(recorded, edges, t0, t1, width):
    expected = recorded.brute_force(group_of(recorded), 2, edges, t0, t1, width)
    with open_database(recorded.path) as database:
        found = database.counts(None, edges, t0, t1, time_bin_ms=width)
        part = database.counts(["INH"], edges, t0, t1, slice(2, 9), time_bin_ms=width)
    assert np.array_equal(found["EXC"], expected[0])
    assert np.array_equal(found["INH"], expected[1])
    assert np.array_equal(part["INH"], expected[1, 2:9])
    assert list(part) == ["INH"]
    assert found["EXC"].dtype == np.uint8


def test_trials_without_activations_are_rows_of_zeros(recorded):
    with open_database(recorded.path) as database:
        counts = database.counts()
    assert counts["EXC"].shape[0] == 12
    assert not counts["EXC"][[3, 11]].any()


@settings(max_examples=100, deadline=None)
@given(
    width=st.sampled_from([50.0, 0.1, 1.0, 7.3, 1 / 3]),
    steps=st.lists(st.tuples(st.integers(0, 40), st.sampled_from([-1, 0, 1])), min_size=1),
)
def test_bins_are_half_open_to_the_last_bit(width, steps):
    edges = width * np.arange(31)
    values = np.array([0.0 if not k else np.nextafter(width * k, width * k + s) for k, s in steps])
    expected = [sum(value >= edge for edge in edges) - 1 for value in values]
    assert bin_index(values, edges).tolist() == [min(index, 30) for index in expected]


def test_exactly_50_um_lies_in_bin_1(tmp_path, make):
    with DatabaseWriter(
        tmp_path / "a.h5", duration_ms=10, synapse_types=make.type_table()
    ) as writer:
        events = ActivationEvents(
            np.zeros(4, int),
            np.full(4, 2.0),
            np.array([0, 49.999999, 50, 1499.99]),
            np.zeros(4, int),
        )
        writer.append(["a"], [[]], events)
    with open_database(tmp_path / "a.h5") as database:
        counts = database.counts(None, 30)["EXC"][0, 2]
    assert counts[[0, 1, 29]].tolist() == [2, 1, 1]


def test_beyond_the_last_edge_is_dropped_clipped_or_refused(recorded):
    far = recorded.events.soma_distance >= 1500
    with open_database(recorded.path) as database:
        dropped = database.counts(None, 30, beyond="drop")
        clipped = database.counts(None, 30, beyond="clip")
        gained = sum(int(clipped[name].sum()) - int(dropped[name].sum()) for name in dropped)
        assert gained == far.sum() > 0
        assert np.array_equal(dropped["EXC"][..., :29], clipped["EXC"][..., :29])
        with pytest.raises(DataError, match="1500 um and beyond"):
            database.counts(None, 30, beyond="refuse")
        with pytest.raises(DataError, match="did you mean 'drop'"):
            database.counts(None, 30, beyond="dropp")


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"t0": -5, "t1": 20}, "leaves the record"),
        ({"t0": 100, "t1": 121}, "leaves the record"),
        ({"t0": 10, "t1": 10}, "leaves 0 ms"),
        ({"t0": 0, "t1": 15, "time_bin_ms": 2}, "leaves 1 ms"),
        ({"time_bin_ms": 0}, "time bin of 0 ms"),
        ({"distance_edges": [0, 100, 50]}, "do not ascend"),
        ({"groups": ["EXZ"]}, "did you mean 'EXC'"),
    ],
)
def test_impossible_requests_say_why(recorded, request_, message):
    with open_database(recorded.path) as database, pytest.raises(DataError, match=message):
        database.counts(**request_)


def test_large_counts_get_a_wider_type(tmp_path, make):
    n = 70_000
    with DatabaseWriter(
        tmp_path / "a.h5", duration_ms=10, synapse_types=make.type_table()
    ) as writer:
        for trial, size in enumerate((255, 256, n)):
            events = ActivationEvents(
                np.zeros(size, int), np.full(size, 5.5), np.zeros(size), np.zeros(size, int)
            )
            writer.append([str(trial)], [[]], events)
    with open_database(tmp_path / "a.h5") as database:
        for trials, dtype, largest in (
            (slice(0, 1), np.uint8, 255),
            (slice(0, 2), np.uint16, 256),
            (slice(0, 3), np.uint32, n),
        ):
            counts = database.counts(None, 2, trials=trials)["EXC"]
            assert counts.dtype == dtype
            assert counts.max() == largest


GROUPINGS = [
    (Grouping("cell_type"), ["INH", "L1", "L5tt", "VPM"], [2, 3, 1, 0]),
    (Grouping("synapse_type"), ["INH", "L1_D2", "L5tt_C2", "VPM_C2"], [2, 3, 1, 0]),
    (Grouping("presynaptic_column"), ["C2", "D2", "unknown"], [0, 0, 1, 2]),
    (
        Grouping("cell_type", map={"VPM": "thalamus", "L.*": "cortex", "INH": "cortex"}),
        ["thalamus", "cortex"],
        [1, 0, 1, 1],
    ),
    (
        Grouping("cell_type", map={"VPM": "thalamus"}, unmatched="drop"),
        ["thalamus"],
        [-1, 0, -1, -1],
    ),
]


@pytest.mark.parametrize(("grouping", "names", "of_type"), GROUPINGS)
def test_groupings_by_type(recorded, grouping, names, of_type):
    names = sorted(names) if grouping.map is None else names
    by_name = {"INH": 3, "L1": 2, "L5tt": 0, "VPM": 1, "L1_D2": 2, "L5tt_C2": 0, "VPM_C2": 1}
    if grouping.by in {"cell_type", "synapse_type"} and grouping.map is None:
        of_type = [names.index(name) for name in sorted(names, key=lambda name: by_name[name])]
    expected = recorded.brute_force(
        np.array(of_type)[recorded.events.synapse_type], len(names), EDGES, 40, 60
    )
    with open_database(recorded.path) as database:
        found = database.counts(grouping, EDGES, 40, 60)
        assert [group.name for group in database.resolve_groups(grouping)] == names
    assert list(found) == names
    for name, counts in zip(names, expected, strict=True):
        assert np.array_equal(found[name], counts)


def test_grouping_by_label_and_by_proximity(recorded, make):
    events = recorded.events
    with open_database(recorded.path) as database:
        labels = database.counts(Grouping("dendrite_label"), EDGES)
        expected = recorded.brute_force(events.dendrite_label, 3, EDGES, 0, 120)
        for index, name in enumerate(make.LABELS):
            assert np.array_equal(labels[name], expected[index])
        near = database.counts(Grouping(("group", "proximity")), [0, 2000])
        assert list(near) == ["EXC_prox", "EXC_dist", "INH_prox", "INH_dist"]
        far = (events.soma_distance >= 500).astype(int)
        expected = recorded.brute_force(2 * group_of(recorded) + far, 4, [0, 2000], 0, 120)
        for counts, wanted in zip(near.values(), expected, strict=True):
            assert np.array_equal(counts, wanted)


def test_signs_follow_the_synapses_unless_given(recorded):
    with open_database(recorded.path) as database:
        signs = {group.name: group.sign for group in database.resolve_groups(Grouping("cell_type"))}
        assert signs == {"L5tt": 1, "VPM": 1, "L1": -1, "INH": -1}
        mixed = database.resolve_groups(Grouping("dendrite_label", signs={"Soma": -1}))
        assert [group.sign for group in mixed] == [-1, 1, 1]
        with pytest.raises(DataError, match="did you mean 'Soma'"):
            database.resolve_groups(Grouping("dendrite_label", signs={"Somas": 1}))


def test_bad_groupings_say_why(recorded):
    with open_database(recorded.path) as database:
        with pytest.raises(DataError, match="no entry matches INH, L1"):
            database.counts(Grouping("cell_type", map={"VPM|L5tt": "EXC"}))
        with pytest.raises(DataError, match="did you mean 'cell_type'"):
            database.counts(Grouping("celltype"))
        with pytest.raises(DataError, match="no regular expression"):
            database.counts(Grouping("cell_type", map={"(": "EXC"}))


def test_unknown_labels_are_refused_or_dropped(tmp_path, make):
    events = ActivationEvents(
        np.zeros(2, int),
        np.ones(2),
        np.ones(2),
        np.zeros(2, int),
        dendrite_label=np.array([-1, 1]),
    )
    options = {"duration_ms": 5, "synapse_types": make.type_table(), "dendrite_labels": make.LABELS}
    with DatabaseWriter(tmp_path / "a.h5", **options) as writer:
        writer.append(["a"], [[]], events)
    with open_database(tmp_path / "a.h5") as database:
        with pytest.raises(DataError, match="1 activations have no dendrite label"):
            database.counts(Grouping("dendrite_label"))
        counts = database.counts(Grouping("dendrite_label", unmatched="drop"))
        assert {name: int(values.sum()) for name, values in counts.items()} == {
            "Soma": 0,
            "Dendrite": 1,
            "ApicalDendrite": 0,
        }


def test_groups_that_never_occur_are_zeros(tmp_path, make):
    groups = (Group("EXC", 1), Group("INH", -1), Group("MOD", 1))
    with DatabaseWriter(
        tmp_path / "a.h5", duration_ms=5, groups=groups, synapse_types=make.type_table()
    ) as writer:
        writer.append(
            ["a"], [[]], ActivationEvents(np.zeros(1, int), *[np.zeros(1)] * 2, np.zeros(1, int))
        )
    with open_database(tmp_path / "a.h5") as database:
        counts = database.counts(None, 3)
        assert list(counts) == ["EXC", "INH", "MOD"]
        assert counts["MOD"].shape == (1, 5, 3)
        assert not counts["MOD"].any()
        other = database.counts(Grouping("cell_type", map={".*": "all", "none": "nothing"}))
        assert not other["nothing"].any()


def write_counts(path, counts, ids, spikes, **options):
    with CountsWriter(
        path,
        trial_ids=ids,
        spike_times=spikes,
        distance_edges=EDGES,
        duration_ms=120,
        **options,
    ) as writer:
        for name, values in counts.items():
            writer.write(name, slice(None), slice(None), slice(None), values)


def test_both_layouts_give_the_same_counts(recorded, tmp_path):
    with open_database(recorded.path) as events:
        write_binned(events, tmp_path / "c.h5", distance_edges=EDGES)
        with open_database(tmp_path / "c.h5") as counts:
            assert counts.layouts == {"counts"}
            assert counts.trial_ids.tolist() == events.trial_ids.tolist()
            assert np.array_equal(counts.spike_times.times, events.spike_times.times)
            for request in (
                {},
                {"t0": 17, "t1": 97},
                {"t0": 19, "t1": 21, "trials": slice(4, 9)},
                {"distance_edges": [100, 200, 1500], "t0": 20, "t1": 100, "time_bin_ms": 5},
                {"distance_edges": EDGES[:11], "groups": ["INH"]},
            ):
                wanted = {"distance_edges": EDGES} | request
                for name, values in events.counts(**wanted).items():
                    assert np.array_equal(counts.counts(**request)[name], values)
    assert check_database(tmp_path / "c.h5", deep=True) == []


def test_stored_groups_can_be_renamed_and_joined(recorded, tmp_path):
    with open_database(recorded.path) as events:
        write_binned(events, tmp_path / "c.h5", distance_edges=EDGES)
        expected = events.counts(None, EDGES)
    with open_database(tmp_path / "c.h5") as counts:
        rule = Grouping("group", map={"EXC|INH": "all", "MOD": "none"})
        found = counts.counts(rule)
        assert np.array_equal(found["all"], expected["EXC"] + expected["INH"])
        assert not found["none"].any()
        renamed = counts.counts(Grouping("group", map={"INH": "soft"}, unmatched="drop"))
        assert list(renamed) == ["soft"]
        assert np.array_equal(renamed["soft"], expected["INH"])
        assert counts.resolve_groups(Grouping("group", map={"INH": "x", "EXC": "y"})) == (
            Group("x", -1),
            Group("y", 1),
        )


def test_stored_counts_say_what_they_cannot_give(recorded, tmp_path):
    with open_database(recorded.path) as events:
        write_binned(events, tmp_path / "c.h5", distance_edges=EDGES)
    with open_database(tmp_path / "c.h5") as counts:
        for request, message in (
            ({"distance_edges": [0, 75]}, "75 um is none of the stored"),
            ({"time_bin_ms": 0.5}, "do not fit stored bins of 1 ms"),
            ({"t0": 0.5, "t1": 1.5}, "do not fit stored bins"),
            ({"beyond": "clip"}, "beyond the last edge were left out"),
            ({"groups": Grouping("cell_type")}, "stored counts know groups only"),
        ):
            with pytest.raises(DataError, match=message):
                counts.counts(**request)
        with pytest.raises(DataError, match="no single activations"):
            counts.events()


@pytest.mark.parametrize("order", ["planes", "trials", "scattered"])
def test_pieces_may_arrive_in_any_order(tmp_path, order):
    generator = np.random.default_rng(0)
    counts = {
        name: generator.poisson(0.3, (1500, 120, 30)).astype(np.float64) for name in ("EXC", "INH")
    }
    ids, spikes = [f"{i}" for i in range(1500)], [[]] * 1500
    write_counts(tmp_path / "whole.h5", counts, ids, spikes)
    pieces = {
        "planes": [(slice(None), slice(None), slice(b, b + 1)) for b in range(30)],
        "trials": [(slice(a, a + 100), slice(None), slice(None)) for a in range(0, 1500, 100)],
        "scattered": [
            (slice(a, min(a + 700, 1500)), slice(t, t + 60), slice(b, b + 15))
            for a in (0, 700, 1400)
            for t in (60, 0)
            for b in (15, 0)
        ],
    }[order]
    with CountsWriter(
        tmp_path / "pieces.h5",
        trial_ids=ids,
        spike_times=spikes,
        distance_edges=EDGES,
        duration_ms=120,
    ) as writer:
        for piece in pieces:
            for name in ("INH", "EXC"):
                writer.write(name, *piece, counts[name][piece])
    with open_database(tmp_path / "pieces.h5") as a, open_database(tmp_path / "whole.h5") as b:
        assert a.fingerprint == b.fingerprint
        for name, values in a.counts().items():
            assert values.dtype == np.uint8
            assert np.array_equal(values, counts[name])


def test_a_late_large_count_widens_only_its_group(tmp_path):
    counts = {name: np.ones((40, 120, 30), np.int64) for name in ("EXC", "INH")}
    counts["INH"][33, 70, 12] = 300
    with CountsWriter(
        tmp_path / "a.h5",
        trial_ids=[str(i) for i in range(40)],
        spike_times=[[]] * 40,
        distance_edges=EDGES,
        duration_ms=120,
    ) as writer:
        for name, values in counts.items():
            for place in range(30):
                writer.write(
                    name, slice(None), slice(None), slice(place, place + 1), values[:, :, [place]]
                )
    with open_database(tmp_path / "a.h5") as database:
        assert database.counts(["EXC"])["EXC"].dtype == np.uint8
        found = database.counts()
        assert found["INH"].dtype == np.uint16
        assert all(np.array_equal(found[name], counts[name]) for name in counts)
    assert check_database(tmp_path / "a.h5", deep=True) == []


def test_little_memory_changes_nothing(tmp_path, monkeypatch):
    generator = np.random.default_rng(0)
    counts = {"EXC": generator.poisson(0.3, (300, 120, 30)), "INH": np.zeros((300, 120, 30), int)}
    write_counts(tmp_path / "a.h5", counts, [str(i) for i in range(300)], [[]] * 300)
    monkeypatch.setattr("synreduce.database.counts_store._MEMORY_BYTES", 100_000)
    with CountsWriter(
        tmp_path / "b.h5",
        trial_ids=[str(i) for i in range(300)],
        spike_times=[[]] * 300,
        distance_edges=EDGES,
        duration_ms=120,
    ) as writer:
        for place in range(30):
            piece = (slice(None), slice(None), slice(place, place + 1))
            writer.write("EXC", *piece, counts["EXC"][piece])
    with open_database(tmp_path / "a.h5") as a, open_database(tmp_path / "b.h5") as b:
        assert a.fingerprint == b.fingerprint
        assert np.array_equal(a.counts()["EXC"], b.counts()["EXC"])


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.full((2, 120, 30), -1), "negative or not whole, the first is -1"),
        (np.full((2, 120, 30), 0.5), "negative or not whole, the first is 0.5"),
        (np.full((2, 120, 30), np.nan), "negative or not whole, the first is nan"),
        (np.full((2, 120, 30), "x"), "counts are of type"),
        (np.zeros((2, 119, 30)), "block of shape"),
    ],
)
def test_what_is_no_count_is_refused_and_leaves_no_file(tmp_path, bad, message):
    with pytest.raises(DataError, match=rf"a\.h5.*{message}"):
        write_counts(tmp_path / "a.h5", {"EXC": bad}, ["a", "b"], [[], []])
    assert list(tmp_path.iterdir()) == []


def test_refusing_what_lies_beyond_in_stored_counts(tmp_path):
    counts = {"EXC": np.ones((2, 120, 30), np.uint8), "INH": np.zeros((2, 120, 30), np.uint8)}
    write_counts(tmp_path / "a.h5", counts, ["a", "b"], [[], []], n_beyond=0)
    with open_database(tmp_path / "a.h5") as database:
        assert database.counts(None, EDGES[:11], beyond="clip")["EXC"][0, 0].tolist() == (
            [1] * 9 + [21]
        )
        with pytest.raises(DataError, match="500 um and beyond"):
            database.counts(None, EDGES[:11], beyond="refuse")
        assert database.counts(["INH"], EDGES[:11], beyond="refuse")["INH"].shape == (2, 120, 10)


def test_merging_bins_cannot_overflow():
    counts = np.full((1, 1, 4), 200, np.uint8)
    merged = merge_bins(counts, np.array([0, 2]), axis=2)
    assert merged.tolist() == [[[400, 400]]]
    assert merged.dtype == np.uint16
    with pytest.raises(OverflowError):
        smallest_unsigned(2**64)


def test_names_of_types_give_cell_type_and_column(make):
    table = make.type_table()
    assert [(kind.cell_type, kind.column) for kind in table] == [
        ("L5tt", "C2"),
        ("VPM", "C2"),
        ("L1", "D2"),
        ("INH", ""),
    ]
    assert table.groups == tuple(group for _, group in make.TYPES)
