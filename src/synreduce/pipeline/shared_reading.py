"""Which chunks share one reading of their input, and what stretch of time it covers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from synreduce.chunks import Batch, Chunk


def sharing_reading(chunks: Iterable[Chunk], width_ms: float) -> Iterator[list[Chunk]]:
    """Cut chunks into runs whose input windows overlap.

    Parameters
    ----------
    chunks : iterable of Chunk
        All of the same spatial range.
    width_ms : float
        Length of the input window, ms.

    Yields
    ------
    list of Chunk
        In the order of time.
    """
    run: list[Chunk] = []
    for chunk in sorted(chunks, key=_start_of_chunk):
        if run and chunk.temporal.start_ms - width_ms >= run[-1].temporal.stop_ms:
            yield run
            run = []
        run.append(chunk)
    if run:
        yield run


def span_of_reading(chunks: Sequence[Chunk], width_ms: float) -> tuple[float, float]:
    """Find the time that the input windows of chunks cover together.

    Parameters
    ----------
    chunks : sequence of Chunk
        Chunks that share a reading.
    width_ms : float
        Length of the input window, ms.

    Returns
    -------
    start_ms, stop_ms : float
        From the start of the first input window to the end of the last.
    """
    start = min(float(chunk.temporal.target_stops[0]) for chunk in chunks) - width_ms
    return start, max(float(chunk.temporal.target_stops[-1]) for chunk in chunks)


def longest_reading_ms(batches: Iterable[Batch], width_ms: float) -> float:
    """Find the longest time that any job reads at once.

    Parameters
    ----------
    batches : iterable of Batch
        Chunks of every job.
    width_ms : float
        Length of the input window, ms.

    Returns
    -------
    float
        Milliseconds.
    """
    spans = (
        span_of_reading(run, width_ms)
        for batch in batches
        for run in sharing_reading(batch.chunks, width_ms)
    )
    return max(stop - start for start, stop in spans)


def _start_of_chunk(chunk: Chunk) -> float:
    return chunk.temporal.start_ms
