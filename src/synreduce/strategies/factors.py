"""From parameters to feature weights: matrices of limited rank, one per term."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from synreduce.design import FeatureLayout, Term
from synreduce.errors import InputError, Problem

FloatArray = NDArray[np.float64]
Rank = int | Literal["full"]
Factors = dict[str, tuple[FloatArray, FloatArray]]
"""Per term: spatial weights (R, K) and temporal weights (R, L)."""


@dataclass(frozen=True)
class _Block:
    """One term's share of the parameter vector and of the feature weights."""

    term: Term
    rank: int | None
    """None: every feature weight is a parameter of its own."""
    parameters: slice
    features: slice


@dataclass(frozen=True)
class FactorModel:
    r"""The weights of term g are :math:`\theta_g = \sum_r y_{gr} x_{gr}^T`.

    The parameter vector holds, term after term and within a term pair after pair, the spatial
    weights y (K) and then the temporal weights x (L). A term whose rank is not limited (rank
    "full", or at least min(K, L)) holds its matrix itself.

    Parameters
    ----------
    layout : FeatureLayout
        The terms.
    rank : int or "full", default: 1
        Pairs of filters per term; 1 is the separable model.

    Raises
    ------
    InputError
        If the rank is not "full" or a positive number.

    Examples
    --------
    >>> model = FactorModel(FeatureLayout([Term("EXC", 2, 2)]), rank=1)
    >>> model.theta(np.array([1.0, 0.5, 2.0, -1.0])).tolist()
    [2.0, -1.0, 1.0, -0.5]
    """

    layout: FeatureLayout
    rank: Rank = 1

    def __post_init__(self) -> None:
        if self.rank != "full" and (not isinstance(self.rank, int) or self.rank < 1):
            what = f"rank {self.rank!r}"
            raise InputError(Problem("bad-rank", "strategy.rank", what, 'give 1, 2, ... or "full"'))

    @cached_property
    def _blocks(self) -> tuple[_Block, ...]:
        blocks: list[_Block] = []
        start = 0
        for term in self.layout.terms:
            largest = min(term.spatial, term.temporal)
            rank = None if self.rank == "full" or self.rank >= largest else int(self.rank)
            size = term.n_features if rank is None else rank * (term.spatial + term.temporal)
            features = self.layout.slices[term.name]
            blocks.append(_Block(term, rank, slice(start, start + size), features))
            start += size
        return tuple(blocks)

    @property
    def n_parameters(self) -> int:
        """Length of the parameter vector."""
        return int(self._blocks[-1].parameters.stop)

    @property
    def is_linear(self) -> bool:
        """Whether the feature weights are the parameters, so that no factors multiply."""
        return all(block.rank is None for block in self._blocks)

    @property
    def n_free(self) -> int:
        """Parameters less the freedom to move a factor between the filters of a pair."""
        gauges = sum(block.rank**2 for block in self._blocks if block.rank is not None)
        return self.n_parameters - gauges

    def _pairs(self, block: _Block, vector: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Spatial (R, K) and temporal (R, L) weights of a limited-rank block."""
        pairs = vector[block.parameters].reshape(block.rank or 1, -1)
        return pairs[:, : block.term.spatial], pairs[:, block.term.spatial :]

    def theta(self, vector: FloatArray) -> FloatArray:
        """Compute the feature weights of a parameter vector.

        Parameters
        ----------
        vector : numpy.ndarray, shape (n_parameters,)
            Parameters.

        Returns
        -------
        numpy.ndarray, shape (n_features,)
        """
        parts: list[FloatArray] = []
        for block in self._blocks:
            if block.rank is None:
                parts.append(vector[block.parameters])
            else:
                spatial, temporal = self._pairs(block, vector)
                parts.append((spatial.T @ temporal).ravel())
        return np.concatenate(parts)

    def jacobian(self, vector: FloatArray) -> FloatArray:
        """Differentiate the feature weights by the parameters.

        Parameters
        ----------
        vector : numpy.ndarray, shape (n_parameters,)
            Parameters.

        Returns
        -------
        numpy.ndarray, shape (n_features, n_parameters)
        """
        return self.pull_back(vector, np.eye(self.layout.n_features)).T

    def pull_back(self, vector: FloatArray, columns: FloatArray) -> FloatArray:
        """Multiply by the transposed Jacobian, without forming it.

        Parameters
        ----------
        vector : numpy.ndarray, shape (n_parameters,)
            Where the Jacobian is taken.
        columns : numpy.ndarray, shape (n_features, n)
            E.g. gradients by the feature weights.

        Returns
        -------
        numpy.ndarray, shape (n_parameters, n)
            ``jacobian(vector).T @ columns``; the Jacobian is nearly empty.
        """
        result = np.empty((self.n_parameters, columns.shape[1]))
        for block in self._blocks:
            part, target = columns[block.features], result[block.parameters]
            if block.rank is None:
                target[...] = part
                continue
            spatial, temporal = self._pairs(block, vector)
            n_spatial, n_temporal = block.term.spatial, block.term.temporal
            cube = part.reshape(n_spatial, n_temporal, columns.shape[1])
            pairs = target.reshape(block.rank, n_spatial + n_temporal, columns.shape[1])
            pairs[:, :n_spatial] = np.matmul(temporal, cube).swapaxes(0, 1)
            pairs[:, n_spatial:] = np.tensordot(spatial, cube, 1)
        return result

    def cross_curvature(self, vector_gradient: FloatArray) -> FloatArray:
        """Second-order part of a function's Hessian that stems from the products of factors.

        Parameters
        ----------
        vector_gradient : numpy.ndarray, shape (n_features,)
            The function's gradient by the feature weights.

        Returns
        -------
        numpy.ndarray, shape (n_parameters, n_parameters)
        """
        result = np.zeros((self.n_parameters, self.n_parameters))
        for block in self._blocks:
            if block.rank is None:
                continue
            n_spatial = block.term.spatial
            matrix = vector_gradient[block.features].reshape(n_spatial, -1)
            length = matrix.shape[0] + matrix.shape[1]
            for pair in range(block.rank):
                start = block.parameters.start + pair * length
                space = slice(start, start + n_spatial)
                time = slice(start + n_spatial, start + length)
                result[space, time] = matrix
                result[time, space] = matrix.T
        return result

    def nearest(self, theta: FloatArray) -> FloatArray:
        """Parameters whose weights come closest to given ones, factors balanced.

        Parameters
        ----------
        theta : numpy.ndarray, shape (n_features,)
            Feature weights of any rank.

        Returns
        -------
        numpy.ndarray, shape (n_parameters,)
            Leading singular pairs, each half carrying the root of the singular value. The largest
            temporal weight is positive, so that equal weights give equal vectors.
        """
        parts: list[FloatArray] = []
        for block in self._blocks:
            weights = theta[block.features]
            if block.rank is None:
                parts.append(weights)
                continue
            spatial, temporal = singular_pairs(weights.reshape(block.term.spatial, -1), block.rank)
            parts.append(np.concatenate([spatial, temporal], axis=1).ravel())
        return np.concatenate(parts).astype(np.float64, copy=True)

    def factors(self, vector: FloatArray) -> Factors:
        """Cut a parameter vector into the filters' weights of each term.

        Parameters
        ----------
        vector : numpy.ndarray, shape (n_parameters,)
            Parameters.

        Returns
        -------
        dict of str to (numpy.ndarray, numpy.ndarray), shapes (R, K) and (R, L)
            A term without limit on its rank is cut into its min(K, L) singular pairs.
        """
        result: Factors = {}
        for block in self._blocks:
            term = block.term
            if block.rank is None:
                matrix = vector[block.parameters].reshape(term.spatial, term.temporal)
                result[term.name] = singular_pairs(matrix, min(matrix.shape))
            else:
                spatial, temporal = self._pairs(block, vector)
                result[term.name] = (spatial.copy(), temporal.copy())
        return result

    def random_start(self, rng: np.random.Generator) -> FloatArray:
        """Parameters drawn uniformly from [-1, 1), as the published method does.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of the draw.

        Returns
        -------
        numpy.ndarray, shape (n_parameters,)
        """
        return rng.uniform(-1.0, 1.0, self.n_parameters)


def kernels_of(factors: Factors, spatial: FloatArray, temporal: FloatArray) -> FloatArray:
    """Superpose basis functions to the kernel of each term.

    Parameters
    ----------
    factors : dict of str to (numpy.ndarray, numpy.ndarray), shapes (R, K) and (R, L)
        Spatial and temporal weights per term.
    spatial : numpy.ndarray, shape (K, bins)
        Spatial basis functions.
    temporal : numpy.ndarray, shape (L, width)
        Temporal basis functions.

    Returns
    -------
    numpy.ndarray, shape (n_terms, bins, width)
    """
    return np.stack(
        [(in_space @ spatial).T @ (in_time @ temporal) for in_space, in_time in factors.values()]
    )


def singular_pairs(matrix: FloatArray, n_pairs: int) -> tuple[FloatArray, FloatArray]:
    """Cut a matrix into its leading pairs of spatial and temporal weights.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (K, L)
        Weights of one term.
    n_pairs : int
        Pairs wanted, at most min(K, L).

    Returns
    -------
    spatial, temporal : numpy.ndarray, shapes (n_pairs, K) and (n_pairs, L)
        ``spatial.T @ temporal`` is the best approximation of that rank. NaN for a matrix with NaN.
    """
    if not np.isfinite(matrix).all():
        unknown = [np.full((n_pairs, size), np.nan) for size in matrix.shape]
        return unknown[0], unknown[1]
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    roots = np.sqrt(values[:n_pairs])[:, None]
    temporal = right[:n_pairs]
    largest = np.argmax(np.abs(temporal), axis=1)
    signs = np.where(temporal[np.arange(n_pairs), largest] < 0.0, -1.0, 1.0)[:, None]
    return left.T[:n_pairs] * roots * signs, temporal * roots * signs
