"""Results as Markdown pages: what was measured, on which machine, by which command."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("synreduce", "numpy", "scipy", "scikit-learn", "h5py", "distributed")


def processor() -> str:
    """Name of the processor."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def operating_system() -> str:
    """Name of the distribution and kernel."""
    name = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    return f"{name}, Linux {platform.release()}"


def load() -> float:
    """Processes that wanted to run during the last minute, on average."""
    return os.getloadavg()[0]


@dataclass
class Table:
    """One table of a results page."""

    heading: str
    columns: Sequence[str]
    rows: list[Sequence[object]] = field(default_factory=list)
    note: str = ""

    def add(self, *cells: object) -> None:
        """Append a row and show it."""
        self.rows.append(cells)
        print(" | ".join(str(cell) for cell in cells), flush=True)

    def lines(self) -> list[str]:
        """The table in Markdown."""
        table = [f"## {self.heading}", "", _row(self.columns), _row(["---"] * len(self.columns))]
        table += [_row(row) for row in self.rows]
        return [*table, "", *([self.note, ""] if self.note else [])]


@dataclass
class Page:
    """A results page; made before the measurement, so that it knows the load at the start."""

    name: str
    title: str
    question: str
    command: str
    tables: list[Table] = field(default_factory=list)
    packages: Sequence[str] = PACKAGES
    load_before: float = field(default_factory=load)

    def table(self, heading: str, columns: Sequence[str], note: str = "") -> Table:
        """Begin a table."""
        self.tables.append(Table(heading, columns, note=note))
        print(f"\n{heading}\n{' | '.join(columns)}", flush=True)
        return self.tables[-1]

    def write(self) -> Path:
        """Write the page."""
        lines = [f"# {self.title}", "", self.question, ""]
        lines += ["```sh", self.command, "```", "", *self._machine(), ""]
        for table in self.tables:
            lines += table.lines()
        path = RESULTS / f"{self.name}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
        print(f"\nwritten: {path.relative_to(Path.cwd())}")
        return path

    def _machine(self) -> list[str]:
        cores, used = os.cpu_count(), len(os.sched_getaffinity(0))
        share = "" if used == cores else f", {used} of them for this benchmark"
        memory = psutil.virtual_memory().total / 2**30
        packages = ", ".join(f"{name} {version(name)}" for name in self.packages)
        return [
            f"- measured: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            (
                f"- machine: {processor()}, {cores} cores{share}, {memory:.0f} GiB, "
                f"{operating_system()}"
            ),
            f"- Python {sys.version.split()[0]}, {packages}",
            (
                f"- load of the machine (1 min) before: {self.load_before:.1f}, after: "
                f"{load():.1f}, on {cores} cores that other work shared"
            ),
        ]


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
