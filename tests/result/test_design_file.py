"""Designs on disk: every row back as written, from any process; damage and mix-ups are refused."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest

from synreduce.errors import ArtefactError, InputError
from synreduce.result import (
    ArtefactIdentity,
    DesignSamples,
    HDF5Rows,
    design_is_current,
    design_writer,
    read_layout,
    read_samples,
    verify_design,
    write_design,
)

IDENTITY = ArtefactIdentity("d0000-1500/t0258-0259", "a" * 64, "b" * 64, "0.1.0")
LAYOUT = {"EXC": (2, 3), "L4/ss": (2, 3)}


def samples(n_samples):
    return DesignSamples(
        outcome=(np.arange(n_samples) % 3 == 0).astype(np.uint8),
        isi=np.where(np.arange(n_samples) % 2, np.inf, 12.5).astype(np.float32),
        target_start=np.full(n_samples, 258.0),
        trial=np.arange(n_samples),
    )


@pytest.fixture
def rows():
    return np.random.default_rng(3).standard_normal((1000, 12)).astype(np.float32)


@pytest.fixture
def path(tmp_path, rows):
    target = tmp_path / "chunks" / "design.h5"
    write_design(target, IDENTITY, samples(1000), LAYOUT, np.array_split(rows, 7))
    return target


def test_rows_come_back_bit_for_bit_from_any_place(path, rows):
    source = HDF5Rows(path, IDENTITY)
    assert (source.n_rows, source.n_features) == rows.shape
    for start, stop in ((0, 1000), (0, 1), (999, 1000), (123, 456), (7, 7)):
        np.testing.assert_array_equal(source.read(start, stop), rows[start:stop])
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["design"][...], rows)


def test_rows_travel_to_workers_as_a_path_and_are_read_by_threads_at_once(path, rows):
    source = HDF5Rows(path)
    source.read(0, 10)
    payload = pickle.dumps(source)
    assert len(payload) < 1000
    copy = pickle.loads(payload)
    with ThreadPoolExecutor(8) as pool:
        starts = range(0, 1000, 50)
        blocks = list(pool.map(lambda start: copy.read(start, start + 50), starts))
    np.testing.assert_array_equal(np.concatenate(blocks), rows)


def test_samples_and_layout_come_back_in_order(path):
    expected = samples(1000)
    found = read_samples(path, IDENTITY)
    for name in ("outcome", "isi", "target_start", "trial"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert list(read_layout(path).items()) == list(LAYOUT.items())


def test_size_of_blocks_does_not_change_the_bytes(path, rows, tmp_path):
    other = tmp_path / "other.h5"
    write_design(other, IDENTITY, samples(1000), LAYOUT, np.array_split(rows, 31))
    assert other.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("missing", [-1, 1])
def test_wrong_number_of_rows_leaves_no_file(tmp_path, rows, missing):
    with (
        pytest.raises(ValueError, match=r"\brows?\b"),
        design_writer(tmp_path / "design.h5", IDENTITY, samples(1000), LAYOUT) as writer,
    ):
        writer.append(np.zeros((1000 + missing, 12)))
    assert list(tmp_path.iterdir()) == []


def test_interrupted_writer_leaves_the_former_file(path):
    before = path.read_bytes()

    def blocks():
        yield np.zeros((10, 12))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_design(path, IDENTITY, samples(1000), LAYOUT, blocks())
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["design.h5"]


@pytest.mark.parametrize("entry", ["chunk", "digest", "database_fingerprint"])
def test_design_of_something_else_is_refused_with_both_identities(path, entry):
    expected = ArtefactIdentity(**{**IDENTITY.attributes(), entry: "other"})
    assert design_is_current(path, IDENTITY)
    assert not design_is_current(path, expected)
    with pytest.raises(ArtefactError) as caught:
        HDF5Rows(path, expected)
    assert "'other'" in str(caught.value)
    assert getattr(IDENTITY, entry) in str(caught.value)


def test_newer_program_keeps_designs_of_the_same_identity(path):
    newer = ArtefactIdentity(**{**IDENTITY.attributes(), "code_version": "0.2.0"})
    assert design_is_current(path, newer)


def test_missing_cut_or_foreign_file_is_not_current(path, tmp_path):
    assert not design_is_current(tmp_path / "none.h5", IDENTITY)
    image = path.read_bytes()
    path.write_bytes(image[:-100])
    assert not design_is_current(path, IDENTITY)
    path.write_bytes(b"")
    assert not design_is_current(path, IDENTITY)


def test_every_flipped_bit_of_the_rows_is_found(path):
    verify_design(path)
    image = path.read_bytes()
    source = HDF5Rows(path)
    start = source._offset
    for position in np.linspace(start, start + source.n_rows * source.n_features * 4 - 1, 20):
        damaged = bytearray(image)
        damaged[int(position)] ^= 16
        path.write_bytes(damaged)
        with pytest.raises(ArtefactError, match=r"design\.h5"):
            verify_design(path)


def test_bit_flips_anywhere_never_go_unseen(path, rows):
    image = path.read_bytes()
    rng = np.random.default_rng(5)
    for position in rng.integers(0, HDF5Rows(path)._offset, 60):
        damaged = bytearray(image)
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            verify_design(path)
            found = read_samples(path, IDENTITY)
        except InputError:
            continue
        np.testing.assert_array_equal(HDF5Rows(path).read(0, 1000), rows)
        np.testing.assert_array_equal(found.outcome, samples(1000).outcome)


def test_file_that_shrinks_while_it_is_read_is_an_error_not_a_crash(path):
    source = HDF5Rows(path)
    source.read(0, 1)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ArtefactError, match="inside the design"):
        source.read(0, 1000)


def test_rows_beyond_the_end_are_refused(path):
    with pytest.raises(IndexError):
        HDF5Rows(path).read(990, 1001)


def test_design_without_samples(tmp_path):
    write_design(tmp_path / "d.h5", IDENTITY, samples(0), LAYOUT, [])
    assert HDF5Rows(tmp_path / "d.h5").read(0, 0).shape == (0, 12)
