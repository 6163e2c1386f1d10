"""Directions in which a factor model can move, with the curvature in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synreduce.strategies import FactorModel

FloatArray = NDArray[np.float64]

SINGULAR = 1e-10
"""Directions with less curvature than this part of the largest are not determined at all."""


@dataclass(frozen=True)
class Tangent:
    """Feature weights and intercept near a point, as functions of the free directions.

    With products of factors only directions that keep the rank are free. The freedom of scale
    between the factors of a pair moves no weight and is no direction.

    Parameters
    ----------
    basis : numpy.ndarray, shape (n_features + 1, n_free + 1)
        Orthonormal columns; the last is the intercept.
    """

    basis: FloatArray

    @classmethod
    def at(cls, model: FactorModel, vector: FloatArray) -> Tangent:
        """Find the free directions at a point.

        Parameters
        ----------
        model : FactorModel
            From parameters to feature weights.
        vector : numpy.ndarray, shape (n_parameters,)
            The point.

        Returns
        -------
        Tangent
        """
        left, values, _ = np.linalg.svd(model.jacobian(vector), full_matrices=False)
        free = values > SINGULAR * values[0] if values.size and values[0] > 0.0 else values > 0.0
        directions = left[:, free]
        basis = np.zeros((directions.shape[0] + 1, directions.shape[1] + 1))
        basis[:-1, :-1], basis[-1, -1] = directions, 1.0
        return cls(basis)

    @property
    def of_weights(self) -> FloatArray:
        """Rows of the feature weights, shape (n_features, n_free + 1)."""
        return self.basis[:-1]

    def penalty(self, penalty: FloatArray) -> FloatArray:
        """Restrict a penalty to the free directions.

        Parameters
        ----------
        penalty : numpy.ndarray, shape (n_features, n_features)
            Matrix of the quadratic form.

        Returns
        -------
        numpy.ndarray, shape (n_free + 1, n_free + 1)
            Zero for the intercept.
        """
        return np.asarray(self.of_weights.T @ penalty @ self.of_weights)


@dataclass(frozen=True)
class Inverse:
    """Pseudo-inverse of a curvature, columns scaled to one.

    Parameters
    ----------
    root : numpy.ndarray, shape (n, n_kept)
        ``root @ root.T`` is the pseudo-inverse.
    condition : float
        Condition number of the scaled matrix, infinite where it is singular.
    """

    root: FloatArray
    condition: float

    @classmethod
    def of(cls, curvature: FloatArray) -> Inverse:
        """Invert a symmetric positive semi-definite matrix.

        Parameters
        ----------
        curvature : numpy.ndarray, shape (n, n)
            The matrix.

        Returns
        -------
        Inverse
        """
        diagonal = np.diag(curvature)
        scale = np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
        values, directions = np.linalg.eigh(curvature / np.outer(scale, scale))
        kept = values > SINGULAR * values[-1]
        root = directions[:, kept] / np.sqrt(values[kept]) / scale[:, None]
        condition = float(values[-1] / values[0]) if kept.all() else float("inf")
        return cls(root, condition)

    @property
    def matrix(self) -> FloatArray:
        """The pseudo-inverse."""
        return self.root @ self.root.T
