"""Names, types and sizes of the activation database on disk (docs/reference)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import h5py
import numpy as np

from synreduce.database.binning import bin_index
from synreduce.database.model import FloatArray, IntArray

SCHEMA_NAME = "synreduce-activation-database"
SCHEMA_VERSION = "1.0"
TITLE = "Synapse activations and spike times of simulated trials"

EVENT_COLUMNS: dict[str, np.dtype[Any]] = {
    "time": np.dtype("<f8"),
    "soma_distance": np.dtype("<f8"),
    "synapse_type": np.dtype("<i4"),
    "synapse_id": np.dtype("<i8"),
    "section_id": np.dtype("<i4"),
    "section_point": np.dtype("<i4"),
    "dendrite_label": np.dtype("<i2"),
    "presynaptic_cell": np.dtype("<i8"),
}
REQUIRED_COLUMNS = ("time", "soma_distance", "synapse_type")
COLUMN_UNITS = {"time": "ms", "soma_distance": "um"}
COLUMN_MEANINGS = {
    "time": "time of the activation",
    "soma_distance": "path length from the soma",
    "synapse_type": "row of /synapse_types",
    "synapse_id": "number of the synapse within its type, -1 unknown",
    "section_id": "number of the section, -1 unknown",
    "section_point": "number of the point within the section, -1 unknown",
    "dendrite_label": "row of /dendrite_labels, -1 unknown",
    "presynaptic_cell": "number of the presynaptic cell, -1 unknown",
}

LAYOUTS = ("events", "counts")

POINTER_CHUNK = 4096
_EVENT_CHUNK = 16384
_SMALLEST_EVENT_CHUNK = 1024
_BUFFER_EVENTS = 2**20
SLAB_MS = 50.0
MOST_SLABS = 64
BAND_UM = 250.0
N_BANDS = 7

COUNTS_CHUNK_TRIALS = 1024
COUNTS_CHUNK_TIMES = 20
COUNTS_CHUNK_BINS = 5


@dataclass(frozen=True)
class TileGrid:
    """How events are cut into tiles: slabs of time, each cut into bands of soma distance.

    Tile number = slab * n_bands + band. Slabs and bands are half-open.

    Parameters
    ----------
    time_edges : tuple of float
        ms.
    distance_edges : tuple of float
        um; the last one is infinite.
    """

    time_edges: tuple[float, ...]
    distance_edges: tuple[float, ...]

    @classmethod
    def for_record(
        cls,
        start_ms: float,
        duration_ms: float,
        slab_ms: float = SLAB_MS,
        band_um: float = BAND_UM,
    ) -> Self:
        """Cut a record into slabs of about `slab_ms`, at most 64, and seven bands.

        Parameters
        ----------
        start_ms, duration_ms : float
            Begin and end of the record.
        slab_ms, band_um : float
            Wanted sizes of a tile.

        Returns
        -------
        TileGrid
        """
        span = duration_ms - start_ms
        width = max(slab_ms, span / MOST_SLABS)
        n_slabs = max(1, int(np.ceil(span / width - 1e-9)))
        times = [start_ms + slab * width for slab in range(n_slabs)] + [duration_ms]
        bands = [band * band_um for band in range(N_BANDS)] + [np.inf]
        return cls(tuple(times), tuple(bands))

    @classmethod
    def stored(cls, events: h5py.Group) -> Self:
        """Read the grid of an ``/events`` group."""
        return cls(
            tuple(events.attrs["time_edges"].tolist()),
            tuple(events.attrs["distance_edges"].tolist()),
        )

    @property
    def n_bands(self) -> int:
        """Number of distance bands."""
        return len(self.distance_edges) - 1

    @property
    def n_tiles(self) -> int:
        """Number of tiles."""
        return (len(self.time_edges) - 1) * self.n_bands

    @property
    def chunk_events(self) -> int:
        """Events per chunk, such that one chunk of every tile fits in some 50 MB."""
        wanted = _BUFFER_EVENTS // self.n_tiles
        size = 1 << max(wanted, 1).bit_length() - 1
        return int(min(_EVENT_CHUNK, max(_SMALLEST_EVENT_CHUNK, size)))

    def tile_of(self, time: FloatArray, distance: FloatArray) -> IntArray:
        """Return the tile of every event.

        Parameters
        ----------
        time, distance : ndarray of float64, shape (n_events,)
            Within the record; ms and um.

        Returns
        -------
        ndarray of int64, shape (n_events,)
        """
        slab = bin_index(time, np.asarray(self.time_edges))
        band = bin_index(distance, np.asarray(self.distance_edges))
        return slab * self.n_bands + band

    def bounds(self, tile: int) -> tuple[float, float, float, float]:
        """Return first and last time, first and last distance of a tile."""
        slab, band = divmod(tile, self.n_bands)
        return (*self.time_edges[slab : slab + 2], *self.distance_edges[band : band + 2])  # type: ignore[return-value]

    def overlapping(self, t0: float, t1: float, lowest: float, highest: float) -> list[int]:
        """Return the tiles that touch a window of time and a range of distance."""
        found = []
        for tile in range(self.n_tiles):
            first, last, near, far = self.bounds(tile)
            if first < t1 and last > t0 and near < highest and far > lowest:
                found.append(tile)
        return found
