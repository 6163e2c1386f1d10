"""One method on one problem in a process of its own, on one core.

`python -m benchmarks.one_fit METHOD FOLDER` reads `rows.npy` and `spiked.npy` from the folder and
writes `learned.npz` and `cost.json` there. `method_comparison` calls it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

MAX_FITS, SECONDS_OF_FITS, WARM_UP_ROWS = 3, 10.0, 2000


def main(name: str, folder: Path) -> None:
    # before NumPy and others count the cores
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    import numpy as np

    from benchmarks.peers import METHODS

    method = METHODS[name]
    rows, spiked = np.load(folder / "rows.npy"), np.load(folder / "spiked.npy")
    began = time.perf_counter()
    if method.warms_up:
        method.fit(rows[:WARM_UP_ROWS], spiked[:WARM_UP_ROWS])
    warm_up = time.perf_counter() - began
    before = _start_of_peak()
    wall, processor = [], []
    while len(wall) < MAX_FITS and sum(processor) < SECONDS_OF_FITS:
        times = time.perf_counter(), time.process_time()
        learned = method.fit(rows, spiked)
        wall.append(time.perf_counter() - times[0])
        processor.append(time.process_time() - times[1])
    peak = _memory("VmHWM")
    np.savez(folder / "learned.npz", theta=learned.theta, intercept=learned.intercept)
    cost = {
        "warm_up": warm_up,
        "wall": float(np.median(wall)),
        "processor": float(np.median(processor)),
        "peak_mb": peak,
        "fit_mb": peak - before,
        "note": learned.note,
    }
    (folder / "cost.json").write_text(json.dumps(cost), encoding="utf-8")


def _start_of_peak() -> float:
    """Let the kernel's record of the peak begin anew; resident memory now, MB."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _memory("VmRSS")


def _memory(field: str) -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024 / 1e6
    message = f"the system does not report {field}"
    raise SystemExit(message)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
