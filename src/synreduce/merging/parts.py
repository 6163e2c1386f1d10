"""What spatial chunks bring to a merge and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synreduce.design import FeatureLayout, RowSource, iterate_blocks
from synreduce.errors import InputError, Problem
from synreduce.merging.kernels import (
    NORMAL_QUANTILE,
    assemble_kernel,
    kernel_variance,
    percentile_band,
)
from synreduce.solvers.records import BiasCorrected, PenaltyCurve

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class SpatialPart:
    """The chosen fit of one spatial chunk, with its training samples.

    Parameters
    ----------
    name : str
        Name of the chunk, e.g. ``d0000-0500``.
    layout : FeatureLayout
        Columns of its rows, one term per group.
    rows : RowSource
        Training samples, the same ones in every chunk. Read in blocks, never held as a whole.
    theta : ndarray, shape (n_features,)
        Weights of the fit.
    intercept : float
        Intercept of the fit.
    status : str
        Status of the fit.
    calibrated : bool
        Whether score plus intercept is already the log odds of a spike.
    covariance : ndarray, shape (n_features, n_features), optional
        Of `theta`.
    bias_corrected : BiasCorrected, optional
        `theta` without the bias of the penalty.
    replicates : ndarray, shape (n_replicates, n_features), optional
        Weights of bootstrap replicates.
    """

    name: str
    layout: FeatureLayout
    rows: RowSource
    theta: FloatArray
    intercept: float = 0.0
    status: str = "ok"
    calibrated: bool = False
    covariance: FloatArray | None = None
    bias_corrected: BiasCorrected | None = None
    replicates: FloatArray | None = None


@dataclass(frozen=True)
class ChunkBasis:
    """Spatial basis functions of one chunk.

    Parameters
    ----------
    bins : slice
        Soma distance bins of the chunk among those of the whole dendrite.
    functions : ndarray, shape (K, n_bins_of_chunk)
        The basis functions on these bins.
    """

    bins: slice
    functions: FloatArray


@dataclass(frozen=True)
class MergedModel:
    """One model over the whole dendrite, separable inside a chunk.

    The log odds of a spike is `intercept` plus the sum over chunks of rows @ theta.

    Parameters
    ----------
    method : {"single", "sum", "stack", "refine"}
        How the chunks were merged; ``single`` if there was only one.
    parts : tuple of str
        Names of the chunks.
    layouts : tuple of FeatureLayout
        Columns of each chunk.
    theta : tuple of ndarray
        Weights of each chunk, log odds per unit of projected input; NaN for missing chunks.
    intercept : float
        Log odds at zero input.
    status, message : str
        Status of the solver that merged, ``ok`` where none was needed.
    coefficients : dict of (chunk, group) to float
        Factor on the weights of the separate fits; empty for ``refine``, which changes them all.
    covariance : tuple of ndarray or None
        Mean squared error of the weights of each chunk, from the joint curvature for ``refine``;
        for the other methods that of the separate fits, rescaled, which leaves out the uncertainty
        of the factors.
    bias_corrected : tuple of BiasCorrected or None
        Weights of each chunk without the bias of the penalty, from where `covariance` is.
    replicates : tuple of ndarray, shape (n_replicates, n_features), or None
        Weights of bootstrap replicates of each chunk; empty where there are none. They are those
        of the same replicates in all chunks.
    ridge : float
        Strength of the ridge used; NaN where there is none.
    coupling : float
        Strength of the penalty on differences between neighbouring chunks (`refine`): 0 lets every
        chunk have filters of its own, infinite gives all the same; NaN where there is none.
    penalty_curve : PenaltyCurve or None
        Held-out loss inside the training samples against the strength of ridge and coupling (there
        named smoothness).
    missing : tuple of str
        Chunks that failed and are left out.
    n_evaluations, n_iterations : int
        Of the solver.
    condition : float
        Condition number of the curvature.
    """

    method: str
    parts: tuple[str, ...]
    layouts: tuple[FeatureLayout, ...]
    theta: tuple[FloatArray, ...]
    intercept: float
    status: str
    message: str
    coefficients: dict[tuple[str, str], float]
    covariance: tuple[FloatArray | None, ...]
    bias_corrected: tuple[BiasCorrected | None, ...]
    replicates: tuple[FloatArray | None, ...] = ()
    ridge: float = float("nan")
    coupling: float = float("nan")
    penalty_curve: PenaltyCurve | None = None
    missing: tuple[str, ...] = ()
    n_evaluations: int = 0
    n_iterations: int = 0
    condition: float = float("nan")

    def weights(self, part: str) -> dict[str, FloatArray]:
        """Weights of one chunk as matrices.

        Parameters
        ----------
        part : str
            Name of the chunk.

        Returns
        -------
        dict of str to ndarray, shape (K, L)
            One per group, log odds per unit of projected input.
        """
        number = self.parts.index(part)
        return self.layouts[number].matrices(self.theta[number])

    def scores(self, sources: Sequence[RowSource]) -> FloatArray:
        """Score samples; with the intercept this is the log odds of a spike.

        Parameters
        ----------
        sources : sequence of RowSource
            Rows of the same samples, one source per chunk in the order of `parts`. Those of
            missing chunks are not read.

        Returns
        -------
        ndarray, shape (n_samples,)
        """
        if len(sources) != len(self.parts):
            what = f"{len(sources)} sources for {len(self.parts)} chunks"
            raise InputError(Problem("bad-shape", "merged model", what, "give one per chunk"))
        used = [
            (source, weights)
            for name, source, weights in zip(self.parts, sources, self.theta, strict=True)
            if name not in self.missing
        ]
        total = np.zeros(sources[0].n_rows)
        for source, weights in used:
            for where, rows in iterate_blocks(source):
                total[where] += np.asarray(rows, dtype=np.float64) @ weights
        return total


@dataclass(frozen=True)
class MergedKernel:
    """Space x time filter over the whole dendrite.

    Parameters
    ----------
    groups : tuple of str
        Names of the groups.
    kernel : ndarray, shape (n_groups, n_bins, width)
        Log odds per synapse activation; time runs forward, the last column is lag 0. NaN in the
        bins of missing chunks, 0 in bins of no chunk.
    variance : ndarray, same shape
        Mean squared error; NaN where no covariance is known.
    low, high : ndarray, same shape
        Interval of level `CONFIDENCE`: percentiles of the replicates, or from the variance.
    interval : {"none", "curvature", "bootstrap"}
        Where it comes from; ``none`` where nothing is known of any chunk.
    """

    groups: tuple[str, ...]
    kernel: FloatArray
    variance: FloatArray
    low: FloatArray
    high: FloatArray
    interval: str


def merged_kernel(
    model: MergedModel,
    spatial: Mapping[str, ChunkBasis],
    temporal: FloatArray,
    groups: Sequence[str],
    n_bins: int,
) -> MergedKernel:
    """Assemble the filter of all chunks.

    Parameters
    ----------
    model : MergedModel
        Merged weights.
    spatial : mapping of str to ChunkBasis
        Basis functions of each chunk.
    temporal : ndarray, shape (L, width)
        Temporal basis functions.
    groups : sequence of str
        Terms to assemble, in this order.
    n_bins : int
        Soma distance bins of the whole dendrite.

    Returns
    -------
    MergedKernel
    """
    shape = (len(groups), n_bins, temporal.shape[1])
    kernel, variance = np.zeros(shape), np.zeros(shape)
    for number, part in enumerate(model.parts):
        basis, layout = spatial[part], model.layouts[number]
        weights, covariance = model.weights(part), model.covariance[number]
        for position, group in enumerate(groups):
            where = (position, basis.bins)
            kernel[where] = assemble_kernel(weights[group], basis.functions, temporal)
            if covariance is None:
                variance[where] = np.nan
                continue
            columns = layout.slices[group]
            block = covariance[columns, columns]
            variance[where] = kernel_variance(block, basis.functions, temporal)
    half = NORMAL_QUANTILE * np.sqrt(variance)
    low, high = kernel - half, kernel + half
    for number, replicates in enumerate(model.replicates):
        if replicates is None:
            continue
        basis, layout = spatial[model.parts[number]], model.layouts[number]
        for position, group in enumerate(groups):
            term = layout.terms[layout.names.index(group)]
            draws = replicates[:, layout.slices[group]].reshape(-1, term.spatial, term.temporal)
            band = percentile_band(assemble_kernel(draws, basis.functions, temporal))
            low[position, basis.bins], high[position, basis.bins] = band
    known = "curvature" if np.isfinite(variance).any() else "none"
    method = "bootstrap" if model.replicates else known
    return MergedKernel(tuple(groups), kernel, variance, low, high, method)
