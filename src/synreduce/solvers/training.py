"""Training samples as solvers see them: passes that form sums in a fixed order."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synreduce.design import ROWS_PER_BLOCK
from synreduce.metrics import pair_wins
from synreduce.solvers import passes
from synreduce.solvers.continuation import Continuation
from synreduce.solvers.problem import FitProblem
from synreduce.solvers.row_groups import LocalRowGroups, RowGroups, Samples
from synreduce.solvers.sums import ClassMoments, Curvature

FloatArray = NDArray[np.float64]


class TrainingData:
    """Rows and outcomes of a problem, read block by block.

    Parameters
    ----------
    problem : FitProblem
        Its rows are kept in memory in double precision if they fit into its `cache_bytes`, and are
        spread over workers if they do not and there are any.
    continuation : Continuation, optional
        What an interrupted attempt at the same fit left; default: nothing.
    """

    def __init__(self, problem: FitProblem, continuation: Continuation | None = None) -> None:
        self.problem = problem
        self.continuation = continuation or Continuation()
        self.outcome = np.asarray(problem.outcome, dtype=np.float64)
        self.n_rows = problem.rows.n_rows
        self.n_features = problem.layout.n_features
        self._groups = _groups_of(problem)

    def total(
        self, function: Callable[..., Any], samples: Samples, *arguments: object
    ) -> list[Any]:
        """Add up, in order, what a function of `passes` returns for each group of samples.

        Parameters
        ----------
        function : callable
            Importable; see `RowGroups.map`. Returns a tuple of numbers and new arrays.
        samples : sequence of numpy.ndarray or None
            Arrays with an entry per sample; the function is given each group's part.
        *arguments : object
            What the function needs besides.

        Returns
        -------
        list
            Sums over all samples.
        """
        results = self._groups.map(function, samples, arguments)
        total = list(next(results))
        for result in results:
            for position, addend in enumerate(result):
                total[position] += addend
        return total

    def single_precision_blocks(self) -> list[NDArray[np.float32]] | None:
        """Copy the rows in single precision, without the column of ones.

        Returns
        -------
        list of numpy.ndarray of float32, or None
            None if the rows do not fit into the cache.
        """
        if not isinstance(self._groups, LocalRowGroups) or self._groups.cached is None:
            return None
        return [
            np.ascontiguousarray(block[:, :-1], dtype=np.float32)
            for blocks in self._groups.cached
            for _, block in blocks
        ]

    @cached_property
    def n_bad_rows(self) -> int:
        """Rows that hold a NaN or an infinity."""
        return sum(self._groups.map(passes.bad_rows, (), ()))

    def scores(self, theta: FloatArray) -> FloatArray:
        """Score of every sample without intercept.

        Parameters
        ----------
        theta : numpy.ndarray, shape (n_features,) or (n_features, n_points)
            Feature weights.

        Returns
        -------
        numpy.ndarray, shape (n_rows,) or (n_rows, n_points)
        """
        return np.concatenate(list(self._groups.map(passes.scores, (), (theta,))))

    def weighted_sum(self, weights: FloatArray) -> FloatArray:
        """Sum of rows with a weight each.

        Parameters
        ----------
        weights : numpy.ndarray, shape (n_rows,)
            Weight of each sample.

        Returns
        -------
        numpy.ndarray, shape (n_features,)
        """
        (total,) = self.total(passes.weighted_sum, (weights,), self.n_features)
        return np.asarray(total)

    def auroc(self, score: NDArray[np.floating[Any]]) -> float:
        """Area under the ROC curve of scores, ties count half.

        Parameters
        ----------
        score : numpy.ndarray, shape (n_rows,)
            Finite scores.

        Returns
        -------
        float
        """
        positive = self.problem.outcome
        wins = pair_wins(score[positive], score[~positive])
        n_positive = self.problem.n_positive
        return wins / (2 * n_positive * (self.n_rows - n_positive))

    @cached_property
    def class_moments(self) -> ClassMoments:
        """Means and pooled covariance of both classes, in one pass."""
        # Shifting by the first block's mean avoids cancellation in the covariance.
        first = self.problem.rows.read(0, min(ROWS_PER_BLOCK, self.n_rows))
        shift = np.append(np.mean(first, axis=0, dtype=np.float64), 0.0)
        gram, positive_sum = self.total(passes.shifted_moments, (self.outcome,), shift)
        n_positive = self.problem.n_positive
        n_negative = self.n_rows - n_positive
        means = [
            total[:-1] / max(count, 1)
            for total, count in ((gram[-1] - positive_sum, n_negative), (positive_sum, n_positive))
        ]
        within = gram[:-1, :-1] / self.n_rows
        for mean, count in zip(means, (n_negative, n_positive), strict=True):
            within = within - count / self.n_rows * np.outer(mean, mean)
        negative, positive = (mean + shift[:-1] for mean in means)
        return ClassMoments(n_negative, n_positive, negative, positive, within)

    def losses(self, weights: FloatArray) -> FloatArray:
        """Negative log-likelihood at several points, in one pass.

        Parameters
        ----------
        weights : numpy.ndarray, shape (n_features + 1, n_points)
            Feature weights and intercept of each point.

        Returns
        -------
        numpy.ndarray, shape (n_points,)
        """
        (total,) = self.total(passes.losses, (self.outcome,), weights)
        return np.asarray(total)

    def slope(self, weights: FloatArray) -> tuple[float, FloatArray]:
        """Value and gradient of the negative log-likelihood, in one pass.

        Parameters
        ----------
        weights : numpy.ndarray, shape (n_features + 1,)
            Feature weights and intercept.

        Returns
        -------
        float, numpy.ndarray of shape (n_features + 1,)
        """
        value, gradient = self.total(passes.slope, (self.outcome,), weights)
        return value, gradient

    def held_out_losses(self, weights: FloatArray, fold: NDArray[np.int64]) -> FloatArray:
        """Negative log-likelihood of each fold at its own point.

        Parameters
        ----------
        weights : numpy.ndarray, shape (n_features + 1, n_candidates, n_folds)
            Feature weights and intercept of each candidate, fitted without the fold.
        fold : numpy.ndarray of int, shape (n_rows,)
            Fold of each sample.

        Returns
        -------
        numpy.ndarray, shape (n_candidates, n_folds)
        """
        (total,) = self.total(passes.held_out_losses, (self.outcome, fold), weights)
        return np.asarray(total)

    def curvature(
        self, weights: FloatArray, part: NDArray[np.int64] | None = None, n_parts: int = 1
    ) -> Curvature:
        """Value, gradient and Hessian of the negative log-likelihood, in one pass.

        Parameters
        ----------
        weights : numpy.ndarray, shape (n_features + 1,)
            Feature weights and intercept.
        part : numpy.ndarray of int, shape (n_rows,), optional
            Sums are formed for each part (fold) of the samples; default: all in one.
        n_parts : int, default: 1
            Number of parts.

        Returns
        -------
        Curvature
        """
        return Curvature(*self.total(passes.curvature, (self.outcome, part), weights, n_parts))


def _groups_of(problem: FitProblem) -> RowGroups:
    """Hold the rows here if they fit, or if there is nobody else to hold them."""
    if problem.spread is None or problem.fits_cache:
        return LocalRowGroups(problem.rows, cached=problem.fits_cache)
    return problem.spread(problem.rows, problem.cache_bytes)
