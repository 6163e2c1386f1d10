"""What every solver returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from synreduce.solvers.problem import FitProblem
from synreduce.strategies import Factors

FloatArray = NDArray[np.float64]

STATUSES = ("ok", "not_converged", "one_class", "too_few_spikes", "failed")
"""Stable order: the position is the code in result files."""

USABLE_STATUSES = frozenset({"ok", "not_converged"})
"""With any other status all weights are NaN."""


@dataclass(frozen=True)
class PenaltyCurve:
    """Held-out loss against the strength of the penalty, from cross-validation in training samples.

    Parameters
    ----------
    ridge, smoothness : numpy.ndarray, shape (n,)
        Strengths tried.
    loss : numpy.ndarray, shape (n,)
        Mean held-out negative log-likelihood per sample, in nats.
    standard_error : numpy.ndarray, shape (n,)
        Standard error of its difference from the best, over folds; 0 for the best.
    chosen : int
        Position of the strength used.
    n_folds : int
        Number of folds.
    """

    ridge: FloatArray
    smoothness: FloatArray
    loss: FloatArray
    standard_error: FloatArray
    chosen: int
    n_folds: int


@dataclass(frozen=True)
class BiasCorrected:
    """Weights that a far weaker penalty would give, for pooling with those of other data.

    The bias of a penalty is alike in all data sets and does not average out; what is left here
    does.

    Parameters
    ----------
    theta : numpy.ndarray, shape (n_features,)
        Weights of a fit minus the bias of its penalty.
    covariance : tuple of numpy.ndarray, shape (n_features_of_term, n_features_of_term)
        Of these weights within each term, from the curvature under the weaker penalty.
    """

    theta: FloatArray
    covariance: tuple[FloatArray, ...]

    def scaled(self, factors: Sequence[float]) -> BiasCorrected:
        """Multiply the weights of every term by a factor.

        Parameters
        ----------
        factors : sequence of float, (n_terms,)
            One per term.

        Returns
        -------
        BiasCorrected
        """
        repeated = np.repeat(factors, [len(block) for block in self.covariance])
        blocks = zip(self.covariance, factors, strict=True)
        return BiasCorrected(
            self.theta * repeated, tuple(block * factor**2 for block, factor in blocks)
        )


@dataclass(frozen=True)
class FitResult:
    """One fit.

    Parameters
    ----------
    parameters : dict of str to (numpy.ndarray, numpy.ndarray), shapes (R, K) and (R, L)
        Spatial and temporal weights per term.
    vector : numpy.ndarray, shape (n_parameters,)
        The same as one vector, a start for another fit.
    theta : numpy.ndarray, shape (n_features,)
        Flattened kernels: score = rows @ theta + intercept.
    intercept : float
        With it the score is the log odds of a spike for solvers that maximise the likelihood or
        calibrate; 0 for those that see ranks alone.
    objective : float
        The solver's own objective at the solution, smaller is better.
    n_evaluations : int
        Evaluations of the objective on all training samples, whatever else came with the value.
    n_iterations : int
        Iterations of the solver.
    status : str
        One of `STATUSES`.
    message : str
        What happened, for people.
    seconds : float
        Wall-clock time; differs from run to run.
    trace : numpy.ndarray, shape (n_iterations + 1,) or shorter
        Objective after each iteration, the start first.
    covariance : numpy.ndarray, shape (n_features, n_features), or None
        Mean squared error of `theta`, from the curvature of the penalised likelihood.
    data_share : numpy.ndarray, shape (n_features,), or None
        Part of the variance of each weight under the penalty alone that the data take away.
    bias_corrected : BiasCorrected or None
        Weights without the bias of the penalty; None where there is no covariance.
    replicates : numpy.ndarray, shape (n_replicates, n_features), or None
        Weights of bootstrap replicates, see `synreduce.solvers.bootstrap`.
    intercept_se : float
        Standard error of the intercept; NaN where there is no covariance.
    condition : float
        Condition number of the curvature in the free parameters.
    effective_degrees_of_freedom : float
        Trace of unpenalised times inverse penalised curvature, intercept included.
    ridge, smoothness : float
        Strengths of the penalty used; NaN where there is none.
    penalty_curve : PenaltyCurve or None
        How the strength was chosen.
    train_auroc : float
        AUROC on the training samples.
    """

    parameters: Factors
    vector: FloatArray
    theta: FloatArray
    intercept: float
    objective: float
    n_evaluations: int
    n_iterations: int
    status: str
    message: str
    seconds: float
    trace: FloatArray
    covariance: FloatArray | None = None
    bias_corrected: BiasCorrected | None = None
    data_share: FloatArray | None = None
    replicates: FloatArray | None = None
    intercept_se: float = float("nan")
    condition: float = float("nan")
    effective_degrees_of_freedom: float = float("nan")
    ridge: float = float("nan")
    smoothness: float = float("nan")
    penalty_curve: PenaltyCurve | None = field(default=None)
    train_auroc: float = float("nan")

    @property
    def usable(self) -> bool:
        """Whether there are weights."""
        return self.status in USABLE_STATUSES


def result_without_weights(
    problem: FitProblem, status: str, message: str, seconds: float = 0.0, n_evaluations: int = 0
) -> FitResult:
    """Record a fit that gave nothing: every weight is NaN.

    Parameters
    ----------
    problem : FitProblem
        What was to be fitted.
    status, message : str
        Why there are no weights.
    seconds : float, default: 0.0
        Time spent.
    n_evaluations : int, default: 0
        Evaluations spent.

    Returns
    -------
    FitResult
    """
    model = problem.model
    vector = np.full(model.n_parameters, np.nan)
    return FitResult(
        parameters=model.factors(vector),
        vector=vector,
        theta=np.full(problem.layout.n_features, np.nan),
        intercept=float("nan"),
        objective=float("nan"),
        n_evaluations=n_evaluations,
        n_iterations=0,
        status=status,
        message=message,
        seconds=seconds,
        trace=np.empty(0),
    )


def with_seconds(result: FitResult, seconds: float) -> FitResult:
    """Add the duration to a result.

    Parameters
    ----------
    result : FitResult
        Result of a solver.
    seconds : float
        Wall-clock time.

    Returns
    -------
    FitResult
    """
    return replace(result, seconds=seconds)
