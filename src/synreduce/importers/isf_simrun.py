"""Imports raw simulation output: folders with synapse tables and voltage traces."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np

from synreduce.errors import DataError, Problem
from synreduce.importers.event_sink import EventSink
from synreduce.importers.files import read_text, refuse, require_regular_file
from synreduce.importers.groups import SynapseTypeRules
from synreduce.importers.isf_simrun_folders import (
    FoundRuns,
    RunFolder,
    TrialFile,
    exclude_trials,
    find_runs,
)
from synreduce.importers.network_parameters import read_network_parameters, receptor_groups
from synreduce.importers.options import ImportOptions
from synreduce.importers.problems import ProblemList
from synreduce.importers.report import ImportReport
from synreduce.importers.spike_table import missing_trials, read_spike_table, refractory_note
from synreduce.importers.synapse_checks import CheckedSynapses, check_synapses
from synreduce.importers.synapse_files import parse_synapses
from synreduce.importers.synapse_table import FLOATS
from synreduce.importers.voltage import VoltageTraces, read_voltages
from synreduce.importers.wiring import Wiring
from synreduce.progress import progress

_READ_AHEAD = 16
_NO_SPIKES: FLOATS = np.empty(0)
_DISTANCE_NOTE = (
    "soma distances are path lengths from the point where the first section of the dendrite "
    "starts; the soma's radius is not included"
)


def import_isf_simrun(
    sources: Sequence[Path], output: Path, options: ImportOptions
) -> ImportReport:
    """Import raw simulation output.

    Parameters
    ----------
    sources : sequence of Path
        Folder trees that are searched for ``*_synapses.csv`` and ``*vm_all_traces.csv`` (or
        ``.csv.gz``, ``.npz`` for voltages). Folders named ``*_running`` are skipped.
    output : Path
        The database to write.
    options : ImportOptions
        Named choices. The end of the record is the last whole millisecond of the voltage traces;
        without voltages (`spike_times`) it is `duration_ms`, or else the first whole millisecond
        after the last activation.

    Returns
    -------
    ImportReport

    Raises
    ------
    DataError
        With every file, row and field that does not fit; nothing is written then.
    """
    SynapseTypeRules.from_options(options)  # refuses a bad pattern once, before any file
    problems = ProblemList()
    runs = find_runs(sources, problems)
    provenance = {
        "importer": "isf-simrun",
        "sources": [source.resolve().name for source in sources],
        "options": options.record(),
        "soma_distance": _DISTANCE_NOTE,
    }
    with EventSink(output, options, problems, provenance, len(runs.trial_ids)) as sink:
        _SimrunImport(runs, options, sink, problems).run()
        return sink.finish()


class _SimrunImport:
    """One import: its folders, choices and what was found on the way."""

    def __init__(
        self, runs: FoundRuns, options: ImportOptions, sink: EventSink, problems: ProblemList
    ) -> None:
        self.runs, self.options, self.sink, self.problems = runs, options, sink, problems
        self.excluded: set[str] = set()
        self.spike_rows: dict[str, FLOATS] | None = None
        self.rules: dict[bytes, SynapseTypeRules] = {}
        self.n_unsorted = 0
        self.all_spikes: list[FLOATS] = []

    def run(self) -> None:
        """Read everything; problems are collected, not raised."""
        with self.problems.collecting():
            self.excluded = exclude_trials(self.runs, self.options.exclude_trials)
        with self.problems.collecting():
            self._read_spike_times()
        if self.options.duration_ms is not None:
            self.sink.duration_ms = self.options.duration_ms
        elif self.options.spike_times is not None:
            self.sink.duration_ms = self._end_of_activations()
        n_trials = len(self.runs.trial_ids)
        with progress("importing trials", n_trials, "trials") as bar, ThreadPoolExecutor(2) as pool:
            for folder in self.runs.folders:
                self._read_folder(folder, pool)
                bar.advance(len(folder.trials))
        self._add_notes()

    def _read_spike_times(self) -> None:
        source = self.options.spike_times
        if source is None:
            for folder in self.runs.folders:
                if folder.voltage is None:
                    what = "synapse files but no voltage file (*vm_all_traces.csv), so no spikes"
                    fix = "give spike_times: FILE, or spike_times: none to import without spikes"
                    self.problems.add(Problem("no-voltage", str(folder.path), what, fix))
        elif source == "none":
            self.spike_rows = {}
        else:
            table = read_spike_table(Path(source))
            if table.trial_ids is None:
                what = "has no column 'sim_trial_index', so its rows belong to no trial"
                raise refuse(source, "no-index", what, "add the trial identities")
            self.sink.bytes_read += Path(source).stat().st_size
            self.spike_rows = dict(zip(table.trial_ids, table.per_trial(), strict=True))
            wanted = [trial for trial in self.runs.trial_ids if trial not in self.excluded]
            self.problems.add(missing_trials(wanted, table.trial_ids, str(source)))

    def _end_of_activations(self) -> float:
        """First whole millisecond after the last activation of any readable file."""
        last = 0.0
        for folder in self.runs.folders:
            for trial in self._wanted(folder):
                try:
                    times = parse_synapses(self._text(folder, trial.path), "").times
                except DataError:
                    continue  # reported when the trial itself is read
                last = max(last, float(times[times < 1e9].max(initial=0.0)))
        return float(np.floor(last)) + 1.0

    def _wanted(self, folder: RunFolder) -> list[TrialFile]:
        return [trial for trial in folder.trials if trial.trial_id not in self.excluded]

    def _text(self, folder: RunFolder, path: Path) -> bytes:
        return read_text(path, folder.source, outside_links=self.options.allow_outside_links)

    def _read_folder(self, folder: RunFolder, pool: ThreadPoolExecutor) -> None:
        spikes: dict[str, FLOATS] = {}
        with self.problems.collecting():
            spikes = self._spikes_of(folder)
        rules: SynapseTypeRules | None = None
        with self.problems.collecting():
            rules = self._rules_of(folder)
        wiring = Wiring()
        for trial, checked in self._read_ahead(folder, pool):
            with self.problems.collecting():
                result = checked.result()
                self.sink.bytes_read += trial.path.stat().st_size
                if rules is None:
                    continue
                types = self.sink.type_codes(result.table, str(trial.path), rules)
                wiring.check(result.table, types, str(trial.path))
                self.sink.dropped.update(result.dropped)
                self.n_unsorted += result.n_unsorted
                own = spikes.get(trial.trial_id, _NO_SPIKES)
                self.all_spikes.append(own)
                self.sink.add(trial.trial_id, own, result.table, types)

    def _read_ahead(
        self, folder: RunFolder, pool: ThreadPoolExecutor
    ) -> Iterator[tuple[TrialFile, Future[CheckedSynapses]]]:
        """Parse the next files in threads while the present one is written."""
        trials = iter(self._wanted(folder))
        waiting = [
            (trial, pool.submit(self._read_trial, folder, trial))
            for trial in islice(trials, _READ_AHEAD)
        ]
        while waiting:
            yield waiting.pop(0)
            waiting += [
                (trial, pool.submit(self._read_trial, folder, trial)) for trial in islice(trials, 1)
            ]

    def _read_trial(self, folder: RunFolder, trial: TrialFile) -> CheckedSynapses:
        table = parse_synapses(self._text(folder, trial.path), str(trial.path))
        if not table.n_rows and not self.options.allow_silent_trials:
            fix = "copy again, list in exclude_trials, or set allow_silent_trials"
            raise refuse(trial.path, "no-rows", "a heading and no synapse; truncated copy?", fix)
        return check_synapses(table, str(trial.path), self.options, self.sink.duration_ms)

    def _spikes_of(self, folder: RunFolder) -> dict[str, FLOATS]:
        if self.spike_rows is not None:
            return self.spike_rows
        if folder.voltage is None:
            return {}
        require_regular_file(
            folder.voltage, folder.source, outside_links=self.options.allow_outside_links
        )
        self.sink.bytes_read += folder.voltage.stat().st_size
        traces = read_voltages(folder.voltage, len(folder.trials))
        self._check_end(folder, traces)
        self._note_record(traces)
        spikes = traces.spikes(self.options.spike_threshold_mv)
        return {trial.trial_id: own for trial, own in zip(folder.trials, spikes, strict=True)}

    def _check_end(self, folder: RunFolder, traces: VoltageTraces) -> None:
        end = traces.duration_ms
        if self.sink.duration_ms is None:
            self.sink.duration_ms = end
        if self.options.duration_ms is not None and end < self.options.duration_ms:
            what = f"voltages end at {end:g} ms, before duration_ms {self.options.duration_ms:g}"
            raise refuse(folder.voltage, "short-record", what, f"duration_ms at most {end:g}")
        if self.options.duration_ms is None and end != self.sink.duration_ms:
            first = self.sink.duration_ms
            what = f"voltages end at {end:g} ms, those of the first folder at {first:g} ms"
            raise refuse(folder.voltage, "unequal-records", what, "give the shorter duration_ms")

    def _note_record(self, traces: VoltageTraces) -> None:
        note = ""
        if traces.assumed_time:
            note = "voltages without a time axis: steps of 0.025 ms from 0 were assumed"
        elif traces.time[0] > 0:
            note = f"voltages begin at {traces.time[0]:g} ms: spikes before are not known"
        if note and note not in self.sink.notes:
            self.sink.notes.append(note)

    def _rules_of(self, folder: RunFolder) -> SynapseTypeRules:
        """Rules with the receptors of the folder's parameter file; equal files are read once."""
        path = self.options.network_parameters or folder.parameters
        key = b"" if path is None else hashlib.sha256(read_text(path)).digest()
        if key not in self.rules:
            receptors = {} if path is None else receptor_groups(read_network_parameters(path), path)
            self.rules[key] = SynapseTypeRules.from_options(self.options, receptors)
        return self.rules[key]

    def _add_notes(self) -> None:
        notes, runs = self.sink.notes, self.runs
        if runs.n_unfinished:
            notes.append(f"{runs.n_unfinished} unfinished trial folders (_running) skipped")
        if runs.n_links:
            notes.append(f"{runs.n_links} links to folders not followed")
        if self.excluded:
            notes.append(f"{len(self.excluded)} trials excluded by exclude_trials")
        if self.n_unsorted:
            notes.append(
                f"times of {self.n_unsorted} synapse rows do not ascend; order does not matter"
            )
        if self.options.spike_times == "none":
            notes.append("imported without spikes, as asked")
        if self.options.spike_times is not None and self.options.duration_ms is None:
            end = self.sink.duration_ms or 0.0
            notes.append(f"end of the record taken from the last activation: {end:g} ms")
        unused = set(self.spike_rows or ()) - set(runs.trial_ids)
        if unused:
            notes.append(f"{len(unused):,} rows of spike_times belong to no imported trial")
        notes += refractory_note(self.all_spikes)
        notes.append(_DISTANCE_NOTE)
