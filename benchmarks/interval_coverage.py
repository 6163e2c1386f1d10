"""How often 95 % intervals hold the planted filters: `python -m benchmarks.interval_coverage`."""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.data import example_database
from benchmarks.problems import GROUPS, LAYOUT, SPATIAL, TARGET_MS, TEMPORAL, Samples, load_samples
from benchmarks.record import Page
from synreduce.chunks import unit_numbers
from synreduce.design import ArrayRows
from synreduce.examples.planted import PlantedModel
from synreduce.merging import (
    NORMAL_QUANTILE,
    assemble_kernel,
    canonical_filter_bands,
    canonical_filter_errors,
    kernel_variance,
    percentile_band,
)
from synreduce.solvers import FitProblem, FitResult, Resampling, bootstrap, build_solver
from synreduce.strategies import canonical_form

FloatArray = NDArray[np.float64]
N_TRIALS, PER_FIT, REPLICATES = 40_000, 4000, 200
SIGNS = {"EXC": 1, "INH": -1}
CURVATURE, BOOTSTRAP = "curvature", "bootstrap"


@dataclass(frozen=True)
class Interval:
    """One curve's intervals: its distance from the truth, and their ends from the curve."""

    difference: FloatArray
    low: FloatArray
    high: FloatArray

    @property
    def held(self) -> FloatArray:
        """1 where the interval holds the truth, 0 where not, NaN where the value is fixed."""
        width = self.high - self.low
        known = width > 1e-6 * np.nanmax(width)
        inside = (-self.difference >= self.low) & (-self.difference <= self.high)
        return np.where(known, inside, np.nan)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--trials", type=int, default=PER_FIT, help="trials of a data set")
    parser.add_argument("--inhibition", type=float, default=1.0, help="factor on its filter")
    options = parser.parse_args()
    usual = (options.trials, options.inhibition) == (PER_FIT, 1.0)
    page = _page(options, usual=usual)
    samples = load_samples(example_database("planted", N_TRIALS))
    held: dict[tuple[str, str], list[FloatArray]] = defaultdict(list)
    widths: dict[tuple[str, str], list[float]] = defaultdict(list)
    spikes = []
    with threadpool_limits(1):
        for seed in range(options.seeds):
            problem, units = draw(samples, seed, options.trials, options.inhibition)
            spikes.append(problem.n_positive)
            fit = build_solver("newton").solve(problem)
            replicates = bootstrap(problem, fit, Resampling(units, REPLICATES))
            for name, interval in intervals(fit, replicates, samples, options.inhibition).items():
                held[name].append(interval.held)
                widths[name].append(float(np.nanmean(interval.high - interval.low)))
    table = page.table(
        "Share of points whose 95 % interval holds the planted value",
        ("what", "interval", "mean coverage", "SE over data sets", "lowest point", "mean width"),
        f"Spikes per data set: {min(spikes)} to {max(spikes)}. Points where the canonical form "
        "fixes the value (no width) are left out. The lowest point is the one that is covered "
        "least often. Widths are in units of the curve; a kernel's is that of log odds.",
    )
    for (what, kind), found in held.items():
        shares = np.array([np.nanmean(one) for one in found])
        known = np.sum(~np.isnan(found), axis=0)
        often = known > 0.5 * len(found)
        by_point = np.nansum(found, axis=0)[often] / known[often]
        error = shares.std(ddof=1) / np.sqrt(len(found))
        width = np.mean(widths[what, kind])
        cells = (f"{shares.mean():.3f}", f"{error:.3f}", f"{by_point.min():.2f}", f"{width:.3f}")
        table.add(what, kind, *cells)
    page.write()
    return 0


def _page(options: argparse.Namespace, *, usual: bool) -> Page:
    name = "interval_coverage"
    command = "python -m benchmarks.interval_coverage"
    if options.seeds != 200:
        command += f" --seeds {options.seeds}"
    if not usual:
        name += f"_{options.trials}_{options.inhibition:g}"
        command += f" --trials {options.trials} --inhibition {options.inhibition:g}"
    return Page(
        name,
        "Coverage of confidence intervals",
        f"Planted example: {options.seeds} data sets of {options.trials:,} trials each, the "
        f"filter of inhibition times {options.inhibition:g}. The input of a data set is one of "
        f"{N_TRIALS // options.trials} disjoint blocks of trials; the spikes of every data set "
        "are drawn anew from the planted model. Fits by `newton`, rank 1, penalty chosen by "
        f"cross-validation. Curvature: the fit and 1.96 standard errors. Bootstrap: "
        f"{REPLICATES} replicates, percentiles.",
        command,
    )


def draw(
    samples: Samples, seed: int, n_trials: int, inhibition: float
) -> tuple[FitProblem, NDArray[np.uint64]]:
    """Draw the spikes of one data set; the mean log odds stay those of the example."""
    model = PlantedModel()
    block = seed % (N_TRIALS // n_trials)
    trials = slice(block * n_trials, (block + 1) * n_trials)
    column = int(np.flatnonzero(samples.truth["target_start_ms"] == TARGET_MS)[0])
    score = samples.truth["score"][:, column]
    if inhibition != 1.0:
        own = samples.rows @ (planted_weights(samples, inhibition) - planted_weights(samples, 1.0))
        score = score + (own - own.mean()) / model.slope
    log_odds = model.slope * score[trials] + model.intercept
    random = np.random.default_rng([258, seed])
    spiked = random.random(n_trials) < 1.0 / (1.0 + np.exp(-log_odds))
    units = unit_numbers(seed, "bootstrap", samples.trial_ids[trials])
    return FitProblem(LAYOUT, ArrayRows(samples.rows[trials]), spiked), units


def planted_filters(samples: Samples, inhibition: float) -> dict[str, tuple[FloatArray, ...]]:
    """Spatial and temporal filters that the data are drawn from."""
    factor = {"EXC": 1.0, "INH": inhibition}
    return {
        name: (
            factor[name] * samples.truth[f"spatial_filter_{name}"],
            samples.truth[f"temporal_filter_{name}"],
        )
        for name in GROUPS
    }


def planted_weights(samples: Samples, inhibition: float) -> FloatArray:
    """Weights of the planted kernels on the log-odds scale."""
    inverses = np.linalg.pinv(SPATIAL.T), np.linalg.pinv(TEMPORAL.T)
    slope = PlantedModel().slope
    return LAYOUT.flatten(
        {
            name: slope * np.outer(inverses[0] @ space, inverses[1] @ time)
            for name, (space, time) in planted_filters(samples, inhibition).items()
        }
    )


def intervals(
    fit: FitResult, replicates: FloatArray, samples: Samples, inhibition: float
) -> dict[tuple[str, str], Interval]:
    """Intervals of canonical filters and of the kernel, of both kinds."""
    form = canonical_form(fit.parameters, SPATIAL, TEMPORAL, SIGNS)
    bases = (SPATIAL, TEMPORAL)
    errors = canonical_filter_errors(fit.theta, fit.covariance, LAYOUT, bases, GROUPS)
    bands = canonical_filter_bands(fit.theta, replicates, LAYOUT, bases, SIGNS)
    found = {}
    for name, truth in planted_filters(samples, inhibition).items():
        for kind, filters, error, band, planted in (
            ("spatial", form.spatial_filter, errors.spatial, bands.spatial, truth[0]),
            ("temporal", form.temporal_filter, errors.temporal, bands.temporal, truth[1]),
        ):
            difference = filters[name][0] - planted
            half = NORMAL_QUANTILE * error[name]
            found[f"{kind} filter {name}", CURVATURE] = Interval(difference, -half, half)
            found[f"{kind} filter {name}", BOOTSTRAP] = Interval(difference, *band[name])
        columns = LAYOUT.slices[name]
        kernel = assemble_kernel(LAYOUT.matrices(fit.theta)[name], *bases)
        difference = (kernel - PlantedModel().slope * np.outer(*truth)).ravel()
        variance = kernel_variance(fit.covariance[columns, columns], *bases).ravel()
        half = NORMAL_QUANTILE * np.sqrt(variance)
        draws = assemble_kernel(
            replicates[:, columns].reshape(-1, len(SPATIAL), len(TEMPORAL)), *bases
        )
        ends = percentile_band(draws).reshape(2, -1) - kernel.ravel()
        found[f"kernel {name}", CURVATURE] = Interval(difference, -half, half)
        found[f"kernel {name}", BOOTSTRAP] = Interval(difference, *ends)
    return found


if __name__ == "__main__":
    sys.exit(main())
