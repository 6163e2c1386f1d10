"""Everything that can be wrong with a database, found at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from synreduce.database.check_events import event_layout_problems
from synreduce.database.content import extras_digest, recomputed_fingerprint
from synreduce.database.file_database import FileDatabase
from synreduce.database.schema import SCHEMA_NAME, SCHEMA_VERSION
from synreduce.database.structure import READ_ERRORS, missing_parts, read_damage
from synreduce.database.tables import read_groups, read_texts
from synreduce.errors import DataError, Problem
from synreduce.storage import open_hdf5

_SHOWN = 5
_REFRACTORY_MS = 0.1


def check_database(path: str | Path, deep: bool = False) -> list[Problem]:
    """Look for everything that is wrong with a database.

    Parameters
    ----------
    path : str or Path
        The file.
    deep : bool, default: False
        Whether every activation and count is read and compared with the fingerprint; else only
        trials, spikes, tables and pointers are.

    Returns
    -------
    list of Problem
        Empty for a good database.
    """
    try:
        with open_hdf5(path, SCHEMA_NAME, SCHEMA_VERSION) as file:
            return list(_problems(file, str(path), deep))
    except DataError as error:
        return list(error.problems)
    except READ_ERRORS as error:
        return [read_damage(str(path), error)]


def database_warnings(path: str | Path) -> list[str]:
    """Look for what is unusual in a good database, but not wrong.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    list of str
        One sentence each.

    Raises
    ------
    DataError
        If it is no activation database.
    """
    with FileDatabase(path) as database:
        spikes = database.spike_times
        found = []
        outside = (spikes.times < database.start_ms) | (spikes.times >= database.duration_ms)
        if outside.any():
            found.append(f"{int(outside.sum()):,} spikes lie outside the record")
        gaps = np.diff(spikes.times)
        within = np.ones(len(gaps), bool)
        borders = spikes.pointer[1:-1]
        within[borders[(borders > 0) & (borders < len(spikes.times))] - 1] = False
        close = int((gaps[within] < _REFRACTORY_MS).sum())
        if close:
            found.append(f"{close:,} spikes follow another within {_REFRACTORY_MS} ms")
        if not len(spikes.times):
            found.append("no trial has a spike")
        found += [
            f"group {group.name} has no activation"
            for group in database.groups
            if group.name not in database.occupied_groups
        ]
        return found


def _problems(file: h5py.File, path: str, deep: bool) -> Iterator[Problem]:
    missing = list(missing_parts(file, path))
    yield from missing
    if missing:
        return
    others = list(_part_problems(file, path, deep))
    yield from others
    if deep and not others:
        yield from _fingerprint_problems(file, path)


def _part_problems(file: h5py.File, path: str, deep: bool) -> Iterator[Problem]:
    yield from _trial_problems(file, path)
    yield from _spike_problems(file, path)
    tables = list(_table_problems(file, path))
    yield from tables
    if tables:
        return
    if "events" in file:
        yield from event_layout_problems(file, path, deep)
    if "counts" in file:
        yield from _count_problems(file, path)


def _trial_problems(file: h5py.File, path: str) -> Iterator[Problem]:
    where = f"{path}:/trials/id"
    names = read_texts(file["trials/id"])
    if not names:
        yield Problem("no-trials", where, "no trial")
    unique, times = np.unique(np.array(names, np.str_), return_counts=True)
    for name in unique[times > 1][:_SHOWN]:
        yield Problem("duplicate-trial", where, f"trial '{name}' appears more than once")
    empty = names.count("")
    if empty:
        yield Problem("bad-trial-id", where, f"{empty:,} trials have no id")
    promised = file.attrs.get("n_trials", len(names))
    if promised != len(names):
        yield Problem("wrong-length", where, f"{len(names):,} ids, but n_trials is {promised:,}")


def _spike_problems(file: h5py.File, path: str) -> Iterator[Problem]:
    where = f"{path}:/spikes"
    n_trials, n_spikes = file["trials/id"].shape[0], file["spikes/time"].shape[0]
    pointer = file["spikes/trial_pointer"][()].astype(np.int64)
    times = file["spikes/time"][()].astype(np.float64)
    bad = len(pointer) != n_trials + 1 or pointer[0] != 0 or pointer[-1] != n_spikes
    if bad or (np.diff(pointer) < 0).any():
        what = f"trial_pointer does not cut {n_spikes:,} spikes into {n_trials:,} trials"
        yield Problem("bad-pointer", where, what)
        return
    lost = ~np.isfinite(times)
    if lost.any():
        yield Problem("bad-spike-time", where, f"{int(lost.sum()):,} times are no numbers")
    trial = np.repeat(np.arange(n_trials), np.diff(pointer))
    disorder = (np.diff(times) < 0) & (np.diff(trial) == 0)
    if disorder.any():
        first = int(trial[np.flatnonzero(disorder)[0]])
        what = f"{int(disorder.sum()):,} spike times do not ascend, the first in trial {first}"
        yield Problem("unsorted-spikes", where, what)


def _table_problems(file: h5py.File, path: str) -> Iterator[Problem]:
    start, end = float(file.attrs["start_ms"]), float(file.attrs["duration_ms"])
    if not start < end:
        yield Problem("bad-duration", path, f"record from {start} to {end} ms")
    names, signs = read_texts(file["groups/name"]), file["groups/sign"][()].tolist()
    if len(names) != len(signs) or len(set(names)) < len(names) or not names:
        what = f"{len(names)} names {names[:_SHOWN]}, {len(signs)} signs"
        yield Problem("bad-groups", f"{path}:/groups", what)
    for sign in set(signs) - {1, -1}:
        yield Problem("bad-groups", f"{path}:/groups", f"sign {sign}", "use 1 or -1")
    if "synapse_types" in file:
        group = file["synapse_types/group"][()]
        lengths = {key: len(file[f"synapse_types/{key}"]) for key in ("name", "cell_type", "group")}
        if len(set(lengths.values())) > 1:
            yield Problem("bad-types", f"{path}:/synapse_types", f"unequal lengths {lengths}")
        if group.size and (group.min() < 0 or group.max() >= len(names)):
            what = f"{int(((group < 0) | (group >= len(names))).sum())} types have no group"
            yield Problem("bad-types", f"{path}:/synapse_types", what)


def _count_problems(file: h5py.File, path: str) -> Iterator[Problem]:
    table = file["counts"]
    edges, width = table.attrs["distance_edges"], float(table.attrs["time_bin_ms"])
    if len(edges) < 2 or not (np.diff(edges) > 0).all() or not width > 0:
        what = f"edges {np.array2string(np.asarray(edges), threshold=8)}, time bin {width} ms"
        yield Problem("bad-edges", f"{path}:/counts", what)
        return
    span = float(file.attrs["duration_ms"]) - float(file.attrs["start_ms"])
    shape = (file["trials/id"].shape[0], int(np.ceil(span / width - 1e-9)), len(edges) - 1)
    for group in read_groups(file):
        where, dataset = f"{path}:/counts/{group.name}", table.get(group.name)
        if not isinstance(dataset, h5py.Dataset):
            yield Problem("missing", where, "dataset is missing")
        elif dataset.shape != shape:
            what = f"shape {dataset.shape}, expected {shape} (trials, time bins, distance bins)"
            yield Problem("wrong-shape", where, what)
        elif dataset.dtype.kind != "u":
            what = f"type {dataset.dtype}, expected an unsigned integer"
            yield Problem("wrong-type", where, what)


def _fingerprint_problems(file: h5py.File, path: str) -> Iterator[Problem]:
    fix = "make or copy the file again"
    try:
        found, extras = recomputed_fingerprint(file), extras_digest(file)
    except READ_ERRORS as error:
        yield read_damage(path, error)
        return
    stored = str(file.attrs.get("fingerprint", found))
    if found != stored:
        what = f"content has the fingerprint {found[:12]}, the file says {stored[:12]}"
        yield Problem("damaged", path, what, fix)
    if str(file.attrs.get("extras_digest", extras)) != extras:
        yield Problem("damaged", path, "provenance or ground truth were changed", fix)
