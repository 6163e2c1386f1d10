"""Methods under comparison: each learns a kernel from projected columns and scores samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from benchmarks.problems import LAYOUT
from benchmarks.published_method import N_GROUPS, N_SPATIAL, N_TEMPORAL, fit_published
from synreduce.design import ArrayRows
from synreduce.solvers import FitProblem, build_solver

FloatArray = NDArray[np.float64]
Rows = NDArray[np.float32]
Outcome = NDArray[np.uint8]

# Ridge per sample of the mean log-likelihood on standardised columns, the same unit in both.
GLUM_STRENGTHS = np.logspace(-1.0, -5.5, 10)
NEMOS_STRENGTHS = np.logspace(-2.0, -6.0, 5)
N_STARTS = 3


@dataclass(frozen=True)
class Learned:
    """What a method learned."""

    theta: FloatArray
    """Kernel in basis coordinates, shape (240,)."""
    intercept: float
    note: str = ""


@dataclass(frozen=True)
class Method:
    """A method that learns from rows and outcomes."""

    label: str
    fit: Callable[[Rows, Outcome], Learned]
    package: str = "synreduce"
    """What has to be installed."""
    warms_up: bool = True
    """Whether a first small fit is made and timed apart, for what is imported on first use."""

    @property
    def installed(self) -> bool:
        """Whether its package can be imported."""
        return find_spec(self.package) is not None


def newton(rows: Rows, spiked: Outcome, rank: int | str) -> Learned:
    """The package's default solver, penalty chosen by its cross-validation."""
    problem = FitProblem(LAYOUT, ArrayRows(rows), spiked, rank=rank)
    fit = build_solver("newton").solve(problem)
    return Learned(fit.theta, fit.intercept, f"{fit.status}, {fit.n_evaluations} passes")


def scikit_cv(rows: Rows, spiked: Outcome, solver: str) -> Learned:
    """Logistic regression, ridge of ten by 5-fold cross-validation."""
    model = LogisticRegressionCV(
        Cs=10, cv=5, solver=solver, scoring="neg_log_loss", max_iter=1000, tol=1e-4
    )
    columns = _Standardised(rows)
    model.fit(columns.values, spiked)
    return columns.learned(model.coef_[0], model.intercept_[0], f"C = {model.C_[0]:.3g}")


def scikit_default(rows: Rows, spiked: Outcome) -> Learned:
    """Logistic regression as it comes (C = 1, L-BFGS)."""
    columns = _Standardised(rows)
    model = LogisticRegression(max_iter=1000).fit(columns.values, spiked)
    return columns.learned(model.coef_[0], model.intercept_[0], "C = 1")


def glum_cv(rows: Rows, spiked: Outcome) -> Learned:
    """Binomial model of glum, ridge of ten by 5-fold cross-validation."""
    from glum import GeneralizedLinearRegressorCV

    columns = _Standardised(rows)
    model = GeneralizedLinearRegressorCV(
        family="binomial", l1_ratio=0, alphas=GLUM_STRENGTHS, cv=5, max_iter=1000
    )
    model.fit(columns.values, spiked.astype(np.float64))
    return columns.learned(model.coef_, model.intercept_, f"alpha = {model.alpha_:.3g}")


def nemos_cv(rows: Rows, spiked: Outcome) -> Learned:
    """Bernoulli model of nemos with a ridge, chosen of five by 3-fold cross-validation.

    In double precision, as nemos advises, and by BFGS: of its solvers the fastest that converges
    on these columns. nemos compiles anew for every model, which an earlier fit would not spare; the
    note says how long that took.
    """
    import jax
    from nemos.glm import GLM

    jax.config.update("jax_enable_x64", True)
    compiling = _jax_compile_seconds()
    before = sum(compiling)
    columns = _Standardised(rows)
    model = GLM(
        observation_model="Bernoulli",
        regularizer="Ridge",
        regularizer_strength=NEMOS_STRENGTHS[0],
        solver_name="BFGS",
        solver_kwargs={"maxiter": 1000, "tol": 1e-4},
    )
    search = GridSearchCV(model, {"regularizer_strength": NEMOS_STRENGTHS}, cv=3)
    best = search.fit(columns.values, spiked.astype(np.float64)).best_estimator_
    spent = sum(compiling) - before
    note = f"strength {best.regularizer_strength:.3g}, {spent:.1f} s compiling"
    return columns.learned(np.asarray(best.coef_), np.asarray(best.intercept_)[0], note)


_COMPILING: list[float] = []


def _jax_compile_seconds() -> list[float]:
    """Durations that jax reports for tracing, lowering and compiling; the list grows."""
    import jax

    def note(event: str, duration: float, **_: object) -> None:
        if event.startswith("/jax/core/compile"):
            _COMPILING.append(duration)

    if not _COMPILING:
        jax.monitoring.register_event_duration_secs_listener(note)
        _COMPILING.append(0.0)
    return _COMPILING


def published(rows: Rows, spiked: Outcome, seed: int) -> Learned:
    """One start of the published method; a straight line makes its score log odds."""
    by_trial = rows.reshape(-1, N_GROUPS, N_SPATIAL, N_TEMPORAL)
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


class _Standardised:
    """Columns of mean 0 and variance 1, as these packages want them, and the way back."""

    def __init__(self, rows: Rows) -> None:
        self._scaler = StandardScaler()
        self.values = self._scaler.fit_transform(rows.astype(np.float64))

    def learned(self, coefficients: FloatArray, intercept: float, note: str) -> Learned:
        """Weights of the columns as they were."""
        theta = coefficients / self._scaler.scale_
        return Learned(theta, float(intercept - theta @ self._scaler.mean_), note)


RANK_1, FULL = "newton-rank-1", "newton-full-rank"
SCIKIT = ("scikit-lbfgs", "scikit-newton")
PUBLISHED = tuple(f"published-{start}" for start in range(1, N_STARTS + 1))

METHODS: dict[str, Method] = {
    RANK_1: Method("synreduce `newton`, rank 1", partial(newton, rank=1)),
    FULL: Method("synreduce `newton`, full rank", partial(newton, rank="full")),
    "scikit-lbfgs": Method(
        "scikit-learn, C by cross-validation, L-BFGS", partial(scikit_cv, solver="lbfgs")
    ),
    "scikit-newton": Method(
        "scikit-learn, C by cross-validation, Newton", partial(scikit_cv, solver="newton-cholesky")
    ),
    "scikit-default": Method("scikit-learn, C = 1, no choice", scikit_default),
    "glum": Method("glum, alpha by cross-validation", glum_cv, "glum"),
    "nemos": Method("nemos, strength by cross-validation", nemos_cv, "nemos", warms_up=False),
    **{
        name: Method(
            f"published method, start {start}", partial(published, seed=start), warms_up=False
        )
        for start, name in enumerate(PUBLISHED, 1)
    },
}
