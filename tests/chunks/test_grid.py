"""The grid: names, order, batches, blocks of trials."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synreduce.chunks import (
    MOST_TRIALS_PER_BLOCK,
    Grid,
    SpatialRange,
    TemporalRange,
    trial_blocks,
)
from synreduce.database.schema import COUNTS_CHUNK_TRIALS
from synreduce.errors import ResourceError


def test_names_tell_ranges_apart_and_sort_as_numbers_do():
    windows = [TemporalRange(t, t + 1) for t in (9, 80, 258, 258.5, 999)]
    names = [window.name for window in windows]
    assert names[2:4] == ["t0258-0259", "t0258.5-0259.5"]
    assert sorted(names) == names
    assert SpatialRange(0, 1500).name == "d0000-1500"


@pytest.mark.parametrize(
    ("window", "starts"),
    [
        (TemporalRange(258, 259), [258]),
        (TemporalRange(255, 265, target_width_ms=10), [255]),
        (TemporalRange(100, 104), [100, 101, 102, 103]),
        (TemporalRange(100, 110, step_ms=4, target_width_ms=2), [100, 104, 108]),
        (TemporalRange(258.5, 260.5), [258.5, 259.5]),
    ],
)
def test_target_windows_fill_their_range(window, starts):
    assert window.target_starts.tolist() == starts
    assert window.n_targets == len(starts)
    assert window.target_stops[-1] <= window.stop_ms


def test_published_number_of_targets():
    assert TemporalRange(80, 3000).n_targets == 2920


def test_chunks_are_listed_space_by_space():
    grid = Grid(
        (SpatialRange(0, 500), SpatialRange(500, 1500)),
        (TemporalRange(256, 258), TemporalRange(258, 260), TemporalRange(260, 262)),
    )
    ids = [chunk.id for chunk in grid.chunks]
    assert ids[:2] == ["d0000-0500/t0256-0258", "d0000-0500/t0258-0260"]
    assert len(set(ids)) == 6
    assert grid.chunk(ids[4]) == grid.chunks[4]


@given(n_spatial=st.integers(1, 4), n_temporal=st.integers(1, 30), per_job=st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_batches_hold_every_chunk_once_and_follow_in_time(n_spatial, n_temporal, per_job):
    grid = Grid(
        tuple(SpatialRange(50 * k, 50 * k + 50) for k in range(n_spatial)),
        tuple(TemporalRange(100 + k, 101 + k) for k in range(n_temporal)),
    )
    for batches in (grid.batches(per_job), grid.even_batches(per_job)):
        assert [chunk for batch in batches for chunk in batch.chunks] == list(grid.chunks)
        assert len({batch.name for batch in batches}) == len(batches)
        for batch in batches:
            assert len({chunk.spatial for chunk in batch.chunks}) == 1
            assert len(batch.chunks) <= per_job


@given(
    n_trials=st.integers(1, 5000),
    bytes_per_trial=st.integers(1, 10_000),
    memory=st.integers(640_000, 10**8),
)
@settings(max_examples=50, deadline=None)
def test_blocks_of_trials_cover_all_fit_the_budget_and_are_aligned(
    n_trials, bytes_per_trial, memory
):
    blocks = trial_blocks(slice(0, n_trials), bytes_per_trial, memory)
    covered = np.concatenate([np.arange(n_trials)[block] for block in blocks])
    assert covered.tolist() == list(range(n_trials))
    assert all(block.start % 64 == 0 for block in blocks)
    assert all((block.stop - block.start) * bytes_per_trial <= memory for block in blocks)


def test_a_budget_below_the_smallest_block_is_refused_with_what_is_needed():
    with pytest.raises(ResourceError, match=r"need 64 MB; the budget is 1\.0 MB.*Fix"):
        trial_blocks(slice(0, 1000), 1e6, 10**6)


def test_blocks_of_many_trials_are_whole_chunks_of_a_database_and_no_larger_than_needed() -> None:
    blocks = trial_blocks(slice(81_000, 162_000), 5760.0, 83_000_000)
    assert max(block.stop - block.start for block in blocks) == MOST_TRIALS_PER_BLOCK
    smaller = trial_blocks(slice(81_000, 162_000), 5760.0, 20_000_000)
    for block in (*blocks, *smaller):
        assert (block.start - 81_000) % COUNTS_CHUNK_TRIALS == 0
