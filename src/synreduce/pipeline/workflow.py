"""What the Snakefile needs to know of a run; the rules hold contracts, the logic lives here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synreduce.pipeline.batches import ChunkIdentities, Stage, forget_lost_batches, run_batches
from synreduce.pipeline.check import check_run, is_checked, quick_fingerprint, record_check
from synreduce.pipeline.estimates import RunEstimates
from synreduce.pipeline.identity import merge_options
from synreduce.pipeline.paths import RunPaths
from synreduce.pipeline.snakemake_configuration import read_configuration
from synreduce.plotting import FIGURES

if TYPE_CHECKING:
    from synreduce.chunks import Batch
    from synreduce.configuration import Configuration

_DEFAULT_THREADS = 4


@dataclass(frozen=True)
class WorkflowRun:
    """One run as the workflow sees it.

    Parameters
    ----------
    configuration : Configuration
        Validated configuration.
    """

    configuration: Configuration

    @classmethod
    def open(
        cls,
        files: Sequence[str],
        given: Mapping[str, Any],
        *,
        default: Path,
        main_process: bool,
    ) -> WorkflowRun:
        """Validate the configuration, and where possible the databases, before any job starts.

        Parameters
        ----------
        files : sequence of str
            Configuration files of the command line.
        given : mapping
            What Snakemake read from them, with the overrides of ``--config``.
        default : Path
            Configuration of the built-in example, used when no file is given.
        main_process : bool
            False inside jobs, which leave checks and records alone.

        Returns
        -------
        WorkflowRun

        Raises
        ------
        ConfigurationError, DataError
            Every mistake found, at once.
        """
        run = cls(read_configuration(files, given, default))
        if main_process:
            run.prepare()
        return run

    def prepare(self) -> None:
        """Refuse what cannot work, and forget records of chunks that are lost or out of date."""
        if self.makes_example and not Path(self.example_database).exists():
            return
        if not is_checked(self.configuration, self.paths):
            check_run(self.configuration)
            if self.paths.folder.exists():
                record_check(self.configuration, self.paths)
        forget_lost_batches(self.paths, self.batches, self._identities)

    @cached_property
    def _identities(self) -> ChunkIdentities:
        return ChunkIdentities.of(self.configuration, quick_fingerprint(self.configuration))

    @cached_property
    def _expected(self) -> ChunkIdentities:
        """Identities that can be told even before the example is written."""
        return ChunkIdentities.of(self.configuration, self.known_fingerprint)

    @cached_property
    def estimates(self) -> RunEstimates:
        """Memory, disk and time of every job."""
        return RunEstimates.of(self.configuration)

    @cached_property
    def configuration_mapping(self) -> dict[str, Any]:
        """Resolved configuration as plain values."""
        return self.configuration.model_dump(mode="json")

    @cached_property
    def paths(self) -> RunPaths:
        """Files of the run."""
        return RunPaths.of(self.configuration)

    @cached_property
    def batches(self) -> tuple[Batch, ...]:
        """Chunks of every job."""
        return run_batches(self.configuration)

    @cached_property
    def _batch_by_name(self) -> dict[str, Batch]:
        return {batch.name: batch for batch in self.batches}

    @property
    def makes_example(self) -> bool:
        """Whether the workflow writes the database itself."""
        return self.configuration.example is not None

    @property
    def example_database(self) -> str:
        """Database that the workflow writes."""
        return self.databases[0]

    @property
    def example_options(self) -> str:
        """Digest of what decides the example database."""
        return self.configuration.digest("example")

    @property
    def databases(self) -> list[str]:
        """Paths of all databases."""
        return [str(database.file) for database in self.configuration.databases]

    @property
    def merge_identity(self) -> str:
        """Digest of what the merge depends on beside the fits."""
        return merge_options(self.configuration)

    @cached_property
    def known_fingerprint(self) -> str:
        """What the content of the databases follows from."""
        # Of the example: its options, which its own rule watches.
        return self.example_options if self.makes_example else quick_fingerprint(self.configuration)

    def batch_identity(self, stage: Stage, name: str) -> str:
        """Digest of what a batch is made from.

        Parameters
        ----------
        stage : {"project", "fit"}
            Stage of the workflow.
        name : str
            Name of the batch.

        Returns
        -------
        str
        """
        return self._expected.batch(stage, self._batch_by_name[name])

    def batch_pattern(self, stage: str) -> str:
        """Path of a batch's record with the wildcard ``batch``.

        Parameters
        ----------
        stage : {"project", "fit"}
            Stage of the workflow.

        Returns
        -------
        str
        """
        return str(self.paths.batch(stage, "{batch}"))

    def batch_records(self, stage: str) -> list[str]:
        """Paths of the records of all batches.

        Parameters
        ----------
        stage : {"project", "fit"}
            Stage of the workflow.

        Returns
        -------
        list of str
        """
        return [str(self.paths.batch(stage, batch.name)) for batch in self.batches]

    @property
    def figures(self) -> list[str]:
        """Paths of the figures."""
        return [str(self.paths.figures / f"{name}.png") for name in FIGURES]

    def targets(self) -> list[str]:
        """List what a complete run has made.

        Returns
        -------
        list of str
        """
        files = self.paths
        # Snakemake makes a lost intermediate file again only if it is asked for by name.
        return [
            *self.batch_records("project"),
            *self.batch_records("fit"),
            *map(str, (files.merged, files.scores, files.run_record, files.report)),
            *self.figures,
        ]

    def log(self, *name: str) -> str:
        """Path of the log of a job.

        Parameters
        ----------
        *name : str
            Rule, and batch if it has one.

        Returns
        -------
        str
        """
        return str(Path("logs", self.configuration.run, *name)) + ".log"

    def benchmark(self, *name: str) -> str:
        """Path of Snakemake's time and memory record of a job.

        Parameters
        ----------
        *name : str
            Rule, and batch if it has one.

        Returns
        -------
        str
        """
        return str(Path("benchmarks", self.configuration.run, *name)) + ".tsv"

    def threads(self, cores: int | None) -> int:
        """Dask workers of a job.

        Parameters
        ----------
        cores : int or None
            Cores of this machine that Snakemake may use; None on a cluster, where the cores of the
            machine are not the job's.

        Returns
        -------
        int
        """
        return self.configuration.resources.threads or cores or _DEFAULT_THREADS

    def memory_mb(self, stage: str, batch: str | None, attempt: int, threads: int) -> int:
        """Memory that a job asks for.

        Parameters
        ----------
        stage : str
            Name of the rule.
        batch : str or None
            Name of the batch, for rules that have one.
        attempt : int
            1 at first; every retry asks for more.
        threads : int
            Threads of the job.

        Returns
        -------
        int
            MB.
        """
        return self.estimates.memory_mb(stage, self._size(batch), threads) * attempt

    def runtime_minutes(self, stage: str, batch: str | None, attempt: int) -> int:
        """Time that a job asks for.

        Parameters
        ----------
        stage : str
            Name of the rule.
        batch : str or None
            Name of the batch, for rules that have one.
        attempt : int
            1 at first; every retry asks for more.

        Returns
        -------
        int
            Minutes.
        """
        return self.estimates.runtime_minutes(stage, self._size(batch)) * attempt

    def _size(self, batch: str | None) -> int:
        return len(self._batch_by_name[batch].chunks if batch else self.configuration.grid().chunks)
