"""Sums of counts in the fingerprint, against whole numbers of any size."""

import numpy as np
import pytest

from synreduce.database import fingerprint
from synreduce.database.fingerprint import CountSum

WEIGHTS = fingerprint._weights
SHAPE = (5, 700, 7)
CORNER = (3, 11, 2)


@pytest.mark.parametrize(
    ("dtype", "largest"),
    [(np.uint8, 255), (np.uint16, 65535), (np.uint32, 2**20), (np.uint32, 2**32 - 1)],
)
@pytest.mark.parametrize("cells", [2**8, 2**17])
def test_sum_of_counts_is_exact_for_counts_of_any_size(dtype, largest, cells, monkeypatch):
    monkeypatch.setattr(fingerprint, "_CELLS", cells)
    random = np.random.default_rng(1)
    counts = random.integers(0, largest, SHAPE, dtype=dtype, endpoint=True)
    along = [
        [int(weight) for weight in WEIGHTS(axis, start, length)]
        for axis, start, length in zip(("trial", "time", "bin"), CORNER, SHAPE, strict=True)
    ]
    expected = 0
    for place, count in zip(np.ndindex(SHAPE), counts.ravel().tolist(), strict=True):
        expected += count * along[0][place[0]] * along[1][place[1]] * along[2][place[2]]
    of_group = int(fingerprint._key("group EXC")) | 1
    found = CountSum()
    found.add("EXC", *CORNER, counts)
    assert found.state == expected * of_group % 2**64
    halves = CountSum()
    halves.add("EXC", CORNER[0], CORNER[1], CORNER[2], counts[:, :300])
    halves.add("EXC", CORNER[0], CORNER[1] + 300, CORNER[2], counts[:, 300:])
    assert halves.state == found.state
