"""Workers that a job starts on other nodes, by Slurm's ``srun`` or by MPI's ``mpiexec``."""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from synreduce.errors import Problem, ResourceError
from synreduce.execution.cluster import job_cluster, network_address, workers_there
from synreduce.workers.connection import Connection
from synreduce.workers.environment import LOOPBACK

if TYPE_CHECKING:
    from distributed import Client

logger = logging.getLogger(__name__)

_SECONDS_TO_END = 20
_LINES_SHOWN = 5


def srun_command(nodes: int, workers_per_node: int) -> list[str]:
    """Command that starts workers on the nodes of the Slurm job that this process is in.

    Parameters
    ----------
    nodes, workers_per_node : int
        One task per node runs all its workers.

    Returns
    -------
    list of str

    Raises
    ------
    ResourceError
        Outside a Slurm job.
    """
    if "SLURM_JOB_ID" not in os.environ:
        what = "srun starts workers inside a Slurm job, and this is none"
        fix = "use `snakemake --profile slurm`, sbatch or salloc, or set resources.engine: local"
        raise ResourceError(Problem("no-allocation", "resources.engine", what, fix))
    return [
        *("srun", f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1"),
        *(f"--cpus-per-task={workers_per_node}", "--cpu-bind=none", "--overlap"),
        # The others take over what a lost task had.
        *("--kill-on-bad-exit=0", "--wait=0", "--input=all"),
        *(sys.executable, "-m", "synreduce.workers.serving", str(workers_per_node)),
    ]


def mpi_command(nodes: int, workers_per_node: int) -> list[str]:
    """Command that starts workers as MPI ranks.

    Parameters
    ----------
    nodes, workers_per_node : int
        One rank per worker.

    Returns
    -------
    list of str
    """
    ranks = str(nodes * workers_per_node)
    given = os.environ.get("SYNREDUCE_MPIEXEC")
    if given:
        start = [*shlex.split(given), "-n", ranks]
    elif "SLURM_JOB_ID" in os.environ:
        start = ["srun", "--mpi=pmi2", f"--nodes={nodes}", "-n", ranks, "--overlap"]
        # A rank that dies before MPI knows it would be waited for by all others.
        start.append("--kill-on-bad-exit=1")
    else:
        start = [mpiexec(), "-n", ranks]
    return [*start, sys.executable, "-m", "mpi4py", "-m", "synreduce.workers.mpi"]


def mpiexec() -> str:
    """Find the program that starts MPI ranks.

    Returns
    -------
    str
        That of the environment of this Python, active or not, because it goes with the MPI library
        there; else the name alone.
    """
    beside = Path(sys.executable).with_name("mpiexec")
    return str(beside) if beside.exists() else "mpiexec"


@contextmanager
def launched_cluster(
    command: Sequence[str], n_workers: int, *, one_machine: bool
) -> Iterator[tuple[Client, int]]:
    """Start a scheduler here and workers by a command.

    Parameters
    ----------
    command : sequence of str
        Starts the workers and ends with them; it is given the `Connection` as a line of text.
    n_workers : int
        Workers it starts.
    one_machine : bool
        Whether all of them are on this machine.

    Yields
    ------
    Client, int
        Connected client and the number of workers.

    Raises
    ------
    ResourceError
        If the command is missing, or no worker came; with what the command said.
    """
    from distributed.security import Security  # noqa: PLC0415

    if shutil.which(command[0]) is None:
        what, fix = f"'{command[0]}' is not there", "install it, or set resources.engine: local"
        raise ResourceError(Problem("no-launcher", "resources.engine", what, fix))
    host = LOOPBACK if one_machine else network_address()
    launcher: subprocess.Popen[str] | None = None
    with tempfile.TemporaryFile() as output:
        try:
            with job_cluster(0, host=host, security=Security.temporary()) as client:
                launcher = _start(command, Connection.of(client), output)
                there = workers_there(client, n_workers, lambda: _runs(launcher))
                if there == 0:
                    raise ResourceError(_no_workers(command[0], output))
                yield client, there
        finally:
            if launcher is not None:
                _end(launcher)
            for line in _lines(output):
                logger.info("%s: %s", command[0], line)


def _start(
    command: Sequence[str], connection: Connection, output: IO[bytes]
) -> subprocess.Popen[str]:
    launcher = subprocess.Popen(  # noqa: S603 (no shell; nothing of it is from a configuration)
        command, stdin=subprocess.PIPE, stdout=output, stderr=output, text=True
    )
    if launcher.stdin is not None:
        # A command that failed at once reads nothing; what it said is reported later.
        with suppress(BrokenPipeError), launcher.stdin as stream:
            stream.write(connection.to_json() + "\n")
    return launcher


def _runs(launcher: subprocess.Popen[str]) -> bool:
    return launcher.poll() is None


def _no_workers(program: str, output: IO[bytes]) -> Problem:
    said = "; ".join(_lines(output)[-_LINES_SHOWN:]) or "nothing"
    what = f"{program} started no worker that connected; it said: {said}"
    return Problem("no-workers", "resources.engine", what, "see the log of the job")


def _lines(output: IO[bytes]) -> list[str]:
    # Not by seeking: the position is also that where the command writes.
    said = os.pread(output.fileno(), os.fstat(output.fileno()).st_size, 0)
    return said.decode("utf-8", "replace").splitlines()


def _end(launcher: subprocess.Popen[str]) -> None:
    """Wait for workers whose scheduler is gone; end those that do not see it."""
    for end in (launcher.terminate, launcher.kill):
        try:
            launcher.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            end()
        else:
            return
    launcher.wait()
