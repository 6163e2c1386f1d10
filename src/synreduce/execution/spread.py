"""Rows of one fit on many workers: each holds some groups of quanta and sums them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from synreduce.solvers.row_groups import (
    ROWS_PER_GROUP,
    Block,
    Samples,
    cached_bytes,
    group_ranges,
    read_blocks,
    samples_of,
)

if TYPE_CHECKING:
    from distributed import Client, Future

    from synreduce.design import RowSource

Result = TypeVar("Result")

_TASKS_IN_FLIGHT_PER_WORKER = 2


class SpreadRowGroups:
    """Row groups as Dask keeps them: what a lost worker held is read again by another.

    Parameters
    ----------
    client : distributed.Client
        Connected client.
    rows : RowSource
        Rows in files that every worker sees.
    cache_bytes : int
        What a worker may keep in memory; groups beyond that are read in every pass.
    """

    def __init__(self, client: Client, rows: RowSource, cache_bytes: int) -> None:
        self._client, self._ranges = client, group_ranges(rows.n_rows)
        workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
        capacity = cache_bytes // cached_bytes(ROWS_PER_GROUP, rows.n_features) * len(workers)
        self._most_in_flight = _TASKS_IN_FLIGHT_PER_WORKER * len(workers)
        # A task like any other, because Dask does not restore data that were scattered.
        self._source = client.submit(_unchanged, rows, pure=False)
        self._held = [
            client.submit(
                _read_group,
                self._source,
                *where,
                workers=[workers[number % len(workers)]],
                allow_other_workers=True,
                pure=False,
            )
            for number, where in enumerate(self._ranges[:capacity])
        ]

    def map(
        self, function: Callable[..., Result], samples: Samples, arguments: Sequence[Any]
    ) -> Iterator[Result]:
        """Run a function on every group where it is held; see `row_groups.RowGroups.map`."""
        waiting: deque[Future[Result]] = deque()
        for number, where in enumerate(self._ranges):
            # Results stay in the memory of workers until they are taken.
            if len(waiting) == self._most_in_flight:
                yield waiting.popleft().result()
            waiting.append(
                self._client.submit(
                    _call_on_group,
                    self._held[number] if number < len(self._held) else self._source,
                    where,
                    function,
                    samples_of(samples, *where),
                    arguments,
                    pure=False,
                )
            )
        while waiting:
            yield waiting.popleft().result()


def _unchanged(rows: RowSource) -> RowSource:
    return rows


def _read_group(rows: RowSource, start: int, stop: int) -> list[Block]:
    return list(read_blocks(rows, start, stop))


def _call_on_group(
    held: list[Block] | RowSource,
    where: tuple[int, int],
    function: Callable[..., Result],
    samples: Samples,
    arguments: Sequence[Any],
) -> Result:
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 (imports every loaded BLAS)

    blocks = held if isinstance(held, list) else read_blocks(held, *where)
    with threadpool_limits(1):
        return function(blocks, *samples, *arguments)
