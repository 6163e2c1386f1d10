"""Fits of all methods on one problem: what they cost, and how good they are on test samples."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import synreduce as sr
from benchmarks.peers import METHODS
from benchmarks.problems import GROUPS, SPATIAL, TEMPORAL, Samples
from synreduce.metrics import bits_per_spike, log_loss

FloatArray = NDArray[np.float64]
FILTERS = tuple(f"{kind} {group}" for group in GROUPS for kind in ("spatial", "temporal"))


@dataclass(frozen=True)
class Fit:
    """One fit of one method on one data set."""

    method: str
    trials: int
    seed: int
    auroc: float
    """On test samples, like the next two."""
    log_loss: float
    bits_per_spike: float
    cosines: tuple[float, ...]
    """To the planted filters, in the order of `FILTERS`; empty if there are none."""
    wall: float
    processor: float
    warm_up: float
    peak_mb: float
    fit_mb: float
    note: str


def fit_all(samples: Samples, seed: int, names: list[str]) -> list[Fit]:
    """Fit by every method on the training samples of one split."""
    train, test = samples.split(seed)
    spiked = samples.outcome[test]
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "rows.npy", samples.rows[train])
        np.save(folder / "spiked.npy", samples.outcome[train])
        held_out = samples.rows[test].astype(np.float64)
        for method in names:
            cost = _run(method, folder)
            learned = np.load(folder / "learned.npz")
            score = held_out @ learned["theta"] + learned["intercept"]
            probability = 1.0 / (1.0 + np.exp(-score))
            found.append(
                Fit(
                    method,
                    len(samples.outcome),
                    seed,
                    sr.auroc(spiked, score),
                    log_loss(spiked, probability),
                    bits_per_spike(spiked, probability),
                    cosines(learned["theta"], samples),
                    **cost,
                )
            )
    return found


def _run(method: str, folder: Path) -> dict:
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    environment = {**os.environ, **single, "PYTHONWARNINGS": "ignore"}
    print(f"  {METHODS[method].label}", flush=True)
    command = [sys.executable, "-m", "benchmarks.one_fit", method, str(folder)]
    subprocess.run(command, env=environment, check=True)
    return json.loads((folder / "cost.json").read_text(encoding="utf-8"))


def cosines(theta: FloatArray, samples: Samples) -> tuple[float, ...]:
    """Cosine of the leading singular pair of each kernel to the planted filters, if there are."""
    if f"spatial_filter_{GROUPS[0]}" not in samples.truth:
        return ()
    found = []
    matrices = theta.reshape(len(GROUPS), len(SPATIAL), len(TEMPORAL))
    for name, weights in zip(GROUPS, matrices, strict=True):
        space, _, time = np.linalg.svd(SPATIAL.T @ weights @ TEMPORAL, full_matrices=False)
        for learned, kind in ((space[:, 0], "spatial"), (time[0], "temporal")):
            true = samples.truth[f"{kind}_filter_{name}"]
            found.append(float(abs(learned @ true) / np.linalg.norm(true)))
    return tuple(found)
