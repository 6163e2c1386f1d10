"""One measurement of `archive_scale` in a process of its own; writes `stage.json` where it runs."""

from __future__ import annotations

import importlib
import json
import sys
import threading
import time
import zipfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

TARGET_MS, FIRST_OF_MANY_MS, N_MANY, WIDTH_MS = 258, 245, 51, 80
BIN_UM, N_BINS = 50.0, 30
_TRIALS_AT_ONCE = 4096
_BYTES_AT_ONCE = 2 * 2**20

PARTS = {
    "read and decompress counts": "synreduce.database.stored_counts:StoredCounts.read",
    "project": "synreduce.pipeline.projecting:project_together",
    "write projected rows": "synreduce.result.design_file:DesignWriter.append",
    "verify projected rows": "synreduce.result.design_file:verify_design",
    "read projected rows": "synreduce.result.design_rows:HDF5Rows.read",
    "divide samples": "synreduce.pipeline.inputs:make_split",
    "class moments": "synreduce.solvers.training:TrainingData.class_moments.func",
    "curvature passes": "synreduce.solvers.training:TrainingData.curvature",
    "loss passes": "synreduce.solvers.training:TrainingData.losses",
    "held-out losses": "synreduce.solvers.training:TrainingData.held_out_losses",
    "quadratic models": "synreduce.solvers.newton_steps:minimise_quadratic",
    "scores of chunks": "synreduce.pipeline.fitting:split_rows",
    "scores of merged models": "synreduce.pipeline.merge_window:split_rows",
    "scores of the consensus": "synreduce.pipeline.consensus_scores:split_rows",
    "nonlinearity": "synreduce.pipeline.merge_window:estimate_nonlinearity",
    "penalty after a spike": "synreduce.pipeline.merge_window:estimate_isi_penalty",
    "write fits": "synreduce.pipeline.fit_batches:write_fits",
    "read fits": "synreduce.pipeline.merge_window:read_fits",
    "write cells of the result": "synreduce.result.merged_writer:MergedWriter.put_cell",
    "verify the result": "synreduce.result.merged_writer:MergedWriter.finish",
}
"""Parts whose time is told apart: module and attribute."""


class Clock:
    """Time spent in parts, each less what parts inside it spent."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._local = threading.local()

    def watch(self, name: str, place: str) -> None:
        """Replace a function by one that is timed."""
        module, path = place.split(":")
        *owners, attribute = path.split(".")
        owner: Any = importlib.import_module(module)
        for step in owners:
            owner = vars(owner)[step]
        setattr(owner, attribute, self._timed(name, getattr(owner, attribute)))

    def _timed(self, name: str, function: Callable[P, R]) -> Callable[P, R]:
        def call(*arguments: P.args, **options: P.kwargs) -> R:
            inside = self._local.__dict__.setdefault("inside", [0.0])
            inside.append(0.0)
            began = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                spent = time.perf_counter() - began
                self.seconds[name] += spent - inside.pop()
                inside[-1] += spent

        return call


def inflate(array: str) -> float:
    """Decompress an archive's array and drop it."""
    began = time.perf_counter()
    with zipfile.ZipFile(array) as archive, archive.open("arr_0.npy") as member:
        while member.read(_BYTES_AT_ONCE):
            pass
    return time.perf_counter() - began


def window(database_path: str) -> float:
    """Read and decompress the input window of one target."""
    import numpy as np

    from synreduce import open_database

    edges = BIN_UM * np.arange(N_BINS + 1)
    stop = TARGET_MS + 1
    began = time.perf_counter()
    with open_database(database_path) as database:
        for first in range(0, database.n_trials, _TRIALS_AT_ONCE):
            trials = slice(first, min(first + _TRIALS_AT_ONCE, database.n_trials))
            database.counts(None, edges, stop - WIDTH_MS, stop, trials=trials, beyond="drop")
    return time.perf_counter() - began


def net_input(result_path: str, database_path: str) -> float:
    """Weighted net input at 51 targets for all trials, by the package's interface."""
    import numpy as np

    from synreduce import open_database, open_result

    began = time.perf_counter()
    start, stop = FIRST_OF_MANY_MS, FIRST_OF_MANY_MS + N_MANY
    with open_result(Path(result_path)) as result, open_database(database_path) as database:
        model = result.model()
        values = np.empty((database.n_trials, N_MANY))
        for first in range(0, database.n_trials, _TRIALS_AT_ONCE):
            trials = slice(first, min(first + _TRIALS_AT_ONCE, database.n_trials))
            counts = database.counts(
                None,
                model.distance_edges,
                start - model.width_ms + 1,
                stop,
                trials=trials,
                beyond="drop",
            )
            values[trials] = model.net_input(counts)[:, model.width_ms - 1 :]
    return time.perf_counter() - began


def parts(configuration_file: str, database_path: str) -> dict[str, float]:
    """Time of each part of `synreduce fit`, with one worker: parts do not overlap."""
    from synreduce.configuration import load_configuration
    from synreduce.pipeline.local import fit_to_file

    clock = Clock()
    for name, place in PARTS.items():
        clock.watch(name, place)
    run = load_configuration(Path(configuration_file))
    began = time.perf_counter()
    fit_to_file(Path(database_path), run, Path("parts.h5"), n_workers=1)
    total = time.perf_counter() - began
    return {**clock.seconds, "everything else": total - sum(clock.seconds.values())}


STAGES: dict[str, Callable[..., object]] = {
    "inflate": inflate,
    "window": window,
    "net_input": net_input,
    "parts": parts,
}

if __name__ == "__main__":
    found = STAGES[sys.argv[1]](*sys.argv[2:])
    Path("stage.json").write_text(json.dumps(found), encoding="utf-8")
