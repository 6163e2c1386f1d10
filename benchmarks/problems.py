"""Projected examples, split into train and test, for the comparison of methods."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import synreduce as sr
from synreduce.chunks import SplitDefinition, make_split, outcomes, time_since_last_spike
from synreduce.design import FeatureLayout, Term
from synreduce.projection import project_counts

SPATIAL = sr.RaisedCosineBasis(3.0, 5.0, tuple(np.arange(3.0, 11.0, 1.5)), 30).matrix
TEMPORAL = sr.RaisedCosineBasis(
    2.0, 1.0, tuple(np.arange(1.0, 11.0, 0.5)), 80, reversed=True
).matrix
GROUPS = ("EXC", "INH")
LAYOUT = FeatureLayout([Term(name, len(SPATIAL), len(TEMPORAL)) for name in GROUPS])
TARGET_MS, WIDTH_MS = 258, 80
EDGES_UM = 50.0 * np.arange(len(SPATIAL[0]) + 1)

Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class Samples:
    """Samples of one target window."""

    rows: Float32Array
    """Projected input, shape (n_trials, 240)."""
    outcome: NDArray[np.uint8]
    isi: NDArray[np.float64]
    trial_ids: NDArray[np.str_]
    truth: dict[str, NDArray[np.float64]]

    def first(self, trials: int) -> Samples:
        """The first trials alone."""
        return Samples(
            self.rows[:trials],
            self.outcome[:trials],
            self.isi[:trials],
            self.trial_ids[:trials],
            {
                name: value[:trials] if name == "score" else value
                for name, value in self.truth.items()
            },
        )

    @property
    def generating_score(self) -> NDArray[np.float64]:
        """Score that made the spikes of the target window, shape (n_trials,)."""
        column = int(np.flatnonzero(self.truth["target_start_ms"] == TARGET_MS)[0])
        return self.truth["score"][:, column]

    def split(self, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Positions of 70 % training and 30 % test samples, stratified, ISI at least 50 ms."""
        division = make_split(
            SplitDefinition(train_fraction=0.7, min_isi_ms=50.0),
            "benchmark",
            seed,
            trial_ids=self.trial_ids,
            outcome=self.outcome[:, None],
            isi=self.isi[:, None],
            target_starts=np.array([float(TARGET_MS)]),
            width_ms=WIDTH_MS,
        )
        return division.subset("train"), division.subset("test")


def project(path: Path, bins: slice = slice(None), trials: int | None = None) -> Float32Array:
    """Project the input before the target window within some bins; of the first or all trials."""
    space = SPATIAL[:, bins]
    edges = EDGES_UM[bins.start or 0 : (bins.stop or len(EDGES_UM) - 1) + 1]
    stop = TARGET_MS + 1
    blocks = []
    with sr.open_database(path) as database:
        last = trials or database.n_trials
        for first in range(0, last, 4096):
            block = slice(first, min(first + 4096, last))
            counts = database.counts(
                None, edges, stop - WIDTH_MS, stop, trials=block, beyond="drop"
            )
            ordered = {name: counts[name] for name in GROUPS}
            blocks.append(project_counts(ordered, space, TEMPORAL, [WIDTH_MS]))
    return np.concatenate(blocks)


def load_samples(path: Path, trials: int | None = None) -> Samples:
    """Project a database, or its first trials, and collect what its samples are."""
    start = np.array([float(TARGET_MS)])
    with sr.open_database(path) as database:
        spikes = database.spike_times
        outcome = outcomes(spikes, start, 1.0)
        isi = time_since_last_spike(spikes, start)
        ids = np.array([f"{path.stem}/{trial}" for trial in database.trial_ids])
        truth = {name: np.asarray(value) for name, value in (database.truth or {}).items()}
    samples = Samples(project(path, trials=trials), outcome[:, 0], isi[:, 0], ids, truth)
    return samples.first(trials or len(ids))
