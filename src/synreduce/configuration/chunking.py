"""Sections about the grid of chunks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from synreduce.chunks import SpatialRange, TemporalRange
from synreduce.configuration.fields import Count, NotNegative, Positive, Section

_TOLERANCE = 1e-9


class SpatialChunksSettings(Section):
    """Ranges of soma distance that are fitted one by one."""

    edges_um: Annotated[tuple[NotNegative, ...], Field(min_length=2)] | None = None
    """Edges of ranges that follow one another, um. Default: one range, all bins."""
    ranges_um: (
        Annotated[tuple[tuple[NotNegative, NotNegative], ...], Field(min_length=1)] | None
    ) = None
    """Instead of edges: ranges `[start, stop)`, um, in ascending order."""
    allow_gaps: bool = False
    """Whether soma distances may belong to no range; their input is then ignored."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.edges_um is not None and self.ranges_um is not None:
            message = "give either edges_um or ranges_um, not both"
            raise ValueError(message)
        return self

    def ranges(self, distance_max_um: float) -> tuple[SpatialRange, ...]:
        """List the ranges.

        Parameters
        ----------
        distance_max_um : float
            End of the default range.

        Returns
        -------
        tuple of SpatialRange
        """
        if self.ranges_um is not None:
            return tuple(SpatialRange(start, stop) for start, stop in self.ranges_um)
        edges = self.edges_um or (0.0, distance_max_um)
        return tuple(map(SpatialRange, edges[:-1], edges[1:]))


class TemporalRangeSettings(Section):
    """A range of target windows."""

    start_ms: float
    """Start of the range, ms from the start of the record."""
    stop_ms: float
    """End of the range, ms; all target windows end at or before it."""
    step_ms: Count = 1
    """From one target window to the next, ms."""
    target_width_ms: Positive = 1.0
    """Length of a target window, ms."""
    chunk_ms: Positive | None = None
    """Cut the range into chunks of this length, ms. Default: one chunk, one set of filters."""

    @property
    def n_chunks(self) -> int:
        """Number of chunks of this range."""
        if self.chunk_ms is None:
            return 1
        return max(0, math.ceil((self.stop_ms - self.start_ms) / self.chunk_ms - _TOLERANCE))

    def ranges(self) -> Iterator[TemporalRange]:
        """Cut into chunks.

        Yields
        ------
        TemporalRange
        """
        length = self.chunk_ms or self.stop_ms - self.start_ms
        for index in range(self.n_chunks):
            start = self.start_ms + index * length
            stop = min(start + length, self.stop_ms)
            yield TemporalRange(start, stop, float(self.step_ms), self.target_width_ms)


class ChunksSettings(Section):
    """The grid: every spatial range with every temporal range is fitted on its own."""

    spatial: SpatialChunksSettings = SpatialChunksSettings()
    """Ranges of soma distance."""
    temporal: Annotated[tuple[TemporalRangeSettings, ...], Field(min_length=1)]
    """Ranges of target windows; each has its own filters."""
    per_job: Count | Literal["auto"] = "auto"
    """Chunks that one job works on; `auto` gives jobs about the same work: up to 32
    target windows of a spatial range, more where a stage would have more than about a hundred
    jobs."""
    limit: Count = 100000
    """Refuse grids with more chunks than this."""
