"""Checkpoints: only what is certain is used, whatever happened to the file."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synreduce.errors import OutOfTimeError
from synreduce.result import ArtefactIdentity, CheckpointFolder, FitCheckpoint

POINTS = np.random.default_rng(0).uniform(-1, 1, (20, 6))
VALUES = (POINTS**2).sum(axis=1).tolist()


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "checkpoints" / "fit.values"
    checkpoint = FitCheckpoint(path, "chunk 1")
    for point, value in zip(POINTS, VALUES, strict=True):
        assert checkpoint.recall(point) is None
        checkpoint.record(point, value)
    checkpoint.write()
    return path


def recalled(checkpoint, points=POINTS):
    """Values until the first that is not known."""
    found = []
    for point in points:
        value = checkpoint.recall(point)
        if value is None:
            break
        found.append(value)
    return found


def test_values_come_back_in_order_and_the_time_adds_up(path):
    checkpoint = FitCheckpoint(path, "chunk 1")
    assert recalled(checkpoint) == VALUES
    assert checkpoint.earlier_seconds >= 0.0
    assert checkpoint.recall(POINTS[0]) is None


def test_values_of_another_fit_are_not_used(path):
    assert recalled(FitCheckpoint(path, "chunk 2")) == []


def test_a_search_that_takes_another_path_is_told_nothing_from_there_on(path):
    other = POINTS.copy()
    other[7, 2] = np.nextafter(other[7, 2], 2.0)
    checkpoint = FitCheckpoint(path, "chunk 1")
    assert recalled(checkpoint, other) == VALUES[:7]
    checkpoint.record(other[7], 5.0)
    checkpoint.write()
    assert recalled(FitCheckpoint(path, "chunk 1"), other) == [*VALUES[:7], 5.0]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damage_never_gives_a_wrong_value(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damage")
    checkpoint = FitCheckpoint(folder / "fit.values", "chunk 1")
    for point, value in zip(POINTS, VALUES, strict=True):
        checkpoint.record(point, value)
    checkpoint.write()
    content = bytearray((folder / "fit.values").read_bytes())
    # As a share of the file, whose length varies with the digits of the time spent.
    places = st.floats(0.0, 1.0, exclude_max=True)
    for _ in range(data.draw(st.integers(1, 3))):
        content[int(data.draw(places) * len(content))] = data.draw(st.integers(0, 255))
    del content[round(data.draw(st.floats(0.0, 1.0)) * len(content)) :]
    (folder / "fit.values").write_bytes(content)
    found = recalled(FitCheckpoint(folder / "fit.values", "chunk 1"))
    assert found == VALUES[: len(found)]


def test_out_of_time_writes_before_it_says_so(tmp_path):
    path = tmp_path / "fit.values"
    checkpoint = FitCheckpoint(path, "chunk 1", stop_at=time.time() + 1e6)
    checkpoint.require_time()
    checkpoint.record(POINTS[0], VALUES[0])
    late = FitCheckpoint(path, "chunk 1", stop_at=0.0)
    late.record(POINTS[0], VALUES[0])
    with pytest.raises(OutOfTimeError, match="checkpointed after 1 evaluations"):
        late.require_time()
    assert recalled(FitCheckpoint(path, "chunk 1")) == VALUES[:1]


def test_nothing_is_written_where_nothing_was_evaluated(tmp_path):
    with pytest.raises(OutOfTimeError, match="starts afresh"):
        FitCheckpoint(tmp_path / "fit.values", "chunk 1", stop_at=0.0).require_time()
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_that_cannot_be_written_does_not_end_the_fit(tmp_path, monkeypatch):
    monkeypatch.setattr("synreduce.result.checkpoint.WRITE_INTERVAL_S", 0.0)
    (tmp_path / "file").write_text("in the way")
    checkpoint = FitCheckpoint(tmp_path / "file" / "fit.values", "chunk 1")
    for point, value in zip(POINTS, VALUES, strict=True):
        checkpoint.record(point, value)
    assert checkpoint.n_evaluations == len(VALUES)


def test_quick_fits_touch_no_disk(tmp_path):
    identity = ArtefactIdentity("d/t", "digest", "data", "1")
    checkpoint = CheckpointFolder(tmp_path / "checkpoints", identity).begun(("a", "b", "c", 0))
    for point, value in zip(POINTS, VALUES, strict=True):
        checkpoint.record(point, value)
    assert list(tmp_path.iterdir()) == []
