"""Quality, speed and memory against the published method, scikit-learn, glum and nemos.

`python -m benchmarks.method_comparison cable`, `planted` or `published`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterable

import numpy as np
from scipy.stats import norm

import synreduce as sr
from benchmarks import targets
from benchmarks.data import example_database
from benchmarks.measured_fits import FILTERS, Fit, fit_all
from benchmarks.peers import METHODS, RANK_1
from benchmarks.problems import TARGET_MS, Samples, load_samples
from benchmarks.record import PACKAGES, Page

DATABASE_TRIALS, TRIALS, SEEDS = 81_000, (20_000, 40_000, 81_000), 3

Groups = dict[tuple[int, int], dict[str, Fit]]
"""Fits by trials and seed, then by method."""


def main() -> int:
    given = _arguments()
    names = [name for name in METHODS if given.methods is None or name in given.methods]
    absent = [name for name in names if not METHODS[name].installed]
    names = [name for name in names if name not in absent]
    page = _page(given, absent)
    fits: list[Fit] = []
    ceilings: list[tuple[int, int, float, int]] = []
    for seed in range(1, given.seeds + 1):
        samples = load_samples(example_database(given.kind, DATABASE_TRIALS, seed))
        for trials in given.trials:
            print(f"{given.kind}, {trials:,} trials, seed {seed}", flush=True)
            part = samples.first(trials)
            fits += fit_all(part, seed, names)
            ceilings.append((trials, seed, *_ceiling(part, seed)))
        _write(page, fits, ceilings)
    return 0


def _write(page: Page, fits: list[Fit], ceilings: list[tuple[int, int, float, int]]) -> None:
    """Write what is known so far, so that a run that breaks off leaves its first seeds."""
    page.tables.clear()
    _summary(page, fits)
    groups = _grouped(fits)
    targets.verdicts(page, [groups[key] for key in groups if key[0] == targets.TRIALS])
    _every_fit(page, fits)
    _ceilings(page, ceilings)
    page.write()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("cable", "planted", "published"))
    parser.add_argument("--trials", type=int, nargs="+", default=list(TRIALS))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--methods", nargs="+", choices=METHODS, help="all, if not given")
    return parser.parse_args()


def _page(given: argparse.Namespace, absent: list[str]) -> Page:
    command = f"python -m benchmarks.method_comparison {given.kind}"
    if tuple(given.trials) != TRIALS:
        command += " --trials " + " ".join(map(str, given.trials))
    command += f" --seeds {given.seeds}" if given.seeds != SEEDS else ""
    command += f" --methods {' '.join(given.methods)}" if given.methods else ""
    what = {"published": "planted from the filters of a published model"}.get(given.kind)
    question = (
        f"{(what or given.kind).capitalize()}: target window [{TARGET_MS}, {TARGET_MS + 1}) ms, "
        "ISI at least 50 ms, 70 % training, 30 % test. Every seed is a database and a split of its "
        f"own; smaller numbers of trials are the first of its {DATABASE_TRIALS:,}. All methods get "
        "the same 240 projected columns. Every fit runs in a process of its own on one core."
    )
    if absent:
        left_out = ", ".join(METHODS[name].package for name in absent)
        question += f" **Not installed, left out: {left_out}** (`make setup-benchmarks`)."
        print(f"not installed, left out: {left_out}", file=sys.stderr)
    packages = {METHODS[name].package for name in METHODS if name not in absent}
    packages |= {"jax"} if "nemos" in packages else set()
    return Page(
        f"method_comparison_{given.kind}",
        f"Quality, speed and memory against peers, {given.kind} example",
        question,
        command,
        packages=(*PACKAGES, *sorted(packages - set(PACKAGES))),
    )


def _grouped(fits: Iterable[Fit]) -> Groups:
    groups: Groups = {}
    for fit in fits:
        groups.setdefault((fit.trials, fit.seed), {})[fit.method] = fit
    return groups


def _summary(page: Page, fits: list[Fit]) -> None:
    """Medians over seeds."""
    planted = bool(fits[0].cosines)
    columns = ("trials", "method", "test AUROC", "minus rank 1", "log loss", "bits per spike")
    cost = ("seconds", "CPU s", "warm-up s", "peak MB", "of it the fit")
    table = page.table(
        "Medians over seeds",
        (*columns, *(("least cosine",) if planted else ()), *cost),
        "Log loss in nats per sample; the published score becomes a probability by a logistic "
        "regression on its own training scores. `minus rank 1`: difference of AUROC on the same "
        "samples, median. Seconds are wall-clock, CPU s processor time of one fit from rows in "
        "memory, with the choice of the penalty; fits under 10 s are repeated three times. "
        "Warm-up: a first fit to 2,000 samples, which imports. nemos compiles anew for every model "
        "of its cross-validation: that is part of its fit (time in the note). Peak MB: resident "
        "memory of the whole process; of it the fit: above what it held before."
        + (" Least cosine: of the four filters, leading singular pair." if planted else ""),
    )
    groups = _grouped(fits)
    for trials in sorted({fit.trials for fit in fits}):
        for method in dict.fromkeys(fit.method for fit in fits):
            own = [fit for fit in fits if (fit.trials, fit.method) == (trials, method)]
            reference = [groups[trials, fit.seed].get(RANK_1, fit).auroc for fit in own]
            lead = statistics.median(
                fit.auroc - base for fit, base in zip(own, reference, strict=True)
            )
            least = [min(fit.cosines) for fit in own] if planted else []
            table.add(
                f"{trials:,}",
                METHODS[method].label,
                f"{_median(own, 'auroc'):.4f}",
                "" if method == RANK_1 else f"{lead:+.4f}",
                f"{_median(own, 'log_loss'):.4f}",
                f"{_median(own, 'bits_per_spike'):.3f}",
                *([f"{statistics.median(least):.4f}"] if planted else []),
                *_cost_cells(own),
            )


def _median(fits: list[Fit], figure: str) -> float:
    return statistics.median(getattr(fit, figure) for fit in fits)


def _cost_cells(fits: list[Fit]) -> list[str]:
    seconds = [f"{_median(fits, name):.2f}" for name in ("wall", "processor", "warm_up")]
    return seconds + [f"{_median(fits, name):.0f}" for name in ("peak_mb", "fit_mb")]


def _every_fit(page: Page, fits: list[Fit]) -> None:
    filters = tuple(f"cosine, {name}" for name in FILTERS) if fits[0].cosines else ()
    columns = ("trials", "seed", "method", "test AUROC", "log loss", "bits per spike", *filters)
    table = page.table("Every fit", (*columns, "CPU s", "peak MB", "note"))
    for fit in fits:
        table.add(
            f"{fit.trials:,}",
            fit.seed,
            METHODS[fit.method].label,
            *(f"{value:.4f}" for value in (fit.auroc, fit.log_loss, fit.bits_per_spike)),
            *(f"{value:.4f}" for value in fit.cosines),
            f"{fit.processor:.2f}",
            f"{fit.peak_mb:.0f}",
            fit.note,
        )


def _ceiling(samples: Samples, seed: int) -> tuple[float, int]:
    """AUROC of the score that made the spikes on the same test samples, and their spikes."""
    _, test = samples.split(seed)
    area = sr.auroc(samples.outcome[test], samples.generating_score[test])
    return area, int(samples.outcome[test].sum())


def _ceilings(page: Page, ceilings: list[tuple[int, int, float, int]]) -> None:
    columns = ("trials", "seed", "AUROC of the score that made the spikes", "95 % of", "spikes")
    table = page.table(
        "Ceiling",
        columns,
        "No model can expect more. `95 % of`: how far an AUROC itself is known from so many spikes "
        "in the test samples; differences of methods on the same samples are known better.",
    )
    for trials, seed, area, n_spikes in ceilings:
        width = norm.ppf(0.975) * np.sqrt(area * (1 - area) / n_spikes)
        table.add(f"{trials:,}", seed, f"{area:.4f}", f"± {width:.3f}", n_spikes)


if __name__ == "__main__":
    sys.exit(main())
