"""Merged spatial chunks against one fit of the whole dendrite.

`python -m benchmarks.merging_quality`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import dataclass, replace
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

DATABASE_TRIALS, N_TRIALS, N_SEEDS, CHUNK_NUMBERS = 81_000, 40_000, 3, (2, 3, 5, 10)
METHODS = ("sum", "stack", "refine")
ALLOWED_LOSS = 0.001

Rows = NDArray[np.float32]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Merged:
    """How a merge does on the test samples of one seed."""

    seed: int
    chunks: int
    method: str
    auroc: float
    log_loss: float
    seconds: float
    """Processor time of the merge alone, without the fits of the chunks."""
    coupling: float = float("nan")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=N_SEEDS)
    parser.add_argument("--chunks", type=int, nargs="+", default=list(CHUNK_NUMBERS))
    given = parser.parse_args()
    page = _page(given)
    found: list[Merged] = []
    for seed in range(1, given.seeds + 1):
        path = example_database("cable", DATABASE_TRIALS, seed)
        samples = load_samples(path, N_TRIALS)
        with threadpool_limits(1):
            found += single_fit(samples, seed)
            for number in given.chunks:
                chunks = [project(path, bins, N_TRIALS) for bins in _bins(number)]
                found += merged_fits(samples, chunks, seed)
        page.tables.clear()
        _show(page, found)
        page.write()
    return 0


def _page(given: argparse.Namespace) -> Page:
    command = "python -m benchmarks.merging_quality"
    command += f" --seeds {given.seeds}" if given.seeds != N_SEEDS else ""
    if tuple(given.chunks) != CHUNK_NUMBERS:
        command += " --chunks " + " ".join(map(str, given.chunks))
    return Page(
        "merging_quality",
        "Merging spatial chunks",
        f"Cable example, {N_TRIALS:,} trials, target window [{TARGET_MS}, {TARGET_MS + 1}) ms, "
        "ISI at least 50 ms, 70 % training, 30 % test; every seed is a database and a split of its "
        "own. Every chunk is fitted alone by `newton`, rank 1, and the fits are merged on the "
        "training samples, in one thread. Target: the test AUROC of `refine` is not below that of "
        f"one fit of the whole dendrite by more than {ALLOWED_LOSS}.",
        command,
    )


def _bins(number: int) -> list[slice]:
    edges = np.linspace(0, 30, number + 1).astype(int).tolist()
    return [slice(*pair) for pair in pairwise(edges)]


def _fitted(rows: Rows, train: NDArray[np.int64], spiked: NDArray, name: str) -> SpatialPart:
    source = ArrayRows(rows[train])
    fit = build_solver("newton").solve(FitProblem(LAYOUT, source, spiked))
    return SpatialPart(name, LAYOUT, source, fit.theta, fit.intercept, fit.status, calibrated=True)


def single_fit(samples: Samples, seed: int) -> list[Merged]:
    """One fit of the whole dendrite."""
    train, test = samples.split(seed)
    began = time.process_time()
    whole = _fitted(samples.rows, train, samples.outcome[train], "whole")
    seconds = time.process_time() - began
    log_odds = samples.rows[test].astype(np.float64) @ whole.theta + whole.intercept
    return [_scored(seed, 1, "single fit", samples.outcome[test], log_odds, seconds)]


def merged_fits(samples: Samples, chunks: list[Rows], seed: int) -> list[Merged]:
    """Every method of merging the fits of some chunks."""
    train, test = samples.split(seed)
    spiked = samples.outcome[train]
    parts = [_fitted(rows, train, spiked, f"chunk {at}") for at, rows in enumerate(chunks)]
    held_out = [ArrayRows(rows[test]) for rows in chunks]
    found = []
    for method in METHODS:
        began = time.process_time()
        merged = merge_spatial(parts, spiked, method)
        seconds = time.process_time() - began
        log_odds = merged.scores(held_out) + merged.intercept
        outcome = samples.outcome[test]
        scored = _scored(seed, len(chunks), method, outcome, log_odds, seconds)
        found.append(replace(scored, coupling=merged.coupling))
    return found


def _scored(
    seed: int,
    chunks: int,
    method: str,
    outcome: NDArray[np.uint8],
    log_odds: FloatArray,
    seconds: float,
) -> Merged:
    loss = log_loss(outcome, 1.0 / (1.0 + np.exp(-log_odds)))
    return Merged(seed, chunks, method, sr.auroc(outcome, log_odds), loss, seconds)


def _show(page: Page, found: list[Merged]) -> None:
    single = {item.seed: item.auroc for item in found if item.chunks == 1}
    medians = page.table(
        "Medians over seeds",
        ("chunks", "method", "AUROC minus single fit, per seed", "median", "CPU s", "target"),
        "CPU s: processor time of the merge alone, without the fits of the chunks.",
    )
    for chunks, method in dict.fromkeys((item.chunks, item.method) for item in found):
        own = [item for item in found if (item.chunks, item.method) == (chunks, method)]
        seconds = statistics.median(item.seconds for item in own)
        if chunks == 1:
            medians.add(chunks, method, "", "", f"{seconds:.1f}", "")
            continue
        lead = [item.auroc - single[item.seed] for item in own]
        middle = statistics.median(lead)
        verdict = "met" if middle >= -ALLOWED_LOSS else "**missed**"
        shown = ", ".join(f"{value:+.4f}" for value in lead)
        wanted = verdict if method == "refine" else ""
        medians.add(chunks, method, shown, f"{middle:+.4f}", f"{seconds:.1f}", wanted)
    table = page.table(
        "Test samples",
        ("seed", "chunks", "method", "AUROC", "log loss", "CPU s", "coupling"),
        "Coupling: strength of the penalty on differences between neighbouring chunks that "
        "cross-validation chose; inf is one filter for all chunks.",
    )
    for item in found:
        coupling = f"{item.coupling:.3g}" if item.method == "refine" else ""
        figures = (f"{item.auroc:.4f}", f"{item.log_loss:.4f}", f"{item.seconds:.1f}")
        table.add(item.seed, item.chunks, item.method, *figures, coupling)


if __name__ == "__main__":
    sys.exit(main())
