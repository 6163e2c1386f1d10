"""Training samples as solvers see them: passes over blocks that form sums in a fixed order."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synreduce.design import ROWS_PER_BLOCK, iterate_blocks
from synreduce.metrics import pair_wins
from synreduce.solvers.problem import FitProblem
from synreduce.solvers.sums import ClassMoments, Curvature, logistic, softplus

FloatArray = NDArray[np.float64]


class TrainingData:
    """Rows and outcomes of a problem, read block by block.

    Parameters
    ----------
    problem : FitProblem
        Its rows are kept as double precision if they fit into its `cache_bytes`.
    """

    def __init__(self, problem: FitProblem) -> None:
        self.problem = problem
        self.outcome = np.asarray(problem.outcome, dtype=np.float64)
        self.n_rows = problem.rows.n_rows
        self.n_features = problem.layout.n_features
        needed = 8 * self.n_rows * (self.n_features + 1)
        self._cached = list(self._read()) if needed <= problem.cache_bytes else None

    def _read(self) -> Iterator[tuple[slice, FloatArray]]:
        for where, rows in iterate_blocks(self.problem.rows, ROWS_PER_BLOCK):
            block = np.empty((rows.shape[0], self.n_features + 1))
            block[:, :-1] = rows
            block[:, -1] = 1.0
            yield where, block

    def blocks(self) -> Iterator[tuple[slice, FloatArray]]:
        """Quanta of rows with a last column of ones, in order.

        Yields
        ------
        slice, numpy.ndarray of float64, shape (rows, n_features + 1)
        """
        yield from self._read() if self._cached is None else self._cached

    def single_precision_blocks(self) -> list[NDArray[np.float32]] | None:
        """Copy the rows in single precision, without the column of ones.

        Returns
        -------
        list of numpy.ndarray of float32, or None
            None if the rows do not fit into the cache.
        """
        if self._cached is None:
            return None
        return [np.ascontiguousarray(block[:, :-1], dtype=np.float32) for _, block in self._cached]

    @cached_property
    def n_bad_rows(self) -> int:
        """Rows that hold a NaN or an infinity."""
        return sum(
            int(np.count_nonzero(~np.isfinite(block.sum(axis=1)))) for _, block in self.blocks()
        )

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
        return np.concatenate([block[:, :-1] @ theta for _, block in self.blocks()])

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
        total = np.zeros(self.n_features)
        for where, block in self.blocks():
            total += weights[where] @ block[:, :-1]
        return total

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
        size = self.n_features + 1
        gram = np.zeros((size, size))
        positive_sum = np.zeros(size)
        centre: FloatArray | None = None
        for where, block in self.blocks():
            # Shifting by the first block's mean avoids cancellation in the covariance.
            centre = np.append(block[:, :-1].mean(axis=0), 0.0) if centre is None else centre
            shifted = block - centre
            gram += shifted.T @ shifted
            positive_sum += self.outcome[where] @ shifted
        shift = np.zeros(size) if centre is None else centre
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
        total = np.zeros(weights.shape[1])
        for where, block in self.blocks():
            score = block @ weights
            total += (softplus(score) - self.outcome[where, None] * score).sum(axis=0)
        return total

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
        value, gradient = 0.0, np.zeros(self.n_features + 1)
        for where, block in self.blocks():
            score, outcome = block @ weights, self.outcome[where]
            value += float(np.sum(softplus(score) - outcome * score))
            gradient += (logistic(score) - outcome) @ block
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
        _, n_candidates, n_folds = weights.shape
        total = np.zeros((n_candidates, n_folds))
        for where, block in self.blocks():
            for part in range(n_folds):
                chosen = np.flatnonzero(fold[where] == part)
                score = block[chosen] @ weights[:, :, part]
                loss = softplus(score) - self.outcome[where][chosen, None] * score
                total[:, part] += loss.sum(axis=0)
        return total

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
        size = self.n_features + 1
        value, gradient = np.zeros(n_parts), np.zeros((n_parts, size))
        hessian = np.zeros((n_parts, size, size))
        for where, block in self.blocks():
            score, outcome = block @ weights, self.outcome[where]
            loss, chance = softplus(score) - outcome * score, logistic(score)
            root = np.sqrt(chance * (1.0 - chance))[:, None]
            for index in range(n_parts):
                if part is None:
                    value[index] += loss.sum()
                    gradient[index] += (chance - outcome) @ block
                    scaled = block * root
                else:
                    chosen = np.flatnonzero(part[where] == index)
                    scaled = block[chosen]
                    value[index] += loss[chosen].sum()
                    gradient[index] += (chance - outcome)[chosen] @ scaled
                    scaled *= root[chosen]
                hessian[index] += scaled.T @ scaled
        return Curvature(value, gradient, hessian)
