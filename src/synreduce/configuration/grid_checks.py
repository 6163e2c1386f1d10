"""Mistakes in the grid of chunks: gaps, overlaps, windows without data, too many chunks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from synreduce.chunks import SpatialRange
from synreduce.configuration.chunking import SpatialChunksSettings, TemporalRangeSettings
from synreduce.configuration.findings import Finding
from synreduce.configuration.model import Configuration
from synreduce.configuration.yaml_source import KeyPath

_TOLERANCE = 1e-9
_MOST_TARGETS = 10_000_000


def _spatial_key(settings: SpatialChunksSettings) -> KeyPath:
    return ("chunks", "spatial", "edges_um" if settings.ranges_um is None else "ranges_um")


def spatial_ranges(configuration: Configuration) -> Iterator[Finding]:
    """Find ranges of soma distance that are empty, overlap, leave gaps or cut bins."""
    settings = configuration.chunks.spatial
    end = configuration.input.distance_max_um
    ranges = settings.ranges(end)
    key = _spatial_key(settings)
    ordered = True
    for position, span in enumerate(ranges):
        if span.stop_um <= span.start_um:
            ordered = False
            what = f"range {position + 1} ends at {span.stop_um:g} um, where it starts or before"
            yield Finding("empty-range", (*key, position), what, "list edges in ascending order")
    if settings.edges_um or settings.ranges_um:
        yield from _off_bin_edges(configuration, ranges, key)
    if ordered:
        yield from _gaps_and_overlaps(ranges, end, key, allow_gaps=settings.allow_gaps)


def _off_bin_edges(
    configuration: Configuration, ranges: tuple[SpatialRange, ...], key: KeyPath
) -> Iterator[Finding]:
    width, end = configuration.input.distance_bin_um, configuration.input.distance_max_um
    for edge in sorted({edge for span in ranges for edge in (span.start_um, span.stop_um)}):
        if abs(edge / width - round(edge / width)) > _TOLERANCE:
            what = f"{edge:g} um is no edge of the bins of {width:g} um"
            fix = f"use {round(edge / width) * width:g} or change input.distance_bin_um"
            yield Finding("off-bin", key, what, fix)
        elif edge > end + _TOLERANCE:
            what = f"{edge:g} um lies beyond the last bin, which ends at {end:g} um"
            yield Finding("beyond-bins", key, what, f"raise input.distance_max_um to {edge:g}")


def _gaps_and_overlaps(
    ranges: tuple[SpatialRange, ...], end: float, key: KeyPath, *, allow_gaps: bool
) -> Iterator[Finding]:
    order = sorted(ranges)
    for one, other in pairwise(order):
        if other.start_um < one.stop_um:
            overlap = min(one.stop_um, other.stop_um) - other.start_um
            what = (
                f"[{one.start_um:g}, {one.stop_um:g}) and [{other.start_um:g}, "
                f"{other.stop_um:g}) um overlap by {overlap:g} um; weights would count twice"
            )
            yield Finding("overlap", key, what, f"start the second at {one.stop_um:g}")
    if allow_gaps:
        return
    reached = 0.0
    for span in (*order, SpatialRange(end, end)):
        if span.start_um > reached:
            what = f"{reached:g}-{span.start_um:g} um is not covered"
            fix = "add a range, or set chunks.spatial.allow_gaps: true to ignore that input"
            yield Finding("gap", key, what, fix)
        reached = max(reached, span.stop_um)


def temporal_ranges(configuration: Configuration) -> Iterator[Finding]:
    """Find ranges of target windows that are empty, do not come out even, or overlap."""
    sections = configuration.chunks.temporal
    sound: list[tuple[float, float, int]] = []
    for position, section in enumerate(sections):
        found = list(_one_temporal_range(section, ("chunks", "temporal", position)))
        yield from found
        if not found:
            sound.append((section.start_ms, section.stop_ms, position))
    for (start, stop, _), (start_2, stop_2, position) in pairwise(sorted(sound)):
        if start_2 < stop:
            what = (
                f"[{start:g}, {stop:g}) and [{start_2:g}, {stop_2:g}) ms overlap by "
                f"{min(stop, stop_2) - start_2:g} ms; samples would count twice"
            )
            path = ("chunks", "temporal", position, "start_ms")
            yield Finding("overlap", path, what, f"start the second at {stop:g}")


def _one_temporal_range(section: TemporalRangeSettings, key: KeyPath) -> Iterator[Finding]:
    start, stop, width = section.start_ms, section.stop_ms, section.target_width_ms
    if stop <= start:
        what = f"stop_ms {stop:g} is not after start_ms {start:g}"
        yield Finding("empty-range", (*key, "stop_ms"), what, f"use {start + width:g} or later")
        return
    if start < 0:
        yield Finding("before-data", (*key, "start_ms"), f"{start:g} ms is before 0", "use 0")
        return
    if (stop - start) / section.step_ms > _MOST_TARGETS:
        what = f"{(stop - start) / section.step_ms:,.0f} target windows in a trial"
        yield Finding("too-many-targets", (*key, "step_ms"), what, "use a larger step_ms")
        return
    for name, piece in _pieces(section):
        over = (piece - width) % section.step_ms
        uneven = min(over, section.step_ms - over) > _TOLERANCE
        if piece < width - _TOLERANCE or uneven:
            what = (
                f"target windows of {width:g} ms every {section.step_ms} ms do not fill "
                f"{piece:g} ms"
            )
            fix = "choose a range of target_width_ms plus a multiple of step_ms"
            yield Finding("partial-window", (*key, name), what, fix)
            return


def _pieces(section: TemporalRangeSettings) -> Iterator[tuple[str, float]]:
    """Lengths of the chunks of a range, each with the key that decides it."""
    length = section.stop_ms - section.start_ms
    if section.chunk_ms is None or section.chunk_ms >= length:
        yield "stop_ms", length
        return
    yield "chunk_ms", section.chunk_ms
    rest = length % section.chunk_ms
    if min(rest, section.chunk_ms - rest) > _TOLERANCE:
        yield "chunk_ms", rest


def targets_reach_the_data(configuration: Configuration) -> Iterator[Finding]:
    """Find input windows that start before the record."""
    width = configuration.window.width_ms
    for position, section in enumerate(configuration.chunks.temporal):
        first_end = section.start_ms + section.target_width_ms
        if 0 <= section.start_ms < section.stop_ms and first_end - width < -_TOLERANCE:
            what = (
                f"needs data from {first_end - width:g} ms (first target window ends at "
                f"{first_end:g}, window.width_ms {width}); data start at 0"
            )
            fix = (
                f"use start_ms >= {width - section.target_width_ms:g} or window.width_ms <= "
                f"{first_end:g}"
            )
            yield Finding("before-data", ("chunks", "temporal", position, "start_ms"), what, fix)


def number_of_chunks(configuration: Configuration) -> Iterator[Finding]:
    """Find grids larger than anyone means."""
    chunks = configuration.chunks
    n_spatial = len(chunks.spatial.ranges(configuration.input.distance_max_um))
    total = n_spatial * sum(section.n_chunks for section in chunks.temporal)
    if total > chunks.limit:
        what = f"{total:,} chunks, limit {chunks.limit:,}"
        yield Finding(
            "too-many-chunks", ("chunks",), what, "use larger chunks, or raise chunks.limit"
        )
