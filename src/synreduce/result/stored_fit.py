"""One fit of a chunk as it is stored: parameters, diagnostics and scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synreduce.evaluation.scores import ScoreRow
from synreduce.solvers import USABLE_STATUSES, Agreement, agreement
from synreduce.strategies import kernels_of

if TYPE_CHECKING:
    from synreduce.solvers.records import BiasCorrected, FitResult

FloatArray = NDArray[np.float64]
Factors = Mapping[str, tuple[FloatArray, FloatArray]]


@dataclass(frozen=True)
class StoredFit:
    """One fit of a chunk: one strategy, solver, split and restart.

    Parameters
    ----------
    strategy, solver, split : str
        Names.
    restart : int
        Number of the restart.
    status, message : str
        Outcome, and what the solver says about it.
    theta : ndarray, shape (n_features,)
        Parameters of the columns of the design.
    intercept, intercept_se, objective, condition, effective_degrees_of_freedom : float
        As in the record of the solver; NaN where unknown.
    factors : mapping of str to (ndarray (R, K), ndarray (R, L))
        Spatial and temporal weights per term, one row per component.
    n_evaluations, n_iterations : int
        Work done.
    trace : ndarray, shape (n,)
        Objective as the fit went on.
    covariance : ndarray, shape (n_features, n_features), or None
        Of theta.
    bias_corrected : BiasCorrected or None
        Theta without the bias of the penalty.
    data_share : ndarray, shape (n_features,), or None
        Part of the variance of each weight under the penalty alone that the data take away.
    replicates : ndarray, shape (n_replicates, n_features), or None
        Weights of bootstrap replicates.
    curves : mapping of str to ndarray
        Further tables, e.g. ``ridge`` and ``ridge_score`` of the choice of the ridge.
    scores : sequence of ScoreRow
        What the fit scores on each side of the split.
    seconds : float
        Duration. It is kept beside the file, which holds nothing that differs from run to run.
    """

    strategy: str
    solver: str
    split: str
    restart: int
    status: str
    message: str
    theta: FloatArray
    intercept: float
    objective: float
    condition: float
    effective_degrees_of_freedom: float
    factors: Factors
    n_evaluations: int
    n_iterations: int
    trace: FloatArray
    covariance: FloatArray | None = None
    bias_corrected: BiasCorrected | None = None
    data_share: FloatArray | None = None
    replicates: FloatArray | None = None
    intercept_se: float = math.nan
    curves: Mapping[str, FloatArray] = field(default_factory=dict)
    scores: Sequence[ScoreRow] = ()
    seconds: float = math.nan

    @classmethod
    def of(
        cls,
        fit: FitResult,
        *,
        strategy: str,
        solver: str,
        split: str,
        restart: int,
        scores: Sequence[ScoreRow] = (),
        curves: Mapping[str, FloatArray] | None = None,
    ) -> StoredFit:
        """Keep what a solver returned.

        Parameters
        ----------
        fit : FitResult
            The solver's record.
        strategy, solver, split : str
            Names.
        restart : int
            Number of the restart.
        scores : sequence of ScoreRow
            What the fit scores.
        curves : mapping of str to ndarray, optional
            Further tables.

        Returns
        -------
        StoredFit
        """
        return cls(
            strategy=strategy, solver=solver, split=split, restart=restart,
            status=str(fit.status), message=fit.message, theta=fit.theta,
            intercept=fit.intercept, intercept_se=fit.intercept_se,
            objective=fit.objective, condition=fit.condition,
            effective_degrees_of_freedom=fit.effective_degrees_of_freedom,
            factors=fit.parameters, n_evaluations=fit.n_evaluations,
            n_iterations=fit.n_iterations, trace=fit.trace, covariance=fit.covariance,
            bias_corrected=fit.bias_corrected, data_share=fit.data_share, replicates=fit.replicates,
            curves=curves or {}, scores=tuple(scores), seconds=fit.seconds,
        )  # fmt: skip

    def key(self) -> tuple[str, str, str, int]:
        """Give what tells the fits of a chunk apart.

        Returns
        -------
        tuple
            Strategy, solver, split, restart.
        """
        return (self.strategy, self.solver, self.split, self.restart)


def stored_agreement(
    fits: Sequence[StoredFit], bases: tuple[FloatArray, FloatArray], least_cosine: float
) -> Agreement:
    """Compare restarts of one fit by kernel and objective.

    Parameters
    ----------
    fits : sequence of StoredFit
        Restarts of one chunk, strategy, solver and split.
    bases : (ndarray (K, n_bins), ndarray (L, width))
        Spatial and temporal basis functions of the chunk.
    least_cosine : float
        Cosine from which on two kernels count as the same.

    Returns
    -------
    Agreement
        Of the fits that have weights.
    """
    usable = [fit for fit in fits if fit.status in USABLE_STATUSES]
    return agreement(
        [kernels_of(dict(fit.factors), *bases) for fit in usable],
        [fit.objective for fit in usable],
        least_cosine,
    )
