"""How often 95 % intervals hold the planted filters: `python -m benchmarks.interval_coverage`."""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.data import example_database
from benchmarks.problems import GROUPS, LAYOUT, SPATIAL, TARGET_MS, TEMPORAL, Samples, load_samples
from benchmarks.record import Page
from synreduce.design import ArrayRows
from synreduce.examples.planted import PlantedModel
from synreduce.merging import canonical_filter_errors, kernel_variance
from synreduce.solvers import FitProblem, FitResult, build_solver
from synreduce.strategies import canonical_form

N_TRIALS, PER_FIT = 40_000, 4000
NORMAL_95 = 1.959964
SIGNS = {"EXC": 1, "INH": -1}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    n_seeds = parser.parse_args().seeds
    page = Page(
        "interval_coverage",
        "Coverage of confidence intervals",
        f"Planted example: {n_seeds} data sets of {PER_FIT:,} trials each. The input of a data "
        f"set is one of {N_TRIALS // PER_FIT} disjoint blocks of trials; the spikes of every data "
        "set are drawn anew from the planted model. Fits by `newton`, rank 1, penalty chosen by "
        "cross-validation.",
        "python -m benchmarks.interval_coverage"
        + (f" --seeds {n_seeds}" if n_seeds != 200 else ""),
    )
    samples = load_samples(example_database("planted", N_TRIALS))
    covered: dict[str, list[float]] = defaultdict(list)
    distance: dict[str, list[np.ndarray]] = defaultdict(list)
    spikes = []
    with threadpool_limits(1):
        for seed in range(n_seeds):
            fit, n_spikes = refit(samples, seed)
            spikes.append(n_spikes)
            for name, z in deviations(fit, samples).items():
                held = np.abs(z[~np.isnan(z)]) < NORMAL_95
                covered[name].append(float(held.mean()))
                distance[name].append(z)
    table = page.table(
        "Share of points whose 95 % interval holds the planted value",
        (
            "what",
            "points",
            "mean coverage",
            "its standard error over data sets",
            "lowest point",
            "SD of (estimate - truth) / SE",
        ),
        f"Spikes per data set: {min(spikes)} to {max(spikes)}. Points where the canonical form "
        "fixes the value (SE 0) are left out. The lowest point is the one that is covered least "
        "often. The intervals take the ridge as given and do not know its bias.",
    )
    for name, shares in covered.items():
        z = np.array(distance[name])
        known = np.sum(~np.isnan(z), axis=0)
        often = known > 0.5 * len(z)
        by_point = np.sum(np.abs(z) < NORMAL_95, axis=0)[often] / known[often]
        error = np.std(shares, ddof=1) / np.sqrt(len(shares))
        table.add(
            name,
            int(often.sum()),
            f"{np.mean(shares):.3f}",
            f"{error:.3f}",
            f"{by_point.min():.2f}",
            f"{np.nanstd(z):.2f}",
        )
    page.write()
    return 0


def refit(samples: Samples, seed: int) -> tuple[FitResult, int]:
    """Draw the spikes of one data set and fit it."""
    model = PlantedModel()
    block = seed % (N_TRIALS // PER_FIT)
    trials = slice(block * PER_FIT, (block + 1) * PER_FIT)
    column = int(np.flatnonzero(samples.truth["target_start_ms"] == TARGET_MS)[0])
    log_odds = model.slope * samples.truth["score"][trials, column] + model.intercept
    random = np.random.default_rng([258, seed])
    spiked = random.random(PER_FIT) < 1.0 / (1.0 + np.exp(-log_odds))
    problem = FitProblem(LAYOUT, ArrayRows(samples.rows[trials]), spiked)
    return build_solver("newton").solve(problem), int(spiked.sum())


def deviations(fit: FitResult, samples: Samples) -> dict[str, np.ndarray]:
    """(Estimate - truth) / standard error of canonical filters and of the kernel, per point."""
    form = canonical_form(fit.parameters, SPATIAL, TEMPORAL, SIGNS)
    errors = canonical_filter_errors(fit.theta, fit.covariance, LAYOUT, (SPATIAL, TEMPORAL), GROUPS)
    found = {}
    for name in GROUPS:
        truth = {kind: samples.truth[f"{kind}_filter_{name}"] for kind in ("spatial", "temporal")}
        for kind, filters, error in (
            ("spatial", form.spatial_filter, errors.spatial),
            ("temporal", form.temporal_filter, errors.temporal),
        ):
            difference = filters[name][0] - truth[kind]
            found[f"{kind} filter {name}"] = _ratio(difference, error[name])
        kernel = SPATIAL.T @ LAYOUT.matrices(fit.theta)[name] @ TEMPORAL
        planted = PlantedModel().slope * np.outer(truth["spatial"], truth["temporal"])
        columns = LAYOUT.slices[name]
        variance = kernel_variance(fit.covariance[columns, columns], SPATIAL, TEMPORAL)
        found[f"kernel {name}"] = _ratio((kernel - planted).ravel(), np.sqrt(variance).ravel())
    return found


def _ratio(difference: np.ndarray, error: np.ndarray) -> np.ndarray:
    known = error > 1e-9 * np.max(error)
    return np.where(known, difference / np.where(known, error, 1.0), np.nan)


if __name__ == "__main__":
    sys.exit(main())
