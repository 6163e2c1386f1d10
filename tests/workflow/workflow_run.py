"""The workflow run as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.executable).parent


@dataclass(frozen=True)
class Workflow:
    """The workflow with one configuration, in one folder."""

    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / "results" / "grid"

    def configure(self, mapping: dict[str, Any]) -> None:
        (self.folder / "run.yaml").write_text(yaml.safe_dump(mapping), encoding="utf-8")

    @property
    def controller(self) -> Path:
        """File that says which process controls the run."""
        return self.results / "controller.lock"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a run and go on."""
        command = [
            *(str(PROGRAMS / "snakemake"), "--snakefile", str(ROOT / "Snakefile")),
            *("--configfile", "run.yaml", "--cores", "2", *arguments),
        ]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env={**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run to the end."""
        with self.start(*arguments) as process:
            stdout, stderr = process.communicate()
        if check and process.returncode:
            raise AssertionError(stdout + stderr)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def jobs_run(self, *arguments: str) -> list[str]:
        """Names of the rules that a dry run would run, with repeats."""
        text = self.run("--dry-run", *arguments).stdout
        stats = text.partition("Job stats:")[2].splitlines()[3:]
        names: list[str] = []
        for line in stats:
            if not line.split() or line.startswith("total"):
                break
            name, count = line.split()
            names += [name] * int(count)
        return sorted(set(names) - {"all"})

    def stamps(self, name: str) -> dict[str, int]:
        """Time of change of every chunk file of a kind."""
        found = sorted((self.results / "chunks").glob(f"*/*/{name}"))
        return {
            str(path.parent.relative_to(self.results)): path.stat().st_mtime_ns for path in found
        }
