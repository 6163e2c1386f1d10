"""A Dask scheduler that runs already."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from synreduce.configuration.resources import refused_address
from synreduce.errors import Problem, ResourceError

if TYPE_CHECKING:
    from distributed import Client

_WHERE = "resources.scheduler"


@contextmanager
def existing_cluster(scheduler: str) -> Iterator[tuple[Client, int]]:
    """Connect to a scheduler.

    Parameters
    ----------
    scheduler : str
        Its address, or the path of its scheduler file.

    Yields
    ------
    Client, int
        Connected client and the number of threads of its workers.

    Raises
    ------
    ResourceError
        If it does not answer, or others could pose as it or as its workers.
    """
    from distributed import Client  # noqa: PLC0415

    address = scheduler if ":" in scheduler else _address_in(Path(scheduler))
    if reason := refused_address(address):
        fix = "bind it to 127.0.0.1, or use TLS (tls://)"
        raise ResourceError(Problem("open-scheduler", _WHERE, reason, fix))
    try:
        client = Client(address)
    except (OSError, ValueError) as error:
        what = f"'{scheduler}' does not answer ({error})"
        fix = "start it, or remove the key to use a local cluster"
        problem = Problem("scheduler-unreachable", _WHERE, what, fix)
        raise ResourceError(problem) from error
    with client:
        yield client, max(sum(client.nthreads().values()), 1)


def _address_in(path: Path) -> str:
    """Read a scheduler file that nobody else could have written or read."""
    try:
        with path.open("rb") as stream:
            # Of the file that is read: another one may take its name in between.
            status, content = os.fstat(stream.fileno()), stream.read()
    except OSError as error:
        fix = "start the scheduler with --scheduler-file, or give its address"
        what = f"no scheduler file '{path}' ({error.strerror})"
        raise ResourceError(Problem("scheduler-unreachable", _WHERE, what, fix)) from error
    if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
        what = f"'{path}' is open to others (mode {stat.S_IMODE(status.st_mode):04o})"
        fix = f"chmod 600 {path}, and start the scheduler under umask 077"
        raise ResourceError(Problem("open-scheduler-file", _WHERE, what, fix))
    try:
        return str(json.loads(content)["address"])
    except (ValueError, KeyError, TypeError) as error:
        what, fix = f"'{path}' is no scheduler file ({error!r})", "name the one the scheduler wrote"
        raise ResourceError(Problem("bad-scheduler-file", _WHERE, what, fix)) from error
