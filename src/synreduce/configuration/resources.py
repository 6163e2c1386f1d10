"""What a job may use, and where its workers run."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from synreduce.configuration.fields import Count, Memory, Section
from synreduce.units import parse_bytes

CACHED_SHARE = 0.6
"""Part of the memory budget for rows; the rest is for what is made of them."""


def refused_address(address: str) -> str | None:
    """Say why a scheduler must not be used: whoever reaches it can run code as its user.

    Parameters
    ----------
    address : str
        Such as ``tcp://127.0.0.1:8786`` or ``tls://node17:8786``.

    Returns
    -------
    str or None
        None if it may.

    Examples
    --------
    >>> refused_address("tls://node17:8786")
    >>> refused_address("tcp://node17:8786")
    "'tcp://node17:8786' is neither encrypted nor on loopback: anybody could run code there"
    """
    parts = urlsplit(address if "://" in address else f"tcp://{address}")
    host = parts.hostname or ""
    try:
        on_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        on_loopback = host == "localhost"
    if parts.scheme == "tls" or on_loopback:
        return None
    return f"{address!r} is neither encrypted nor on loopback: anybody could run code there"


def _checked_scheduler(scheduler: str) -> str:
    # Anything without a colon is the path of a scheduler file, whose address is checked when read.
    reason = refused_address(scheduler) if ":" in scheduler else None
    if reason is not None:
        message = f"{reason}; bind it to 127.0.0.1, or use TLS (tls://)"
        raise ValueError(message)
    return scheduler


class ResourcesSettings(Section):
    """What a job may use. The results do not depend on it."""

    memory: Memory = "500 MB"
    """Budget of one worker for the data it works on."""
    threads: Count | None = None
    """Workers of a job on each node. Default: what the job was given."""
    engine: Literal["local", "srun", "mpi"] = "local"
    """What starts the workers of a fit or merge: the job itself on its own node (`local`), `srun`
    on all nodes of its Slurm allocation, or MPI, as ranks."""
    nodes: Count = 1
    """Nodes of a fit or merge; more than one with `srun` or `mpi`."""
    scheduler: Annotated[str, Field(min_length=1), AfterValidator(_checked_scheduler)] | None = None
    """Address of a running Dask scheduler, on loopback or with TLS, or path of its scheduler file.
    Default: workers of the job's own."""

    @property
    def cache_bytes(self) -> int:
        """Rows that a worker may keep in memory."""
        return int(CACHED_SHARE * parse_bytes(self.memory))

    @property
    def of_one_node(self) -> ResourcesSettings:
        """The same for stages that do not use several nodes."""
        return self.model_copy(update={"engine": "local", "nodes": 1})
