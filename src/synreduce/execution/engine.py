"""An engine runs independent tasks and hands their results back in a fixed order.

Results never depend on the number of workers: a task is a pure function of its arguments, BLAS runs
with one thread inside it, and whatever combines results sees them in the order of submission.
"""

from __future__ import annotations

import ctypes
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from synreduce.errors import Problem, ResourceError, SynreduceError

if TYPE_CHECKING:
    from distributed import Client
    from distributed.security import Security

Item = TypeVar("Item")
Result = TypeVar("Result")

_BLAS_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
_TASKS_IN_FLIGHT_PER_WORKER = 2
_LOOPBACK = "127.0.0.1"
_WORKER_KILLED = "worker-killed"

_MMAP_THRESHOLD_PARAMETER = -3  # M_MMAP_THRESHOLD of malloc.h
_MMAP_THRESHOLD_BYTES = 1 << 20
# Without routes the web servers that Dask always opens answer nothing: they know no login.
_NO_WEB_PAGES: dict[str, list[str]] = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}


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

    def map_ordered(
        self, function: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[Result]:
        """Run a function on each item; yield the results in the order of the items.

        Only a few results are held at a time, so memory does not grow with the number of items.

        Parameters
        ----------
        function : callable
            Importable function of one argument.
        items : iterable
            Arguments.

        Yields
        ------
        object
            Result of each call.

        Raises
        ------
        ResourceError
            If a task killed its workers again and again.
        """
        for outcome in self.try_map_ordered(function, items):
            if isinstance(outcome, TaskFailure):
                raise outcome.error
            yield outcome

    def try_map_ordered(
        self, function: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[Result | TaskFailure]:
        """Run a function on each item; a task that fails is reported in its place.

        Parameters
        ----------
        function : callable
            Importable function of one argument.
        items : iterable
            Arguments.

        Yields
        ------
        object or TaskFailure
            Result of each call, in the order of the items.
        """
        waiting: deque[tuple[Item, Any]] = deque()
        for item in items:
            waiting.append((item, self.client.submit(run_capped, function, item, pure=False)))
            if len(waiting) >= _TASKS_IN_FLIGHT_PER_WORKER * self.n_workers:
                yield self._next(function, waiting)
        while waiting:
            yield self._next(function, waiting)

    def _next(self, function: Callable[[Item], Any], waiting: deque[tuple[Item, Any]]) -> Any:  # noqa: ANN401 (whatever the task returns)
        from distributed import wait  # noqa: PLC0415

        item, future = waiting.popleft()
        outcome = self._outcome(future)
        if not isinstance(outcome, TaskFailure) or _WORKER_KILLED not in str(outcome.error):
            return outcome
        # Dask also blames what only stood in the queue of a worker that died: try it alone.
        wait([other for _, other in waiting])
        return self._outcome(self.client.submit(run_capped, function, item, pure=False))

    @staticmethod
    def _outcome(future: Any) -> Any:  # noqa: ANN401 (whatever the task returns)
        from distributed.client import FutureCancelledError  # noqa: PLC0415
        from distributed.scheduler import KilledWorker  # noqa: PLC0415

        try:
            return future.result()
        except KilledWorker as error:
            problem = Problem(
                _WORKER_KILLED,
                "Dask worker",
                f"a task ended its worker {_allowed_failures() + 1} times ({error.last_worker})",
                "most often memory: lower resources.memory or give the job more",
            )
            return TaskFailure(problem.what, ResourceError(problem))
        except FutureCancelledError as error:
            problem = Problem(
                "scheduler-lost", "Dask scheduler", str(error), "run the same command again"
            )
            return TaskFailure(problem.what, ResourceError(problem))
        except SynreduceError as error:
            return TaskFailure(str(error), error)
        except (ArithmeticError, MemoryError, OSError, ValueError) as error:
            return TaskFailure(f"{type(error).__name__}: {error}", error)
        finally:
            future.release()


def _allowed_failures() -> int:
    import dask  # noqa: PLC0415

    return int(dask.config.get("distributed.scheduler.allowed-failures"))


@contextmanager
def open_engine(
    n_workers: int = 1, *, scheduler: str | None = None, scratch: Path | None = None
) -> Iterator[Engine]:
    """Start a local Dask cluster, or connect to a scheduler that exists.

    Dask runs whatever code a peer sends. The local cluster therefore listens on loopback only, and
    inside a Slurm job, where other users may be on the same machine, only to peers that hold a
    certificate made for this cluster; that certificate never leaves the memory of its processes.

    Parameters
    ----------
    n_workers : int, default: 1
        Worker processes on this machine; one runs in this process and starts at once.
    scheduler : str, optional
        Address of a scheduler, or path of its scheduler file, to use in place of a local cluster.
    scratch : Path, optional
        Folder on a local disk for what workers spill; the system's folder for temporary files
        if not given.

    Yields
    ------
    Engine
        Connected, on loopback only unless a scheduler was named.

    Raises
    ------
    ResourceError
        If the named scheduler does not answer.
    """
    os.environ.update(dict.fromkeys(_BLAS_VARIABLES, "1"))
    _return_freed_arrays()
    # Read when distributed is imported, here and in the workers.
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "warning")
    if scheduler is not None:
        with _connect(scheduler) as client:
            threads = sum(client.nthreads().values())
            yield Engine(client, max(threads, 1))
        return
    import dask  # noqa: PLC0415
    from distributed import Client, LocalCluster  # noqa: PLC0415

    security = _security()
    with (
        dask.config.set(_NO_WEB_PAGES),
        LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=n_workers > 1,
            # Named in full, because Dask else opens ports on every network of the machine.
            protocol="tcp" if security is None else "tls",
            security=security,
            host=_LOOPBACK,
            scheduler_kwargs={"dashboard": False},
            dashboard_address=f"{_LOOPBACK}:0",
            worker_dashboard_address=f"{_LOOPBACK}:0",
            memory_limit=0,
            local_directory=None if scratch is None else str(scratch),
        ) as cluster,
        Client(cluster, security=security) as client,
    ):
        yield Engine(client, n_workers)


def _security() -> Security | None:
    if "SLURM_JOB_ID" not in os.environ:
        return None
    from distributed.security import Security  # noqa: PLC0415

    security: Security = Security.temporary()
    return security


def _return_freed_arrays() -> None:
    """Have freed arrays go back to the system at once, here and in workers that will start.

    The GNU C library else keeps freed blocks of up to 32 MB, and a process that projects, fits and
    merges grows far beyond what it holds.
    """
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(_MMAP_THRESHOLD_BYTES))
    # Other C libraries lack the function.
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD_PARAMETER, _MMAP_THRESHOLD_BYTES)


@contextmanager
def _connect(scheduler: str) -> Iterator[Client]:
    from distributed import Client  # noqa: PLC0415

    target = {"scheduler_file": scheduler} if Path(scheduler).exists() else {"address": scheduler}
    try:
        client = Client(**target)
    except (OSError, ValueError) as error:
        problem = Problem(
            "scheduler-unreachable",
            "resources.scheduler",
            f"'{scheduler}' does not answer ({error})",
            "start it, or remove the key to use a local cluster",
        )
        raise ResourceError(problem) from error
    with client:
        yield client
