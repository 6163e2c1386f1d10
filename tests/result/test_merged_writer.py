"""A merged file written window by window: the same content, in memory that does not grow."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from synreduce.errors import ArtefactError
from synreduce.result import merged_writer, verify_result, write_merged
from synreduce.result.merged_writer import WINDOWS_PER_BLOCK
from synreduce.result.schema_variables import variable
from synreduce.storage import open_hdf5


def write_by_window(path, content):
    """Write what has a window one by one, scores level by level in passes of their own."""
    axes = {name: variable(name).dimensions for name in content.variables}
    windowed = {name for name, axis in axes.items() if {"split", "temporal"} <= set(axis)}
    scores = {name for name in windowed if "level" in axes[name]}
    splits, windows = (len(content.coordinates[name]) for name in ("split", "temporal"))

    def cell(names, **at):
        return {
            name: content.variables[name][tuple(at.get(axis, slice(None)) for axis in axes[name])]
            for name in names
        }

    with merged_writer(path, replace(content, variables={})) as writer:
        writer.put({name: content.variables[name] for name in set(axes) - windowed})
        for level in (None, *range(len(content.coordinates["level"]))):
            for temporal in range(windows):
                for split in range(splits):
                    at = {"split": split, "temporal": temporal, "level": level}
                    names = windowed - scores if level is None else scores
                    writer.put_cell(cell(names, **at), **at)
        return writer.finish(content.provenance)


@pytest.mark.parametrize("n_windows", [1, 3, WINDOWS_PER_BLOCK, WINDOWS_PER_BLOCK + 5])
def test_content_written_by_window_is_content_written_at_once(make_content, tmp_path, n_windows):
    content = make_content(n_windows=n_windows)
    at_once = write_merged(tmp_path / "once.h5", content)
    assert write_by_window(tmp_path / "windows.h5", content) == at_once
    assert verify_result(tmp_path / "windows.h5") == at_once


def test_memory_does_not_grow_with_the_number_of_windows(make_content, tmp_path, monkeypatch):
    # What a stream may hold in any case is far above what is written here.
    monkeypatch.setattr("synreduce.storage.tolerant_file._IMAGE_BYTES", 2**16)
    monkeypatch.setattr("synreduce.storage.digest._BLOCK_BYTES", 2**16)
    one = make_content(n_windows=1, splits=("a",), fail=False)
    kernel = np.ascontiguousarray(one.variables["kernel"][0, 0])

    def peak(n_windows):
        coordinates = {**one.coordinates, "temporal": [f"t{i:05d}" for i in range(n_windows)]}
        path = tmp_path / f"{n_windows}.h5"
        tracemalloc.start()
        with merged_writer(path, replace(one, coordinates=coordinates, variables={})) as writer:
            for temporal in range(n_windows):
                writer.put_cell({"kernel": kernel}, split=0, temporal=temporal)
            writer.finish(one.provenance)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    few, many = peak(2 * WINDOWS_PER_BLOCK), peak(4 * WINDOWS_PER_BLOCK)
    assert many - few < kernel.nbytes * WINDOWS_PER_BLOCK / 4


def test_one_window_is_read_without_reading_all(make_content, tmp_path):
    write_merged(tmp_path / "m.h5", make_content(n_windows=40))
    with open_hdf5(tmp_path / "m.h5") as file:
        assert file["kernel"].chunks[:2] == (1, 1)


def test_a_cell_beyond_the_schema_is_refused_and_nothing_is_left(make_content, tmp_path):
    content = make_content()
    wrong = replace(content, variables={"status": np.full((2, 3, 2), 77)})
    with pytest.raises(ArtefactError) as caught:
        write_by_window(tmp_path / "m.h5", wrong)
    assert [problem.code for problem in caught.value.problems] == ["bad-flag"]
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_not_finished_is_not_published(make_content, tmp_path):
    content = make_content()
    with (
        pytest.raises(ArtefactError),
        merged_writer(tmp_path / "m.h5", replace(content, variables={})) as writer,
    ):
        writer.put(content.variables)
    assert list(tmp_path.iterdir()) == []
