"""The engine that a configuration asks for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from synreduce.configuration.resources import ResourcesSettings
from synreduce.execution.cluster import job_cluster
from synreduce.execution.engine import Engine
from synreduce.execution.launched import launched_cluster, mpi_command, srun_command
from synreduce.execution.ranks import rank_cluster
from synreduce.execution.scheduler import existing_cluster
from synreduce.workers.environment import prepare_process
from synreduce.workers.mpi import is_rank

if TYPE_CHECKING:
    from distributed import Client
    from distributed.security import Security

_HERE = ResourcesSettings()


@contextmanager
def open_engine(
    n_workers: int = 1, resources: ResourcesSettings = _HERE, *, in_threads: bool = False
) -> Iterator[Engine]:
    """Start the workers of a job.

    Dask runs whatever code a peer sends. Workers on this machine therefore listen on loopback only,
    and inside a Slurm job, where other users may be on the same machine, only to peers that hold a
    certificate made for this job, as workers on other nodes always do.

    Parameters
    ----------
    n_workers : int, default: 1
        Worker processes per node; one alone runs in this process and starts at once.
    resources : ResourcesSettings
        Which engine, and how many nodes.
    in_threads : bool, default: False
        Workers of this machine are threads of this process: for tasks that give back much data and
        spend their time outside Python.

    Yields
    ------
    Engine
        Connected.

    Raises
    ------
    ResourceError
        If no worker can be had.
    SystemExit
        In MPI ranks that are workers of the first one, when that is done.
    """
    prepare_process()
    # Workers set this for each task; threads of one process would end each other's settings.
    single = threadpool_limits(1) if in_threads else nullcontext()
    with single, _cluster(n_workers, resources, in_threads) as (client, workers):
        yield Engine(client, workers)


def _cluster(
    n_workers: int, resources: ResourcesSettings, in_threads: bool
) -> AbstractContextManager[tuple[Client, int]]:
    nodes = resources.nodes
    if resources.scheduler is not None:
        return existing_cluster(resources.scheduler)
    if resources.engine == "srun":
        command = srun_command(nodes, n_workers)
        return launched_cluster(command, nodes * n_workers, one_machine=nodes == 1)
    if resources.engine == "mpi":
        if is_rank():
            return rank_cluster()
        command = mpi_command(nodes, n_workers)
        return launched_cluster(command, nodes * n_workers, one_machine=nodes == 1)
    return _local_cluster(n_workers, in_threads)


@contextmanager
def _local_cluster(n_workers: int, in_threads: bool) -> Iterator[tuple[Client, int]]:
    with job_cluster(n_workers, in_threads=in_threads, security=_security()) as client:
        yield client, n_workers


def _security() -> Security | None:
    if "SLURM_JOB_ID" not in os.environ:
        return None
    from distributed.security import Security  # noqa: PLC0415

    security: Security = Security.temporary()
    return security
