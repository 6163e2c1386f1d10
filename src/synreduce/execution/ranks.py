"""A job whose other MPI ranks are its workers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from synreduce.errors import Problem, ResourceError
from synreduce.execution.cluster import job_cluster, network_address, workers_there
from synreduce.workers.connection import Connection
from synreduce.workers.environment import LOOPBACK
from synreduce.workers.mpi import tell_others, work

if TYPE_CHECKING:
    from distributed import Client
    from mpi4py.MPI import Intracomm


@contextmanager
def rank_cluster() -> Iterator[tuple[Client, int]]:
    """Make the other ranks workers of this one; in the other ranks, work until the first is done.

    Yields
    ------
    Client, int
        Connected client and the number of workers, in the first rank alone.

    Raises
    ------
    ResourceError
        If there is a single rank, or mpi4py is missing.
    SystemExit
        In the other ranks, when the first is done.
    """
    world = _world()
    if world.size == 1:
        what, fix = "a single rank was started, which leaves nobody to work", "start at least two"
        raise ResourceError(Problem("no-workers", "MPI", what, fix))
    if world.rank > 0:
        world.send(os.uname().nodename, 0)
        work(world)
        raise SystemExit(0)
    from distributed.security import Security  # noqa: PLC0415

    machines = {os.uname().nodename, *(world.recv(source=rank) for rank in range(1, world.size))}
    host = LOOPBACK if len(machines) == 1 else network_address()
    told = False
    try:
        with job_cluster(0, host=host, security=Security.temporary()) as client:
            tell_others(world, Connection.of(client))
            told = True
            there = workers_there(client, world.size - 1, lambda: True)
            if there == 0:
                what, fix = "no rank became a worker", "see what the ranks wrote"
                raise ResourceError(Problem("no-workers", "MPI", what, fix))
            yield client, there
    finally:
        if not told:
            tell_others(world, None)


def _world() -> Intracomm:
    try:
        from mpi4py import MPI  # noqa: PLC0415 (starts MPI)
    except (ImportError, RuntimeError) as error:
        what = f"MPI cannot be used ({error})"
        fix = "pip install 'synreduce[mpi]', and an MPI library such as mpich"
        raise ResourceError(Problem("no-mpi", "resources.engine", what, fix)) from error
    return MPI.COMM_WORLD
