"""The command that installs the Slurm profile for Snakemake: profile."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from synreduce.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from synreduce.cli.options import Commands


def add_commands(commands: Commands) -> None:
    """Describe the commands of this module.

    Parameters
    ----------
    commands : argparse subparsers
        Where they are added.
    """
    profile = commands.add_parser(
        "profile",
        help="copy the Slurm profile to your Snakemake folder, to edit it there",
    )
    profile.add_argument("action", choices=("install",))
    profile.add_argument("--force", action="store_true", help="replace a profile that is there")
    profile.set_defaults(run=run_profile)


def run_profile(arguments: argparse.Namespace) -> int:
    """Copy the Slurm profile to where Snakemake finds it from every folder.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed command line.

    Returns
    -------
    int
        Exit status.

    Raises
    ------
    ConfigurationError
        If a profile of that name exists and is not to be replaced.
    """
    from synreduce.storage import publish_text

    target = _snakemake_folder() / "slurm" / "config.yaml"
    # Snakemake may know the folder under other file names too.
    if not arguments.force and target.parent.exists() and any(target.parent.iterdir()):
        raise ConfigurationError(
            Problem(
                "profile-exists",
                str(target.parent),
                "holds a profile already",
                "keep it, or replace it with --force",
            )
        )
    publish_text(target, (files("synreduce") / "slurm_profile.yaml").read_text(encoding="utf-8"))
    sys.stdout.write(f"{target}: put account and partition under default-resources\n")
    return 0


def _snakemake_folder() -> Path:
    configured = os.environ.get("XDG_CONFIG_HOME")
    return (Path(configured) if configured else Path.home() / ".config") / "snakemake"
