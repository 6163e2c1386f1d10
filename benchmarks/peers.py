"""Methods under comparison: each learns a kernel and scores samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.preprocessing import StandardScaler

from benchmarks.problems import LAYOUT
from benchmarks.published_method import N_GROUPS, N_SPATIAL, N_TEMPORAL, fit_published
from synreduce.design import ArrayRows
from synreduce.solvers import FitProblem, build_solver

FloatArray = NDArray[np.float64]
Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Learned:
    """What a method learned."""

    theta: FloatArray
    """Kernel in basis coordinates, shape (240,)."""
    intercept: float
    note: str = ""


def newton(rows: Rows, spiked: NDArray, rank: int | str) -> Learned:
    """The package's default solver, penalty chosen by its cross-validation."""
    problem = FitProblem(LAYOUT, ArrayRows(rows), spiked, rank=rank)
    fit = build_solver("newton").solve(problem)
    return Learned(fit.theta, fit.intercept, f"{fit.status}, {fit.n_evaluations} passes")


def scikit_cv(rows: Rows, spiked: NDArray, solver: str) -> Learned:
    """Logistic regression on standardised columns, ridge of ten by 5-fold cross-validation."""
    model = LogisticRegressionCV(
        Cs=10, cv=5, solver=solver, scoring="neg_log_loss", max_iter=1000, tol=1e-4
    )
    return _scikit(model, rows, spiked)


def scikit_default(rows: Rows, spiked: NDArray) -> Learned:
    """Logistic regression on standardised columns as it comes (C = 1, L-BFGS)."""
    return _scikit(LogisticRegression(max_iter=1000), rows, spiked)


def _scikit(model: LogisticRegression, rows: Rows, spiked: NDArray) -> Learned:
    scaler = StandardScaler()
    model.fit(scaler.fit_transform(rows.astype(np.float64)), spiked)
    theta = model.coef_[0] / scaler.scale_
    intercept = float(model.intercept_[0] - theta @ scaler.mean_)
    strength = getattr(model, "C_", [model.C if hasattr(model, "C") else np.nan])[0]
    return Learned(theta, intercept, f"C = {strength:.3g}")


def published(rows: Rows, spiked: NDArray, seed: int) -> Learned:
    """One start of the published method; a straight line makes its score log odds."""
    by_trial = rows.astype(np.float64).reshape(-1, N_GROUPS, N_SPATIAL, N_TEMPORAL)
    projected = np.ascontiguousarray(by_trial.swapaxes(0, 1))
    fit = fit_published(projected, spiked, seed)
    size = N_GROUPS * N_SPATIAL
    spatial = fit.weights[:size].reshape(N_GROUPS, N_SPATIAL, 1)
    temporal = fit.weights[size:].reshape(N_GROUPS, 1, N_TEMPORAL)
    theta = (spatial * temporal).ravel()
    score = rows @ theta
    deviation = score.std()
    line = LogisticRegression(C=1e6).fit(score[:, None] / deviation, spiked)
    slope = float(line.coef_[0, 0]) / deviation
    ending = "converged" if fit.converged else "stopped by its budget"
    note = f"{fit.n_evaluations} evaluations, {ending}, train AUROC {fit.train_auroc:.4f}"
    return Learned(theta * slope, float(line.intercept_[0]), note)
