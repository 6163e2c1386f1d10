"""The package's solvers against each other, rank 1: `python -m benchmarks.solver_comparison`.

Is there a solver that finds a higher AUROC on the training samples, and does that help on others?
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

import synreduce as sr
from benchmarks.data import example_database
from benchmarks.problems import LAYOUT, TARGET_MS, Samples, load_samples
from benchmarks.record import Page
from synreduce.design import ArrayRows
from synreduce.metrics import log_loss
from synreduce.solvers import SOLVERS, FitProblem, SolverOptions, build_solver

DATABASE_TRIALS, N_TRIALS, N_SEEDS = 81_000, 40_000, 3
ALLOWED_LOSS = 0.001


@dataclass(frozen=True)
class Solved:
    """What a solver found on one data set."""

    seed: int
    solver: str
    train_auroc: float
    auroc: float
    log_loss: float
    seconds: float
    note: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=N_SEEDS)
    parser.add_argument("--trials", type=int, default=N_TRIALS)
    parser.add_argument("--solvers", nargs="+", choices=SOLVERS, default=list(SOLVERS))
    given = parser.parse_args()
    found: list[Solved] = []
    page = _page(given)
    for seed in range(1, given.seeds + 1):
        samples = load_samples(example_database("cable", DATABASE_TRIALS, seed), given.trials)
        with threadpool_limits(1):
            found += solve_all(samples, seed, given.solvers)
    _verdicts(page, found)
    _every_fit(page, found)
    page.write()
    return 0


def _page(given: argparse.Namespace) -> Page:
    command = "python -m benchmarks.solver_comparison"
    command += f" --seeds {given.seeds}" if given.seeds != N_SEEDS else ""
    command += f" --trials {given.trials}" if given.trials != N_TRIALS else ""
    if given.solvers != list(SOLVERS):
        command += f" --solvers {' '.join(given.solvers)}"
    return Page(
        "solver_comparison",
        "The package's solvers, rank 1",
        f"Cable example, {given.trials:,} trials, target window [{TARGET_MS}, {TARGET_MS + 1}) ms, "
        "ISI at least 50 ms, 70 % training, 30 % test; every seed is a database and a split of its "
        "own. Solvers with their default options, one start, one thread. Those that search the "
        "AUROC start at random, and again where `newton` ends, with a first step of a tenth of the "
        "mean weight.",
        command,
    )


def solve_all(samples: Samples, seed: int, names: list[str]) -> list[Solved]:
    """Fit by every solver; those that search the AUROC also from the fit of `newton`."""
    train, test = samples.split(seed)
    outcome = samples.outcome[test]
    held_out = samples.rows[test].astype(np.float64)
    problem = FitProblem(LAYOUT, ArrayRows(samples.rows[train]), samples.outcome[train])
    best = build_solver("newton").solve(problem)
    found = []

    def solve(options: SolverOptions | str, label: str, start: np.ndarray | None) -> None:
        began = time.process_time()
        fit = build_solver(options).solve(problem, start)
        seconds = time.process_time() - began
        score = held_out @ fit.theta + fit.intercept
        loss = log_loss(outcome, 1.0 / (1.0 + np.exp(-score)))
        note = f"{fit.status}, {fit.n_evaluations} evaluations"
        area = sr.auroc(outcome, score)
        found.append(Solved(seed, label, fit.train_auroc, area, loss, seconds, note))
        print(f"seed {seed}, {label}: train {fit.train_auroc:.4f}, test {area:.4f}", flush=True)

    for name in names:
        solve(name, f"`{name}`", None)
        if name in {"cobyla", "cobyqa", "cma"}:
            nearby = SOLVERS[name].Options(initial_step=0.1 * float(np.abs(best.vector).mean()))
            solve(nearby, f"`{name}` from the fit of `newton`", best.vector)
    return found


def _verdicts(page: Page, found: list[Solved]) -> None:
    table = page.table(
        "`newton` against the others",
        ("question", "per seed", "median", "target", "on the median"),
    )
    by_seed = {item.seed: [other for other in found if other.seed == item.seed] for item in found}
    newton = {item.seed: item for item in found if item.solver == "`newton`"}
    if not newton:
        return
    for question, key in (
        ("test AUROC minus that of the solver with the best AUROC on training", "train_auroc"),
        ("test AUROC minus the best test AUROC of any solver", "auroc"),
    ):
        rivals = {
            seed: max(fits, key=lambda item: getattr(item, key)) for seed, fits in by_seed.items()
        }
        lead = [newton[seed].auroc - rival.auroc for seed, rival in rivals.items()]
        shown = ", ".join(
            f"{value:+.4f} ({rival.solver})"
            for value, rival in zip(lead, rivals.values(), strict=True)
        )
        middle = statistics.median(lead)
        verdict = "met" if middle >= -ALLOWED_LOSS else "**missed**"
        table.add(question, shown, f"{middle:+.4f}", f"at least -{ALLOWED_LOSS}", verdict)


def _every_fit(page: Page, found: list[Solved]) -> None:
    table = page.table(
        "Every fit",
        ("seed", "solver", "training AUROC", "test AUROC", "test log loss", "CPU s", "note"),
    )
    for item in found:
        figures = (f"{item.train_auroc:.4f}", f"{item.auroc:.4f}", f"{item.log_loss:.4f}")
        table.add(item.seed, item.solver, *figures, f"{item.seconds:.1f}", item.note)


if __name__ == "__main__":
    sys.exit(main())
