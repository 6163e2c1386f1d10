"""A run whose databases passed the check: what every stage works with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from synreduce import __version__
from synreduce.pipeline.batches import ChunkIdentities
from synreduce.pipeline.check import recorded_fingerprint
from synreduce.pipeline.paths import RunPaths
from synreduce.result import ArtefactIdentity

if TYPE_CHECKING:
    from synreduce.chunks import Chunk
    from synreduce.configuration import Configuration


@dataclass(frozen=True)
class CheckedRun:
    """Configuration, files and identities of a run.

    Parameters
    ----------
    configuration : Configuration
        The run.
    paths : RunPaths
        Its files.
    fingerprint : str
        Fingerprint of its databases when they were checked.
    """

    configuration: Configuration
    paths: RunPaths
    fingerprint: str

    @classmethod
    def open(cls, configuration: Configuration, paths: RunPaths | None = None) -> CheckedRun:
        """Take up a run that was checked.

        Parameters
        ----------
        configuration : Configuration
            The run.
        paths : RunPaths, optional
            Its files; by default in the results folder.

        Returns
        -------
        CheckedRun

        Raises
        ------
        ArtefactError
            If the record of the check is missing.
        """
        files = paths or RunPaths.of(configuration)
        return cls(configuration, files, recorded_fingerprint(files))

    @cached_property
    def identities(self) -> ChunkIdentities:
        """What every chunk file has to be made from."""
        return ChunkIdentities.of(self.configuration, self.fingerprint)

    def design_identity(self, chunk: Chunk) -> ArtefactIdentity:
        """Describe what the projected data of a chunk have to be made from.

        Parameters
        ----------
        chunk : Chunk
            Cell of the grid.

        Returns
        -------
        ArtefactIdentity
        """
        return self._artefact(chunk, self.identities.design(chunk))

    def fits_identity(self, chunk: Chunk) -> ArtefactIdentity:
        """Describe what the fits of a chunk have to be made from.

        Parameters
        ----------
        chunk : Chunk
            Cell of the grid.

        Returns
        -------
        ArtefactIdentity
        """
        return self._artefact(chunk, self.identities.fits(chunk))

    def _artefact(self, chunk: Chunk, digest: str) -> ArtefactIdentity:
        return ArtefactIdentity(chunk.id, digest, self.fingerprint, __version__)
