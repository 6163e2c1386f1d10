"""Rows of a design from different places."""

import numpy as np
import pytest

from synreduce.design import (
    ROWS_PER_BLOCK,
    ArrayRows,
    ConcatenatedColumns,
    FeatureLayout,
    SelectedRows,
    Term,
    iterate_blocks,
)
from synreduce.errors import InputError


class CountingRows:
    """A source that is no array, and remembers how many rows were read."""

    def __init__(self, array):
        self.array, self.n_read = array, 0
        self.n_rows, self.n_features = array.shape

    def read(self, start, stop):
        self.n_read += stop - start
        return self.array[start:stop]


ARRAY = np.random.default_rng(0).standard_normal((3 * ROWS_PER_BLOCK + 17, 3)).astype(np.float32)


def test_blocks_cover_all_rows_once_in_order():
    blocks = list(iterate_blocks(ArrayRows(ARRAY)))
    assert [where.stop - where.start for where, _ in blocks] == [ROWS_PER_BLOCK] * 3 + [17]
    assert np.array_equal(np.concatenate([rows for _, rows in blocks]), ARRAY)


@pytest.mark.parametrize("source", [ArrayRows, CountingRows])
def test_selected_rows_come_in_the_order_asked_for(source):
    index = np.random.default_rng(1).permutation(len(ARRAY))[:5000]
    selected = SelectedRows(source(ARRAY), index)
    assert (selected.n_rows, selected.n_features) == (5000, 3)
    assert np.array_equal(selected.read(100, 4000), ARRAY[index[100:4000]])
    assert selected.read(0, 0).shape == (0, 3)


def test_selection_reads_only_the_blocks_it_needs():
    source = CountingRows(ARRAY)
    SelectedRows(source, np.arange(10, 2000)).read(0, 1990)
    assert source.n_read == ROWS_PER_BLOCK


def test_columns_side_by_side():
    both = ConcatenatedColumns([ArrayRows(ARRAY), CountingRows(2 * ARRAY)])
    assert (both.n_rows, both.n_features) == (len(ARRAY), 6)
    assert np.array_equal(both.read(5, 9), np.hstack([ARRAY[5:9], 2 * ARRAY[5:9]]))
    with pytest.raises(InputError, match="rows"):
        ConcatenatedColumns([ArrayRows(ARRAY), ArrayRows(ARRAY[1:])])


def test_whole_numbers_become_double_precision():
    assert ArrayRows(np.arange(6).reshape(3, 2)).read(0, 3).dtype == np.float64
    with pytest.raises(InputError, match="shape"):
        ArrayRows(np.arange(6))


def test_layout_cuts_and_joins():
    layout = FeatureLayout([Term("EXC", 2, 3), Term("INH", 1, 4)])
    theta = np.arange(10.0)
    matrices = layout.matrices(theta)
    assert matrices["EXC"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert matrices["INH"].shape == (1, 4)
    assert np.array_equal(layout.flatten(matrices), theta)


def test_ambiguous_layout_is_refused():
    with pytest.raises(InputError) as refused:
        FeatureLayout([Term("EXC", 2, 3), Term("EXC", 0, 3)])
    assert len(refused.value.problems) == 2
