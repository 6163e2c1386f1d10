"""Imports a database folder of the in silico framework (parquet and npz keys)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from synreduce.errors import ConfigurationError, DataError, Problem
from synreduce.importers.event_sink import EventSink
from synreduce.importers.files import refuse
from synreduce.importers.groups import SynapseTypeRules
from synreduce.importers.isf_db_binned import import_binned_key
from synreduce.importers.isf_db_keys import (
    SUB_DATABASE,
    DatabaseKey,
    key_names,
    open_key,
    require_database,
    split_key,
)
from synreduce.importers.isf_db_parquet import parquet_files
from synreduce.importers.isf_db_tables import (
    TrialRows,
    largest_time,
    last_voltage_time,
    partition_trials,
    read_partition,
    read_spike_key,
    read_trial_list,
)
from synreduce.importers.network_parameters import read_network_parameters, receptor_groups
from synreduce.importers.options import ImportOptions
from synreduce.importers.problems import ProblemList
from synreduce.importers.report import ImportReport
from synreduce.importers.spike_table import (
    SpikeTable,
    missing_trials,
    read_spike_table,
    refractory_note,
)
from synreduce.importers.synapse_checks import check_synapses
from synreduce.importers.synapse_table import FLOATS, SynapseTable, TextColumn
from synreduce.importers.wiring import Wiring
from synreduce.progress import progress

_SYNAPSES = "synapse_activation"
_NO_SPIKES: FLOATS = np.empty(0)


def import_isf_db(sources: Sequence[Path], output: Path, options: ImportOptions) -> ImportReport:
    """Import a database folder.

    Parameters
    ----------
    sources : sequence of Path
        One folder with ``db_state.json``.
    output : Path
        The database to write.
    options : ImportOptions
        `key` chooses a binned key (``synapse_activation_binned/t1/EI__binned_somadist``) in place
        of ``synapse_activation``. The end of the record is `duration_ms`, or else that of the
        stored voltage traces, or else the first whole millisecond after the last activation.

    Returns
    -------
    ImportReport

    Raises
    ------
    ConfigurationError
        If more than one folder is given.
    DataError
        If a key is missing or damaged, stored as msgpack or pickle, or values do not fit.
    """
    if len(sources) != 1:
        what = f"{len(sources)} folders given"
        fix = "import each into its own database; a run takes several databases"
        raise ConfigurationError(Problem("one-source", "import isf-db", what, fix))
    root = sources[0]
    require_database(root)
    names = split_key(options.key or _SYNAPSES)
    if names == (_SYNAPSES,) and _SYNAPSES not in key_names(root):
        what = f"has no key '{_SYNAPSES}', only: {', '.join(key_names(root)) or 'none'}"
        fix = "name a binned key: key: synapse_activation_binned/t1/EI__binned_somadist"
        raise refuse(root, "no-key", what, fix)
    key = open_key(root, names)
    if key.dumper == SUB_DATABASE:
        return import_binned_key(root, key, spikes_of(root, options), output, options)
    return _TableImport(root, key, output, options).run()


def spikes_of(root: Path, options: ImportOptions) -> SpikeTable | None:
    """Read the spike times that belong to a database.

    Parameters
    ----------
    root : Path
        The database folder.
    options : ImportOptions
        `spike_times` replaces the key ``spike_times``.

    Returns
    -------
    SpikeTable or None
        None if the user wants no spikes.

    Raises
    ------
    DataError
        If the key is missing or cannot be read.
    """
    if options.spike_times == "none":
        return None
    if options.spike_times is not None:
        return read_spike_table(Path(options.spike_times))
    try:
        return read_spike_key(open_key(root, ("spike_times",)))
    except DataError as error:
        raise DataError(
            Problem(problem.code, problem.where, problem.what, _or_spike_times(problem.fix))
            for problem in error.problems
        ) from None


def _or_spike_times(fix: str) -> str:
    return f"{fix}; or give spike_times: FILE (csv)".removeprefix("; or ")


class _TableImport:
    """Import of the key ``synapse_activation``."""

    def __init__(self, root: Path, key: DatabaseKey, output: Path, options: ImportOptions) -> None:
        self.root, self.key, self.output, self.options = root, key, output, options
        self.problems = ProblemList()
        self.spikes: dict[str, FLOATS] = {}
        self.n_unsorted = 0
        receptors = {}
        if options.network_parameters is not None:
            path = options.network_parameters
            receptors = receptor_groups(read_network_parameters(path), path)
        self.rules = SynapseTypeRules.from_options(options, receptors)
        self._wiring: tuple[str, Wiring] = ("", Wiring())

    def run(self) -> ImportReport:
        """Read the partitions one after another."""
        files = parquet_files(self.key)
        active = self._active_trials(files)
        listed: list[str] = []
        with self.problems.collecting():
            listed = self._listed_trials(active)
        self._check_excluded({*active, *listed})
        silent = _silent_before(active, listed)
        provenance = {
            "importer": "isf-db",
            "sources": [self.root.resolve().name],
            "key": "/".join(self.key.names),
            "options": self.options.record(),
        }
        n_trials = max(len(active), len(listed))
        sink = EventSink(self.output, self.options, self.problems, provenance, n_trials)
        with sink:
            sink.duration_ms = self._end_of_record(files, sink)
            with progress("importing partitions", len(files), "partitions") as bar:
                for path in files:
                    with self.problems.collecting():
                        sink.bytes_read += path.stat().st_size
                        for rows in read_partition(path):
                            self._add_silent(silent.pop(rows.trial_id, []), sink)
                            self._add(path, rows, sink)
                    bar.advance()
            self._add_silent(silent.pop("", []), sink)
            self._add_notes(sink, set(listed) - set(active))
            return sink.finish()

    def _active_trials(self, files: Sequence[Path]) -> list[str]:
        found: dict[str, Path] = {}
        for path in files:
            with self.problems.collecting():
                for trial in partition_trials(path):
                    if trial in found:
                        what = f"trial '{trial}' appears in {found[trial].name} too"
                        self.problems.add(
                            Problem("duplicate-trial", str(path), what, "store the table again")
                        )
                    found.setdefault(trial, path)
        return list(found)

    def _listed_trials(self, active: Sequence[str]) -> list[str]:
        """All trials of the database, silent ones included; fills the spike times."""
        table = spikes_of(self.root, self.options)
        if table is None:
            names = key_names(self.root)
            return (
                read_trial_list(open_key(self.root, ("metadata",))) if "metadata" in names else []
            )
        if table.trial_ids is None:
            what = "has no column 'sim_trial_index', so its rows belong to no trial"
            raise refuse(self.options.spike_times, "no-index", what, "add the trial identities")
        self.spikes = dict(zip(table.trial_ids, table.per_trial(), strict=True))
        wanted = [trial for trial in active if trial not in self.options.exclude_trials]
        self.problems.add(missing_trials(wanted, table.trial_ids, f"{self.root} spike_times"))
        own = self.options.spike_times is None
        return list(table.trial_ids) if own else []

    def _check_excluded(self, known: set[str]) -> None:
        for name in sorted(set(self.options.exclude_trials) - known):
            what = f"no trial '{name}'"
            self.problems.add(Problem("unknown-trial", "exclude_trials", what, "check its name"))

    def _end_of_record(self, files: Sequence[Path], sink: EventSink) -> float:
        if self.options.duration_ms is not None:
            return self.options.duration_ms
        if "voltage_traces" in key_names(self.root):
            with self.problems.collecting():
                last = last_voltage_time(open_key(self.root, ("voltage_traces",)))
                if last is not None:
                    return float(np.floor(last + 1e-6))
        last_activation = 0.0
        for path in files:
            with self.problems.collecting():
                last_activation = max(last_activation, largest_time(path))
        end = float(np.floor(last_activation)) + 1.0
        sink.notes.append(f"end of the record taken from the last activation: {end:g} ms")
        return end

    def _add(self, path: Path, rows: TrialRows, sink: EventSink) -> None:
        if rows.trial_id in self.options.exclude_trials:
            return

        def place(row: int) -> str:
            return f" row {rows.rows[row]} (trial {rows.trial_id})"

        with self.problems.collecting():
            name = str(path)
            checked = check_synapses(rows.table, name, self.options, sink.duration_ms, place)
            types = sink.type_codes(checked.table, name, self.rules, place)
            self._wiring_of(rows.trial_id).check(checked.table, types, name, place)
            sink.dropped.update(checked.dropped)
            self.n_unsorted += checked.n_unsorted
            sink.add(
                rows.trial_id, self.spikes.get(rows.trial_id, _NO_SPIKES), checked.table, types
            )

    def _wiring_of(self, trial_id: str) -> Wiring:
        """Trials of one simulation folder share their wiring."""
        folder = trial_id.rpartition("/")[0]
        if self._wiring[0] != folder:
            self._wiring = (folder, Wiring())
        return self._wiring[1]

    def _add_silent(self, trials: Sequence[str], sink: EventSink) -> None:
        for trial in trials:
            if trial not in self.options.exclude_trials:
                none = np.empty(0, dtype=np.int64)
                sink.add(trial, self.spikes.get(trial, _NO_SPIKES), _no_synapses(), none)

    def _add_notes(self, sink: EventSink, silent: set[str]) -> None:
        if silent:
            sink.notes.append(f"{len(silent):,} trials without any activation kept")
        if self.options.exclude_trials:
            sink.notes.append(f"{len(self.options.exclude_trials)} trials excluded")
        if self.options.spike_times == "none":
            sink.notes.append("imported without spikes, as asked")
        if self.n_unsorted:
            sink.notes.append(
                f"times of {self.n_unsorted} rows do not ascend; order does not matter"
            )
        sink.notes += refractory_note(list(self.spikes.values()))


def _silent_before(active: Sequence[str], listed: Sequence[str]) -> dict[str, list[str]]:
    """Trials without activations, by the active trial they come before ('' for the end).

    If active trials follow another order than the list, the silent ones are put at the end.
    """
    known = set(active)
    if [trial for trial in listed if trial in known] != list(active):
        return {"": [trial for trial in dict.fromkeys(listed) if trial not in known]}
    places: dict[str, list[str]] = {}
    waiting: list[str] = []
    for trial in dict.fromkeys(listed):
        if trial not in known:
            waiting.append(trial)
        elif waiting:
            places[trial], waiting = waiting, []
    return {**places, "": waiting}


def _no_synapses() -> SynapseTable:
    none, no_text = np.empty(0, dtype=np.int64), TextColumn((), np.empty(0, dtype=np.int64))
    return SynapseTable(no_text, none, np.empty(0), none, none, no_text, none, np.empty(0))
