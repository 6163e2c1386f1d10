"""Check a configuration against its databases before any job is sent."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from synreduce.chunks import Chunk, Split, too_few_positives
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
    from synreduce.chunks import TemporalRange
    from synreduce.configuration import Configuration
    from synreduce.database import Database

_MOST_SAMPLES = 100_000_000
"""Samples that the check divides into splits before a run starts, some 20 seconds."""

_CHECKED_SECTIONS = ("input", "window", "basis", "chunks", "splits", "minimum_positives", "seed")


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


def check_run(configuration: Configuration) -> list[tuple[TemporalRange, Split]]:
    """Refuse what cannot work: windows outside the data, too few spikes, bins that do not fit.

    Parameters
    ----------
    configuration : Configuration
        The run.

    Returns
    -------
    list of (TemporalRange, Split)
        Every split of every temporal chunk, with its counts.

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
        splits = list(_all_splits(configuration, database))
    grid = configuration.grid()
    minimum = configuration.minimum_positives.model_dump()
    too_few = [
        problem
        for window, split in splits
        for problem in too_few_positives(split, Chunk(grid.spatial[0], window), minimum)
    ]
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


def _all_splits(
    configuration: Configuration, database: Database
) -> Iterator[tuple[TemporalRange, Split]]:
    windows = configuration.grid().temporal
    n_samples = database.n_trials * sum(window.n_targets for window in windows)
    # Of very many windows some, evenly spaced: a fit says itself what it lacks.
    for window in windows[:: max(1, math.ceil(n_samples / _MOST_SAMPLES))]:
        for split in WindowSamples.of(database, window).splits(configuration):
            yield window, split


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
    for window, split in splits:
        counts = ", ".join(
            f"{subset} {n_samples} ({n_positive})"
            for subset, (n_samples, n_positive) in split.counts().items()
        )
        lines.append(f"  {window.name} {split.name}: {counts}")
    return [*lines, f"The configuration {configuration} fits the database."]
