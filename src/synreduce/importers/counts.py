"""Imports published arrays: binned counts (npz) and spike times (csv)."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from synreduce.database import CountsWriter, Group
from synreduce.errors import ConfigurationError, DataError, Problem
from synreduce.importers.counts_stream import CountsBlock, counts_blocks
from synreduce.importers.files import refuse
from synreduce.importers.groups import EXCITATORY, INHIBITORY
from synreduce.importers.npz import ArrayHeader, ArrayStream, open_array
from synreduce.importers.options import ImportOptions
from synreduce.importers.problems import ProblemList
from synreduce.importers.report import ImportReport
from synreduce.importers.spike_table import SpikeTable, read_spike_table, refractory_note
from synreduce.importers.synapse_checks import AFTER_END
from synreduce.importers.synapse_table import FLOATS, INTEGERS
from synreduce.progress import progress

_GROUPS = (Group(EXCITATORY, 1), Group(INHIBITORY, -1))
_NAME = re.compile(r"model_(\d+)__binned_synapse_activations_spatiotemporal_EI__(\w+)\.npz")
_LATE_SPIKES = "spikes at or after the end of the record"


def import_counts(sources: Sequence[Path], output: Path, options: ImportOptions) -> ImportReport:
    """Import an array of counts and the table of spike times that belongs to it.

    Parameters
    ----------
    sources : sequence of Path
        One ``.npz`` (or ``.npy``) with axes (EXC and INH, soma-distance bin, trial, ms from 0) and
        one ``.csv`` whose row i is trial i. With files named as in the published archive
        (doi:10.7910/DVN/QV7JIF), the array alone is enough.
    output : Path
        The database to write.
    options : ImportOptions
        `duration_ms` (default: the number of milliseconds of the array), `distance_bin_um`.

    Returns
    -------
    ImportReport

    Raises
    ------
    ConfigurationError
        If not exactly one array is named.
    DataError
        If a file is damaged, shapes do not fit, or a value is no count.

    Notes
    -----
    The array is read as a stream, one plane (group, distance bin) at a time; it never is in
    memory as a whole.
    """
    started = time.monotonic()
    array, table = choose_files(sources, options)
    problems = ProblemList()
    with ExitStack() as stack:
        stream: ArrayStream | None = None
        spikes: SpikeTable | None = None
        with problems.collecting():
            stream = stack.enter_context(open_array(array, max_bytes=options.max_array_bytes))
            check_axes(stream.header)
        with problems.collecting():
            spikes = None if table is None else read_spike_table(table)
        if stream is not None and spikes is not None:
            with problems.collecting():
                _check_trials(stream.header, spikes, str(table))
        problems.raise_if_any()
        if stream is None:
            raise DataError([])
        copy = _Copy(stream, spikes, output, options)
        copy.run([array.name] + ([] if table is None else [table.name]))
    files = [array] if table is None else [array, table]
    return copy.report(time.monotonic() - started, sum(path.stat().st_size for path in files))


def choose_files(sources: Sequence[Path], options: ImportOptions) -> tuple[Path, Path | None]:
    """Tell the array from the spike table.

    Parameters
    ----------
    sources : sequence of Path
        As the user gave them.
    options : ImportOptions
        `spike_times` names the table, or ``"none"``.

    Returns
    -------
    array : Path
    table : Path or None
        None if the user wants no spikes.

    Raises
    ------
    ConfigurationError
        If there is not exactly one of each.
    """
    arrays = [path for path in sources if path.suffix in (".npz", ".npy")]
    tables = [path for path in sources if path not in arrays]
    if len(arrays) != 1:
        what = f"{len(arrays)} arrays (.npz) among {len(sources)} sources, expected one"
        fix = "import each array into its own database; a run takes several databases"
        raise ConfigurationError(Problem("one-array", "import counts", what, fix))
    if options.spike_times == "none" and not tables:
        return arrays[0], None
    if options.spike_times not in (None, "none"):
        tables.append(Path(options.spike_times or ""))
    match = _NAME.fullmatch(arrays[0].name)
    if not tables and match:
        name = f"model_{match.group(1)}__spike_times_MCM__{match.group(2)}.csv"
        tables.append(arrays[0].with_name(name))
    if len(tables) != 1:
        what = f"{len(tables)} tables of spike times, expected one (.csv)"
        fix = "give one, or spike_times: none"
        raise ConfigurationError(Problem("one-table", "import counts", what, fix))
    return arrays[0], tables[0]


def check_axes(header: ArrayHeader) -> None:
    """Check that an array has the axes of the published archive.

    Parameters
    ----------
    header : ArrayHeader
        Shape and type.

    Raises
    ------
    DataError
        If the axes are not (2, distance bins, trials, ms).
    """
    if len(header.shape) != 4 or header.shape[0] != len(_GROUPS) or min(header.shape) == 0:
        what = f"shape {header.shape}, expected (2, distance bins, trials, ms): EXC and INH first"
        raise refuse(header.name, "wrong-shape", what, "transpose the array")


def _check_trials(header: ArrayHeader, spikes: SpikeTable, table: str) -> None:
    if len(header.shape) == 4 and len(spikes.n_spikes) != header.shape[2]:
        what = f"{len(spikes.n_spikes):,} rows, but {header.name} has {header.shape[2]:,} trials"
        raise refuse(table, "trial-count", what, "give the table that belongs to the array")


class _Copy:
    """Writes an array and its spikes to a database, counting on the way."""

    def __init__(
        self, stream: ArrayStream, spikes: SpikeTable | None, output: Path, options: ImportOptions
    ) -> None:
        self.stream, self.output, self.options = stream, output, options
        _, self.n_bins, self.n_trials, self.n_ms = stream.header.shape
        self.duration_ms = self._duration()
        empty: list[FLOATS] = [np.empty(0)] * self.n_trials
        self.spikes = empty if spikes is None else spikes.per_trial()
        self.n_late_spikes = sum(int((own >= self.duration_ms).sum()) for own in self.spikes)
        self.spikes = [own[own < self.duration_ms] for own in self.spikes]
        ids = None if spikes is None else spikes.trial_ids
        self.trial_ids = ids or tuple(f"{trial:06d}" for trial in range(self.n_trials))
        self.n_unsorted = 0 if spikes is None else spikes.n_unsorted
        self.totals = [0, 0]
        self.n_late = 0
        self.per_ms: INTEGERS = np.zeros(self.n_ms, dtype=np.int64)

    def _duration(self) -> float:
        wanted = self.options.duration_ms
        if wanted is not None and not 0 < wanted <= self.n_ms:
            what = f"duration_ms {wanted:g}, but the array has {self.n_ms} ms"
            raise refuse(self.stream.header.name, "short-record", what, f"at most {self.n_ms}")
        return float(self.n_ms if wanted is None else wanted)

    def run(self, sources: Sequence[str]) -> None:
        """Copy everything."""
        writer = CountsWriter(
            self.output,
            trial_ids=self.trial_ids,
            spike_times=self.spikes,
            distance_edges=np.arange(self.n_bins + 1) * self.options.distance_bin_um,
            duration_ms=self.duration_ms,
            groups=_GROUPS,
            provenance={
                "importer": "counts",
                "sources": list(sources),
                "options": self.options.record(),
            },
        )
        n_megabytes = self.stream.header.data_bytes / 1e6
        bar_of = progress("importing counts", n_megabytes, "MB")
        with writer, bar_of as bar, counts_blocks(self.stream) as blocks:
            for block in blocks:
                self._write(writer, block)
                bar.advance(block.n_bytes / 1e6)

    def _write(self, writer: CountsWriter, block: CountsBlock) -> None:
        n_ms = block.counts.shape[1]
        per_ms = block.counts.sum(axis=(0, 2), dtype=np.int64)
        stop = block.first_ms + n_ms
        self.per_ms[block.first_ms : stop] += per_ms
        kept = max(0, min(n_ms, writer.shape[1] - block.first_ms))
        self.totals[block.group] += int(per_ms[:kept].sum())
        self.n_late += int(per_ms[kept:].sum())
        if kept:
            bins = slice(block.first_bin, block.first_bin + block.counts.shape[2])
            times = slice(block.first_ms, block.first_ms + kept)
            group = _GROUPS[block.group].name
            writer.write(group, slice(None), times, bins, block.counts[:, :kept])

    def report(self, seconds: float, bytes_read: int) -> ImportReport:
        """Account for what was copied."""
        dropped = {AFTER_END: self.n_late, _LATE_SPIKES: self.n_late_spikes}
        return ImportReport(
            n_trials=self.n_trials,
            n_activations={
                group.name: total for group, total in zip(_GROUPS, self.totals, strict=True)
            },
            n_spikes=sum(len(own) for own in self.spikes),
            dropped={reason: number for reason, number in dropped.items() if number},
            notes=tuple(self._notes()),
            seconds=seconds,
            bytes_read=bytes_read,
        )

    def _notes(self) -> list[str]:
        header, notes = self.stream.header, []
        last = int(np.flatnonzero(self.per_ms)[-1]) + 1 if self.per_ms.any() else 0
        if last < self.duration_ms:
            notes.append(f"no activation from {last} ms on; duration_ms: {last} cuts the empty end")
        if header.dtype == np.float16:
            notes.append("counts stored as float16, which is exact only up to 2048")
        if not header.checksummed:
            notes.append("a .npy file has no checksum: damage to it cannot be seen")
        if self.n_unsorted:
            notes.append(
                f"spike times of {self.n_unsorted:,} trials were not in order and are sorted"
            )
        return notes + refractory_note(self.spikes)
