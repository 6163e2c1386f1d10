"""A run of the workflow on Slurm, as a user starts it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from workflow_run import PROGRAMS, ROOT

_PATIENCE_SECONDS = 600


@dataclass(frozen=True)
class SlurmJob:
    """A job as Slurm sees it; `purpose` is rule and batch, as Snakemake writes them."""

    number: str
    state: str
    node: str
    purpose: str


def slurm_jobs() -> list[SlurmJob]:
    """All jobs of the last minutes, finished ones too."""
    columns = ["squeue", "--noheader", "--states=all", "--format=%i|%T|%N|%k"]
    done = subprocess.run(columns, capture_output=True, text=True, check=True)
    return [SlurmJob(*line.split("|")) for line in done.stdout.splitlines()]


def wait_for(condition: Callable[[], Any], seconds: float = 120) -> Any:
    """Wait until a condition gives something true, and return that."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.2)
    message = f"not within {seconds} s: {condition}"
    raise AssertionError(message)


@dataclass(frozen=True)
class ClusterRun:
    """The workflow with one configuration, in one folder."""

    folder: Path
    name: str

    @property
    def results(self) -> Path:
        return self.folder / "results" / self.name

    def configure(self, mapping: dict[str, Any]) -> None:
        (self.folder / "run.yaml").write_text(yaml.safe_dump(mapping), encoding="utf-8")

    def command(self, *arguments: str) -> list[str]:
        return [
            *(str(PROGRAMS / "snakemake"), *arguments),
            *("--configfile", str(self.folder / "run.yaml"), "--directory", str(self.folder)),
        ]

    def run(self, *arguments: str) -> str:
        """Run to the end; the output."""
        with self.start(*arguments) as process:
            text, _ = process.communicate(timeout=_PATIENCE_SECONDS)
        assert process.returncode == 0, text
        return text

    @contextmanager
    def start(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Start and go on; interrupted, with all its jobs, where the caller fails."""
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=ROOT,
            env={**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(timeout=60)

    def fit_stamps(self) -> dict[str, int]:
        """Time of change of the fits of every chunk."""
        found = sorted((self.results / "chunks").glob("*/*/fits.h5"))
        return {
            str(path.parent.relative_to(self.results)): path.stat().st_mtime_ns for path in found
        }

    def lose_fits(self) -> None:
        """Remove the fits of all chunks."""
        for chunk in self.fit_stamps():
            (self.results / chunk / "fits.h5").unlink()
