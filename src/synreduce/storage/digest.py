"""Digests of content: what a file says, not how it is stored."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np

from synreduce.errors import ArtefactError, Problem

SEAL = "content_digest"
_BLOCK_BYTES = 4 * 2**20
# Back references of dimension scales repeat what DIMENSION_LIST says, in the order of creation.
_DERIVED_ATTRIBUTES = frozenset({"REFERENCE_LIST"})


class _Hash(Protocol):
    def update(self, data: bytes | memoryview, /) -> None: ...


def file_digest(path: str | Path) -> str:
    """Digest the bytes of a file.

    Parameters
    ----------
    path : str or Path
        The file, read as a stream.

    Returns
    -------
    str
        SHA-256 in hexadecimal.
    """
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_of(obj: object) -> str:
    """Digest an object of plain dicts, lists, numbers and texts.

    Parameters
    ----------
    obj : object
        What `json.dumps` takes. The order of keys does not matter.

    Returns
    -------
    str
        SHA-256 in hexadecimal.

    Examples
    --------
    >>> digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    True
    """
    text = json.dumps(obj, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def content_digest(source: h5py.Group | str | Path, ignore: Collection[str] = (SEAL,)) -> str:
    """Digest names, types, shapes, attributes and values of an HDF5 file or group.

    Chunking, compression and the order of creation do not matter. Values are streamed.

    Parameters
    ----------
    source : h5py.Group or path
        An open file or group, or the path of a file.
    ignore : collection of str
        Names of attributes, or paths of objects below `source`, that do not count.

    Returns
    -------
    str
        SHA-256 in hexadecimal.
    """
    if isinstance(source, str | Path):
        with h5py.File(source, "r", locking="best-effort") as file:
            return content_digest(file, ignore)
    state = hashlib.sha256()
    for path, node in _walk(source, ""):
        if path not in ignore:
            _update_with_node(state, path, node, ignore)
    return state.hexdigest()


def seal(file: h5py.File) -> str:
    """Store the digest of a file's content in its root attribute ``content_digest``.

    Parameters
    ----------
    file : h5py.File
        Complete but for the seal.

    Returns
    -------
    str
        The digest.
    """
    digest = content_digest(file)
    file.attrs[SEAL] = digest
    return digest


def verify_seal(file: h5py.File | str | Path) -> str:
    """Recompute the digest of a sealed file.

    Parameters
    ----------
    file : h5py.File or path
        A file with the root attribute ``content_digest``.

    Returns
    -------
    str
        The digest.

    Raises
    ------
    ArtefactError
        If the content is not what was sealed, or the file has no seal.
    """
    if isinstance(file, str | Path):
        with h5py.File(file, "r", locking="best-effort") as opened:
            return verify_seal(opened)
    promised = _text(file.attrs.get(SEAL, ""))
    try:
        found = content_digest(file)
    except (OSError, RuntimeError) as error:
        raise ArtefactError(_damaged(file, f"cannot be read completely ({error})")) from error
    if found != promised:
        raise ArtefactError(
            _damaged(file, f"content digest is {found[:12]}, expected {promised[:12] or 'none'}")
        )
    return found


def _damaged(file: h5py.File, what: str) -> Problem:
    return Problem("damaged", str(file.filename), what, "make or copy the file again")


def _walk(group: h5py.Group, prefix: str) -> Iterator[tuple[str, h5py.Group | h5py.Dataset]]:
    yield prefix, group
    for name in sorted(group):
        path = f"{prefix}/{name}"
        node = group[name]
        if isinstance(node, h5py.Group):
            yield from _walk(node, path)
        else:
            yield path, node


def _update_with_node(
    state: _Hash, path: str, node: h5py.Group | h5py.Dataset, ignore: Collection[str]
) -> None:
    kind = "dataset" if isinstance(node, h5py.Dataset) else type(node).__name__.lower()
    _feed(state, "group" if kind == "file" else kind, path)
    for name in sorted(node.attrs):
        if name not in ignore and name not in _DERIVED_ATTRIBUTES:
            _feed(state, "attribute", name)
            _update_with_values(state, _plain(node.attrs[name], node))
    if isinstance(node, h5py.Dataset):
        _feed(state, "shape", json.dumps(node.shape), "type", _portable_type(node.dtype))
        for block in _blocks(node):
            _feed_values(state, _plain(block, node))


def _blocks(dataset: h5py.Dataset, at: tuple[int, ...] = ()) -> Iterator[object]:
    """Read a dataset in C order, in pieces that fit in memory, however long its first axis is."""
    if dataset.shape is None:
        return
    if dataset.ndim == 0 or dataset.size == 0:
        yield dataset[()]
        return
    axis = len(at)
    row_bytes = dataset.dtype.itemsize * math.prod(dataset.shape[axis + 1 :])
    if row_bytes > _BLOCK_BYTES and axis + 1 < dataset.ndim:
        for index in range(dataset.shape[axis]):
            yield from _blocks(dataset, (*at, index))
        return
    rows = max(1, _BLOCK_BYTES // max(1, row_bytes))
    if dataset.chunks:
        rows = max(dataset.chunks[axis], rows - rows % dataset.chunks[axis])
    for start in range(0, dataset.shape[axis], rows):
        yield dataset[(*at, slice(start, start + rows))]


def _plain(value: object, node: h5py.Group | h5py.Dataset) -> object:
    """Replace object references by the names of what they point to."""
    if isinstance(value, h5py.Reference):
        return node.file[value].name if value else ""
    if isinstance(value, np.ndarray) and value.dtype == object:
        return [_plain(item, node) for item in value.ravel()]
    return value


def _update_with_values(state: _Hash, value: object) -> None:
    if not isinstance(value, str | bytes | list):
        _feed(
            state,
            "array",
            json.dumps(np.asarray(value).shape),
            _portable_type(np.asarray(value).dtype),
        )
    _feed_values(state, value)


def _feed_values(state: _Hash, value: object) -> None:
    if isinstance(value, str | bytes):
        _feed(state, _text(value))
    elif isinstance(value, list):
        for item in value:
            _update_with_values(state, item)
    elif np.asarray(value).dtype.kind == "S":
        _feed(state, *(_text(item) for item in np.asarray(value).ravel()))
    else:
        array = np.ascontiguousarray(value)
        portable = array.astype(array.dtype.newbyteorder("<"), copy=False)
        state.update(portable.reshape(-1).view(np.uint8).data)


def _portable_type(dtype: np.dtype[Any]) -> str:
    """Name a type; texts of fixed and of variable length are the same."""
    return "text" if dtype.kind in "SOU" else str(dtype.newbyteorder("<"))


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _feed(state: _Hash, *texts: str) -> None:
    for text in texts:
        encoded = text.encode()
        state.update(f"{len(encoded)}:".encode())
        state.update(encoded)
