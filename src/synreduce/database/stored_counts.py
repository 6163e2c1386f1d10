"""Reading a region of the counts layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from synreduce.database.binning import merge_bins
from synreduce.database.bins import Bins
from synreduce.database.counts_store import offsets_within
from synreduce.database.model import CountArray, FloatArray, IntArray
from synreduce.errors import DataError, Problem
from synreduce.storage import ChunkReader, decompression_threads, run_tasks


class StoredCounts:
    """The ``/counts`` group of an open database.

    Parameters
    ----------
    path : Path
        The database, for messages.
    group : h5py.Group
        ``/counts``.
    start_ms : float
        Begin of the first time bin.
    """

    def __init__(self, path: Path, group: h5py.Group, start_ms: float) -> None:
        self._path, self._group, self._start = path, group, start_ms
        self.distance_edges: FloatArray = group.attrs["distance_edges"].astype(np.float64)
        self.time_bin_ms = float(group.attrs["time_bin_ms"])
        self._readers: dict[str, ChunkReader] = {}
        self._n_beyond = int(group.attrs.get("n_beyond", -1))

    def fits(self, bins: Bins) -> Problem | None:
        """Say why stored counts cannot be turned into other bins; None if they can.

        Parameters
        ----------
        bins : Bins
            Wanted.

        Returns
        -------
        Problem or None
        """
        where, fix = str(self._path), "choose edges among the stored ones, or import events"
        missing = ~np.isin(bins.distance_edges, self.distance_edges)
        if missing.any():
            edge = bins.distance_edges[missing][0]
            what = f"distance edge {edge:g} um is none of the stored bins' edges"
            return Problem("other-bins", where, what, fix)
        ratio = bins.time_bin_ms / self.time_bin_ms
        shift = (bins.time_edges[0] - self._start) / self.time_bin_ms
        if abs(ratio - round(ratio)) > 1e-6 or abs(shift - round(shift)) > 1e-6:
            what = f"time bins of {bins.time_bin_ms:g} ms from {bins.time_edges[0]:g} ms do not "
            what += f"fit stored bins of {self.time_bin_ms:g} ms"
            return Problem("other-bins", where, what, "choose multiples of the stored bins")
        if self._n_beyond > 0 and bins.beyond != "drop":
            what = f"{self._n_beyond:,} activations beyond the last edge were left out"
            return Problem("beyond-last-bin", where, what, "choose drop, or import events")
        return None

    def read(self, name: str, first: int, stop: int, bins: Bins) -> CountArray:
        """Read the counts of one group.

        Parameters
        ----------
        name : str
            Of the group.
        first, stop : int
            Range of trials.
        bins : Bins
            Wanted; must fit.

        Returns
        -------
        ndarray of unsigned int, shape (trials, time bins, distance bins)

        Raises
        ------
        DataError
            If activations lie beyond the last edge and are to be refused, or data are damaged.
        """
        if name not in self._readers:
            self._readers[name] = ChunkReader(self._group[name])
        reader = self._readers[name]
        dataset = reader.dataset
        edges: IntArray = np.searchsorted(self.distance_edges, bins.distance_edges)
        ratio = round(bins.time_bin_ms / self.time_bin_ms)
        t_first = round((bins.time_edges[0] - self._start) / self.time_bin_ms)
        # A coarser last bin may reach beyond the record.
        t_stop = min(t_first + ratio * bins.shape[0], dataset.shape[1])
        last = int(edges[-1]) if bins.beyond == "drop" else dataset.shape[2]
        low = (first, t_first, int(edges[0]))
        found = read_region(reader, low, (stop, t_stop, last))
        inside = int(edges[-1] - edges[0])
        if bins.beyond == "refuse" and (n_far := int(found[..., inside:].sum(dtype=np.uint64))):
            what = f"{n_far:,} activations of {name} at {bins.distance_edges[-1]:g} um and beyond"
            raise DataError(Problem("beyond-last-bin", str(self._path), what))
        if bins.beyond == "refuse":
            found = found[..., :inside]
        found = merge_bins(found, (edges[:-1] - edges[0]).astype(np.intp), axis=2)
        return merge_bins(found, np.arange(0, found.shape[1], ratio, dtype=np.intp), axis=1)


def read_region(
    reader: ChunkReader, first: tuple[int, int, int], stop: tuple[int, int, int]
) -> CountArray:
    """Decompress the chunks that touch a region straight into an array.

    Parameters
    ----------
    reader : ChunkReader
        Of a dataset of shape (trials, time bins, distance bins).
    first, stop : tuple of int
        The region.

    Returns
    -------
    ndarray of unsigned int
    """
    shape = [end - begin for begin, end in zip(first, stop, strict=True)]
    dataset = reader.dataset
    if not reader.usable:
        region = tuple(slice(begin, end) for begin, end in zip(first, stop, strict=True))
        return np.asarray(dataset[region])
    out = np.zeros(shape, dataset.dtype)
    chunk = dataset.chunks

    def place(offset: tuple[int, ...], values: np.ndarray[Any, Any]) -> None:
        inside, outside = [], []
        for at, size, begin, end in zip(offset, chunk, first, stop, strict=True):
            low, high = max(at, begin), min(at + size, end)
            inside.append(slice(low - at, high - at))
            outside.append(slice(low - begin, high - begin))
        out[tuple(outside)] = values[tuple(inside)]

    with decompression_threads() as pool:
        run_tasks(reader.tasks(offsets_within(first, stop, chunk), place), pool)
    return out
