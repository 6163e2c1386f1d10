"""The text parser: exact, and the same by column and by row."""

from contextlib import suppress

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synreduce.errors import DataError
from synreduce.importers.problems import FileProblems
from synreduce.importers.synapse_files import parse_synapses
from synreduce.importers.synapse_rows import parse_rows, read_heading
from synreduce.importers.synapse_table import FIELD_HEADINGS, parse_columns

NUMBERS = st.one_of(
    st.floats(0, 1e6).map(repr),
    st.floats(0, 1e6).map(lambda value: f"{value:.12g}"),
    st.decimals(0, 1000, places=19, allow_nan=False).map(str),
    st.sampled_from(["5e-324", "1e22", "0.1e-5", "9007199254740993", ".5", "5.", "+2.5", "1E3"]),
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["L5tt_C2", "INH", "VPM_Gamma"]),
        st.integers(0, 2**40),
        NUMBERS,
        st.integers(0, 500),
        st.integers(0, 500),
        st.sampled_from(["Soma", "Dendrite", "Äste"]),
        st.lists(NUMBERS, max_size=4),
    ),
    max_size=6,
)


def text_of(rows):
    heading = "# " + "\t".join(FIELD_HEADINGS.values())
    lines = [
        "\t".join([*map(str, row[:6]), "".join(f"{time}," for time in row[6])]) for row in rows
    ]
    return ("\n".join([heading, *lines]) + "\n").encode()


@settings(max_examples=80, deadline=None)
@given(rows=ROWS)
def test_every_number_is_what_python_reads(rows):
    table = parse_synapses(text_of(rows), "x.csv")
    assert table.soma_distance.tolist() == [float(row[2]) for row in rows]
    assert table.times.tolist() == [float(time) for row in rows for time in row[6]]
    assert table.n_times.tolist() == [len(row[6]) for row in rows]
    assert table.synapse_id is not None
    assert table.synapse_id.tolist() == [row[1] for row in rows]
    names, labels = table.synapse_type, table.dendrite_label
    assert [names.names[code] for code in names.codes] == [row[0] for row in rows]
    assert [labels.names[code] for code in labels.codes] == [row[5] for row in rows]


@settings(max_examples=40, deadline=None)
@given(rows=ROWS)
def test_columns_and_rows_agree(rows):
    text, problems = text_of(rows), FileProblems("x.csv")
    order = read_heading(text, FIELD_HEADINGS, problems)
    slow = parse_rows(text, order, FIELD_HEADINGS, problems)
    fast = parse_columns(text, order)
    assert not problems.found
    if fast is not None:
        np.testing.assert_array_equal(fast.times, slow.times)
        np.testing.assert_array_equal(fast.n_times, slow.n_times)
        for field in ("synapse_id", "soma_distance", "section_id", "section_point"):
            np.testing.assert_array_equal(fast.columns[field], slow.columns[field])


@settings(max_examples=150, deadline=None)
@given(position=st.integers(0, 200), junk=st.binary(min_size=1, max_size=3))
def test_damage_is_parsed_or_refused_but_never_a_crash(position, junk):
    rows = [("L5tt_C2", 1, "5.5", 2, 3, "Soma", ["1.5", "2.5"]), ("INH", 2, "6", 2, 3, "Soma", [])]
    text = bytearray(text_of(rows))
    text[position : position + len(junk)] = junk
    with suppress(DataError):
        table = parse_synapses(bytes(text), "x.csv")
        assert table.n_rows <= len(bytes(text).splitlines())
