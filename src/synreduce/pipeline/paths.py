"""Where the files of a run lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synreduce.chunks import Chunk
    from synreduce.configuration import Configuration

RESULTS = Path("results")
"""Folder of all runs, relative to where the workflow is started."""


@dataclass(frozen=True)
class RunPaths:
    """Paths of all files of one run.

    Parameters
    ----------
    folder : Path
        The run's folder, ``results/<run>``.

    Examples
    --------
    >>> RunPaths(Path("results/example")).merged.as_posix()
    'results/example/merged.h5'
    """

    folder: Path

    @classmethod
    def of(cls, configuration: Configuration) -> RunPaths:
        """Paths of a run in the results folder.

        Parameters
        ----------
        configuration : Configuration
            The run.

        Returns
        -------
        RunPaths
        """
        return cls(RESULTS / configuration.run)

    @property
    def inputs(self) -> Path:
        """Fingerprints of the databases that were checked."""
        return self.folder / "inputs.json"

    @property
    def check(self) -> Path:
        """What was checked against what; the check need not be repeated while it is current."""
        return self.folder / "check.json"

    @property
    def configuration(self) -> Path:
        """Resolved configuration the run was made with."""
        return self.folder / "configuration.json"

    @property
    def controller(self) -> Path:
        """Which process controls the run; empty between runs."""
        return self.folder / "controller.lock"

    @property
    def merged(self) -> Path:
        """The result."""
        return self.folder / "merged.h5"

    @property
    def scores(self) -> Path:
        """One row per evaluated model."""
        return self.folder / "scores.csv"

    @property
    def run_record(self) -> Path:
        """Hosts, times, durations, memory, retries."""
        return self.folder / "run.json"

    @property
    def jobs(self) -> Path:
        """Folder of the records of single jobs."""
        return self.folder / "jobs"

    @property
    def report(self) -> Path:
        """One self-contained page."""
        return self.folder / "report.html"

    @property
    def figures(self) -> Path:
        """Folder of the figures."""
        return self.folder / "figures"

    def chunk(self, chunk: Chunk) -> Path:
        """Folder of one chunk.

        Parameters
        ----------
        chunk : Chunk
            Cell of the grid.

        Returns
        -------
        Path
        """
        return self.folder / "chunks" / chunk.spatial.name / chunk.temporal.name

    def design(self, chunk: Chunk) -> Path:
        """Projected data of one chunk.

        Parameters
        ----------
        chunk : Chunk
            Cell of the grid.

        Returns
        -------
        Path
        """
        return self.chunk(chunk) / "design.h5"

    def fits(self, chunk: Chunk) -> Path:
        """Fits of one chunk.

        Parameters
        ----------
        chunk : Chunk
            Cell of the grid.

        Returns
        -------
        Path
        """
        return self.chunk(chunk) / "fits.h5"

    def checkpoints(self, chunk: Chunk) -> Path:
        """Folder of what unfinished attempts at the fits of one chunk left.

        Parameters
        ----------
        chunk : Chunk
            Cell of the grid.

        Returns
        -------
        Path
        """
        return self.chunk(chunk) / "checkpoints"

    def batch(self, stage: str, name: str) -> Path:
        """Record that a batch of chunks passed a stage: Snakemake's view of them.

        Parameters
        ----------
        stage : str
            ``project`` or ``fit``.
        name : str
            Name of the batch.

        Returns
        -------
        Path
        """
        return self.folder / "batches" / stage / f"{name}.json"
