"""Finds the trials of raw simulation output: which file belongs to which trial."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from synreduce.errors import ConfigurationError, Problem
from synreduce.importers.problems import ProblemList
from synreduce.suggestions import did_you_mean

_RUN_NUMBER = re.compile(r"run(\d+)")
_SUFFIXES = (".csv", ".csv.gz")
_UNFINISHED = "_running"


@dataclass(frozen=True)
class TrialFile:
    """The synapse activation file of one trial.

    Parameters
    ----------
    trial_id : str
        ``<folder relative to the source>/<run number, 6 digits>``, or only the folder for a file
        without run number.
    path : Path
        The file.
    """

    trial_id: str
    path: Path


@dataclass(frozen=True)
class RunFolder:
    """One folder of simulation output.

    Parameters
    ----------
    source : Path
        The folder tree it was found in.
    path : Path
        The folder.
    trials : tuple of TrialFile
        In the order of the voltage columns: ascending run number.
    voltage : Path or None
        Somatic voltages of all its trials.
    parameters : Path or None
        Network parameter file.
    """

    source: Path
    path: Path
    trials: tuple[TrialFile, ...]
    voltage: Path | None
    parameters: Path | None


@dataclass
class FoundRuns:
    """What a search found.

    Parameters
    ----------
    folders : list of RunFolder
        Ordered by source, then by path relative to it.
    n_unfinished : int
        Folders skipped because their name says that the simulation still runs.
    n_links : int
        Links to folders, which are not followed.
    """

    folders: list[RunFolder] = field(default_factory=list)
    n_unfinished: int = 0
    n_links: int = 0

    @property
    def trial_ids(self) -> list[str]:
        """Identities of all trials in order."""
        return [trial.trial_id for folder in self.folders for trial in folder.trials]


def find_runs(sources: Sequence[Path], problems: ProblemList) -> FoundRuns:
    """Search folder trees for simulation output.

    Parameters
    ----------
    sources : sequence of Path
        Roots of the search; trial identities are relative to them.
    problems : ProblemList
        Gets what is wrong with the folders.

    Returns
    -------
    FoundRuns
    """
    runs = FoundRuns()
    for source in sources:
        if not source.is_dir():
            what = "is a file, expected a folder" if source.exists() else "not found"
            fix = "name the folder that holds the simulation folders"
            problems.add(Problem("no-folder", str(source), what, fix))
            continue
        before, unfinished = len(runs.folders), runs.n_unfinished
        _search(source, runs, problems)
        if len(runs.folders) == before and not problems:
            skipped = runs.n_unfinished - unfinished
            what = "no simulation output (*_synapses.csv, *vm_all_traces.csv) below this folder"
            what += f"; {skipped} unfinished (_running) folders skipped" if skipped else ""
            problems.add(Problem("no-trials", str(source), what, "check the path"))
    _check_identities(runs, problems)
    return runs


def exclude_trials(runs: FoundRuns, excluded: Sequence[str]) -> set[str]:
    """Check the list of trials to leave out.

    Parameters
    ----------
    runs : FoundRuns
        All trials.
    excluded : sequence of str
        Identities.

    Returns
    -------
    set of str

    Raises
    ------
    ConfigurationError
        If an identity does not exist.
    """
    known = runs.trial_ids
    unknown = sorted(set(excluded) - set(known))
    if unknown:
        raise ConfigurationError(
            Problem("unknown-trial", "exclude_trials", f"no trial '{name}'", _closest(name, known))
            for name in unknown
        )
    return set(excluded)


def _closest(name: str, known: Sequence[str]) -> str:
    return did_you_mean(name, known) if len(known) <= 20 else f"a trial reads '{known[0]}'"


def _search(source: Path, runs: FoundRuns, problems: ProblemList) -> None:
    def unreadable(error: OSError) -> None:
        what = error.strerror or str(error)
        problems.add(Problem("unreadable-folder", str(error.filename), what, "chmod u+rx"))

    found: list[tuple[str, RunFolder]] = []
    for name, subfolders, files in os.walk(source, onerror=unreadable):
        here = Path(name)
        running = [folder for folder in subfolders if _UNFINISHED in folder]
        linked = [folder for folder in subfolders if (here / folder).is_symlink()]
        runs.n_unfinished += len(running)
        runs.n_links += len(linked)
        subfolders[:] = sorted(set(subfolders) - set(running) - set(linked))
        usable = sorted(file for file in files if _UNFINISHED not in file)
        folder = _run_folder(source, here, usable, problems)
        if folder is not None:
            found.append((f"{here.relative_to(source).as_posix()}/", folder))
    runs.folders += [folder for _, folder in sorted(found, key=lambda item: item[0])]


def _run_folder(
    source: Path, here: Path, files: Sequence[str], problems: ProblemList
) -> RunFolder | None:
    voltages = [file for file in files if file.endswith(("vm_all_traces.csv", "_traces.csv.gz"))]
    voltages = [file for file in voltages if "vm_all_traces" in file]
    voltages = voltages or [file for file in files if file.endswith("vm_all_traces.npz")]
    synapses = [
        file
        for file in files
        if file.endswith(_SUFFIXES) and ("synapses" in file or "synapse_activation" in file)
    ]
    if not voltages and not synapses:
        return None
    if len(voltages) > 1:
        what = f"{len(voltages)} voltage files: {', '.join(voltages)}"
        problems.add(Problem("two-voltages", str(here), what, "keep one"))
    if not synapses:
        what = "a voltage file but no synapse files"
        problems.add(Problem("trial-count", str(here), what, "copy the folder again, or remove it"))
    parameters = [file for file in files if file.endswith("_network_model.param")]
    relative = here.relative_to(source).as_posix()
    return RunFolder(
        source=source,
        path=here,
        trials=_trials(
            here, source.resolve().name if relative == "." else relative, synapses, problems
        ),
        voltage=here / voltages[0] if voltages else None,
        parameters=here / parameters[0] if len(parameters) == 1 else None,
    )


def _trials(
    here: Path, name: str, files: Sequence[str], problems: ProblemList
) -> tuple[TrialFile, ...]:
    if len(files) == 1 and "synapse_activation" in files[0]:
        return (TrialFile(name, here / files[0]),)
    numbered: dict[int, str] = {}
    for file in files:
        match = _RUN_NUMBER.search(file)
        if match is None:
            what = "its name has no run number (simulation_runNNNN_synapses.csv)"
            problems.add(Problem("no-run-number", str(here / file), what, "rename it"))
            continue
        number = int(match.group(1))
        if number in numbered:
            what = f"run {number} is given twice: {numbered[number]} and {file}"
            problems.add(Problem("duplicate-trial", str(here), what, "keep one"))
        numbered[number] = file
    return tuple(
        TrialFile(f"{name}/{number:06d}", here / numbered[number]) for number in sorted(numbered)
    )


def _check_identities(runs: FoundRuns, problems: ProblemList) -> None:
    seen: dict[str, Path] = {}
    for folder in runs.folders:
        for trial in folder.trials:
            earlier = seen.setdefault(trial.trial_id, trial.path)
            if earlier is not trial.path:
                what = f"trial '{trial.trial_id}' appears in {earlier} too"
                fix = "import one of them, or give a common parent folder"
                problems.add(Problem("duplicate-trial", str(trial.path), what, fix))
