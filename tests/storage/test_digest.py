"""Digests depend on content, not on how it is stored."""

import h5py
import numpy as np
import pytest

from synreduce.storage import content_digest, digest_of, file_digest, hdf5_image


def digest(fill) -> str:
    with hdf5_image() as file:
        fill(file)
        return content_digest(file)


def test_chunks_compression_and_order_do_not_matter():
    values = np.arange(4_000_000.0).reshape(1000, 4000)

    def one(file):
        file["b"] = 1
        file.create_dataset("a/x", data=values, chunks=(100, 100), compression="gzip")
        file["a/x"].attrs.update(p=1, q="text")

    def other(file):
        file.create_dataset("a/x", data=values)
        file["a/x"].attrs.update(q="text", p=1)
        file["b"] = 1

    assert digest(one) == digest(other)


def test_values_are_read_in_pieces_however_they_are_arranged(monkeypatch):
    def fill(file):
        file["long"] = np.arange(6000.0).reshape(1, 1, 300, 20)
        file["texts"] = [str(i) for i in range(300)]

    whole = digest(fill)
    monkeypatch.setattr("synreduce.storage.digest._BLOCK_BYTES", 100)
    assert digest(fill) == whole


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file["x"].__setitem__(3, 9.0),
        lambda file: file["x"].attrs.__setitem__("units", "s"),
        lambda file: file.move("x", "y"),
        lambda file: file.create_group("empty"),
        lambda file: file["name"].__setitem__(0, "c"),
        lambda file: file.attrs.__setitem__("title", "other"),
    ],
)
def test_any_change_of_content_matters(change):
    def fill(file):
        file["x"] = np.arange(10.0)
        file["x"].attrs["units"] = "ms"
        file.create_dataset("name", data=["a", "b"], dtype=h5py.string_dtype())
        file.attrs["title"] = "one"

    def fill_and_change(file):
        fill(file)
        change(file)

    assert digest(fill) != digest(fill_and_change)


def test_shape_and_type_matter():
    digests = {
        digest(lambda file, data=data: file.create_dataset("x", data=data))
        for data in (np.zeros(6), np.zeros((2, 3)), np.zeros((3, 2)), np.zeros(6, "f4"))
    }
    assert len(digests) == 4


def test_dimension_scales_are_digested_by_name():
    def fill(file):
        file["lag"] = np.arange(3.0)
        file["lag"].make_scale("lag")
        file["x"] = np.zeros(3)
        file["x"].dims[0].attach_scale(file["lag"])

    assert digest(fill) == digest(fill)


def test_texts_of_fixed_and_variable_length_are_equal():
    assert digest(lambda file: file.create_dataset("t", data=np.array([b"a", b"bc"]))) == digest(
        lambda file: file.create_dataset("t", data=["a", "bc"], dtype=h5py.string_dtype())
    )


def test_plain_objects(tmp_path):
    assert digest_of({"a": [1, 2]}) != digest_of({"a": [2, 1]})
    (tmp_path / "x").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file_digest(tmp_path / "x") == known
