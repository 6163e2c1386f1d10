"""The Dask scheduler of one job, in the job's process."""

from __future__ import annotations

import ipaddress
import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from synreduce.workers.environment import DASK_SETTINGS, LOOPBACK

if TYPE_CHECKING:
    from distributed import Client
    from distributed.security import Security

logger = logging.getLogger(__name__)

_SECONDS_TO_START = 120
_SECONDS_FOR_MORE = 20
SECONDS_WITHOUT_WORKERS = 60
"""A task that no worker is there for fails after this time."""


@contextmanager
def job_cluster(
    n_local_workers: int,
    *,
    in_threads: bool = False,
    host: str = LOOPBACK,
    security: Security | None = None,
) -> Iterator[Client]:
    """Start a scheduler, and workers on this machine.

    Parameters
    ----------
    n_local_workers : int
        Worker processes; one runs in this process and starts at once, none leaves the work to
        workers that connect from elsewhere.
    in_threads : bool, default: False
        Workers are threads of this process, which hand over what they made without a copy.
    host : str
        Address of this machine to listen on.
    security : Security, optional
        Certificate that peers must hold.

    Yields
    ------
    Client
        Connected; the workers end with it.
    """
    import dask  # noqa: PLC0415
    from distributed import Client, LocalCluster  # noqa: PLC0415

    in_process = in_threads or n_local_workers == 1
    settings = {
        **DASK_SETTINGS,
        "distributed.scheduler.no-workers-timeout": SECONDS_WITHOUT_WORKERS,
        # The positions of ten million samples are a message of 80 MB.
        "distributed.admin.large-graph-warning-threshold": "1 GiB",
    }
    with (
        dask.config.set(settings),
        LocalCluster(
            n_workers=n_local_workers,
            threads_per_worker=1,
            processes=not in_process,
            # Named in full, because Dask else opens ports on every network of the machine.
            protocol="inproc" if in_process else "tcp" if security is None else "tls",
            security=security,
            host=None if in_process else host,
            scheduler_kwargs={"dashboard": False},
            dashboard_address=f"{LOOPBACK}:0",
            worker_dashboard_address=f"{LOOPBACK}:0",
            memory_limit=0,
            # A worker in this process may be caught in a heartbeat when both end; what tasks raise
            # comes back with them.
            silence_logs=logging.CRITICAL if in_process else logging.WARNING,
        ) as cluster,
        Client(cluster, security=security) as client,
    ):
        yield client


def workers_there(client: Client, n_workers: int, starting: Callable[[], bool]) -> int:
    """Wait for workers that start elsewhere.

    Parameters
    ----------
    client : Client
        Connected to their scheduler.
    n_workers : int
        How many are to come.
    starting : callable
        Tells whether more may come.

    Returns
    -------
    int
        How many came before no more did, which may be fewer.
    """
    deadline = time.monotonic() + _SECONDS_TO_START
    there = 0
    while there < n_workers and starting() and time.monotonic() < deadline:
        try:
            client.wait_for_workers(n_workers, timeout=1)
        except TimeoutError:
            logger.debug("waiting for workers")
        before, there = there, len(client.nthreads())
        if there > before:
            deadline = time.monotonic() + _SECONDS_FOR_MORE
    if 0 < there < n_workers:
        logger.warning("%d of %d workers came", there, n_workers)
    return there


def network_address() -> str:
    """Find the address under which other nodes reach this one.

    Returns
    -------
    str
        Of the interface that Dask's ``distributed.comm.default-interface`` names, else of the one
        that this machine's name belongs to, else of the one that leads outside.
    """
    import dask  # noqa: PLC0415
    from distributed.utils import get_ip, get_ip_interface  # noqa: PLC0415

    if interface := dask.config.get("distributed.comm.default-interface", None):
        return str(get_ip_interface(interface))
    try:
        named = socket.gethostbyname(socket.gethostname())
    except OSError:
        named = LOOPBACK
    return str(get_ip()) if ipaddress.ip_address(named).is_loopback else named
