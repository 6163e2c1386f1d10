"""Fits to some of the samples without a spike, against fits to all of them.

`python -m benchmarks.case_control [--trials N] [--splits N]`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import synreduce as sr
from benchmarks.data import example_database
from benchmarks.problems import LAYOUT, TARGET_MS, Samples, load_samples
from benchmarks.record import Page, Table
from synreduce.chunks import (
    TEST_FIRST,
    TRAIN,
    Split,
    full_scale,
    relative_efficiency,
    with_fewer_negatives,
)
from synreduce.design import ArrayRows
from synreduce.metrics import log_loss
from synreduce.solvers import FitProblem, FitResult, build_solver
from synreduce.solvers.newton import NewtonOptions

PER_POSITIVE = (20, 10, 5, 2)
_HARDLY_ANY_RIDGE = 1e-6
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """One fit: what it cost and what it is worth on the testing samples."""

    n_samples: int
    seconds: float
    auroc: float
    log_loss: float
    expected: float
    """Expected number of test spikes, relative to those that there are."""
    efficiency: float
    """Median over weights of the sampling variance of the full fit over that of this one."""
    promised: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=20_000)
    parser.add_argument("--splits", type=int, default=3)
    arguments = parser.parse_args()
    page = Page(
        "case_control",
        "Case-control sampling",
        f"{arguments.trials:,} trials, target window [{TARGET_MS}, {TARGET_MS + 1}) ms, ISI at "
        "least 50 ms, 70 % training, 30 % test; `newton`, rank 1, penalty chosen by "
        f"cross-validation. Medians over {arguments.splits} splits. All scores are of all testing "
        "samples, with probabilities straight from the fit and its corrected intercept.",
        f"python -m benchmarks.case_control --trials {arguments.trials} "
        f"--splits {arguments.splits}",
    )
    with threadpool_limits(1):
        for kind in ("cable", "planted"):
            table = page.table(
                f"{kind.capitalize()} example",
                (
                    "negatives per positive", "samples fitted", "seconds of processor",
                    "test AUROC", "minus all", "log loss", "expected / real spikes",
                    "precision of weights, median (promised)",
                ),
                "Precision: variance of a weight in the fit to all samples over that in this fit, "
                "both from the curvature with hardly any ridge; promised is `sampling_efficiency`.",
            )  # fmt: skip
            compare(load_samples(example_database(kind, arguments.trials)), arguments.splits, table)
            page.write()
    return 0


def compare(samples: Samples, n_splits: int, table: Table) -> None:
    """Fill the table of one database."""
    found: dict[float, list[Outcome]] = {}
    for seed in range(1, n_splits + 1):
        split = _split(samples, seed)
        everything = _variances(samples, split)
        for wanted in (np.inf, *PER_POSITIVE):
            fewer = split
            if np.isfinite(wanted):
                fewer = with_fewer_negatives(
                    split, wanted, seed, trial_ids=samples.trial_ids,
                    target_starts=np.array([float(TARGET_MS)]),
                )  # fmt: skip
            found.setdefault(wanted, []).append(_outcome(samples, fewer, everything))
    full = found[np.inf]
    for wanted, outcomes in found.items():
        middle = {
            name: statistics.median(getattr(outcome, name) for outcome in outcomes)
            for name in Outcome.__dataclass_fields__
        }
        loss = statistics.median(
            outcome.auroc - other.auroc for outcome, other in zip(outcomes, full, strict=True)
        )
        table.add(
            "all" if np.isinf(wanted) else f"{wanted:g}",
            f"{middle['n_samples']:,.0f}",
            f"{middle['seconds']:.2f}",
            f"{middle['auroc']:.4f}",
            f"{loss:+.4f}",
            f"{middle['log_loss']:.4f}",
            f"{middle['expected']:.3f}",
            f"{middle['efficiency']:.2f} ({middle['promised']:.2f})",
        )


def _split(samples: Samples, seed: int) -> Split:
    train, test = samples.split(seed)
    role = np.zeros(samples.outcome.size, dtype=np.uint8)
    role[train], role[test] = TRAIN, TEST_FIRST
    trials = np.arange(samples.outcome.size)
    return Split("benchmark", role, samples.outcome, trials, np.zeros(1, np.int64))


def _fit(samples: Samples, split: Split, ridge: float | None = None) -> FitResult:
    problem = FitProblem(
        LAYOUT, ArrayRows(samples.rows[split.fitted]), samples.outcome[split.fitted]
    )
    options = NewtonOptions() if ridge is None else NewtonOptions(ridge=ridge)
    return build_solver(options).solve(problem)


def _outcome(samples: Samples, split: Split, everything: FloatArray) -> Outcome:
    began = time.process_time()
    fit = _fit(samples, split)
    seconds = time.process_time() - began
    log_odds = samples.rows[split.test].astype(np.float64) @ fit.theta
    log_odds += fit.intercept + full_scale(split).shift
    spikes = samples.outcome[split.test]
    chance = 1.0 / (1.0 + np.exp(-log_odds))
    n_positive = int(samples.outcome[split.fitted].sum())
    return Outcome(
        n_samples=split.fitted.size,
        seconds=seconds,
        auroc=sr.auroc(spikes, log_odds),
        log_loss=log_loss(spikes, chance),
        expected=float(chance.sum() / spikes.sum()),
        efficiency=float(np.median(everything / _variances(samples, split))),
        promised=relative_efficiency(n_positive, split.fitted.size, split.negative_fraction),
    )


def _variances(samples: Samples, split: Split) -> FloatArray:
    """Sampling variances of the weights: with hardly any penalty, which would hide them."""
    covariance = _fit(samples, split, _HARDLY_ANY_RIDGE).covariance
    return np.diag(np.full((1, 1), np.nan) if covariance is None else covariance)


if __name__ == "__main__":
    sys.exit(main())
