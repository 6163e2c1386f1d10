"""Chunks: one cell of the grid of spatial ranges x temporal ranges."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_TOLERANCE_MS = 1e-9


def _bound(value: float) -> str:
    """Write a bound with four digits before the point, so that names sort as numbers do."""
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    whole, point, fraction = text.partition(".")
    return f"{whole:0>4}{point}{fraction}"


@dataclass(frozen=True, order=True)
class SpatialRange:
    """A range of soma distances.

    Parameters
    ----------
    start_um, stop_um : float
        Half-open range ``[start, stop)`` in um.

    Examples
    --------
    >>> SpatialRange(0, 1500).name
    'd0000-1500'
    """

    start_um: float
    stop_um: float

    @property
    def name(self) -> str:
        """Name used in files and tables."""
        return f"d{_bound(self.start_um)}-{_bound(self.stop_um)}"


@dataclass(frozen=True, order=True)
class TemporalRange:
    """A range of target windows whose samples share one set of filters.

    The windows ``[start + i * step, start + i * step + target_width)`` that lie inside
    ``[start, stop)``. All times are ms.

    Parameters
    ----------
    start_ms, stop_ms : float
        Half-open range.
    step_ms : float, optional
        From the start of one target window to the start of the next.
    target_width_ms : float, optional
        Length of each target window.

    Examples
    --------
    >>> TemporalRange(258, 262, step_ms=2, target_width_ms=2).target_starts
    array([258., 260.])
    """

    start_ms: float
    stop_ms: float
    step_ms: float = 1.0
    target_width_ms: float = 1.0

    @property
    def name(self) -> str:
        """Name used in files and tables."""
        return f"t{_bound(self.start_ms)}-{_bound(self.stop_ms)}"

    @property
    def n_targets(self) -> int:
        """Number of target windows."""
        room = self.stop_ms - self.start_ms - self.target_width_ms + _TOLERANCE_MS
        return max(0, math.floor(room / self.step_ms) + 1)

    @property
    def target_starts(self) -> NDArray[np.float64]:
        """Starts of the target windows, (n_targets,), ms."""
        return self.start_ms + self.step_ms * np.arange(self.n_targets, dtype=np.float64)

    @property
    def target_stops(self) -> NDArray[np.float64]:
        """Ends of the target windows, (n_targets,), ms; lag 0 lies before them."""
        return self.target_starts + self.target_width_ms


@dataclass(frozen=True, order=True)
class Chunk:
    """The unit that is projected, fitted, retried and merged.

    Parameters
    ----------
    spatial : SpatialRange
    temporal : TemporalRange

    Examples
    --------
    >>> Chunk(SpatialRange(0, 500), TemporalRange(258, 259)).id
    'd0000-0500/t0258-0259'
    """

    spatial: SpatialRange
    temporal: TemporalRange

    @property
    def id(self) -> str:
        """``<spatial>/<temporal>``, also the folder of the chunk inside ``chunks/``."""
        return f"{self.spatial.name}/{self.temporal.name}"


@dataclass(frozen=True)
class Batch:
    """Chunks that one job works on.

    Parameters
    ----------
    name : str
        ``<spatial>_t<first start>-<last stop>``, a safe file name.
    chunks : tuple of Chunk
    """

    name: str
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True)
class Grid:
    """All chunks of a run, a pure function of the configuration.

    Parameters
    ----------
    spatial : tuple of SpatialRange
    temporal : tuple of TemporalRange

    Examples
    --------
    >>> grid = Grid((SpatialRange(0, 500), SpatialRange(500, 1500)), (TemporalRange(258, 259),))
    >>> [chunk.id for chunk in grid.chunks]
    ['d0000-0500/t0258-0259', 'd0500-1500/t0258-0259']
    """

    spatial: tuple[SpatialRange, ...]
    temporal: tuple[TemporalRange, ...]

    @cached_property
    def chunks(self) -> tuple[Chunk, ...]:
        """Every chunk; all windows of the first spatial range, then of the next."""
        return tuple(Chunk(space, time) for space in self.spatial for time in self.temporal)

    def chunk(self, identifier: str) -> Chunk:
        """Find a chunk by its id.

        Parameters
        ----------
        identifier : str
            ``<spatial>/<temporal>``.

        Returns
        -------
        Chunk

        Raises
        ------
        KeyError
            If the grid has no such chunk.
        """
        return self._by_id[identifier]

    @cached_property
    def _by_id(self) -> dict[str, Chunk]:
        return {chunk.id: chunk for chunk in self.chunks}

    def batches(self, chunks_per_job: int) -> tuple[Batch, ...]:
        """Cut the grid into jobs: chunks of one spatial range that follow one another in time.

        Parameters
        ----------
        chunks_per_job : int
            At least 1.

        Returns
        -------
        tuple of Batch

        Examples
        --------
        >>> windows = tuple(TemporalRange(t, t + 1) for t in range(100, 105))
        >>> [batch.name for batch in Grid((SpatialRange(0, 500),), windows).batches(3)]
        ['d0000-0500_t0100-0103', 'd0000-0500_t0103-0105']
        """
        return tuple(
            _batch(space, self.temporal[first : first + chunks_per_job])
            for space in self.spatial
            for first in range(0, len(self.temporal), chunks_per_job)
        )

    def even_batches(self, targets_per_job: int) -> tuple[Batch, ...]:
        """Cut the grid into jobs with about the same number of target windows, which is the work.

        Parameters
        ----------
        targets_per_job : int
            Target windows of a job on average, at most; a longer temporal chunk is a job of its
            own.

        Returns
        -------
        tuple of Batch
            As `batches`.

        Examples
        --------
        >>> windows = (*(TemporalRange(t, t + 1) for t in range(100, 104)), TemporalRange(104, 108))
        >>> [batch.name for batch in Grid((SpatialRange(0, 500),), windows).even_batches(4)]
        ['d0000-0500_t0100-0104', 'd0000-0500_t0104-0108']
        """
        work = np.array([max(window.n_targets, 1) for window in self.temporal])
        n_jobs = math.ceil(work.sum() / targets_per_job)
        middle = np.cumsum(work) - work / 2
        job = np.minimum(middle * n_jobs // work.sum(), n_jobs - 1).astype(np.int64)
        first = [0, *(np.flatnonzero(np.diff(job)) + 1).tolist(), len(self.temporal)]
        return tuple(
            _batch(space, self.temporal[start:stop])
            for space in self.spatial
            for start, stop in pairwise(first)
        )


def _batch(space: SpatialRange, windows: tuple[TemporalRange, ...]) -> Batch:
    span = TemporalRange(windows[0].start_ms, windows[-1].stop_ms)
    return Batch(f"{space.name}_{span.name}", tuple(Chunk(space, window) for window in windows))
