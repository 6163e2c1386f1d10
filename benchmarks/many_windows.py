"""Runs of very many windows with next to no data, for `graph_scale`.

Databases and runs are made in processes of their own: the high-water mark of memory of what the
benchmark starts begins with that of the benchmark itself.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import FOLDER

N_SPATIAL = 10
WIDTH_MS = 80
_EDGES_UM = np.arange(0.0, 1501.0, 50.0)
_SPIKES_PER_MS = 0.05


def database(n_trials: int, n_windows: int) -> Path:
    """Path of a database of random counts and spikes, long enough for so many windows."""
    path = (FOLDER / f"random_{n_trials}_{n_windows}.h5").resolve()
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        _apart("database", str(path), str(n_trials), str(n_windows))
    return path


def complete(folder: Path) -> None:
    """Leave what a run leaves whose chunks are all fitted; the chunks' files are empty."""
    _apart("complete", str(folder))


def _apart(*arguments: str) -> None:
    subprocess.run((sys.executable, "-m", "benchmarks.many_windows", *arguments), check=True)


def _write_database(path: Path, n_trials: int, n_windows: int) -> None:
    from synreduce.database import DatabaseWriter

    random = np.random.default_rng(n_windows)
    duration = WIDTH_MS + n_windows
    shape = (n_trials, duration, _EDGES_UM.size - 1)
    with DatabaseWriter(
        path, duration_ms=duration, layout="counts", distance_edges=_EDGES_UM
    ) as writer:
        spikes = [
            np.flatnonzero(random.random(duration) < _SPIKES_PER_MS) + 0.5 for _ in range(n_trials)
        ]
        counts = {
            name: (random.random(shape, dtype=np.float32) < share).astype(np.uint8)
            for name, share in (("EXC", 0.2), ("INH", 0.1))
        }
        writer.append_counts([f"trial{number}" for number in range(n_trials)], spikes, counts)


def configuration(n_windows: int, n_spatial: int) -> dict[str, Any]:
    """One chunk per window and spatial range."""
    edges = _EDGES_UM[:: (_EDGES_UM.size - 1) // n_spatial].tolist()
    return {
        "run": "windows",
        "databases": [{"id": "random", "path": "database.h5"}],
        "minimum_positives": {"train": 1, "test": 1},
        "merge": {"allow_partial": True},
        "chunks": {
            "spatial": {"edges_um": edges},
            "temporal": [{"start_ms": WIDTH_MS, "stop_ms": WIDTH_MS + n_windows, "chunk_ms": 1}],
        },
        "solvers": [{"kind": "lda"}],
    }


def _complete(folder: Path) -> None:
    from synreduce.configuration import configuration_from_mapping
    from synreduce.pipeline.batches import Stage, chunk_file, run_batches, write_batch_record
    from synreduce.pipeline.checked_run import CheckedRun

    stages: tuple[Stage, ...] = ("project", "fit")
    with contextlib.chdir(folder):
        content = json.loads(Path("run.json").read_text(encoding="utf-8"))
        run = CheckedRun.open(configuration_from_mapping(content))
        paths = run.paths
        written = run.configuration.model_dump_json()
        paths.configuration.write_text(written, encoding="utf-8")
        for stage in stages:
            for batch in run_batches(run.configuration):
                for chunk in batch.chunks:
                    file = chunk_file(paths, stage, chunk)
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.touch()
                write_batch_record(paths, stage, batch, run.identities)


if __name__ == "__main__":
    if sys.argv[1] == "database":
        _write_database(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    else:
        _complete(Path(sys.argv[2]))
