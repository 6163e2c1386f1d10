"""Commands that read a result: plot."""

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
    plot = commands.add_parser("plot", help="the figures of a result")
    plot.add_argument("result", type=Path, metavar="RESULT.h5")
    plot.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    plot.add_argument("--format", nargs="+", choices=("png", "pdf", "svg"), default=["png"])
    plot.set_defaults(run=run_plot)


def run_plot(arguments: argparse.Namespace) -> int:
    """Draw the figures of a result.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed command line.

    Returns
    -------
    int
        Exit status.
    """
    from synreduce.plotting import plot_result

    written = plot_result(arguments.result, arguments.output, tuple(arguments.format))
    sys.stdout.write("\n".join(str(path) for path in written) + "\n")
    return 0
