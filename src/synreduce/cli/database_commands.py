"""Commands that make and look at activation databases: example, import, check, inspect."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from synreduce.cli.options import add_dataclass_options, read_dataclass_options
from synreduce.importers.options import ImportOptions
from synreduce.importers.registry import IMPORTERS

if TYPE_CHECKING:
    from synreduce.cli.options import Commands


def add_commands(commands: Commands) -> None:
    """Describe the commands of this module.

    Parameters
    ----------
    commands : argparse subparsers
        Where they are added.
    """
    _add_example(commands)
    _add_import(commands)
    check = commands.add_parser("check", help="validate a database, and a configuration against it")
    check.add_argument("database", type=Path, metavar="DB.h5", help="database to validate")
    check.add_argument(
        "--config", type=Path, metavar="C.yaml", help="configuration to validate against it"
    )
    check.add_argument("--quick", action="store_true", help="headers only, do not read all values")
    check.set_defaults(run=run_check)

    inspect = commands.add_parser("inspect", help="what is in a database or result, in a screenful")
    inspect.add_argument("file", type=Path, metavar="FILE", help="database or merged result")
    inspect.set_defaults(run=run_inspect)


def _add_example(commands: Commands) -> None:
    example = commands.add_parser("example", help="write a database with known ground truth")
    example.add_argument("output", type=Path, metavar="OUT.h5", help="database to write")
    example.add_argument(
        "--kind",
        choices=("planted", "cable"),
        default="cable",
        help="spikes drawn from known filters, or from a conductance-based cable neuron (default)",
    )
    example.add_argument(
        "--trials", type=int, default=20_000, metavar="N", help="simulated trials (%(default)s)"
    )
    example.add_argument(
        "--seed", type=int, default=1, metavar="S", help="the same seed gives the same file"
    )
    example.add_argument(
        "--layout",
        choices=("events", "counts"),
        default="counts",
        help="every activation (90 KB a trial), or counts in bins (4 KB, default)",
    )
    example.set_defaults(run=run_example)


def _add_import(commands: Commands) -> None:
    formats = "; ".join(f"{item.name}: {item.summary}" for item in IMPORTERS.values())
    importing = commands.add_parser(
        "import", help="make a database from other programs' files", description=formats
    )
    importing.add_argument("format", choices=sorted(IMPORTERS), metavar="FORMAT")
    importing.add_argument("sources", type=Path, nargs="+", metavar="SOURCE")
    importing.add_argument("-o", "--output", type=Path, required=True, metavar="DB.h5")
    add_dataclass_options(importing, ImportOptions)
    importing.set_defaults(run=run_importer)


def run_example(arguments: argparse.Namespace) -> int:
    """Write an example database.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed command line.

    Returns
    -------
    int
        Exit status.
    """
    from synreduce.examples import write_example

    report = write_example(
        arguments.kind,
        arguments.output,
        arguments.trials,
        arguments.seed,
        layout=arguments.layout,
    )
    _print_lines(report.lines())
    return 0


def run_importer(arguments: argparse.Namespace) -> int:
    """Import files into a database.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed command line.

    Returns
    -------
    int
        Exit status.
    """
    from synreduce.importers import run_import

    options = read_dataclass_options(arguments, ImportOptions)
    report = run_import(arguments.format, arguments.sources, arguments.output, options)
    _print_lines(report.lines())
    return 0


def run_check(arguments: argparse.Namespace) -> int:
    """Validate a database, and a configuration against it.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed command line.

    Returns
    -------
    int
        Exit status.
    """
    from synreduce.pipeline.check import check_database_and_configuration

    lines = check_database_and_configuration(
        arguments.database, arguments.config, deep=not arguments.quick
    )
    _print_lines(lines)
    return 0


def run_inspect(arguments: argparse.Namespace) -> int:
    """Describe a database or a result.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed command line.

    Returns
    -------
    int
        Exit status.
    """
    from synreduce.pipeline.inspection import describe_file

    _print_lines(describe_file(arguments.file))
    return 0


def _print_lines(lines: list[str]) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
