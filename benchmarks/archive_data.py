"""Data in the shape of the published archive: `python -m benchmarks.archive_data 81000`.

Planted spikes, realistic input, counts as compressed float64.
"""

from __future__ import annotations

import csv
import sys
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import synreduce as sr
from benchmarks.data import FOLDER, example_database

N_BINS, N_MS = 30, 400
BIN_UM = 50.0
_BINS_AT_ONCE = 5


def archive_source(trials: int, seed: int = 1) -> tuple[Path, Path]:
    """Array (2, 30, trials, 400) and table of spike times; they are written if not there."""
    array = FOLDER / f"archive_{trials}_{seed}.npz"
    table = array.with_suffix(".csv")
    if not (array.exists() and table.exists()):
        database = example_database("planted", trials, seed)
        print(f"writing {array}", flush=True)
        part = array.with_suffix(".part")
        _write_counts(database, trials, part)
        _write_spikes(database, table)
        part.replace(array)
    return array, table


def _write_counts(database: Path, trials: int, output: Path) -> None:
    """The same bytes as `numpy.savez_compressed` of the array, which would need 16 GB of memory."""
    shape = (2, N_BINS, trials, N_MS)
    header = {"descr": "<f8", "fortran_order": False, "shape": shape}
    with (
        sr.open_database(database) as source,
        zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("arr_0.npy", "w", force_zip64=True) as member,
    ):
        np.lib.format.write_array_header_1_0(member, header)
        for group in ("EXC", "INH"):
            for first in range(0, N_BINS, _BINS_AT_ONCE):
                edges = BIN_UM * np.arange(first, first + _BINS_AT_ONCE + 1)
                counts = source.counts(None, edges, 0.0, source.duration_ms, beyond="drop")[group]
                for position in range(_BINS_AT_ONCE):
                    member.write(_plane(counts[:, :, position]).data)


def _plane(counts: NDArray[np.unsignedinteger]) -> NDArray[np.float64]:
    """Counts of one distance bin, (trials, 400).

    The example is shorter than the archive's trials: ongoing activity of the next trial follows.
    """
    plane = np.empty((counts.shape[0], N_MS))
    n_ms = min(counts.shape[1], N_MS)
    plane[:, :n_ms] = counts[:, :n_ms]
    plane[:, n_ms:] = np.roll(counts[:, : N_MS - n_ms], -1, axis=0)
    return plane


def _write_spikes(database: Path, output: Path) -> None:
    with sr.open_database(database) as source, output.open("w", newline="") as stream:
        spikes = source.spike_times
        longest = max(len(times) for times in spikes)
        table = csv.writer(stream)
        table.writerow(["sim_trial_index", *range(longest)])
        for number, times in enumerate(spikes):
            row = [f"{time:.4f}" for time in times]
            table.writerow([f"{number:06d}", *row, *[""] * (longest - len(row))])


if __name__ == "__main__":
    archive_source(int(sys.argv[1]))
