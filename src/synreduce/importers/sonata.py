"""Imports SONATA simulations of both flavours (BMTK and Neurodamus)."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from synreduce.database import DatabaseWriter, Group
from synreduce.errors import ConfigurationError, Problem
from synreduce.importers.groups import group_signs
from synreduce.importers.options import ImportOptions
from synreduce.importers.problems import ProblemList
from synreduce.importers.report import ImportReport
from synreduce.importers.sonata_configuration import Simulation
from synreduce.importers.sonata_files import find_simulation
from synreduce.importers.sonata_loading import CellReader
from synreduce.importers.sonata_trials import TrialBlock, TrialCutter, parts_of_cells
from synreduce.importers.sonata_windows import check_windows, common_end
from synreduce.progress import progress


def import_sonata(sources: Sequence[Path], output: Path, options: ImportOptions) -> ImportReport:
    """Import SONATA simulations: every target cell of a simulation is a trial.

    A synapse is an edge onto a target cell; each spike of its source cell activates it once, after
    the delay of the edge. Trials are named ``<folder>/<population>/<node id>``, and with
    `trial_windows_ms` ``<folder>/<population>/<node id>/<start>-<stop>``, so cells that shared
    their input share the beginning of their names.

    Parameters
    ----------
    sources : sequence of Path
        Simulation folders, ``simulation_config.json`` or ``circuit_config.json`` files.
    output : Path
        The database to write. It appears complete or not at all.
    options : ImportOptions
        Named choices. The end of the record is `duration_ms`, else the end of the simulation
        (``run.tstop``), else the first whole millisecond after the last event.

    Returns
    -------
    ImportReport

    Raises
    ------
    DataError
        If files are missing or contradict the format, or synapses have no distance or group.
    ConfigurationError
        If an option names what is not there, or simulations end at different times.
    """
    _check_options(options)
    started = time.monotonic()
    problems = ProblemList()
    simulations: dict[str, Simulation] = {}
    own = options.spike_times if isinstance(options.spike_times, Path) else None
    if own is not None and len(sources) > 1:
        what = "one file of spikes for several simulations"
        raise ConfigurationError(
            Problem("ambiguous-spikes", "spike_times", what, "import one by one")
        )
    for name, source in _names(sources).items():
        with problems.collecting():
            simulations[name] = find_simulation(source, options.input_spikes, own)
    problems.raise_if_any()
    job = _Import(simulations, options)
    job.write(output, [source.resolve().name for source in sources])
    return job.report(time.monotonic() - started)


def _check_options(options: ImportOptions) -> None:
    group_signs(options)
    if options.layout != "events":
        what = f"'{options.layout}' is not offered for SONATA"
        fix = "keep events: bins of any width are counted from them"
        raise ConfigurationError(Problem("unknown-layout", "layout", what, fix))
    for name in ("distance_um", "soma_radius_um", "duration_ms"):
        value = getattr(options, name)
        if value is not None and not (np.isfinite(value) and value >= 0):
            raise ConfigurationError(Problem("bad-value", name, f"{value} is not allowed"))


def _names(sources: Sequence[Path]) -> dict[str, Path]:
    """Name each source after its folder, with as much of the path as tells it from the others."""
    resolved = list(dict.fromkeys(source.resolve() for source in sources))
    if len(resolved) < len(sources):
        raise ConfigurationError(
            Problem("repeated-source", "import sonata", "a source is repeated")
        )
    folders = [source if source.is_dir() else source.parent for source in resolved]
    names = [folder.name or "simulation" for folder in folders]
    if len(set(names)) < len(names) and len(set(folders)) > 1:
        common = os.path.commonpath(folders)
        names = [folder.relative_to(common).as_posix() for folder in folders]
    if len(set(names)) < len(names):
        names = [f"{name}/{source.stem}" for name, source in zip(names, resolved, strict=True)]
    return dict(zip(names, resolved, strict=True))


@dataclass
class _Import:
    """One import: its simulations, and what is counted on the way."""

    simulations: Mapping[str, Simulation]
    options: ImportOptions
    n_trials: int = 0
    n_spikes: int = 0
    activations: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reader = CellReader(self.options)
        self.cutter = TrialCutter(self.options)
        self.problems = ProblemList()

    def write(self, output: Path, source_names: list[str]) -> None:
        """Read simulation by simulation and write the trials."""
        names = list(self.simulations)
        if any(item.duration_ms is None for item in self.simulations.values()):
            ends = self._ends_from_events()
        else:
            ends = {name: item.duration_ms or 0.0 for name, item in self.simulations.items()}
        windows = check_windows(self.options, ends) or [(0.0, common_end(self.options, ends))]
        writer = DatabaseWriter(
            output,
            duration_ms=windows[0][1] - windows[0][0],
            groups=[Group(name, sign) for name, sign in group_signs(self.options).items()],
            synapse_types=self.cutter.types,
            dendrite_labels=self.cutter.labels,
            provenance={
                "importer": "sonata",
                "sources": source_names,
                "options": self.options.record(),
            },
        )
        with writer, progress("importing simulations", len(names), "simulations") as bar:
            for name, simulation in self.simulations.items():
                with self.problems.collecting():
                    cells = self.reader.read(simulation)
                    self._note(name, cells.notes)
                    for block in self.cutter.blocks(name, cells, windows, ends[name]):
                        if not self.problems:
                            self._append(writer, block)
                bar.advance()
            self._check_excluded()
            self.problems.raise_if_any()
            writer.provenance["soma_distance"] = self.reader.account.notes()

    def _ends_from_events(self) -> dict[str, float]:
        """End of each simulation; where no configuration tells, a whole ms after the last event."""
        ends: dict[str, float] = {}
        for name, simulation in self.simulations.items():
            with self.problems.collecting():
                ends[name] = simulation.duration_ms or self._end_from_events(name, simulation)
        self.problems.raise_if_any()
        return ends

    def _end_from_events(self, name: str, simulation: Simulation) -> float:
        cells = CellReader(self.options).read(simulation)
        last = max((times[-1] for times in cells.own_spikes if len(times)), default=0.0)
        for part in parts_of_cells(cells):
            _, times = cells.activations(part)
            last = max(last, float(times.max(initial=0.0)))
        end = float(np.floor(last)) + 1.0
        if self.options.duration_ms is not None:
            return max(end, self.options.duration_ms)
        self._note(name, [f"end of the simulation taken from the last event: {end:g} ms"])
        return end

    def _append(self, writer: DatabaseWriter, block: TrialBlock) -> None:
        if not block.ids:
            return
        writer.append(block.ids, block.spikes, block.events)
        self.n_trials += len(block.ids)
        self.n_spikes += sum(len(times) for times in block.spikes)
        counts = np.bincount(block.events.synapse_type, minlength=len(self.cutter.types))
        for group, count in zip(self.cutter.types.groups, counts.tolist(), strict=True):
            self.activations[group] += count

    def _check_excluded(self) -> None:
        unknown = set(self.options.exclude_trials) - self.cutter.excluded
        self.problems.add(
            Problem("unknown-trial", "exclude_trials", f"there is no trial '{name}'")
            for name in sorted(unknown)
        )

    def _note(self, name: str, notes: Sequence[str]) -> None:
        for note in notes:
            text = f"{name}: {note}" if len(self.simulations) > 1 else note
            if text not in self.notes:
                self.notes.append(text)

    def report(self, seconds: float) -> ImportReport:
        """Give the account of what was done."""
        files = {path for item in self.simulations.values() for path in item.files()}
        excluded = [f"{len(self.cutter.excluded)} trials excluded by exclude_trials"]
        if not self.cutter.excluded:
            excluded = []
        return ImportReport(
            n_trials=self.n_trials,
            n_activations={name: self.activations[name] for name in group_signs(self.options)},
            n_spikes=self.n_spikes,
            dropped=dict(self.cutter.dropped),
            notes=(*self.notes, *excluded, *self.reader.account.notes()),
            seconds=seconds,
            bytes_read=sum(path.stat().st_size for path in files),
        )
