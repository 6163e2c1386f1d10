"""The projected data of one chunk, ``design.h5``: rows written in order, read fast in any order.

The matrix is one contiguous dataset: a full disk then raises an error instead of crashing HDF5, and
rows are read with one positioned read, without a lock and without HDF5 in the reading process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike

from synreduce.result.design_rows import DESIGN_SCHEMA, SCHEMA_VERSION, DesignSamples, HDF5Rows
from synreduce.result.identity import ArtefactIdentity, damage_named, damaged
from synreduce.storage import StreamedFile, content_digest, open_hdf5, streaming_hdf5

_UNITS = {"outcome": "1", "isi": "ms", "target_start": "ms", "trial": "1", "design": "1"}
_DIGEST_ROWS = 65536
_ROW_TYPE = np.dtype("<f4")


class DesignWriter:
    """Takes the rows of a design in order; made by :func:`design_writer`.

    Several writers take their rows at the same time, each in a thread of its own.

    Parameters
    ----------
    stream : StreamedFile
        The file being written.
    dataset : h5py.Dataset, shape (n_samples, n_features)
        Where the rows go: contiguous and allocated.
    """

    def __init__(self, stream: StreamedFile, dataset: h5py.Dataset) -> None:
        self._stream, self._shape = stream, dataset.shape
        self._position = int(dataset.id.get_offset() or 0)
        self._digest = hashlib.sha256()
        self.n_written = 0

    def append(self, block: ArrayLike) -> None:
        """Write the next rows.

        Parameters
        ----------
        block : array_like, shape (n_rows, n_features)
            Rows in the order of the samples.

        Raises
        ------
        ValueError
            If there are more rows than samples, or other than `n_features` columns.
        ResourceError
            If there is no space.
        """
        rows = np.ascontiguousarray(block, dtype=_ROW_TYPE)
        stop = self.n_written + len(rows)
        n_rows, n_features = self._shape
        if rows.ndim != 2 or rows.shape[1] != n_features or stop > n_rows:
            message = (
                f"block of shape {rows.shape} at row {self.n_written} of a design "
                f"({n_rows}, {n_features})"
            )
            raise ValueError(message)
        if rows.size:
            self._stream.write_at(self._position, rows.data)
            self._position += rows.nbytes
            self._digest.update(rows.data)
        self.n_written = stop

    def finish(self) -> str:
        """Declare that all rows are there.

        Returns
        -------
        str
            Digest of the rows.

        Raises
        ------
        ValueError
            If rows are missing.
        """
        if self.n_written != self._shape[0]:
            message = f"{self.n_written} rows written of {self._shape[0]}"
            raise ValueError(message)
        return self._digest.hexdigest()


@contextmanager
def design_writer(
    path: Path | str,
    identity: ArtefactIdentity,
    samples: DesignSamples,
    layout: Mapping[str, tuple[int, int]],
) -> Iterator[DesignWriter]:
    """Write the design of a chunk block by block; the file appears when all of it is there.

    Parameters
    ----------
    path : Path or str
        ``design.h5``.
    identity : ArtefactIdentity
        What it is made from.
    samples : DesignSamples
        Outcome, ISI, target and trial of every row.
    layout : mapping of str to (int, int)
        Terms in the order of their columns, with their numbers of spatial and temporal basis
        functions (K, L).

    Yields
    ------
    DesignWriter
        Its `append` takes the rows.

    Raises
    ------
    ValueError
        If there is not one row per sample.
    ResourceError
        If there is no space.
    ArtefactError
        If the file reads back differently.
    """
    arrays = samples.arrays()
    sizes = {name: values.shape for name, values in arrays.items()}
    if len(set(sizes.values())) != 1:
        message = f"outcome, isi, target_start and trial differ in length: {sizes}"
        raise ValueError(message)
    shape = (arrays["outcome"].size, sum(k * j for k, j in layout.values()))
    with streaming_hdf5(path, verify=_verify_part) as stream:
        file = stream.hdf5
        for name, value in identity.attributes().items():
            file.attrs[name] = value
        file.attrs["schema_name"] = DESIGN_SCHEMA
        file.attrs["schema_version"] = SCHEMA_VERSION
        file.attrs["n_samples"], file.attrs["n_features"] = shape
        _write_layout(file, layout)
        for name, values in sorted(arrays.items()):
            _contiguous(file, name, values.shape, values.dtype)[...] = values
        del samples, arrays, values  # of many trials they are large, and written now
        writer = DesignWriter(stream, _contiguous(file, "design", shape, _ROW_TYPE))
        yield writer
        file.attrs["content_digest"] = _combined(writer.finish(), file)


def write_design(
    path: Path | str,
    identity: ArtefactIdentity,
    samples: DesignSamples,
    layout: Mapping[str, tuple[int, int]],
    blocks: Iterable[ArrayLike],
) -> None:
    """Write the design of a chunk from blocks of rows.

    Parameters
    ----------
    path, identity, samples, layout
        As for :func:`design_writer`.
    blocks : iterable of array_like, shape (n_rows, n_features)
        Rows in the order of the samples.
    """
    with design_writer(path, identity, samples, layout) as writer:
        for block in blocks:
            writer.append(block)


def _verify_part(part: Path) -> None:
    verify_design(part)


def _contiguous(
    file: h5py.File, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> h5py.Dataset:
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    # early allocation fixes the place of the data, so that rows lie in order in the file
    creation.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    creation.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    creation.set_obj_track_times(False)
    space = h5py.h5s.create_simple(shape)
    kind = h5py.h5t.py_create(dtype)
    dataset = h5py.Dataset(h5py.h5d.create(file.id, name.encode(), kind, space, creation))
    dataset.attrs["units"] = _UNITS[name]
    return dataset


def _write_layout(file: h5py.File, layout: Mapping[str, tuple[int, int]]) -> None:
    file.attrs["term_names"] = np.array(list(layout), dtype=h5py.string_dtype("utf-8"))
    file.attrs["term_sizes"] = np.array(list(layout.values()), dtype=np.int64).reshape(-1, 2)


def _combined(rows_digest: str, file: h5py.File) -> str:
    rest = content_digest(file, ignore=("content_digest", "/design"))
    return hashlib.sha256(f"{rows_digest}\n{rest}".encode()).hexdigest()


def verify_design(path: Path | str) -> str:
    """Recompute the digest of a design.

    Parameters
    ----------
    path : Path or str
        ``design.h5``.

    Returns
    -------
    str
        The digest.

    Raises
    ------
    ArtefactError
        If the content is not what was written.
    """
    rows, digest = HDF5Rows(path), hashlib.sha256()
    for start in range(0, rows.n_rows, _DIGEST_ROWS):
        digest.update(rows.read(start, min(start + _DIGEST_ROWS, rows.n_rows)).data)
    rows.close()
    with damage_named(path), open_hdf5(path, DESIGN_SCHEMA, SCHEMA_VERSION) as file:
        stored = str(file.attrs.get("content_digest", ""))
        found = _combined(digest.hexdigest(), file)
    if found != stored:
        raise damaged(Path(path), f"digest is {found}, written was {stored}")
    return found
