"""How long the built-in examples take to make: `python -m benchmarks.example_speed`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.record import Page
from synreduce.examples import write_example

CASES = (("cable", 20_000, 180.0), ("planted", 20_000, None))


def main() -> int:
    page = Page(
        "example_speed",
        "Making the examples",
        "Simulated trials of 345 ms, written as a database in the counts layout, in one process "
        "with a thread per core. Target: 20,000 trials of the cable neuron in less than 3 minutes "
        "on two cores.",
        "python -m benchmarks.example_speed",
    )
    table = page.table(
        "Examples, one run each",
        ("example", "trials", "seconds", "trials per second", "MB on disk", "target"),
    )
    with tempfile.TemporaryDirectory() as folder:
        for kind, trials, limit in CASES:
            path = Path(folder) / f"{kind}.h5"
            report = write_example(kind, path, trials, 1, processes=2)
            verdict = "" if limit is None else "met" if report.seconds < limit else "missed"
            table.add(
                kind,
                f"{trials:,}",
                f"{report.seconds:.1f}",
                f"{trials / report.seconds:.0f}",
                f"{path.stat().st_size / 1e6:.0f}",
                verdict,
            )
    page.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
