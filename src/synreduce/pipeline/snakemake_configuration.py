"""The configuration of a run as it was given to Snakemake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synreduce.configuration import configuration_from_mapping, load_configuration

if TYPE_CHECKING:
    from synreduce.configuration import Configuration


def read_configuration(
    files: Sequence[str], given: Mapping[str, Any], default: Path
) -> Configuration:
    """Validate what ``--configfile`` and ``--config`` say.

    Parameters
    ----------
    files : sequence of str
        Configuration files of the command line.
    given : mapping
        What Snakemake read from them, with the overrides of ``--config``.
    default : Path
        Configuration used when no file is given.

    Returns
    -------
    Configuration

    Raises
    ------
    ConfigurationError
        Every mistake found, at once.
    """
    if _is_as_written(files, given):
        return load_configuration(Path(files[-1]) if files else default)
    base = {} if files else load_configuration(default).model_dump(mode="json")
    return configuration_from_mapping({**base, **given})


def _is_as_written(files: Sequence[str], given: Mapping[str, Any]) -> bool:
    """Whether Snakemake holds what one file says, without further files and ``--config``.

    Then the file itself is read, because only it tells in which line a mistake lies.
    """
    if len(files) != 1:
        return not files and not given
    from snakemake.common.configfile import load_configfile  # noqa: PLC0415

    return bool(load_configfile(files[0]) == given)
