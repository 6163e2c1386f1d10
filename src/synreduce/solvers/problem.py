"""A fit to be made: rows, outcomes and what the weights may look like."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synreduce.design import FeatureLayout, RowSource
from synreduce.errors import InputError, Problem
from synreduce.solvers.row_groups import Spread, cached_bytes
from synreduce.strategies import FactorModel, Rank

FloatArray = NDArray[np.float64]

LINEAR_CAPABILITIES = frozenset({"score", "likelihood", "class_moments"})
"""What every strategy whose score is a weighted sum of columns offers.

``score``: scores of all samples at given parameters. ``likelihood``: value, gradient and curvature
of the logistic likelihood by the feature weights. ``class_moments``: mean and covariance per class.
"""

DEFAULT_CACHE_BYTES = 300_000_000


@dataclass(frozen=True)
class FitProblem:
    """What a solver is given.

    Parameters
    ----------
    layout : FeatureLayout
        Columns of the rows.
    rows : RowSource
        Training samples.
    outcome : numpy.ndarray of 0 and 1, shape (n,)
        Whether the sample had a spike.
    rank : int or "full", default: 1
        Pairs of filters per term.
    fold_groups : numpy.ndarray of int, shape (n,), optional
        Samples with the same number (of one trial, or of one block of time) stay on one side when a
        solver cross-validates inside the training samples. Default: each sample for itself.
    roughness : numpy.ndarray, shape (n_features, n_features), optional
        Quadratic form that measures how rough the kernels are, for smoothness penalties.
    minimum_positives : int, default: 2
        Fewer samples of either class than this are not fitted.
    name : str, default: "problem"
        Used in messages, e.g. the strategy's name.
    provides : frozenset of str
        Capabilities offered to solvers.
    cache_bytes : int
        Rows are kept in memory in double precision if they fit; the result is the same if not.
    spread : callable, optional
        Holds rows that do not fit on several workers. Default: they are read in every pass.

    Raises
    ------
    InputError
        If shapes disagree or outcomes are not 0 or 1.
    """

    layout: FeatureLayout
    rows: RowSource
    outcome: NDArray[Any]
    rank: Rank = 1
    fold_groups: NDArray[Any] | None = None
    roughness: FloatArray | None = None
    minimum_positives: int = 2
    name: str = "problem"
    provides: frozenset[str] = field(default=LINEAR_CAPABILITIES)
    cache_bytes: int = DEFAULT_CACHE_BYTES
    spread: Spread | None = None

    def __post_init__(self) -> None:
        outcome = np.asarray(self.outcome)
        n_rows, n_features = self.rows.n_rows, self.layout.n_features
        groups = outcome if self.fold_groups is None else np.asarray(self.fold_groups)
        checks = (
            (self.rows.n_features == n_features, f"{self.rows.n_features} columns in the rows"),
            (outcome.shape == (n_rows,), f"outcomes of shape {outcome.shape}"),
            (groups.shape == (n_rows,), f"fold groups of shape {groups.shape}"),
            (
                self.roughness is None or self.roughness.shape == (n_features, n_features),
                "roughness that does not fit the columns",
            ),
            (bool(np.isin(outcome, (0, 1)).all()), "outcomes other than 0 and 1"),
        )
        fix = f"the layout has {n_features} columns, the rows are {n_rows}"
        problems = [Problem("bad-problem", self.name, what, fix) for ok, what in checks if not ok]
        if problems:
            raise InputError(problems)
        object.__setattr__(self, "outcome", outcome.astype(bool))

    @property
    def model(self) -> FactorModel:
        """How parameters become feature weights."""
        return FactorModel(self.layout, self.rank)

    @property
    def capabilities(self) -> frozenset[str]:
        """What this problem offers to solvers: ``roughness`` too where it was given."""
        extra = frozenset() if self.roughness is None else frozenset({"roughness"})
        return self.provides | extra

    @property
    def fits_cache(self) -> bool:
        """Whether the rows, with a column of ones, are kept in memory."""
        return cached_bytes(self.rows.n_rows, self.layout.n_features) <= self.cache_bytes

    @property
    def n_positive(self) -> int:
        """Number of samples with a spike."""
        return int(self.outcome.sum())
