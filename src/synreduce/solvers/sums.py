"""Sums over training samples: class moments and the likelihood to second order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class ClassMoments:
    """Sums per class, with a column of ones last.

    Parameters
    ----------
    n_negative, n_positive : int
        Samples per class.
    mean_negative, mean_positive : numpy.ndarray, shape (n_features,)
        Means.
    within : numpy.ndarray, shape (n_features, n_features)
        Pooled covariance within classes.
    """

    n_negative: int
    n_positive: int
    mean_negative: FloatArray
    mean_positive: FloatArray
    within: FloatArray

    @property
    def mean(self) -> FloatArray:
        """Mean of all samples."""
        total = self.n_negative + self.n_positive
        return (self.n_negative * self.mean_negative + self.n_positive * self.mean_positive) / total

    @property
    def variance(self) -> FloatArray:
        """Variance of each column over all samples."""
        share = self.n_positive / (self.n_negative + self.n_positive)
        between = share * (1.0 - share) * (self.mean_positive - self.mean_negative) ** 2
        return np.asarray(np.maximum(np.diag(self.within), 0.0) + between)


@dataclass(frozen=True)
class Curvature:
    """Logistic negative log-likelihood around a point, the intercept last in every array.

    Parameters
    ----------
    value : numpy.ndarray, shape (n_parts,)
        Sum over the samples of each part.
    gradient : numpy.ndarray, shape (n_parts, n_features + 1)
    hessian : numpy.ndarray, shape (n_parts, n_features + 1, n_features + 1)
    """

    value: FloatArray
    gradient: FloatArray
    hessian: FloatArray

    @property
    def total(self) -> tuple[float, FloatArray, FloatArray]:
        """Value, gradient and Hessian of all parts together."""
        return float(self.value.sum()), self.gradient.sum(axis=0), self.hessian.sum(axis=0)

    def without(self, part: int) -> Curvature:
        """Leave one part out.

        Parameters
        ----------
        part : int
            Which.

        Returns
        -------
        Curvature
        """
        kept = np.arange(self.value.size) != part
        return Curvature(self.value[kept], self.gradient[kept], self.hessian[kept])

    def damped(self, diagonal: FloatArray) -> Curvature:
        """Add curvature around the point itself, so that a minimum stays near it.

        Parameters
        ----------
        diagonal : numpy.ndarray, shape (n_features + 1,)
            Added to the diagonal of the Hessian.

        Returns
        -------
        Curvature
        """
        if not diagonal.any():
            return self
        hessian = self.hessian.copy()
        hessian[0] += np.diag(diagonal)
        return Curvature(self.value, self.gradient, hessian)


def softplus(score: FloatArray) -> FloatArray:
    """``log(1 + exp(score))`` without overflow.

    Parameters
    ----------
    score : numpy.ndarray
        Any shape.

    Returns
    -------
    numpy.ndarray
    """
    return np.asarray(np.maximum(score, 0.0) + np.log1p(np.exp(-np.abs(score))))


def logistic(score: FloatArray) -> FloatArray:
    """Probability of log odds, without overflow.

    Parameters
    ----------
    score : numpy.ndarray
        Any shape.

    Returns
    -------
    numpy.ndarray
    """
    small = np.exp(-np.abs(score))
    return np.asarray(np.where(score >= 0.0, 1.0, small) / (1.0 + small))
