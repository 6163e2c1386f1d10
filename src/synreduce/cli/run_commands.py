"""Commands that concern a run: plan, fit, status."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synreduce.cli.options import Commands


def add_commands(commands: Commands) -> None:
    """Describe the commands of this module.

    Parameters
    ----------
    commands : argparse subparsers
        Where they are added.
    """
    plan = commands.add_parser(
        "plan", help="chunks, jobs, memory, disk and time of a run; no work done"
    )
    plan.add_argument("--config", type=Path, required=True, metavar="C.yaml")
    plan.set_defaults(run=run_plan)

    fit = commands.add_parser("fit", help="the whole chain in one process")
    fit.add_argument("database", type=Path, metavar="DB.h5")
    fit.add_argument("--config", type=Path, required=True, metavar="C.yaml")
    fit.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.h5")
    fit.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="Dask workers, each a process of its own; default: threads of this process, as many "
        "as there are cores, up to four",
    )
    fit.set_defaults(run=run_fit)

    status = commands.add_parser(
        "status", help="what is done, runs, waits and failed, and the time left"
    )
    status.add_argument("run_folder", type=Path, metavar="RUN", help="results/<run>")
    status.add_argument(
        "--watch",
        nargs="?",
        type=_seconds,
        const=10.0,
        metavar="SECONDS",
        help="show it again every so many seconds, 10 if none are given, until the run is complete",
    )
    status.set_defaults(run=run_status)


def run_plan(arguments: argparse.Namespace) -> int:
    """Say what a run would do.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed command line.

    Returns
    -------
    int
        Exit status.
    """
    from synreduce.configuration import load_configuration
    from synreduce.pipeline.plan import plan_lines

    configuration = load_configuration(arguments.config)
    sys.stdout.write("\n".join(plan_lines(configuration)) + "\n")
    return 0


def run_fit(arguments: argparse.Namespace) -> int:
    """Run the whole chain in one process.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed command line.

    Returns
    -------
    int
        Exit status.
    """
    from synreduce.configuration import load_configuration
    from synreduce.pipeline.local import fit_to_file
    from synreduce.result import summary_lines

    configuration = load_configuration(arguments.config)
    result = fit_to_file(
        arguments.database, configuration, arguments.output, n_workers=arguments.workers
    )
    with result:
        sys.stdout.write("\n".join(summary_lines(result)) + "\n")
    return 0


def run_status(arguments: argparse.Namespace) -> int:
    """Say how far a run is.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed command line.

    Returns
    -------
    int
        Exit status.
    """
    from synreduce.cli.status_display import show
    from synreduce.execution.slurm_queue import SlurmQueue
    from synreduce.pipeline.status import StatusReader

    show(StatusReader(arguments.run_folder, SlurmQueue()), arguments.watch)
    return 0


def _seconds(text: str) -> float:
    value = float(text)
    if not value > 0:
        message = f"'{text}' is not a number of seconds above 0"
        raise argparse.ArgumentTypeError(message)
    return value
