"""MPI ranks that work.

``python -m mpi4py -m synreduce.workers.mpi`` makes every rank a worker; the first one reads the
`Connection` from its standard input and tells the others. When a rank dies, MPI ends all of them.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from synreduce.workers.connection import Connection
from synreduce.workers.serving import serve

if TYPE_CHECKING:
    from mpi4py.MPI import Intracomm

# Of MPICH and its kin, of PMIx, and of Open MPI.
_RANK_VARIABLES = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK")
_SIZE_VARIABLES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")
_PAUSE_SECONDS = 0.05


def is_rank() -> bool:
    """Tell whether this process was started as an MPI rank.

    Slurm may start every step as ranks (its ``MpiDefault``). The only task of a step is none,
    unless ``mpiexec`` started several processes inside it.

    Returns
    -------
    bool
    """
    if os.environ.get("SLURM_STEP_NUM_TASKS") == "1":
        return any(os.environ.get(name, "1") != "1" for name in _SIZE_VARIABLES)
    return any(name in os.environ for name in _RANK_VARIABLES)


def tell_others(world: Intracomm, connection: Connection | None) -> None:
    """Tell all ranks but the first, which calls this, whom to work for.

    Parameters
    ----------
    world : Intracomm
        All ranks.
    connection : Connection or None
        None if there is nothing to do.
    """
    for rank in range(1, world.size):
        world.send(connection, rank)


def work(world: Intracomm) -> None:
    """Work for whom the first rank names, until that ends the workers.

    Parameters
    ----------
    world : Intracomm
        All ranks.
    """
    # MPI waits with a busy processor, which the first rank needs to start.
    while not world.iprobe(source=0):
        time.sleep(_PAUSE_SECONDS)
    connection = world.recv(source=0)
    if connection is not None:
        serve(connection, 1)


def _serve_in_every_rank() -> None:
    from mpi4py.MPI import COMM_WORLD  # noqa: PLC0415 (starts MPI)

    if COMM_WORLD.rank > 0:
        work(COMM_WORLD)
        return
    connection = Connection.from_json(sys.stdin.readline())
    tell_others(COMM_WORLD, connection)
    serve(connection, 1)


if __name__ == "__main__":
    _serve_in_every_rank()
