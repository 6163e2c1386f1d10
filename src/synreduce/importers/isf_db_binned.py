"""Imports a binned key of a database folder: one array of counts per combination of categories."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from synreduce.database import CountsWriter, Group
from synreduce.errors import Problem
from synreduce.importers.files import refuse
from synreduce.importers.groups import SynapseTypeRules, group_signs, unknown_type
from synreduce.importers.isf_db_keys import (
    NUMPY_DUMPERS,
    SUB_DATABASE,
    DatabaseKey,
    key_names,
    open_key,
)
from synreduce.importers.isf_db_trials import binned_trials, spikes_by_trial
from synreduce.importers.npz import load_array
from synreduce.importers.options import ImportOptions
from synreduce.importers.problems import ProblemList
from synreduce.importers.report import ImportReport
from synreduce.importers.spike_table import SpikeTable
from synreduce.importers.synapse_checks import AFTER_END
from synreduce.importers.synapse_table import FLOATS, INTEGERS
from synreduce.progress import progress

_DISTANCE_BIN = re.compile(r"(\d+)to(\d+)")
_DISTANCES = "binned_somadist"
_KNOWN_LEVELS = ("EI", _DISTANCES, "celltype", "presynaptic_column", "proximal")


@dataclass(frozen=True)
class BinnedArray:
    """One stored array.

    Parameters
    ----------
    group : str
        Group of synapses it counts for.
    low_um, high_um : int
        Its soma distances.
    path : Path
        The file, (trial, ms).
    """

    group: str
    low_um: int
    high_um: int
    path: Path


def import_binned_key(
    root: Path,
    key: DatabaseKey,
    spikes: SpikeTable | None,
    output: Path,
    options: ImportOptions,
) -> ImportReport:
    """Import a binned key as a database of counts.

    Parameters
    ----------
    root : Path
        The database folder.
    key : DatabaseKey
        The sub-database, e.g. ``synapse_activation_binned/t1/EI__binned_somadist``. Its name lists
        the levels beneath it; one of them is ``binned_somadist``, and ``EI`` or ``celltype`` gives
        the group. Arrays that differ in other levels only are summed.
    spikes : SpikeTable or None
        Spike times of all trials; None for a database without spikes.
    output : Path
        The database to write.
    options : ImportOptions
        Named choices.

    Returns
    -------
    ImportReport

    Raises
    ------
    DataError
        If the levels are unknown, arrays are damaged or of different shapes, a value is no count,
        or the number of trials differs from that of the spike times.
    """
    started = time.monotonic()
    arrays = _find_arrays(root, key, options)
    edges = _edges(arrays, key)
    shape = _shape(arrays[0].path)
    trial_ids, notes = binned_trials(root, shape[0], spikes, key)
    times = [np.empty(0)] * shape[0] if spikes is None else spikes_by_trial(spikes, trial_ids)
    signs = group_signs(options)
    provenance = {
        "importer": "isf-db",
        "sources": [root.resolve().name],
        "key": "/".join(key.names),
        "options": options.record(),
    }
    with CountsWriter(
        output,
        trial_ids=trial_ids,
        spike_times=times,
        distance_edges=edges,
        duration_ms=_duration(shape[1], key, options),
        groups=tuple(Group(name, sign) for name, sign in signs.items()),
        provenance=provenance,
    ) as writer:
        copied = _Copy(writer, arrays, edges, shape)
        copied.run()
    return ImportReport(
        n_trials=shape[0],
        n_activations={name: copied.totals.get(name, 0) for name in signs},
        n_spikes=sum(len(own) for own in times),
        dropped={AFTER_END: copied.n_late} if copied.n_late else {},
        notes=(f"{len(arrays)} arrays; missing combinations are zeros", *notes),
        seconds=time.monotonic() - started,
        bytes_read=sum(array.path.stat().st_size for array in arrays),
    )


def _shape(path: Path) -> tuple[int, int]:
    shape = load_array(path).shape
    if len(shape) != 2:
        raise refuse(path, "wrong-shape", f"{shape}, expected (trial, ms)")
    return shape[0], shape[1]


def _duration(n_ms: int, key: DatabaseKey, options: ImportOptions) -> float:
    wanted = options.duration_ms
    if wanted is not None and not 0 < wanted <= n_ms:
        what = f"duration_ms {wanted:g}, but the arrays have {n_ms} ms"
        raise refuse(key, "short-record", what, f"at most {n_ms}")
    return float(n_ms if wanted is None else wanted)


class _Copy:
    """Sums the arrays of each group and distance bin and writes them."""

    def __init__(
        self,
        writer: CountsWriter,
        arrays: Sequence[BinnedArray],
        edges: FLOATS,
        shape: tuple[int, int],
    ) -> None:
        self.writer, self.arrays, self.edges, self.shape = writer, arrays, edges, shape
        self.totals: dict[str, int] = {}
        self.n_late = 0

    def run(self) -> None:
        """Copy everything; problems of all arrays are reported together."""
        problems = ProblemList()
        places: dict[tuple[str, int], list[BinnedArray]] = {}
        for array in self.arrays:
            place = (array.group, int(np.searchsorted(self.edges, array.low_um)))
            places.setdefault(place, []).append(array)
        with progress("importing arrays", len(self.arrays), "arrays") as bar:
            for (group, position), arrays in sorted(places.items()):
                summed = np.zeros(self.shape, dtype=np.int64)
                for array in arrays:
                    with problems.collecting():
                        summed += whole_counts(load_array(array.path), self.shape, array.path)
                    bar.advance()
                if not problems:
                    self._write(group, position, summed)
        problems.raise_if_any()

    def _write(self, group: str, position: int, counts: INTEGERS) -> None:
        n_times = self.writer.shape[1]
        self.n_late += int(counts[:, n_times:].sum())
        kept = counts[:, :n_times]
        self.totals[group] = self.totals.get(group, 0) + int(kept.sum())
        everything = slice(None)
        bins = slice(position, position + 1)
        self.writer.write(group, everything, everything, bins, kept[:, :, np.newaxis])


def whole_counts(array: npt.NDArray[np.generic], shape: tuple[int, int], path: Path) -> INTEGERS:
    """Check that an array of one combination holds counts.

    Parameters
    ----------
    array : ndarray
        Any real type.
    shape : tuple of int
        Trials and milliseconds that all arrays must have.
    path : Path
        The file, for messages.

    Returns
    -------
    ndarray of int64

    Raises
    ------
    DataError
        If the shape differs or a value is negative or not whole.
    """
    if array.shape != shape:
        what = f"shape {array.shape}, but the first array of the key has {shape}"
        raise refuse(path, "wrong-shape", what, "store the key again")
    values = np.asarray(array, dtype=np.float64)
    bad = np.argwhere(~((values >= 0) & (values <= 2**31) & (values == np.floor(values))))
    if len(bad):
        trial, ms = bad[0]
        what = f"trial {trial}, {ms} ms: {values[trial, ms]} is no count ({len(bad):,} such values)"
        raise refuse(path, "not-a-count", what, "store the key again")
    return values.astype(np.int64)


def _find_arrays(root: Path, key: DatabaseKey, options: ImportOptions) -> list[BinnedArray]:
    levels = key.names[-1].split("__")
    unknown = [level for level in levels if level not in _KNOWN_LEVELS]
    if unknown or _DISTANCES not in levels or not {"EI", "celltype"} & set(levels):
        what = f"'{key.names[-1]}' does not name levels of a binned key"
        known = ", ".join(_KNOWN_LEVELS)
        fix = f"a key of {known}, joined by '__', with {_DISTANCES} and EI or celltype"
        raise refuse(key, "wrong-key", what, fix)
    rules, problems = SynapseTypeRules.from_options(options), ProblemList()
    arrays: list[BinnedArray] = []
    for leaf in _leaves(root, key, len(levels)):
        values = dict(zip(levels, leaf.names[-len(levels) :], strict=True))
        source = values.get("EI", values.get("celltype", ""))
        group = None if rules.is_dropped(source) else rules.group_of(source)
        match = _DISTANCE_BIN.fullmatch(values[_DISTANCES])
        if match is None:
            what = f"'{values[_DISTANCES]}' is no distance bin (0to50)"
            problems.add(Problem("wrong-bin", str(leaf), what, "store the key again"))
        elif group is None and not rules.is_dropped(source):
            problems.add(unknown_type(source, str(leaf), 1))
        elif group is not None:
            file = leaf.path / NUMPY_DUMPERS[leaf.dumper]
            arrays.append(BinnedArray(group, int(match.group(1)), int(match.group(2)), file))
    problems.raise_if_any()
    if not arrays:
        raise refuse(key, "no-arrays", "holds no array", "store the key again")
    return sorted(arrays, key=lambda array: (array.group, array.low_um, str(array.path)))


def _leaves(root: Path, key: DatabaseKey, depth: int) -> Iterator[DatabaseKey]:
    for name in key_names(key.path / "db") if (key.path / "db").is_dir() else []:
        below = open_key(root, (*key.names, name))
        if depth > 1 and below.dumper == SUB_DATABASE:
            yield from _leaves(root, below, depth - 1)
        elif depth == 1 and below.dumper in NUMPY_DUMPERS:
            yield below
        else:
            what = f"is stored by {below.dumper}, {depth} levels above the arrays"
            raise refuse(below, "wrong-key", what, "store arrays as npz")


def _edges(arrays: Sequence[BinnedArray], key: DatabaseKey) -> FLOATS:
    widths = {array.high_um - array.low_um for array in arrays}
    width = min(widths)
    if len(widths) != 1 or width <= 0 or any(array.low_um % width for array in arrays):
        what = f"distance bins of widths {sorted(widths)} um do not tile the dendrite"
        raise refuse(key, "wrong-bin", what, "store the key again with equal bins")
    last = max(array.high_um for array in arrays)
    return np.arange(0, last + width, width, dtype=np.float64)
