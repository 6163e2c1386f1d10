"""The joint design of several spatial chunks, and a penalty on neighbours that differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from synreduce.design import (
    ConcatenatedColumns,
    FeatureLayout,
    RowArray,
    RowSource,
    Term,
    iterate_blocks,
)
from synreduce.merging.parts import SpatialPart

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]


@dataclass(frozen=True)
class SelectedColumns:
    """Some columns of another source.

    Parameters
    ----------
    source : RowSource
        Where the rows are.
    columns : ndarray of int, shape (n_features,)
        Columns kept.
    """

    source: RowSource
    columns: IndexArray

    @property
    def n_rows(self) -> int:
        """Number of samples."""
        return self.source.n_rows

    @property
    def n_features(self) -> int:
        """Number of columns kept."""
        return int(self.columns.size)

    def read(self, start: int, stop: int) -> RowArray:
        """Rows start to stop.

        Parameters
        ----------
        start, stop : int
            Half-open range of samples.

        Returns
        -------
        ndarray, shape (stop - start, n_features)
        """
        return self.source.read(start, stop)[:, self.columns]


@dataclass(frozen=True)
class SummedRows:
    """Rows of several sources added up: the chunks seen as one.

    All chunks use the same basis functions, restricted to their bins, so the sum of their rows is
    the projection of the whole dendrite.

    Parameters
    ----------
    sources : sequence of RowSource
        All with the same rows and columns.
    """

    sources: Sequence[RowSource]

    @property
    def n_rows(self) -> int:
        """Number of samples."""
        return self.sources[0].n_rows

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.sources[0].n_features

    def read(self, start: int, stop: int) -> RowArray:
        """Rows start to stop.

        Parameters
        ----------
        start, stop : int
            Half-open range of samples.

        Returns
        -------
        ndarray of float64, shape (stop - start, n_features)
        """
        total = np.zeros((stop - start, self.n_features))
        for source in self.sources:
            total += source.read(start, stop)
        return total


@dataclass(frozen=True)
class JointDesign:
    """Columns of all chunks side by side, without those that no sample can use.

    Parameters
    ----------
    layout : FeatureLayout
        One term per chunk and group.
    rows : RowSource
        Training samples.
    columns : tuple of ndarray of int
        Columns of each chunk that are kept: a basis function that vanishes on all bins of a chunk
        has none, and its weights there are 0.
    sizes : tuple of int
        Columns of each chunk before that.
    difference : ndarray, shape (n_features, n_features), or None
        Quadratic form: squared differences between the weights that neighbouring chunks give the
        same function, weighted by the variance of the column. None if nothing can be compared.
    """

    layout: FeatureLayout
    rows: RowSource
    columns: tuple[IndexArray, ...]
    sizes: tuple[int, ...]
    difference: FloatArray | None

    def gather(self, theta: Sequence[FloatArray]) -> FloatArray:
        """Join the weights of the chunks.

        Parameters
        ----------
        theta : sequence of ndarray
            Weights of each chunk.

        Returns
        -------
        ndarray, shape (n_features,)
        """
        return np.concatenate(
            [weights[kept] for weights, kept in zip(theta, self.columns, strict=True)]
        )

    def spread(self, theta: FloatArray) -> list[FloatArray]:
        """Cut joint weights into those of the chunks, the inverse of `gather`.

        Parameters
        ----------
        theta : ndarray, shape (n_features,)
            Joint weights.

        Returns
        -------
        list of ndarray
            Zero for columns left out.
        """
        result = []
        for where, kept, size in self._shares():
            weights = np.zeros(size)
            weights[kept] = theta[where]
            result.append(weights)
        return result

    def spread_covariance(self, covariance: FloatArray) -> list[FloatArray]:
        """Cut a joint covariance into the blocks of the chunks.

        Parameters
        ----------
        covariance : ndarray, shape (n_features, n_features)
            Of joint weights.

        Returns
        -------
        list of ndarray
        """
        result = []
        for where, kept, size in self._shares():
            block = np.zeros((size, size))
            block[np.ix_(kept, kept)] = covariance[where, where]
            result.append(block)
        return result

    def _shares(self) -> list[tuple[slice, IndexArray, int]]:
        edges = np.cumsum([0, *(kept.size for kept in self.columns)]).tolist()
        shares = [slice(start, stop) for start, stop in pairwise(edges)]
        return list(zip(shares, self.columns, self.sizes, strict=True))


def joint_design(parts: Sequence[SpatialPart]) -> JointDesign:
    """Put chunks side by side.

    Parameters
    ----------
    parts : sequence of SpatialPart
        In the order of soma distance; only neighbours are compared.

    Returns
    -------
    JointDesign
    """
    variances = [_column_variance(part.rows) for part in parts]
    terms: list[Term] = []
    columns: list[IndexArray] = []
    owners: list[tuple[str, IndexArray]] = []
    for part, variance in zip(parts, variances, strict=True):
        kept: list[IndexArray] = []
        for term in part.layout.terms:
            inside = part.layout.slices[term.name]
            matrix = variance[inside].reshape(term.spatial, term.temporal)
            seen = np.flatnonzero(matrix.any(axis=1))
            if seen.size == 0:
                continue
            terms.append(Term(f"{part.name}/{term.name}", seen.size, term.temporal))
            offsets = seen[:, None] * term.temporal + np.arange(term.temporal)
            kept.append(inside.start + offsets.ravel())
            owners.append((term.name, offsets.ravel()))
        columns.append(np.concatenate(kept) if kept else np.empty(0, dtype=np.int64))
    rows = [SelectedColumns(part.rows, kept) for part, kept in zip(parts, columns, strict=True)]
    kept_variance = np.concatenate([v[kept] for v, kept in zip(variances, columns, strict=True)])
    return JointDesign(
        layout=FeatureLayout(terms),
        rows=ConcatenatedColumns(rows),
        columns=tuple(columns),
        sizes=tuple(part.layout.n_features for part in parts),
        difference=_difference(owners, kept_variance),
    )


def _column_variance(source: RowSource) -> FloatArray:
    """Variance of every column, exactly 0 for columns that are 0 throughout."""
    total, squares = np.zeros(source.n_features), np.zeros(source.n_features)
    for _, rows in iterate_blocks(source):
        block = np.asarray(rows, dtype=np.float64)
        total += block.sum(axis=0)
        squares += (block**2).sum(axis=0)
    variance = squares / source.n_rows - (total / source.n_rows) ** 2
    return np.asarray(np.where(squares > 0.0, np.maximum(variance, np.finfo(float).tiny), 0.0))


def _difference(
    owners: Sequence[tuple[str, IndexArray]], variance: FloatArray
) -> FloatArray | None:
    """Chain the columns of the same function along the chunks that see it."""
    total: dict[tuple[str, int], float] = {}
    chains: dict[tuple[str, int], list[int]] = {}
    position = 0
    for name, offsets in owners:
        for offset in offsets.tolist():
            chains.setdefault((name, offset), []).append(position)
            total[name, offset] = total.get((name, offset), 0.0) + float(variance[position])
            position += 1
    result = np.zeros((position, position))
    for column, chain in chains.items():
        for first, second in pairwise(chain):
            pair = np.ix_([first, second], [first, second])
            result[pair] += total[column] * np.array([[1.0, -1.0], [-1.0, 1.0]])
    return result if result.any() else None
