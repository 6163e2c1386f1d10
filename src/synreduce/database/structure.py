"""What every database must have, by name."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import h5py

from synreduce.errors import DataError, Problem

READ_ERRORS = (OSError, RuntimeError, KeyError, ValueError, IndexError, TypeError, zlib.error)
"""What h5py and NumPy raise when a file is not what it seems."""

_NEEDED = (
    "trials/id",
    "spikes/time",
    "spikes/trial_pointer",
    "groups/name",
    "groups/sign",
)
_NEEDED_FOR_EVENTS = (
    "events/trial_pointer",
    "synapse_types/name",
    "synapse_types/cell_type",
    "synapse_types/column",
    "synapse_types/group",
    "dendrite_labels/name",
)


def require_parts(file: h5py.File, path: str) -> None:
    """Refuse a file that lacks a part; raises DataError that lists all of them."""
    missing = list(missing_parts(file, path))
    if missing:
        raise DataError(missing)


def missing_parts(file: h5py.File, path: str) -> Iterator[Problem]:
    """List the parts that every database has and this one lacks.

    Parameters
    ----------
    file : h5py.File
        A file of this schema.
    path : str
        For messages.

    Yields
    ------
    Problem
    """
    fix = "make the file again with a program that follows the specification"
    for name in ("start_ms", "duration_ms"):
        if name not in file.attrs:
            yield Problem("missing", path, f"root attribute '{name}' is missing", fix)
    needed = list(_NEEDED) + (list(_NEEDED_FOR_EVENTS) if "events" in file else [])
    for name in needed:
        if not isinstance(file.get(name), h5py.Dataset):
            yield Problem("missing", path, f"dataset '/{name}' is missing", fix)
    attributes = {
        "events": ("time_edges", "distance_edges", "columns", "n_events", "largest_distance_um"),
        "counts": ("distance_edges", "time_bin_ms"),
    }
    for name, expected in attributes.items():
        for attribute in expected if name in file else ():
            if attribute not in file[name].attrs:
                what = f"attribute '{attribute}' of '/{name}' is missing"
                yield Problem("missing", path, what, fix)
    if "events" not in file and "counts" not in file:
        yield Problem("no-activations", path, "holds neither '/events' nor '/counts'", fix)


def read_damage(where: str, error: Exception) -> Problem:
    """Say that data cannot be read.

    Parameters
    ----------
    where : str
        File, and if known the object.
    error : Exception
        What the library said.

    Returns
    -------
    Problem
    """
    return Problem("damaged", where, f"cannot be read ({error})", "make or copy the file again")


@contextmanager
def reading(where: str) -> Iterator[None]:
    """Turn what h5py raises for damaged data into an error that names the file.

    Parameters
    ----------
    where : str
        The file.

    Raises
    ------
    DataError
        Instead of the library's errors.
    """
    try:
        yield
    except (OSError, RuntimeError, zlib.error) as error:
        raise DataError(read_damage(where, error)) from error
