"""Foreign HDF5 files are believed only after a look."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from synreduce.errors import ArtefactError, DataError, ResourceError
from synreduce.storage import (
    ChunkReader,
    ChunkStream,
    decompression_threads,
    open_hdf5,
    publish_hdf5,
    run_tasks,
    streaming_hdf5,
    tolerant_file,
    verify_seal,
)


@pytest.fixture
def good(tmp_path) -> Path:
    def fill(file):
        file.attrs.update(schema_name="thing", schema_version="1.2")
        file.create_dataset("group/values", data=np.arange(5000.0), compression="gzip")

    publish_hdf5(tmp_path / "good.h5", fill)
    return tmp_path / "good.h5"


def refusal(path: Path, **options: str) -> str:
    with pytest.raises(DataError) as error, open_hdf5(path, **options):
        pass
    assert str(path) in str(error.value)
    return str(error.value)


def test_good_file_opens(good):
    with open_hdf5(good, "thing", "1.0") as file:
        assert file["group/values"][7] == 7.0
        verify_seal(file)


def test_missing_file_suggests_a_similar_name(good):
    assert "did you mean 'good.h5'?" in refusal(good.with_name("god.h5"))


def test_what_is_no_file_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    assert "is a FIFO; refused" in refusal(tmp_path / "fifo")
    assert "is a folder; refused" in refusal(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        folder = os.open(tmp_path, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{folder}/s")
        os.close(folder)
        assert "is a socket; refused" in refusal(tmp_path / "s")


def test_other_formats_show_their_first_bytes(tmp_path):
    path = tmp_path / "page.h5"
    path.write_bytes(b"<html>not found</html>")
    assert "not HDF5 (starts with '<html')" in refusal(path)
    path.write_bytes(b"")
    assert "is empty" in refusal(path)


def test_truncated_file_tells_both_sizes(good):
    size = good.stat().st_size
    os.truncate(good, size - 1000)
    assert f"cut at {size - 1000:,} of {size:,} bytes" in refusal(good)


@pytest.mark.parametrize("size", [9, 100, 1000])
def test_any_truncation_is_refused(good, size):
    os.truncate(good, size)
    refusal(good)


def test_unclosed_file_is_refused(tmp_path):
    path = tmp_path / "open.h5"
    with h5py.File(path, "w", libver="latest") as file:
        file["a"] = 1
        file.flush()
        (tmp_path / "copy.h5").write_bytes(path.read_bytes())
    assert "was not closed by its writer" in refusal(tmp_path / "copy.h5")


def test_file_that_is_being_written_is_refused(tmp_path):
    code = (
        "import sys, h5py; file = h5py.File(sys.argv[1], 'w'); file['a'] = 1; file.flush();"
        "print('ready', flush=True); sys.stdin.read()"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "busy.h5")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"HDF5_USE_FILE_LOCKING": "TRUE"},
    )
    try:
        assert writer.stdout.readline() == b"ready\n"
        assert "by another process" in refusal(tmp_path / "busy.h5")
    finally:
        writer.kill()
        writer.wait()


def test_schema_is_checked(good):
    assert "is 'thing', not 'other'" in refusal(good, schema_name="other")
    message = refusal(good, schema_name="thing", schema_version="0.9")
    assert "version 1.2" in message
    assert "update synreduce" in message


def test_external_link_is_named_and_not_followed(good, tmp_path):
    os.mkfifo(tmp_path / "trap")
    with h5py.File(good, "r+") as file:
        file["group/away"] = h5py.ExternalLink(str(tmp_path / "trap"), "/x")
    assert "group/away: points to another file" in refusal(good)


def test_external_storage_is_refused(good, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"top secret bytes")
    with h5py.File(good, "r+") as file:
        file.create_dataset("w", (16,), "u1", external=[(str(secret), 0, 16)])
    assert "external storage" in refusal(good)


def test_virtual_dataset_is_refused(good, tmp_path):
    with h5py.File(good, "r+") as file:
        layout = h5py.VirtualLayout((3,), "f8")
        layout[:] = h5py.VirtualSource(tmp_path / "gone.h5", "v", (3,))
        file.create_virtual_dataset("v", layout)
    assert "assembled from other files" in refusal(good)


def test_dangling_and_circular_links_are_named(good):
    with h5py.File(good, "r+") as file:
        file["lost"] = h5py.SoftLink("/nowhere")
        file["group/up"] = h5py.SoftLink("/group/up")
        file["group/cycle"] = file["group"]
    message = refusal(good)
    assert "lost: link to '/nowhere' leads nowhere" in message
    assert "group/up: link" in message
    assert "cycle" not in message


def test_links_within_the_file_are_fine(good):
    with h5py.File(good, "r+") as file:
        file["alias"] = h5py.SoftLink("/group/values")
    with open_hdf5(good) as file:
        assert file["alias"].shape == (5000,)


def test_dataset_that_stores_nothing_is_refused(good):
    with h5py.File(good, "r+") as file:
        file.create_dataset("bomb", (2**40,), "f8", chunks=(2**16,))
    assert "8.8 TB logical, 0 B stored" in refusal(good)


def test_huge_chunk_is_refused(good):
    with h5py.File(good, "r+") as file:
        file.create_dataset("big", (2**26,), "f8", chunks=(2**26,))
    assert "chunk of 537 MB > limit" in refusal(good)


def test_unknown_filter_is_refused(good):
    with h5py.File(good, "r+") as file:
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_chunk((4,))
        creation.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple((4,))
        h5py.h5d.create(file.id, b"zstd", h5py.h5t.NATIVE_INT32, space, creation)
    assert "needs the filter plug-in 32015" in refusal(good)


def test_all_problems_of_a_file_are_named_at_once(good):
    with h5py.File(good, "r+") as file:
        file["one"], file["two"] = h5py.SoftLink("/x"), h5py.ExternalLink("y.h5", "/y")
    with pytest.raises(DataError) as error, open_hdf5(good):
        pass
    assert {problem.code for problem in error.value.problems} == {"dangling-link", "external-link"}


def test_filter_plugins_are_switched_off():
    assert os.environ["HDF5_PLUGIN_PRELOAD"] == "::"


def test_bit_flips_do_not_pass_the_seal(good):
    content = good.read_bytes()
    generator = np.random.default_rng(0)
    accepted = 0
    with h5py.File(good) as file:
        info = file["group/values"].id.get_chunk_info(0)
    for _ in range(100):
        at = info.byte_offset + int(generator.integers(info.size))
        damaged = bytearray(content)
        damaged[at] ^= 1 << int(generator.integers(8))
        good.write_bytes(damaged)
        try:
            verify_seal(good)
            accepted += 1
        except ArtefactError:
            pass
    assert accepted == 0


def stream_numbers(path: Path, count: int) -> None:
    with streaming_hdf5(path) as out, ChunkStream(after_write=out.raise_if_failed) as stream:
        dataset = stream.create(
            out.hdf5, "x", "f8", chunks=(1000,), shape=(count * 1000,), maxshape=(None,)
        )
        for piece in range(count):
            values = np.random.default_rng(piece).random(1000)
            stream.put(dataset, (piece * 1000,), values)


def test_streamed_chunks_are_plain_hdf5(tmp_path):
    stream_numbers(tmp_path / "a.h5", 30)
    with h5py.File(tmp_path / "a.h5") as file:
        for piece in range(30):
            expected = np.random.default_rng(piece).random(1000)
            assert np.array_equal(file["x"][piece * 1000 : piece * 1000 + 1000], expected)


@pytest.mark.parametrize("limit", [0, 2**20])
def test_any_failing_write_abandons_the_stream_in_good_order(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(tolerant_file, "_IMAGE_BYTES", limit)
    path, write = tmp_path / "a.h5", os.pwrite
    stream_numbers(path, 20)
    former, total = path.read_bytes(), 0

    def counting(*arguments: object) -> int:
        nonlocal total
        total += 1
        return write(*arguments)

    monkeypatch.setattr(os, "pwrite", counting)
    stream_numbers(path, 20)
    assert total >= 1
    for failing in range(1, total + 1, max(1, total // 25)):
        calls = 0

        def fail(*arguments: object, failing: int = failing) -> int:
            nonlocal calls
            calls += 1
            if calls >= failing:
                raise OSError(28, "No space left on device")
            return write(*arguments)

        monkeypatch.setattr(os, "pwrite", fail)
        with pytest.raises(ResourceError, match="No space left"):
            stream_numbers(path, 20)
        assert path.read_bytes() == former
        assert [entry.name for entry in tmp_path.iterdir()] == ["a.h5"]


@pytest.mark.parametrize("shuffle", [False, True])
def test_chunk_reader_agrees_with_h5py(tmp_path, shuffle):
    generator = np.random.default_rng(1)
    values = generator.integers(0, 2**60, 10_000)
    values[3000:6000] = 7
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", data=values, chunks=(1000,), compression="gzip", shuffle=shuffle)
        # a chunk that h5py itself did not compress
        file["x"].id.write_direct_chunk((0,), values[:1000].tobytes(), filter_mask=3)
        reader = ChunkReader(file["x"])
        assert reader.usable
        found = np.zeros(10_000, np.int64)

        def place(offset: tuple[int, ...], chunk: np.ndarray) -> None:
            found[offset[0] : offset[0] + 1000] = chunk

        file.flush()
        with decompression_threads() as pool:
            run_tasks(reader.tasks([(at,) for at in range(0, 10_000, 1000)], place), pool)
    assert np.array_equal(found, values)
