"""A run of the workflow on Slurm, as a user starts it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from slurm_jobs import NewJobs, end_jobs
from workflow_run import PROGRAMS, ROOT

Found = TypeVar("Found")

ON_SLURM = ("--profile", "slurm")
UNTIL_MERGED = ("--until", "merge")
# A node of its own for each job: few jobs use all nodes, and a lost node is the accident of one.
ON_OWN_NODES = (
    "--set-resources",
    *(f"{rule}:slurm_extra='--exclusive'" for rule in ("project", "fit")),
)
# A machine that does other work too may need many times what an idle one does.
PATIENCE_SECONDS = 1800


def wait_for(condition: Callable[[], Found], seconds: float = PATIENCE_SECONDS) -> Found:
    """Wait until a condition gives something true, and return that."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.1)
    message = f"not within {seconds} s: {condition}"
    raise AssertionError(message)


@dataclass
class Driver:
    """A `snakemake` that was started; its output goes to a file, so that it never blocks."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def text(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def says(self, words: str) -> bool:
        """Whether the words were printed; an error if they no longer can be."""
        ended = self.process.poll() is not None
        if words in self.text:
            return True
        assert not ended, self.text
        return False

    def end(self) -> int:
        """Wait for the end; the exit status."""
        try:
            return self.process.wait(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(self.text) from None

    def succeed(self) -> str:
        """Wait for an end without error; the output."""
        assert self.end() == 0, self.text
        return self.text


@dataclass(frozen=True)
class ClusterRun:
    """The workflow in one folder, with one configuration or the built-in example's."""

    folder: Path
    name: str
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def results(self) -> Path:
        return self.folder / "results" / self.name

    @property
    def _configuration(self) -> Path:
        return self.folder / "run.yaml"

    def configure(self, mapping: dict[str, Any]) -> None:
        self._configuration.write_text(yaml.safe_dump(mapping), encoding="utf-8")

    def run(self, *arguments: str) -> str:
        """Run to the end; the output."""
        with self.start(*arguments) as driver:
            return driver.succeed()

    @contextmanager
    def start(self, *arguments: str, **environment: str) -> Iterator[Driver]:
        """Start and go on; ended, with all its jobs, where the caller fails."""
        number = len(list(self.folder.glob("driver_*.log")))
        log = self.folder / f"driver_{number}.log"
        command = [
            *(str(PROGRAMS / "snakemake"), *arguments, "--directory", str(self.folder)),
            *(("--configfile", str(self._configuration)) if self._configuration.exists() else ()),
        ]
        path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "PATH": path, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield Driver(process, log)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
                end_jobs(self.folder)

    def merged(self) -> bytes:
        return (self.results / "merged.h5").read_bytes()

    def fit_stamps(self) -> dict[str, int]:
        """Time of change of the fits of every chunk, by ``space/window``."""
        found = sorted((self.results / "chunks").glob("*/*/fits.h5"))
        return {
            str(path.parent.relative_to(self.results / "chunks")): path.stat().st_mtime_ns
            for path in found
        }

    def lose_fits(self, *batches: Batch) -> None:
        """Remove the fits of the chunks of batches, and the result."""
        self._lose(chunk for batch in batches for chunk in batch.chunks)

    def lose_all_fits(self) -> None:
        """Remove the fits of all chunks, and the result."""
        self._lose(self.fit_stamps())

    def _lose(self, chunks: Iterable[str]) -> None:
        for chunk in chunks:
            (self.results / "chunks" / chunk / "fits.h5").unlink()
        (self.results / "merged.h5").unlink(missing_ok=True)

    def has_fits(self, chunk: str) -> bool:
        return (self.results / "chunks" / chunk / "fits.h5").exists()

    def fit_log(self, batch: Batch) -> str:
        """Log of the latest job that fitted a batch."""
        path = self.folder / "logs" / self.name / "fit" / f"{batch.name}.log"
        return path.read_text(encoding="utf-8")


@dataclass(frozen=True)
class Batch:
    """Chunks of one job of the runs below."""

    name: str
    chunks: tuple[str, ...]


@dataclass(frozen=True)
class CableGrid:
    """Twelve chunks of the cable neuron, three per job."""

    spaces: tuple[str, ...] = ("d0000-0500", "d0500-1500")
    windows: tuple[tuple[int, int], ...] = ((255, 258), (258, 261))

    @property
    def batches(self) -> tuple[Batch, ...]:
        return tuple(
            Batch(
                f"{space}_t{start:04d}-{stop:04d}",
                tuple(f"{space}/t{ms:04d}-{ms + 1:04d}" for ms in range(start, stop)),
            )
            for space in self.spaces
            for start, stop in self.windows
        )

    def configuration(self) -> dict[str, Any]:
        return {
            "run": "cable",
            "databases": [{"id": "cable", "path": "results/cable/database.h5"}],
            # Few trials, so that it takes seconds.
            "example": {"kind": "cable", "trials": 4000, "seed": 1},
            "minimum_positives": {"train": 10, "test": 5},
            "chunks": {
                "spatial": {"edges_um": [0, 500, 1500]},
                "temporal": [{"start_ms": 255, "stop_ms": 261, "chunk_ms": 1}],
                "per_job": 3,
            },
            # The second takes long enough for something to happen meanwhile.
            "solvers": [{"kind": "newton"}, {"kind": "cobyla", "max_evaluations": 300}],
            # The four virtual nodes share the cores of one machine: a job is one process.
            "resources": {"threads": 1},
        }


@dataclass(frozen=True)
class FirstRun:
    """A run of which a job was cancelled, and which the same command then finished."""

    run: ClusterRun
    jobs: NewJobs
    cancelled: Batch
    kept: dict[str, int]
    """Times of change of the fits that were there before the second command."""
