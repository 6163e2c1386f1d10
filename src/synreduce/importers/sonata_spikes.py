"""Spike files of SONATA: HDF5 of both flavours, the old form with gids, and text."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from synreduce.importers.files import refuse
from synreduce.importers.sonata_configuration import SpikeFile
from synreduce.importers.sonata_tables import whole_numbers
from synreduce.storage.hdf5 import open_hdf5

_Spikes = tuple[NDArray[np.int64], NDArray[np.float64]]


@dataclass(frozen=True)
class SpikeTrains:
    """Spikes of one population, sorted by node, then by time.

    Whatever a file claims about its own order is ignored.

    Parameters
    ----------
    nodes : ndarray of int64, shape (n,)
    times : ndarray of float64, shape (n,)
        ms.
    """

    nodes: NDArray[np.int64]
    times: NDArray[np.float64]

    def ranges(self, nodes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First spike and number of spikes of each node.

        Parameters
        ----------
        nodes : ndarray of int64, shape (m,)

        Returns
        -------
        first, count : ndarray of int64, shape (m,)
        """
        first = np.searchsorted(self.nodes, nodes, side="left")
        return first, np.searchsorted(self.nodes, nodes, side="right") - first

    def joined_with(self, other: SpikeTrains) -> SpikeTrains:
        """Spikes of both."""
        return _sorted([(self.nodes, self.times), (other.nodes, other.times)])

    def of(self, node: int) -> NDArray[np.float64]:
        """Spike times of one node in ms, ascending."""
        first, count = self.ranges(np.array([node]))
        return self.times[first[0] : first[0] + count[0]]


NO_SPIKES = SpikeTrains(np.zeros(0, dtype=np.int64), np.zeros(0))


def read_spikes(files: Iterable[SpikeFile], lone_population: str | None) -> dict[str, SpikeTrains]:
    """Read spike files; several files of one population add up.

    Parameters
    ----------
    files : iterable of SpikeFile
    lone_population : str or None
        Population meant by files that name none, where there is only one it can be.

    Returns
    -------
    dict of str to SpikeTrains

    Raises
    ------
    DataError
        If a file is not a SONATA spike file, its times are not finite or not in ms, or it names no
        population and there are several.
    """
    pieces: dict[str, list[_Spikes]] = {}
    for item in files:
        reader = _read_text if item.path.suffix == ".csv" else _read_hdf5
        for population, spikes in reader(item.path):
            name = population or item.population or lone_population
            if name is None:
                what = "the file names no population and the circuit has several"
                raise refuse(item.path, "no-population", what, "name the population")
            pieces.setdefault(name, []).append(spikes)
    return {name: _sorted(found) for name, found in pieces.items()}


def _sorted(pieces: list[_Spikes]) -> SpikeTrains:
    nodes = np.concatenate([piece[0] for piece in pieces])
    times = np.concatenate([piece[1] for piece in pieces])
    order = np.lexsort((times, nodes))
    return SpikeTrains(nodes[order], times[order])


def _read_hdf5(path: Path) -> Iterator[tuple[str | None, _Spikes]]:
    with open_hdf5(path) as file:
        root = file.get("spikes")
        if not isinstance(root, h5py.Group):
            raise refuse(path, "not-sonata", "no group /spikes")
        if "timestamps" in root:
            yield None, _columns(root, "gids" if "gids" in root else "node_ids", path)
            return
        for name, group in root.items():
            if isinstance(group, h5py.Group):
                yield name, _columns(group, "node_ids", path)


def _columns(group: h5py.Group, ids: str, path: Path) -> _Spikes:
    where = f"{path}:{group.name}"
    dataset = group.get("timestamps")
    if not isinstance(dataset, h5py.Dataset) or dataset.ndim != 1:
        raise refuse(where, "missing-dataset", "no list of timestamps")
    if dataset.dtype.kind not in "iuf":
        raise refuse(where, "bad-dataset", f"timestamps are {dataset.dtype}, not numbers")
    units = dataset.attrs.get("units", "ms")
    units = units.decode("utf-8", "replace") if isinstance(units, bytes) else str(units)
    if units != "ms":
        raise refuse(where, "wrong-units", f"timestamps in '{units}'", "convert them to ms")
    times = np.asarray(dataset[()], dtype=np.float64)
    _check_times(times, where)
    return whole_numbers(group, ids, len(times)), times


def _check_times(times: NDArray[np.float64], where: str) -> None:
    strange = ~np.isfinite(times)
    if strange.any():
        position = int(np.flatnonzero(strange)[0])
        what = f"timestamp {position} is {times[position]}"
        raise refuse(where, "bad-spike-time", what)


def _read_text(path: Path) -> Iterator[tuple[str | None, _Spikes]]:
    try:
        lines = list(csv.reader(path.read_text(encoding="utf-8").splitlines(), delimiter=" "))
    except UnicodeDecodeError:
        raise refuse(path, "not-sonata", "not text") from None
    heading = [name for name in lines[0] if name] if lines else []
    if not {"timestamps", "node_ids"} <= set(heading):
        what = "the first line does not name timestamps and node_ids"
        where = f"{path}:1"
        raise refuse(where, "not-sonata", what, "separate the fields by one space")
    times: dict[str | None, list[float]] = {}
    nodes: dict[str | None, list[int]] = {}
    for number, line in enumerate(lines[1:], start=2):
        fields = [value for value in line if value]
        if not fields:
            continue
        if len(fields) != len(heading):
            what = f"{len(fields)} fields, expected {len(heading)}"
            where = f"{path}:{number}"
            raise refuse(where, "bad-spike-row", what)
        row = dict(zip(heading, fields, strict=True))
        population = row.get("population")
        try:
            times.setdefault(population, []).append(float(row["timestamps"]))
            nodes.setdefault(population, []).append(int(row["node_ids"]))
        except ValueError:
            what = f"not a number in {' '.join(fields)!r}"
            where = f"{path}:{number}"
            raise refuse(where, "bad-spike-row", what) from None
    for population, found in times.items():
        values = np.array(found, dtype=np.float64)
        _check_times(values, str(path))
        yield population, (np.array(nodes[population], dtype=np.int64), values)
