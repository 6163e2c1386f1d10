"""Write a merged file window by window: memory does not grow with the number of windows."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from synreduce import __version__
from synreduce.result.content import (
    MergedContent,
    Provenance,
    array_of,
    check_content,
    dtype_of,
    meanings_of,
)
from synreduce.result.schema import (
    CONVENTIONS,
    DIMENSIONS,
    SCHEMA_NAME,
    SCHEMA_VERSION,
    Dimension,
    Variable,
)
from synreduce.result.schema_variables import VARIABLES, variable
from synreduce.storage import StreamedFile, open_hdf5, seal, streaming_hdf5, verify_seal

WINDOWS_PER_BLOCK = 32
"""Windows that are collected before they are written; a power of two."""

_TEXT = h5py.string_dtype("utf-8")
_COMPRESS_ABOVE_BYTES = 4096
_CHUNK_BYTES = 2**16


class MergedWriter:
    """A merged file while it is being written.

    Parameters
    ----------
    stream : StreamedFile
        The file.
    where : str
        Its final name, for messages.
    frame : MergedContent
        Coordinates, meanings of flags and title; without variables.
    """

    def __init__(self, stream: StreamedFile, where: str, frame: MergedContent) -> None:
        self._stream, self._file = stream, stream.hdf5
        self._where, self._frame = where, frame
        self._sizes = {name: len(values) for name, values in frame.coordinates.items()}
        self._block: dict[tuple[str, int | None], NDArray[Any]] = {}
        self._block_start = 0
        _write_frame(self._file, frame)

    def put(self, variables: Mapping[str, NDArray[Any]], **region: slice) -> None:
        """Write variables, or a region of them.

        Parameters
        ----------
        variables : mapping of str to array
            Values, in the dimensions the schema gives them.
        **region : slice
            Part of a dimension that the values cover; all of it where nothing is said.

        Raises
        ------
        ArtefactError
            If the values do not fit the schema.
        ResourceError
            If there is no space.
        """
        everything = slice(None)
        coordinates = {
            name: values[region.get(name, everything)]
            for name, values in self._frame.coordinates.items()
        }
        content = replace(self._frame, coordinates=coordinates, variables=variables)
        check_content(self._where, content)
        for name in sorted(variables):
            entry = variable(name)
            where = tuple(region.get(axis, everything) for axis in entry.dimensions)
            self._dataset(entry)[where] = array_of(entry, content)
        self._stream.raise_if_failed()

    def put_cell(
        self,
        variables: Mapping[str, NDArray[Any]],
        *,
        split: int,
        temporal: int,
        level: int | None = None,
    ) -> None:
        """Write what belongs to one temporal chunk and split, in the order of the chunks.

        Parameters
        ----------
        variables : mapping of str to array
            Values, in the dimensions the schema gives them without those named here.
        split, temporal : int
            Positions of split and temporal chunk.
        level : int, optional
            Position of the level, for variables that have one.

        Raises
        ------
        ArtefactError, ResourceError
            As `put`.
        """
        start = temporal - temporal % WINDOWS_PER_BLOCK
        if start != self._block_start:
            self._put_block()
            self._block_start = start
        at = {"split": split, "temporal": temporal - start, "level": 0}
        for name, values in variables.items():
            where = tuple(at.get(axis, slice(None)) for axis in variable(name).dimensions)
            self._block_array(name, level, np.asarray(values).dtype)[where] = values

    def finish(self, provenance: Provenance) -> str:
        """Write what is left: the last windows, required variables without values, provenance.

        Parameters
        ----------
        provenance : Provenance
            What the result was made from.

        Returns
        -------
        str
            Digest of the content, as stored in the root attribute ``content_digest``.
        """
        self._put_block()
        for entry in VARIABLES:
            if entry.required and entry.name not in self._file:
                self._dataset(entry)
        _write_provenance(self._file.create_group("provenance"), provenance)
        return seal(self._file)

    def _block_array(self, name: str, level: int | None, dtype: np.dtype[Any]) -> NDArray[Any]:
        if (name, level) not in self._block:
            n_windows = min(WINDOWS_PER_BLOCK, self._sizes["temporal"] - self._block_start)
            sizes = {**self._sizes, "temporal": n_windows, "level": 1}
            shape = tuple(sizes[axis] for axis in variable(name).dimensions)
            empty = np.nan if dtype.kind == "f" else 0
            self._block[name, level] = np.full(shape, empty, dtype)
        return self._block[name, level]

    def _put_block(self) -> None:
        block, self._block = self._block, {}
        windows = slice(self._block_start, self._block_start + WINDOWS_PER_BLOCK)
        for (name, level), values in block.items():
            region = {} if level is None else {"level": slice(level, level + 1)}
            self.put({name: values}, temporal=windows, **region)

    def _dataset(self, entry: Variable) -> h5py.Dataset:
        if entry.name not in self._file:
            _create_dataset(self._file, entry, self._sizes, meanings_of(entry, self._frame))
        return self._file[entry.name]


@contextmanager
def merged_writer(path: Path | str, frame: MergedContent) -> Iterator[MergedWriter]:
    """Write a merged file piece by piece; it appears complete or not at all.

    Parameters
    ----------
    path : Path or str
        File to be written or replaced.
    frame : MergedContent
        Coordinates, meanings of flags and title; without variables.

    Yields
    ------
    MergedWriter
        To be filled and finished.

    Raises
    ------
    ArtefactError
        If the coordinates do not fit the schema, or the file reads back differently.
    ResourceError
        If there is no space.
    """
    check_content(str(path), frame)
    with streaming_hdf5(path, verify=_verify) as stream:
        yield MergedWriter(stream, str(path), frame)


def _verify(part: Path) -> None:
    with open_hdf5(part, SCHEMA_NAME, SCHEMA_VERSION) as file:
        verify_seal(file)


def _write_frame(file: h5py.File, frame: MergedContent) -> None:
    file.attrs["Conventions"] = CONVENTIONS
    file.attrs["schema_name"] = SCHEMA_NAME
    file.attrs["schema_version"] = SCHEMA_VERSION
    file.attrs["software"] = "synreduce"
    file.attrs["software_version"] = __version__
    file.attrs["title"] = frame.title
    present = sorted(
        (entry for entry in DIMENSIONS if entry.name in frame.coordinates),
        key=lambda entry: entry.name,
    )
    for number, entry in enumerate(present):
        _write_scale(file, entry, number, frame.coordinates[entry.name])


def _write_scale(
    file: h5py.File, entry: Dimension, number: int, values: NDArray[Any] | Sequence[str]
) -> None:
    if entry.kind == "text":
        data = np.array([str(value) for value in values], dtype=object)
        scale = file.create_dataset(entry.name, data=data, dtype=_TEXT)
    else:
        dtype = np.float64 if entry.kind == "real" else np.int64
        scale = file.create_dataset(entry.name, data=np.asarray(values, dtype=dtype))
    scale.make_scale(entry.name)
    scale.attrs["_Netcdf4Dimid"] = np.int32(number)
    scale.attrs["long_name"] = entry.long_name
    scale.attrs["units"] = entry.units


def _create_dataset(
    file: h5py.File, entry: Variable, sizes: Mapping[str, int], meanings: Sequence[str]
) -> None:
    dataset = file.create_dataset(
        entry.name,
        shape=tuple(sizes[axis] for axis in entry.dimensions),
        dtype=dtype_of(entry),
        fillvalue=np.nan if entry.kind == "real" else 0,
        **_storage(entry, sizes),
    )
    for axis, name in enumerate(entry.dimensions):
        dataset.dims[axis].attach_scale(file[name])
    attributes: dict[str, Any] = {"long_name": entry.long_name, "units": entry.units}
    if entry.comment:
        attributes["comment"] = entry.comment
    if entry.kind == "flag":
        attributes["flag_meanings"] = " ".join(meanings)
        attributes["flag_values"] = np.arange(len(meanings), dtype=np.int8)
    for name in sorted(attributes):
        dataset.attrs[name] = attributes[name]


def _storage(entry: Variable, sizes: Mapping[str, int]) -> dict[str, Any]:
    """Cut a large variable so that a block of windows covers whole chunks of the file."""
    item = np.dtype(dtype_of(entry)).itemsize
    if item * math.prod(sizes[axis] for axis in entry.dimensions) <= _COMPRESS_ABOVE_BYTES:
        return {}
    chunk = {**sizes, "split": 1, "level": 1, "temporal": 1}
    row_bytes = item * math.prod(chunk[axis] for axis in entry.dimensions)
    while 2 * chunk["temporal"] * row_bytes <= _CHUNK_BYTES:
        chunk["temporal"] *= 2
    chunk["temporal"] = min(chunk["temporal"], WINDOWS_PER_BLOCK, sizes["temporal"])
    chunks = tuple(chunk[axis] for axis in entry.dimensions)
    return {"chunks": chunks, "compression": "gzip", "compression_opts": 4, "shuffle": True}


def _write_provenance(group: h5py.Group, provenance: Provenance) -> None:
    failures = sorted(provenance.failures, key=lambda failed: (failed.split, failed.chunk))
    texts = {
        "configuration": (provenance.configuration, "resolved configuration, YAML"),
        "configuration_digest": (provenance.configuration_digest, "digest of the configuration"),
        "failures": (_json([asdict(failed) for failed in failures]), "cells without weights, JSON"),
        "inputs": (_json(dict(provenance.inputs)), "content fingerprints of the databases, JSON"),
        "missing_chunks": (_json(sorted(provenance.missing_chunks)), "ids of missing chunks, JSON"),
        "package_versions": (_json(dict(provenance.package_versions)), "package versions, JSON"),
        "seeds": (_json(dict(provenance.seeds)), "seeds, JSON"),
    }
    complete = group.create_dataset("complete", data=np.int8(provenance.complete))
    complete.attrs["flag_meanings"] = "incomplete complete"
    complete.attrs["flag_values"] = np.array([0, 1], dtype=np.int8)
    complete.attrs["long_name"] = "whether every chunk of the grid was there"
    complete.attrs["units"] = "1"
    for name, (text, long_name) in sorted(texts.items()):
        dataset = group.create_dataset(name, data=text, dtype=_TEXT)
        dataset.attrs["long_name"] = long_name
        dataset.attrs["units"] = "1"


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
