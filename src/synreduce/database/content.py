"""The fingerprint of a database: from what was noted while writing, or recomputed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from synreduce.database.counts_store import offsets_within
from synreduce.database.event_store import tile_name
from synreduce.database.fingerprint import CountSum, EventSum, combine
from synreduce.database.model import IntArray
from synreduce.database.schema import COUNTS_CHUNK_TRIALS
from synreduce.database.structure import READ_ERRORS
from synreduce.database.tables import read_groups, read_labels, read_types, tables_digest
from synreduce.errors import ArtefactError, DataError, Problem
from synreduce.storage import (
    ChunkReader,
    content_digest,
    decompression_threads,
    open_hdf5,
    run_tasks,
)

_ROWS = 2**20


def content_fingerprint(file: h5py.File) -> str:
    """Combine the digests of all parts; sums of events and counts are those noted while writing.

    Parameters
    ----------
    file : h5py.File
        Complete but for the fingerprint.

    Returns
    -------
    str
        SHA-256 in hexadecimal.
    """
    events = file["events"].attrs["fingerprint_sums"] if "events" in file else ()
    counts = file["counts"].attrs["fingerprint_sum"] if "counts" in file else 0
    return _combined(file, tuple(int(value) for value in events), int(counts))


def recomputed_fingerprint(file: h5py.File) -> str:
    """Compute the fingerprint from every stored value.

    Parameters
    ----------
    file : h5py.File
        A database.

    Returns
    -------
    str
        SHA-256 in hexadecimal.
    """
    events = _sum_events(file["events"]) if "events" in file else ()
    counts = _sum_counts(file["counts"]) if "counts" in file else 0
    return _combined(file, events, counts)


def extras_digest(file: h5py.File) -> str:
    """Digest what the fingerprint leaves out: provenance and ground truth.

    Parameters
    ----------
    file : h5py.File
        A database.

    Returns
    -------
    str
        SHA-256 in hexadecimal.
    """
    provenance = _digest(np.atleast_1d(file["provenance"][()])) if "provenance" in file else ""
    truth = content_digest(file["truth"]) if "truth" in file else ""
    return combine({"provenance": provenance, "truth": truth})


def verify_part(part: Path, target: Path) -> None:
    """Read a finished but unpublished database completely and compare its fingerprint.

    Parameters
    ----------
    part : Path
        The hidden file.
    target : Path
        Its final name, for messages.

    Raises
    ------
    ArtefactError
        If it does not hold what was written.
    """
    try:
        with open_hdf5(part) as file:
            promised, found = str(file.attrs["fingerprint"]), recomputed_fingerprint(file)
            extras = extras_digest(file) == str(file.attrs["extras_digest"])
    except (DataError, *READ_ERRORS) as error:
        what = f"reading back what was written failed ({error})"
        raise ArtefactError(Problem("not-what-was-written", str(target), what)) from error
    if found != promised or not extras:
        what = f"reading back gives the fingerprint {found[:12]}, expected {promised[:12]}"
        raise ArtefactError(Problem("not-what-was-written", str(target), what))


def _combined(file: h5py.File, events: tuple[int, ...], counts: int) -> str:
    groups = read_groups(file)
    parts: dict[str, object] = {
        "start_ms": float(file.attrs["start_ms"]),
        "duration_ms": float(file.attrs["duration_ms"]),
        "trials": _digest(file["trials/id"][()]),
        "spikes": _digest(file["spikes/time"][()]),
        "spike_pointer": _digest(file["spikes/trial_pointer"][()]),
        **tables_digest(groups, read_types(file, groups), read_labels(file)),
    }
    if "events" in file:
        group = file["events"]
        parts["events"] = events
        parts["event_columns"] = sorted(str(name) for name in group.attrs["columns"])
        parts["n_events"] = int(group.attrs["n_events"])
    if "counts" in file:
        group = file["counts"]
        parts["counts"] = counts
        parts["distance_edges"] = group.attrs["distance_edges"].tolist()
        parts["time_bin_ms"] = float(group.attrs["time_bin_ms"])
        parts["counts_shape"] = [int(size) for size in group[groups[0].name].shape]
    return combine(parts)


def _digest(values: npt.NDArray[Any]) -> str:
    state = hashlib.sha256()
    if values.dtype.kind in "SO":
        for item in values.tolist():
            encoded = item if isinstance(item, bytes) else str(item).encode()
            state.update(f"{len(encoded)}:".encode() + encoded)
    else:
        kind = "<f8" if values.dtype.kind == "f" else "<i8"
        state.update(np.ascontiguousarray(values, kind).tobytes())
    return state.hexdigest()


def _sum_events(group: h5py.Group) -> tuple[int, ...]:
    total = EventSum()
    pointer = group["trial_pointer"]
    for tile in range(pointer.shape[0]):
        node = group.get(tile_name(tile))
        if node is not None:
            _sum_tile(total, pointer[tile].astype(np.int64), node)
    return total.state


def _sum_tile(total: EventSum, pointer: IntArray, node: h5py.Group) -> None:
    of_event = np.repeat(np.arange(len(pointer) - 1, dtype=np.int32), np.diff(pointer))
    for start in range(0, len(of_event), _ROWS):
        stop = min(start + _ROWS, len(of_event))
        columns = {name: dataset[start:stop] for name, dataset in node.items()}
        total.add(of_event[start:stop].astype(np.int64), columns)


def _sum_counts(group: h5py.Group) -> int:
    return sum(_sum_of_group(name, dataset) for name, dataset in group.items()) % 2**64


def _sum_of_group(name: str, dataset: h5py.Dataset) -> int:
    states: list[int] = []
    reader = ChunkReader(dataset)

    def add(offset: tuple[int, ...], counts: npt.NDArray[Any]) -> None:
        inside = [slice(end - at) for at, end in zip(offset, dataset.shape, strict=True)]
        piece = CountSum()
        piece.add(name, offset[0], offset[1], offset[2], counts[tuple(inside)])
        states.append(piece.state)

    if reader.usable:
        chunks = offsets_within((0, 0, 0), dataset.shape, dataset.chunks)
        with threadpool_limits(1, "blas"), decompression_threads() as pool:
            run_tasks(reader.tasks(chunks, add), pool)
    else:
        for start in range(0, dataset.shape[0], COUNTS_CHUNK_TRIALS):
            add((start, 0, 0), dataset[start : start + COUNTS_CHUNK_TRIALS])
    return sum(states)
