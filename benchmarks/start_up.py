"""How long the program and the package take to start: `python -m benchmarks.start_up`."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.record import Page
from benchmarks.timing import in_turns, spread

PROGRAM = Path(sys.executable).with_name("synreduce")
COMMANDS = {
    "python -c pass": ((sys.executable, "-c", "pass"), None),
    "synreduce --help": ((str(PROGRAM), "--help"), 0.3),
    "synreduce fit --help": ((str(PROGRAM), "fit", "--help"), None),
    "import synreduce": ((sys.executable, "-c", "import synreduce"), None),
    "import numpy, h5py": ((sys.executable, "-c", "import numpy, h5py"), None),
}


def main() -> int:
    page = Page(
        "start_up",
        "Start of the program",
        "Wall-clock seconds of whole processes. Target: `synreduce --help` in less than 0.3 s.",
        "python -m benchmarks.start_up",
    )
    table = page.table(
        "Start",
        ("command", "seconds, median (range)", "target"),
        "20 turns. The bare interpreter and the import of NumPy and h5py are there for comparison.",
    )
    times = in_turns({name: _call(command) for name, (command, _) in COMMANDS.items()}, 20)
    for name, values in times.items():
        limit = COMMANDS[name][1]
        middle = statistics.median(values)
        verdict = "" if limit is None else "met" if middle < limit else "missed"
        table.add(f"`{name}`", spread(values), verdict)
    page.write()
    return 0


def _call(command: tuple[str, ...]) -> Callable[[], object]:
    return lambda: subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    sys.exit(main())
