"""An engine runs independent tasks and hands their results back in a fixed order.

Results never depend on the number of workers: a task is a pure function of its arguments, BLAS runs
with one thread inside it, and whatever combines results sees them in the order of submission.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar

from synreduce.errors import Problem, ResourceError, SynreduceError
from synreduce.execution.spread import SpreadRowGroups

if TYPE_CHECKING:
    from distributed import Client

    from synreduce.design import RowSource

Item = TypeVar("Item")
Result = TypeVar("Result")

_TASKS_IN_FLIGHT_PER_WORKER = 2
_WORKER_KILLED = "worker-killed"


@dataclass(frozen=True)
class TaskFailure:
    """A task that gave no result.

    Parameters
    ----------
    reason : str
        What happened, for the status of the chunk.
    error : Exception
        The error itself.
    """

    reason: str
    error: Exception


def run_capped(function: Callable[[Item], Result], item: Item) -> Result:
    """Run one task with BLAS held to a single thread.

    Parameters
    ----------
    function : callable
        Importable function of one argument.
    item : object
        Its argument.

    Returns
    -------
    object
        What the function returns.
    """
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 (imports every loaded BLAS)

    with threadpool_limits(1):
        return function(item)


class Engine:
    """Runs tasks on the workers of a Dask client.

    Parameters
    ----------
    client : distributed.Client
        Connected client.
    n_workers : int
        Workers (threads of work) it has.
    """

    def __init__(self, client: Client, n_workers: int) -> None:
        self.client, self.n_workers = client, n_workers

    def spread(self, rows: RowSource, cache_bytes: int) -> SpreadRowGroups:
        """Hold the rows of one fit on all workers.

        Parameters
        ----------
        rows : RowSource
            Rows in files that every worker sees.
        cache_bytes : int
            What a worker may keep in memory.

        Returns
        -------
        SpreadRowGroups
        """
        return SpreadRowGroups(self.client, rows, cache_bytes)

    def map_ordered(
        self,
        function: Callable[..., Result],
        items: Iterable[Item],
        is_large: Callable[[Item], bool] | None = None,
    ) -> Iterator[Result]:
        """Run a function on each item; yield the results in the order of the items.

        Only a few results are held at a time, so memory does not grow with the number of items.

        Parameters
        ----------
        function : callable
            Importable function of one argument.
        items : iterable
            Arguments.
        is_large : callable, optional
            See `try_map_ordered`.

        Yields
        ------
        object
            Result of each call.

        Raises
        ------
        ResourceError
            If a task killed its workers again and again, or all workers are gone.
        """
        for outcome in self.try_map_ordered(function, items, is_large):
            if isinstance(outcome, TaskFailure):
                raise outcome.error
            yield outcome

    def try_map_ordered(
        self,
        function: Callable[..., Result],
        items: Iterable[Item],
        is_large: Callable[[Item], bool] | None = None,
    ) -> Iterator[Result | TaskFailure]:
        """Run a function on each item; a task that fails is reported in its place.

        Parameters
        ----------
        function : callable
            Importable function of one argument.
        items : iterable
            Arguments.
        is_large : callable, optional
            Tells items with more rows than one worker can keep. Where there are fewer items than
            workers, such an item runs in this process, and the function is given `spread` as a
            second argument to hold the rows on all workers.

        Yields
        ------
        object or TaskFailure
            Result of each call, in the order of the items.
        """
        remaining = iter(items)
        first = list(islice(remaining, self.n_workers))
        large: list[Item] = []
        if is_large is not None and len(first) < self.n_workers:
            large = [item for item in first if is_large(item)]
        waiting: deque[tuple[Item, Any]] = deque()
        for item in chain(first, remaining):
            is_spread = any(item is other for other in large)
            waiting.append((item, None if is_spread else self._submit(function, item)))
            if len(waiting) >= _TASKS_IN_FLIGHT_PER_WORKER * self.n_workers:
                yield self._next(function, waiting)
        while waiting:
            yield self._next(function, waiting)

    def _submit(self, function: Callable[..., Any], item: Any) -> Any:  # noqa: ANN401 (a future)
        return self.client.submit(run_capped, function, item, pure=False)

    def _next(self, function: Callable[..., Any], waiting: deque[tuple[Item, Any]]) -> Any:  # noqa: ANN401 (whatever the task returns)
        from distributed import wait  # noqa: PLC0415

        item, future = waiting.popleft()
        if future is None:
            return outcome_of(partial(run_capped, partial(function, spread=self.spread), item))
        outcome = outcome_of(future.result)
        future.release()
        if not isinstance(outcome, TaskFailure) or _WORKER_KILLED not in str(outcome.error):
            return outcome
        # Dask also blames what only stood in the queue of a worker that died: try it alone.
        wait([other for _, other in waiting if other is not None])
        return outcome_of(self._submit(function, item).result)


def outcome_of(call: Callable[[], Any]) -> Any:  # noqa: ANN401 (whatever the call returns)
    """Call, and turn errors that concern one task alone, or its workers, into a `TaskFailure`.

    Parameters
    ----------
    call : callable
        Waits for a task, or is one.

    Returns
    -------
    object or TaskFailure
    """
    from distributed.client import FutureCancelledError  # noqa: PLC0415
    from distributed.scheduler import KilledWorker, NoWorkerError  # noqa: PLC0415

    try:
        return call()
    except KilledWorker as error:
        what = f"a task ended its worker {_allowed_failures() + 1} times ({error.last_worker})"
        fix = "most often memory: lower resources.memory or give the job more"
        problem = Problem(_WORKER_KILLED, "Dask worker", what, fix)
    except NoWorkerError as error:
        what = f"all workers are gone ({error})"
        fix = "look into the log of the job, and run the same command again"
        problem = Problem("workers-lost", "Dask workers", what, fix)
    except FutureCancelledError as error:
        fix = "run the same command again"
        problem = Problem("scheduler-lost", "Dask scheduler", str(error), fix)
    except SynreduceError as error:
        return TaskFailure(str(error), error)
    except (ArithmeticError, MemoryError, OSError, ValueError) as error:
        return TaskFailure(f"{type(error).__name__}: {error}", error)
    return TaskFailure(problem.what, ResourceError(problem))


def _allowed_failures() -> int:
    import dask  # noqa: PLC0415

    return int(dask.config.get("distributed.scheduler.allowed-failures"))
