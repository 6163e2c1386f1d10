"""Workers of a job that runs elsewhere.

``python -m synreduce.workers.serving N`` reads a `Connection` from its standard input and runs N
workers until the job ends.
"""

from __future__ import annotations

import asyncio
import os
import sys
from urllib.parse import urlsplit

from synreduce.workers.connection import Connection
from synreduce.workers.environment import DASK_SETTINGS, LOOPBACK, prepare_process

_SECONDS_TO_FIND_THE_SCHEDULER = 60


def serve(connection: Connection, n_workers: int) -> None:
    """Run workers until their scheduler ends them or is gone.

    Each is a process that is replaced when it dies.

    Parameters
    ----------
    connection : Connection
        Scheduler to work for.
    n_workers : int
        Worker processes, one thread each.
    """
    prepare_process()
    # Workers complain of the end of their scheduler, which reports lost workers itself.
    os.environ["DASK_LOGGING__DISTRIBUTED"] = "critical"
    import dask  # noqa: PLC0415

    with dask.config.set(DASK_SETTINGS):
        asyncio.run(_serve(connection, n_workers))


async def _serve(connection: Connection, n_workers: int) -> None:
    from distributed import Nanny  # noqa: PLC0415
    from distributed.utils import get_ip  # noqa: PLC0415

    scheduler = urlsplit(connection.address).hostname or LOOPBACK
    nannies = [
        Nanny(
            connection.address,
            nthreads=1,
            # Of this machine, on the network that leads to the scheduler.
            host=get_ip(scheduler),
            protocol="tls",
            security=connection.security(),
            death_timeout=_SECONDS_TO_FIND_THE_SCHEDULER,
            memory_limit=0,
            dashboard_address=f"{LOOPBACK}:0",
        )
        for _ in range(n_workers)
    ]
    started = await asyncio.gather(*nannies, return_exceptions=True)
    for outcome in started:
        # No error: a short job may be over before all its workers are there.
        if isinstance(outcome, Exception):
            reason = outcome.__cause__ or outcome
            sys.stderr.write(f"a worker did not join {connection.address}: {reason}\n")
    await asyncio.gather(*(one.finished() for one in started if isinstance(one, Nanny)))


if __name__ == "__main__":
    serve(Connection.from_json(sys.stdin.readline()), int(sys.argv[1]))
