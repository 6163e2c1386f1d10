"""Opening one database, or several as one; adding trials to one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy.typing as npt

from synreduce.database.concatenation import ConcatenatedDatabase
from synreduce.database.file_database import FileDatabase
from synreduce.database.interface import Database
from synreduce.database.model import ActivationEvents
from synreduce.database.writer import DatabaseWriter
from synreduce.errors import DataError, Problem

DatabasePaths = str | Path | Sequence[str | Path | tuple[str, str | Path]]


def open_database(paths: DatabasePaths) -> Database:
    """Open an activation database for reading.

    Parameters
    ----------
    paths : path, or sequence of paths or of (id, path)
        One file, or several that are joined by trial. The default id is the file's name without
        suffix.

    Returns
    -------
    Database
        To be used in a ``with`` statement, or closed.

    Raises
    ------
    DataError
        Listing what is wrong with every file, or how they disagree.
    """
    return FileDatabase(paths) if isinstance(paths, str | Path) else open_joined(paths)


def open_joined(paths: Sequence[str | Path | tuple[str, str | Path]]) -> ConcatenatedDatabase:
    """Open databases joined by trial, also if there is only one.

    Parameters
    ----------
    paths : sequence of paths or of (id, path)
        The files; the default id is the file's name without suffix.

    Returns
    -------
    ConcatenatedDatabase
        To be used in a ``with`` statement, or closed.

    Raises
    ------
    DataError
        Listing what is wrong with every file, or how they disagree.
    """
    problems: list[Problem] = []
    parts: list[tuple[str, Database]] = []
    for entry in paths:
        name, path = entry if isinstance(entry, tuple) else (Path(entry).stem, entry)
        try:
            parts.append((name, FileDatabase(path)))
        except DataError as error:
            problems.extend(error.problems)
    if not problems and not parts:
        problems.append(Problem("no-database", "databases", "the list is empty"))
    try:
        return _joined(parts, problems)
    except DataError:
        for _, part in parts:
            part.close()
        raise


def _joined(
    parts: Sequence[tuple[str, Database]], problems: Sequence[Problem]
) -> ConcatenatedDatabase:
    if problems:
        raise DataError(problems)
    return ConcatenatedDatabase(parts)


def append_trials(
    path: str | Path,
    trial_ids: Sequence[str],
    spike_times: Sequence[npt.ArrayLike],
    events: ActivationEvents,
) -> None:
    """Add trials to an existing database; readers see the old one until the new one is complete.

    Parameters
    ----------
    path : str or Path
        The database. Its trials, events and their order stay as they are.
    trial_ids : sequence of str
        Names of the new trials.
    spike_times : sequence of array_like
        One list per new trial, ms.
    events : ActivationEvents
        With codes of the stored types and labels. To add new types, or trials in several blocks,
        use `DatabaseWriter.continuing`.

    Raises
    ------
    DataError
        If ids repeat or events are bad; the database is unchanged.
    """
    with DatabaseWriter.continuing(path) as writer:
        writer.append(trial_ids, spike_times, events)
