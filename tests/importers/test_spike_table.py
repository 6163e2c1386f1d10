"""Tables of spike times."""

import numpy as np
import pytest

from synreduce.errors import DataError
from synreduce.importers.spike_table import missing_trials, read_spike_table, refractory_note


def test_eighteen_thousand_trials(shared_data):
    table = read_spike_table(shared_data / "isf_spike_times" / "spike_times_18000.csv.gz")
    assert len(table.n_spikes) == 18000
    assert len(table.times) == 8959
    assert np.bincount(table.n_spikes).tolist() == [11000, 5380, 1306, 291, 21, 2]
    spikes = table.per_trial()
    assert sum(((own >= 260) & (own < 261)).any() for own in spikes) == 803
    assert table.trial_ids is not None
    assert table.trial_ids[0].endswith("20150817-1856_20686/000000")
    assert spikes[0].tolist() == [173.625, 214.4]
    assert not refractory_note(spikes)


def read(tmp_path, text):
    path = tmp_path / "spikes.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_spike_table(path)


def test_columns_are_chosen_by_their_names(tmp_path):
    table = read(tmp_path, "sim_trail_index,10,2,note,1\na,3.5,,x,1.5\nb,,,9,\n")
    assert table.trial_ids == ("a", "b")
    assert [own.tolist() for own in table.per_trial()] == [[1.5, 3.5], []]


def test_unsorted_rows_are_sorted_and_counted(tmp_path):
    table = read(tmp_path, ",0,1,2\n0,5,4,\n1,1,2,3\n2,,,1\n")
    assert [own.tolist() for own in table.per_trial()] == [[4, 5], [1, 2, 3], [1]]
    assert table.n_unsorted == 1


def test_no_spike_anywhere_has_no_column(tmp_path):
    table = read(tmp_path, "sim_trial_index\na\nb\n")
    assert [len(own) for own in table.per_trial()] == [0, 0]


@pytest.mark.parametrize(
    ("text", "code", "what"),
    [
        ("", "empty-file", "0 bytes"),
        (",0\n0,1.5\n1,2.", "cut-file", ":3: last line has no line end"),
        (",0\n0,1.5,3\n", "wrong-fields", ":2: 3 fields, expected 2"),
        (',0\n0,"1,5"\n', "bad-value", ":2 column '0': '1,5'. Fix: decimal point"),
        (",0\n0,abc\n1,x\n", "bad-value", ":3 column '0': 'x'"),
        (",0\n0,-1.5\n", "bad-value", ":2 spike times: -1.5 ms is no spike time"),
        (",0\n0,inf\n", "bad-value", "inf ms is no spike time"),
        (";0;1\n0;1.5;2\n", "wrong-separator", "separator looks like ';'"),
        ("a,b\n1,2\n", "no-columns", "no column has an integer as its name"),
        ("1.5,2.5\n1,2\n", "no-columns", "the heading is '1.5,2.5'"),
        (",0,0\na,1,2\n", "wrong-columns", "occurs twice"),
        (",0\na,1\na,2\n", "duplicate-trial", "trial 'a' has 2 rows"),
        (b"\x1f\x8b\x08...", "wrong-compression", "gzip magic"),
    ],
)
def test_damage_is_named(tmp_path, text, code, what):
    with pytest.raises(DataError) as raised:
        read(tmp_path, text)
    messages = "\n".join(str(problem) for problem in raised.value.problems)
    assert code in {problem.code for problem in raised.value.problems}
    assert what in messages


def test_both_spellings_of_a_number_are_shown():
    (problem,) = missing_trials(["f/000007"], ["f/7", "f/8"], "spikes.csv")
    assert "'f/7' where the trial is 'f/000007'" in problem.what


def test_refractory_violations_are_mentioned():
    assert "1 spikes follow" in refractory_note([np.array([1.0, 1.01]), np.array([2.0])])[0]
