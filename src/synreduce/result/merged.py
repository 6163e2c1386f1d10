"""Write and verify the merged file: HDF5 that is also netCDF-4, same content, same bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
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
    meanings_of,
    stored_variables,
)
from synreduce.result.identity import damage_named
from synreduce.result.schema import (
    CONVENTIONS,
    DIMENSIONS,
    SCHEMA_NAME,
    SCHEMA_VERSION,
    Dimension,
    Variable,
)
from synreduce.storage import open_hdf5, publish_hdf5, verify_seal

_TEXT = h5py.string_dtype("utf-8")
_COMPRESS_ABOVE_BYTES = 4096


def write_merged(path: Path | str, content: MergedContent) -> str:
    """Write a merged file in one step: complete or not at all.

    Parameters
    ----------
    path : Path or str
        File to be written or replaced.
    content : MergedContent
        What it holds.

    Returns
    -------
    str
        The digest of the content, as stored in the root attribute ``content_digest``.

    Raises
    ------
    ArtefactError
        If the content does not fit the schema, or reads back differently.
    ResourceError
        If there is no space.
    """
    check_content(str(path), content)
    digests: list[str] = []
    publish_hdf5(
        Path(path),
        lambda file: _fill(file, content),
        verify=lambda part: digests.append(_digest(part)),
    )
    return digests[0]


def _digest(path: Path) -> str:
    with open_hdf5(path, SCHEMA_NAME, SCHEMA_VERSION) as file:
        return str(file.attrs["content_digest"])


def verify_result(path: Path | str) -> str:
    """Recompute the digest of a merged file.

    Parameters
    ----------
    path : Path or str
        A merged file.

    Returns
    -------
    str
        The digest.

    Raises
    ------
    ArtefactError
        If the content is not the content that was written.
    DataError
        If the file is no merged file.
    """
    with damage_named(path), open_hdf5(path, SCHEMA_NAME, SCHEMA_VERSION) as file:
        return verify_seal(file)


def _fill(file: h5py.File, content: MergedContent) -> None:
    file.attrs["Conventions"] = CONVENTIONS
    file.attrs["schema_name"] = SCHEMA_NAME
    file.attrs["schema_version"] = SCHEMA_VERSION
    file.attrs["software"] = "synreduce"
    file.attrs["software_version"] = __version__
    file.attrs["title"] = content.title
    present = sorted(
        (entry for entry in DIMENSIONS if entry.name in content.coordinates),
        key=lambda entry: entry.name,
    )
    for number, entry in enumerate(present):
        _write_scale(file, entry, number, content.coordinates[entry.name])
    for variable in stored_variables(content):
        _write_variable(file, variable, content)
    _write_provenance(file.create_group("provenance"), content.provenance)


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


def _write_variable(file: h5py.File, entry: Variable, content: MergedContent) -> None:
    values = array_of(entry, content)
    dataset = file.create_dataset(entry.name, data=values, **_storage(values))
    for axis, name in enumerate(entry.dimensions):
        dataset.dims[axis].attach_scale(file[name])
    attributes: dict[str, Any] = {"long_name": entry.long_name, "units": entry.units}
    if entry.comment:
        attributes["comment"] = entry.comment
    if entry.kind == "flag":
        meanings = meanings_of(entry, content)
        attributes["flag_meanings"] = " ".join(meanings)
        attributes["flag_values"] = np.arange(len(meanings), dtype=np.int8)
    for name in sorted(attributes):
        dataset.attrs[name] = attributes[name]


def _storage(values: NDArray[Any]) -> dict[str, Any]:
    if values.nbytes <= _COMPRESS_ABOVE_BYTES:
        return {}
    return {"compression": "gzip", "compression_opts": 4, "shuffle": True}


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
