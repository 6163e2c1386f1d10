"""What an artefact was made from: it is current as long as this digest is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synreduce.storage import digest_of

if TYPE_CHECKING:
    from synreduce.chunks import Chunk
    from synreduce.configuration import Configuration

PROJECTION_VERSION = 3
"""Raise when the numbers of a projection change, so that old designs are made again."""

FIT_VERSION = 11
"""Raise when the numbers of a fit or its file change, so that old fits are made again."""

MERGE_VERSION = 10
"""Raise when the numbers of a merge change, so that old results are made again."""


def data_identity(configuration: Configuration, fingerprint: str) -> str:
    """Digest of everything that decides which samples there are.

    Parameters
    ----------
    configuration : Configuration
        The run.
    fingerprint : str
        Fingerprint of the databases.

    Returns
    -------
    str
    """
    return digest_of([fingerprint, configuration.digest("input", "window", "basis")])


def design_identity(data: str, chunk: Chunk) -> str:
    """Digest of everything that decides the projected data of a chunk.

    Parameters
    ----------
    data : str
        From `data_identity`.
    chunk : Chunk
        Cell of the grid.

    Returns
    -------
    str
    """
    temporal = chunk.temporal
    parts: list[Any] = [
        PROJECTION_VERSION,
        data,
        chunk.id,
        [temporal.start_ms, temporal.stop_ms, temporal.step_ms, temporal.target_width_ms],
        [chunk.spatial.start_um, chunk.spatial.stop_um],
    ]
    return digest_of(parts)


_FIT_SECTIONS = ("seed", "splits", "minimum_positives", "sampling", "strategies", "solvers",
                 "uncertainty")  # fmt: skip


def fit_options(configuration: Configuration) -> str:
    """Digest of the options that decide a fit, given its design.

    Parameters
    ----------
    configuration : Configuration
        The run.

    Returns
    -------
    str
    """
    return digest_of(
        [
            FIT_VERSION,
            [database.id for database in configuration.databases],
            configuration.digest(*_FIT_SECTIONS),
        ]
    )


def merge_options(configuration: Configuration) -> str:
    """Digest of the options that decide a merge, given its fits.

    Parameters
    ----------
    configuration : Configuration
        The run.

    Returns
    -------
    str
    """
    decisive = configuration.digest("merge", "scores", "uncertainty", "chunks", "seed")
    return digest_of([MERGE_VERSION, decisive])


def fit_identity(design: str, options: str) -> str:
    """Digest of everything that decides the fits of a chunk.

    Parameters
    ----------
    design : str
        From `design_identity`.
    options : str
        From `fit_options`.

    Returns
    -------
    str
    """
    return digest_of([design, options])
