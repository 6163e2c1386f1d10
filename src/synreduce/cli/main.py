"""Entry point: parses the command line, runs one command, turns errors into one clear message."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from synreduce import __version__
from synreduce.cli import database_commands, profile_commands, result_commands, run_commands
from synreduce.errors import Problem, ResourceError, SynreduceError

_INTERRUPTED = 128 + signal.SIGINT


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line.

    Returns
    -------
    argparse.ArgumentParser
    """
    parser = argparse.ArgumentParser(
        prog="synreduce",
        description="Infer the reduced model that explains the spikes of a detailed neuron model.",
        epilog="Exit status: 0 complete; 1 some chunks failed, the rest is kept; 2 input refused; "
        "3 a file is damaged; 4 another process owns the run; 5 out of space, memory or time.",
    )
    parser.add_argument("--version", action="version", version=f"synreduce {__version__}")
    parser.add_argument("--verbose", action="store_true", help="show what is done, not only errors")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (database_commands, run_commands, result_commands, profile_commands):
        module.add_commands(commands)
    return parser


def _terminate(signum: int, _frame: FrameType | None) -> None:
    sys.exit(128 + signum)


def _out_of_memory(error: MemoryError) -> ResourceError:
    return ResourceError(
        Problem("memory", "this process", str(error) or "no memory left", "lower resources.memory")
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line without the program's name; the process's own if not given.

    Returns
    -------
    int
        Exit status, see the help.
    """
    parsed = build_parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO if parsed.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    signal.signal(signal.SIGTERM, _terminate)
    try:
        status: int = parsed.run(parsed)
    except SynreduceError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except MemoryError as error:
        sys.stderr.write(f"{_out_of_memory(error)}\n")
        return ResourceError.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of our output (head, less) has gone: nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return status


if __name__ == "__main__":
    sys.exit(main())
