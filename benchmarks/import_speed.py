"""Speed of importing raw simulation output: `python -m benchmarks.import_speed`."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.record import Page
from benchmarks.timing import in_turns, median_ratio, spread
from synreduce.importers import run_import

SOURCE = Path("../shared/data/isf_simrun")
TARGET_MB_PER_SECOND = 20.0


def read_with_pandas() -> None:
    """Read the same files in full by the table reader most people would use first."""
    import pandas as pd

    for path in sorted(SOURCE.rglob("*_synapses.csv")):
        pd.read_csv(path, sep="\t", header=None, skiprows=1, names=range(20))
    for path in SOURCE.rglob("*_all_traces.csv"):
        pd.read_csv(path, sep="\t")


def main() -> int:
    if not SOURCE.is_dir():
        print(f"skipped: {SOURCE} is not there")
        return 0
    page = Page(
        "import_speed",
        "Import of raw simulation output",
        "Six trials of the in silico framework: synapse tables and somatic voltage, to an "
        "activation database that is checked and synced to disk. Target: 20 MB of source a second.",
        "python -m benchmarks.import_speed",
    )
    table = page.table(
        "Import, one process",
        ("layout", "MB read", "seconds, median (range)", "MB/s", "target", "pandas.read_csv, MB/s"),
        "Seconds include reading, checking, grouping, writing and fsync, not the start of Python; "
        "20 runs. `pandas.read_csv` reads the same synapse tables and voltages and keeps nothing.",
    )
    with tempfile.TemporaryDirectory() as folder:
        for layout in ("events", "counts"):
            measure(layout, Path(folder), table.add)
    page.write()
    return 0


def measure(layout: str, folder: Path, add: object) -> None:
    from synreduce.importers import ImportOptions

    options = ImportOptions(layout=layout, on_beyond_last_bin="drop")
    sizes: list[float] = []

    def run() -> None:
        output = folder / f"{layout}_{time.monotonic_ns()}.h5"
        sizes.append(run_import("isf-simrun", [SOURCE], output, options).bytes_read / 1e6)
        output.unlink()

    times = in_turns({"import": run, "pandas": read_with_pandas}, repeats=20)
    speed = sizes[0] / statistics.median(times["import"])
    verdict = "met" if speed >= TARGET_MB_PER_SECOND else "missed"
    plain = speed * median_ratio(times["import"], times["pandas"])
    add(layout, f"{sizes[0]:.2f}", spread(times["import"]), f"{speed:.1f}", verdict, f"{plain:.1f}")


if __name__ == "__main__":
    sys.exit(main())
