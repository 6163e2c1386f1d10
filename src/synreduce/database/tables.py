"""The small parts of a database: trials, spikes, groups, types, provenance, truth."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from synreduce.database.model import Group, SpikeTimes
from synreduce.database.names import NameTable, SynapseType, SynapseTypeTable
from synreduce.storage import digest_of

_COMPRESSED_FROM = 1024


def write_texts(parent: h5py.Group, name: str, texts: Sequence[str]) -> h5py.Dataset:
    """Store texts as UTF-8 of one fixed length."""
    encoded = [text.encode() for text in texts]
    length = max((len(text) for text in encoded), default=1) or 1
    kind = h5py.string_dtype("utf-8", length)
    return replace_dataset(parent, name, np.array(encoded, dtype=kind))


def read_texts(dataset: h5py.Dataset) -> list[str]:
    """Read texts of fixed or variable length."""
    return [
        item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)
        for item in np.atleast_1d(dataset[()]).ravel().tolist()
    ]


def replace_dataset(
    parent: h5py.Group,
    name: str,
    values: npt.NDArray[Any],
    **attributes: object,
) -> h5py.Dataset:
    """Store an array, in place of a former one of that name."""
    if name in parent:
        del parent[name]
    options: dict[str, Any] = {}
    if values.nbytes >= _COMPRESSED_FROM and values.ndim:
        options = {
            "compression": "gzip",
            "compression_opts": 4,
            "shuffle": True,
            "chunks": _chunks(values),
        }
    dataset = parent.create_dataset(name, data=values, **options)
    dataset.attrs.update(attributes)
    return dataset


def write_trials(file: h5py.File, trial_ids: Sequence[str], spikes: SpikeTimes) -> None:
    """Store trial ids and spike times."""
    trials = file.require_group("trials")
    write_texts(trials, "id", trial_ids).attrs["long_name"] = "identity of the trial"
    group = file.require_group("spikes")
    replace_dataset(group, "time", spikes.times, units="ms", long_name="time of the spike")
    replace_dataset(
        group,
        "trial_pointer",
        spikes.pointer,
        long_name="first spike of every trial, and the end",
    )


def read_spikes(file: h5py.File) -> SpikeTimes:
    """Read spike times."""
    group = file["spikes"]
    return SpikeTimes(
        group["time"][()].astype(np.float64), group["trial_pointer"][()].astype(np.int64)
    )


def write_groups(file: h5py.File, groups: Sequence[Group]) -> None:
    """Store names and signs of the groups."""
    table = file.require_group("groups")
    write_texts(table, "name", [group.name for group in groups])
    signs = np.array([group.sign for group in groups], np.int8)
    replace_dataset(table, "sign", signs, long_name="+1 excites, -1 inhibits")


def read_groups(file: h5py.File) -> tuple[Group, ...]:
    """Read names and signs of the groups."""
    table = file["groups"]
    signs = table["sign"][()].tolist()
    names = read_texts(table["name"])
    return tuple(Group(name, int(sign)) for name, sign in zip(names, signs, strict=True))


def write_types(
    file: h5py.File, types: SynapseTypeTable, labels: NameTable, groups: Sequence[Group]
) -> None:
    """Store synapse types and dendrite labels."""
    table = file.require_group("synapse_types")
    names = [group.name for group in groups]
    write_texts(table, "name", types.names)
    write_texts(table, "cell_type", [kind.cell_type for kind in types])
    write_texts(table, "column", [kind.column for kind in types])
    index = np.array([names.index(kind.group) for kind in types], np.int16)
    replace_dataset(table, "group", index, long_name="row of /groups")
    write_texts(file.require_group("dendrite_labels"), "name", labels.names)


def read_types(file: h5py.File, groups: Sequence[Group]) -> SynapseTypeTable:
    """Read synapse types."""
    if "synapse_types" not in file:
        return SynapseTypeTable()
    table = file["synapse_types"]
    columns = [read_texts(table[name]) for name in ("name", "cell_type", "column")]
    index = table["group"][()].tolist()
    return SynapseTypeTable(
        [
            SynapseType(name, groups[group].name, cell_type, column)
            for name, cell_type, column, group in zip(*columns, index, strict=True)
        ]
    )


def read_labels(file: h5py.File) -> NameTable:
    """Read dendrite labels."""
    return NameTable(read_texts(file["dendrite_labels/name"]) if "dendrite_labels" in file else ())


def write_extras(
    file: h5py.File, provenance: Mapping[str, Any], truth: Mapping[str, npt.NDArray[Any]]
) -> None:
    """Store where the data come from and, for examples, the truth."""
    text = json.dumps(provenance, sort_keys=True, ensure_ascii=False)
    if "provenance" in file:
        del file["provenance"]
    encoded = text.encode()
    kind = h5py.string_dtype("utf-8", max(1, len(encoded)))
    file.create_dataset("provenance", data=np.array(encoded, dtype=kind))
    if "truth" in file:
        del file["truth"]
    if truth:
        group = file.require_group("truth")
        for name, values in truth.items():
            replace_dataset(group, name, np.asarray(values))


def read_provenance(file: h5py.File) -> dict[str, Any]:
    """Read where the data come from."""
    if "provenance" not in file:
        return {}
    loaded = json.loads(read_texts(file["provenance"])[0])
    return loaded if isinstance(loaded, dict) else {"provenance": loaded}


def read_truth(file: h5py.File) -> dict[str, npt.NDArray[Any]] | None:
    """Read the ground truth of an example; None for other databases."""
    if "truth" not in file:
        return None
    return {name: dataset[()] for name, dataset in file["truth"].items()}


def tables_digest(
    groups: Sequence[Group], types: SynapseTypeTable, labels: NameTable
) -> dict[str, str]:
    """Digest groups, types and labels for the fingerprint."""
    return {
        "groups": digest_of([[group.name, group.sign] for group in groups]),
        "synapse_types": digest_of(
            [[kind.name, kind.group, kind.cell_type, kind.column] for kind in types]
        ),
        "dendrite_labels": digest_of(list(labels.names)),
    }


def _chunks(values: npt.NDArray[Any]) -> tuple[int, ...]:
    per_row = max(1, values.nbytes // values.shape[0])
    rows = max(1, min(values.shape[0], 2**18 // per_row))
    return (rows, *values.shape[1:])
