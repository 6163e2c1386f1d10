"""Check a configuration against its databases before any job is sent."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synreduce.chunks import Chunk, too_few_positives
from synreduce.configuration import load_configuration
from synreduce.database import check_database, describe_database
from synreduce.errors import ArtefactError, DataError, InputError, Problem
from synreduce.pipeline.inputs import (
    RunBases,
    WindowSamples,
    grouping_of,
    open_databases,
    with_database,
)
from synreduce.pipeline.paths import RunPaths
from synreduce.storage import digest_of, publish_json

if TYPE_CHECKING:
    from synreduce.chunks import Subset, TemporalRange
    from synreduce.configuration import Configuration
    from synreduce.database import Database

_MOST_SAMPLES = 30_000_000
"""Samples that the check divides before a run starts, counted once per split: some 8 seconds."""

_CHECKED_SECTIONS = ("input", "window", "basis", "chunks", "splits", "minimum_positives", "seed")


@dataclass(frozen=True)
class CheckedSplit:
    """What a split leaves of the samples of a temporal chunk.

    Parameters
    ----------
    window : TemporalRange
        Temporal chunk.
    name : str
        Name of the split.
    counts : dict
        Subset to (number of samples, number of positives).
    problems : list of Problem
        What a fit lacks.
    """

    window: TemporalRange
    name: str
    counts: dict[Subset, tuple[int, int]]
    problems: list[Problem]


def check_identity(configuration: Configuration, fingerprint: str) -> str:
    """Digest of everything that a check depends on.

    Parameters
    ----------
    configuration : Configuration
        The run.
    fingerprint : str
        Fingerprint of the databases.

    Returns
    -------
    str
    """
    return digest_of([fingerprint, configuration.digest(*_CHECKED_SECTIONS)])


def quick_fingerprint(configuration: Configuration) -> str:
    """Fingerprint of the databases from their headers.

    Parameters
    ----------
    configuration : Configuration
        The run.

    Returns
    -------
    str
    """
    with open_databases(configuration) as database:
        return str(database.fingerprint)


def recorded_fingerprint(paths: RunPaths) -> str:
    """Fingerprint of the databases that passed the check of a run.

    Parameters
    ----------
    paths : RunPaths
        Files of the run.

    Returns
    -------
    str

    Raises
    ------
    ArtefactError
        If the record is missing or damaged.
    """
    try:
        return str(json.loads(paths.inputs.read_text(encoding="utf-8"))["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        fix = "remove the file and run the same command again"
        problem = Problem("no-check", str(paths.inputs), f"cannot be read ({error})", fix)
        raise ArtefactError(problem) from error


def is_checked(configuration: Configuration, paths: RunPaths) -> bool:
    """Whether the configuration passed the check with the databases as they are.

    Parameters
    ----------
    configuration : Configuration
        The run.
    paths : RunPaths
        Files of the run.

    Returns
    -------
    bool
    """
    try:
        recorded = json.loads(paths.check.read_text(encoding="utf-8"))["identity"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return bool(recorded == check_identity(configuration, quick_fingerprint(configuration)))


def check_run(configuration: Configuration) -> list[CheckedSplit]:
    """Refuse what cannot work: windows outside the data, too few spikes, bins that do not fit.

    Parameters
    ----------
    configuration : Configuration
        The run.

    Returns
    -------
    list of CheckedSplit
        Every split of every temporal chunk; of very many chunks some, evenly spaced.

    Raises
    ------
    InputError
        With every problem found.
    """
    with open_databases(configuration) as database:
        problems = [*_window_problems(configuration, database)]
        problems += _input_problems(configuration, database)
        if problems:
            raise DataError(problems)
        splits = list(_checked_splits(configuration, database))
    too_few = [problem for split in splits for problem in split.problems]
    if too_few and not configuration.merge.allow_partial:
        raise DataError(too_few)
    return splits


def write_check(configuration: Configuration, paths: RunPaths) -> None:
    """Check a run and record what it was checked with.

    Parameters
    ----------
    configuration : Configuration
        The run.
    paths : RunPaths
        Files of the run.

    Raises
    ------
    InputError
        With every problem found; nothing is written then.
    """
    check_run(configuration)
    with open_databases(configuration) as database:
        inputs = {
            "fingerprint": database.fingerprint,
            "n_trials": database.n_trials,
            "groups": {group.name: group.sign for group in database.groups},
            "databases": {
                entry.id: part.fingerprint
                for entry, part in zip(configuration.databases, database.parts, strict=True)
            },
        }
    publish_json(paths.inputs, inputs)
    record_check(configuration, paths)


def record_check(configuration: Configuration, paths: RunPaths) -> None:
    """Record that a configuration passed the check, so that it need not be repeated.

    Parameters
    ----------
    configuration : Configuration
        The run.
    paths : RunPaths
        Files of the run.
    """
    identity = check_identity(configuration, quick_fingerprint(configuration))
    publish_json(paths.check, {"identity": identity})


def _checked_splits(configuration: Configuration, database: Database) -> Iterator[CheckedSplit]:
    grid = configuration.grid()
    minimum = configuration.minimum_positives.model_dump()
    n_targets = sum(window.n_targets for window in grid.temporal)
    n_samples = database.n_trials * n_targets * len(configuration.split_definitions())
    # A fit says itself what it lacks, so that not every one of very many windows is looked at.
    for window in grid.temporal[:: max(1, math.ceil(n_samples / _MOST_SAMPLES))]:
        chunk = Chunk(grid.spatial[0], window)
        for split in WindowSamples.of(database, window).splits(configuration):
            problems = too_few_positives(split, chunk, minimum)
            yield CheckedSplit(window, split.name, split.counts(), problems)


def _window_problems(configuration: Configuration, database: Database) -> Iterator[Problem]:
    width = configuration.window.width_ms
    first, last = database.start_ms, database.duration_ms
    for window in configuration.grid().temporal:
        start, stop = float(window.target_stops[0]) - width, float(window.target_stops[-1])
        if start < first or stop > last:
            yield Problem(
                "window-outside-data",
                f"chunks.temporal {window.name}",
                f"needs data from {start:g} to {stop:g} ms (filter width {width:g} ms); "
                f"the record runs from {first:g} to {last:g} ms",
                f"choose targets from {first + width:g} to {last:g} ms, or a shorter width",
            )


def _input_problems(configuration: Configuration, database: Database) -> Iterator[Problem]:
    end = configuration.input.distance_max_um
    if configuration.input.beyond_last_bin == "refuse" and database.largest_distance_um >= end:
        yield Problem(
            "distance-beyond",
            "input.distance_max_um",
            f"activations lie up to {database.largest_distance_um:g} um from the soma, "
            f"the last bin ends at {end:g} um",
            "raise distance_max_um, or set input.beyond_last_bin to drop or clip",
        )
    edges = RunBases.of(configuration).distance_edges
    start = configuration.grid().temporal[0].target_starts[0]
    try:
        database.counts(
            grouping_of(configuration), edges, start, start + 1, trials=slice(0, 1), beyond="drop"
        )
    except InputError as error:
        yield from error.problems


def check_database_and_configuration(
    database: Path, configuration: Path | None, *, deep: bool
) -> list[str]:
    """Validate a database, and a configuration against it.

    Parameters
    ----------
    database : Path
        Activation database.
    configuration : Path or None
        Configuration file; its own databases are replaced by this one.
    deep : bool
        Read all values, not only headers.

    Returns
    -------
    list of str
        What was found, for people.

    Raises
    ------
    InputError
        With every problem found.
    """
    problems = check_database(database, deep=deep)
    if problems:
        raise DataError(problems)
    lines = [*describe_database(database), "The database is valid."]
    if configuration is None:
        return lines
    run = with_database(load_configuration(configuration), database)
    splits = check_run(run)
    lines += ["", "samples (positives):"]
    for split in splits:
        counts = ", ".join(
            f"{subset} {n_samples} ({n_positive})"
            for subset, (n_samples, n_positive) in split.counts.items()
        )
        lines.append(f"  {split.window.name} {split.name}: {counts}")
    return [*lines, f"The configuration {configuration} fits the database."]
