"""Records that a batch of chunks passed a stage.

Snakemake sees one small record per batch; the chunk files behind it are the unit of retry. A record
lists what every chunk was made from, so a record whose chunks are lost or out of date is forgotten
and Snakemake runs the batch again, which redoes only those chunks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from synreduce.errors import ConfigurationError, Problem
from synreduce.pipeline.identity import (
    data_identity,
    design_identity,
    fit_identity,
    fit_options,
)
from synreduce.storage import digest_of, publish_json
from synreduce.suggestions import did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

    from synreduce.chunks import Batch, Chunk
    from synreduce.configuration import Configuration
    from synreduce.pipeline.paths import RunPaths

Stage = Literal["project", "fit"]


@dataclass(frozen=True)
class ChunkIdentities:
    """What every chunk file of a run has to be made from.

    Parameters
    ----------
    data : str
        Digest of samples and bases, from `data_identity`.
    options : str
        Digest of the options of the fits, from `fit_options`.
    """

    data: str
    options: str

    @classmethod
    def of(cls, configuration: Configuration, fingerprint: str) -> ChunkIdentities:
        """Collect the identities of a run.

        Parameters
        ----------
        configuration : Configuration
            The run.
        fingerprint : str
            Fingerprint of its databases.

        Returns
        -------
        ChunkIdentities
        """
        return cls(data_identity(configuration, fingerprint), fit_options(configuration))

    def design(self, chunk: Chunk) -> str:
        """Identity of the projected data of a chunk.

        Parameters
        ----------
        chunk : Chunk
            Cell of the grid.

        Returns
        -------
        str
        """
        return design_identity(self.data, chunk)

    def fits(self, chunk: Chunk) -> str:
        """Identity of the fits of a chunk.

        Parameters
        ----------
        chunk : Chunk
            Cell of the grid.

        Returns
        -------
        str
        """
        return fit_identity(self.design(chunk), self.options)

    def stage(self, stage: Stage, chunk: Chunk) -> str:
        """Identity of the file that a stage makes of a chunk.

        Parameters
        ----------
        stage : {"project", "fit"}
            Stage of the workflow.
        chunk : Chunk
            Cell of the grid.

        Returns
        -------
        str
        """
        return self.design(chunk) if stage == "project" else self.fits(chunk)

    def batch(self, stage: Stage, batch: Batch) -> str:
        """Digest of the identities of all chunks of a batch.

        Parameters
        ----------
        stage : {"project", "fit"}
            Stage of the workflow.
        batch : Batch
            Chunks of one job.

        Returns
        -------
        str
        """
        return digest_of([self.stage(stage, chunk) for chunk in batch.chunks])


def run_batches(configuration: Configuration) -> tuple[Batch, ...]:
    """Chunks of every job of a run.

    Parameters
    ----------
    configuration : Configuration
        The run.

    Returns
    -------
    tuple of Batch
    """
    return configuration.batches()


def find_batch(configuration: Configuration, name: str) -> Batch:
    """Find the chunks of one job.

    Parameters
    ----------
    configuration : Configuration
        The run.
    name : str
        Name of the batch.

    Returns
    -------
    Batch

    Raises
    ------
    ConfigurationError
        If the run has no such batch.
    """
    batches = {batch.name: batch for batch in run_batches(configuration)}
    if name not in batches:
        fix = did_you_mean(name, batches)
        raise ConfigurationError(Problem("unknown-batch", f"run {configuration.run}", name, fix))
    return batches[name]


def chunk_file(paths: RunPaths, stage: Stage, chunk: Chunk) -> Path:
    """Path of the file that a stage makes of a chunk.

    Parameters
    ----------
    paths : RunPaths
        Files of the run.
    stage : {"project", "fit"}
        Stage of the workflow.
    chunk : Chunk
        Cell of the grid.

    Returns
    -------
    Path
    """
    return paths.design(chunk) if stage == "project" else paths.fits(chunk)


def write_batch_record(
    paths: RunPaths, stage: Stage, batch: Batch, identities: ChunkIdentities
) -> None:
    """Record that all chunks of a batch passed a stage.

    Parameters
    ----------
    paths : RunPaths
        Files of the run.
    stage : {"project", "fit"}
        Stage of the workflow.
    batch : Batch
        Chunks of one job; every one has its file.
    identities : ChunkIdentities
        What the files were made from.
    """
    chunks = {
        chunk.id: {
            "identity": identities.stage(stage, chunk),
            "bytes": chunk_file(paths, stage, chunk).stat().st_size,
        }
        for chunk in batch.chunks
    }
    publish_json(paths.batch(stage, batch.name), {"stage": stage, "chunks": chunks})


def lost_chunks(
    paths: RunPaths, stage: Stage, batch: Batch, identities: ChunkIdentities
) -> list[Chunk]:
    """Chunks of a recorded batch whose file is gone, cut, or made from something else.

    Parameters
    ----------
    paths : RunPaths
        Files of the run.
    stage : {"project", "fit"}
        Stage of the workflow.
    batch : Batch
        Chunks of one job.
    identities : ChunkIdentities
        What the files have to be made from.

    Returns
    -------
    list of Chunk
        All chunks if the batch has no readable record.
    """
    recorded = _read_record(paths.batch(stage, batch.name))
    return [
        chunk
        for chunk in batch.chunks
        if not _is_kept(
            recorded.get(chunk.id), chunk_file(paths, stage, chunk), identities.stage(stage, chunk)
        )
    ]


def forget_lost_batches(
    paths: RunPaths, batches: tuple[Batch, ...], identities: ChunkIdentities
) -> None:
    """Remove the records of batches that lost a chunk, so that Snakemake runs them again.

    Parameters
    ----------
    paths : RunPaths
        Files of the run.
    batches : tuple of Batch
        All batches of the run.
    identities : ChunkIdentities
        What the files have to be made from.
    """
    stages: tuple[Stage, ...] = ("project", "fit")
    for stage in stages:
        for batch in batches:
            record = paths.batch(stage, batch.name)
            if record.exists() and lost_chunks(paths, stage, batch, identities):
                record.unlink(missing_ok=True)


def _read_record(path: Path) -> dict[str, Any]:
    try:
        chunks = json.loads(path.read_text(encoding="utf-8"))["chunks"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return chunks if isinstance(chunks, dict) else {}


def _is_kept(recorded: object, path: Path, identity: str) -> bool:
    if not isinstance(recorded, Mapping) or recorded.get("identity") != identity:
        return False
    try:
        return path.stat().st_size == recorded.get("bytes")
    except OSError:
        return False
