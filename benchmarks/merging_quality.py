"""Merged spatial chunks against one fit of the whole dendrite.

`python -m benchmarks.merging_quality`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import synreduce as sr
from benchmarks.data import example_database
from benchmarks.problems import LAYOUT, TARGET_MS, Samples, load_samples, project
from benchmarks.record import Page
from synreduce.design import ArrayRows
from synreduce.merging import SpatialPart, merge_spatial
from synreduce.metrics import log_loss
from synreduce.solvers import FitProblem, build_solver

N_TRIALS, N_SPLITS, CHUNK_NUMBERS = 40_000, 3, (3, 5)
METHODS = ("sum", "stack", "refine")
ALLOWED_LOSS = 0.001

Rows = NDArray[np.float32]
FloatArray = NDArray[np.float64]


def main() -> int:
    page = Page(
        "merging_quality",
        "Merging spatial chunks",
        f"Cable example, {N_TRIALS:,} trials, target window [{TARGET_MS}, {TARGET_MS + 1}) ms, "
        "ISI at least 50 ms, 70 % training, 30 % test. Every chunk is fitted alone by `newton`, "
        "rank 1, and the fits are merged on the training samples. Target: the test AUROC of "
        "`refine` is not below that of one fit of the whole dendrite by more than "
        f"{ALLOWED_LOSS}.",
        "python -m benchmarks.merging_quality",
    )
    table = page.table(
        "Test samples",
        ("split", "chunks", "method", "AUROC", "minus single fit", "log loss", "seconds", "target"),
        "Seconds: the merge alone, without the fits of the chunks (single fit: the fit).",
    )
    path = example_database("cable", N_TRIALS)
    samples = load_samples(path)
    chunked = {number: [project(path, bins) for bins in _bins(number)] for number in CHUNK_NUMBERS}
    with threadpool_limits(1):
        for seed in range(1, N_SPLITS + 1):
            compare(samples, chunked, seed, table.add)
            page.write()
    return 0


def _bins(number: int) -> list[slice]:
    edges = np.linspace(0, 30, number + 1).astype(int).tolist()
    return [slice(*pair) for pair in pairwise(edges)]


def compare(
    samples: Samples, chunked: dict[int, list[Rows]], seed: int, add: Callable[..., None]
) -> None:
    """One split: the single fit, then every number of chunks and method."""
    train, test = samples.split(seed)
    spiked, outcome = samples.outcome[train], samples.outcome[test]

    def fitted(rows: Rows, name: str) -> SpatialPart:
        source = ArrayRows(rows[train])
        fit = build_solver("newton").solve(FitProblem(LAYOUT, source, spiked))
        return SpatialPart(
            name, LAYOUT, source, fit.theta, fit.intercept, fit.status, calibrated=True
        )

    def show(
        chunks: int, method: str, log_odds: FloatArray, seconds: float, single: float
    ) -> float:
        area = sr.auroc(outcome, log_odds)
        loss = log_loss(outcome, 1.0 / (1.0 + np.exp(-log_odds)))
        change = "" if chunks == 1 else f"{area - single:+.4f}"
        verdict = "met" if area - single >= -ALLOWED_LOSS else "missed"
        shown = verdict if method == "refine" else ""
        add(seed, chunks, method, f"{area:.4f}", change, f"{loss:.4f}", f"{seconds:.1f}", shown)
        return area

    began = time.perf_counter()
    whole = fitted(samples.rows, "whole")
    seconds = time.perf_counter() - began
    held_out = samples.rows[test].astype(np.float64)
    single = show(1, "single fit", held_out @ whole.theta + whole.intercept, seconds, 0.0)
    for number, chunk_rows in chunked.items():
        parts = [fitted(rows, f"chunk {place}") for place, rows in enumerate(chunk_rows)]
        tests = [ArrayRows(rows[test]) for rows in chunk_rows]
        for method in METHODS:
            began = time.perf_counter()
            merged = merge_spatial(parts, spiked, method)
            seconds = time.perf_counter() - began
            show(number, method, merged.scores(tests) + merged.intercept, seconds, single)


if __name__ == "__main__":
    sys.exit(main())
