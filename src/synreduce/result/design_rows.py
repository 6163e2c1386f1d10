"""Reading the projected data of a chunk, ``design.h5``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from synreduce.errors import InputError
from synreduce.result.identity import ArtefactIdentity, damage_named, damaged
from synreduce.storage import open_hdf5

DESIGN_SCHEMA = "synreduce-design"
SCHEMA_VERSION = "1.0"

_SAMPLES = {"outcome": np.uint8, "isi": np.float32, "target_start": np.float64, "trial": np.int64}


@dataclass(frozen=True)
class DesignSamples:
    """What is known about each sample (row) of a design besides its projected input.

    Parameters
    ----------
    outcome : ndarray of uint8, shape (n_samples,)
        1 if there was a spike in the target window.
    isi : ndarray of float32, shape (n_samples,)
        Time since the last spike before the target window, ms; infinite if there was none.
    target_start : ndarray of float64, shape (n_samples,)
        Start of the target window, ms.
    trial : ndarray of int64, shape (n_samples,)
        Position of the trial.
    """

    outcome: NDArray[np.uint8]
    isi: NDArray[np.float32]
    target_start: NDArray[np.float64]
    trial: NDArray[np.int64]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the columns as they are stored.

        Returns
        -------
        dict of str to ndarray
        """
        return {
            name: np.ascontiguousarray(getattr(self, name), dtype=dtype)
            for name, dtype in _SAMPLES.items()
        }


class HDF5Rows:
    """The rows of a ``design.h5``, as a source of rows for strategies and solvers.

    The file is opened when the first row is read, once per process; what travels to a worker is
    the path alone.

    Parameters
    ----------
    path : Path or str
        ``design.h5``.
    expected : ArtefactIdentity, optional
        What the file must have been made from.

    Raises
    ------
    ArtefactError
        If it was made from something else.
    DataError
        If it is no design.
    """

    def __init__(self, path: Path | str, expected: ArtefactIdentity | None = None) -> None:
        self.path = Path(path)
        self._descriptor = -1
        with (
            damage_named(self.path),
            open_hdf5(self.path, DESIGN_SCHEMA, SCHEMA_VERSION) as file,
        ):
            if expected is not None:
                ArtefactIdentity.of(file.attrs).require(self.path, expected)
            self._offset, self.n_rows, self.n_features = _place(self.path, file)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_descriptor": -1}

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; it is opened again when the next rows are read."""
        descriptor = getattr(self, "_descriptor", -1)
        if descriptor >= 0:
            self._descriptor = -1
            os.close(descriptor)

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Read consecutive rows.

        Parameters
        ----------
        start, stop : int
            First row, and the row after the last.

        Returns
        -------
        ndarray of float32, shape (stop - start, n_features)

        Raises
        ------
        IndexError
            If there are no such rows.
        ArtefactError
            If the file was cut since it was opened.
        """
        if not 0 <= start <= stop <= self.n_rows:
            message = f"rows {start} to {stop} of {self.n_rows}"
            raise IndexError(message)
        rows = np.empty((stop - start, self.n_features), dtype="<f4")
        if rows.size == 0:
            return rows
        if self._descriptor < 0:
            self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        buffer = memoryview(rows.data).cast("B")
        position = self._offset + start * self.n_features * 4
        while buffer:
            n_bytes = os.preadv(self._descriptor, [buffer], position)
            if n_bytes == 0:
                raise damaged(self.path, f"ends at byte {position:,}, inside the design")
            buffer, position = buffer[n_bytes:], position + n_bytes
        return rows


def _place(path: Path, file: h5py.File) -> tuple[int, int, int]:
    """Find where the rows lie in the file, and check that all of them are there."""
    dataset = file.get("design")
    expected = (int(file.attrs.get("n_samples", -1)), int(file.attrs.get("n_features", -1)))
    if not isinstance(dataset, h5py.Dataset) or dataset.shape != expected:
        found = getattr(dataset, "shape", None)
        raise damaged(path, f"the design has shape {found}, declared {expected}")
    offset = dataset.id.get_offset()
    if dataset.dtype != np.dtype("<f4") or (offset is None and dataset.size):
        raise damaged(path, f"the design is stored as {dataset.dtype}, expected contiguous float32")
    return int(offset or 0), *expected


def read_samples(path: Path | str, expected: ArtefactIdentity | None = None) -> DesignSamples:
    """Read what is known about the samples of a design.

    Parameters
    ----------
    path : Path or str
        ``design.h5``.
    expected : ArtefactIdentity, optional
        What the file must have been made from.

    Returns
    -------
    DesignSamples

    Raises
    ------
    ArtefactError
        If it was made from something else.
    """
    with damage_named(path), open_hdf5(path, DESIGN_SCHEMA, SCHEMA_VERSION) as file:
        if expected is not None:
            ArtefactIdentity.of(file.attrs).require(Path(path), expected)
        return DesignSamples(**{name: file[name][...] for name in _SAMPLES})


def read_layout(path: Path | str) -> dict[str, tuple[int, int]]:
    """Read the terms of a design.

    Parameters
    ----------
    path : Path or str
        ``design.h5``.

    Returns
    -------
    dict of str to (int, int)
        Numbers of spatial and temporal basis functions per term, in the order of the columns.
    """
    with damage_named(path), open_hdf5(path, DESIGN_SCHEMA, SCHEMA_VERSION) as file:
        names = [str(name) for name in file.attrs["term_names"]]
        return {
            name: (int(spatial), int(temporal))
            for name, (spatial, temporal) in zip(names, file.attrs["term_sizes"], strict=True)
        }


def design_is_current(path: Path | str, identity: ArtefactIdentity) -> bool:
    """Tell from its header whether a design is there and made from the same things.

    Parameters
    ----------
    path : Path or str
        ``design.h5``.
    identity : ArtefactIdentity
        What it should be made from.

    Returns
    -------
    bool
        False also for a file that is damaged as far as the header shows.
    """
    try:
        HDF5Rows(path, identity).close()
    except InputError:
        return False
    return True
