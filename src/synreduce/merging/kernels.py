"""From weights to filters: space x time kernels, their variances and their scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from synreduce.strategies.canonical import standard_reference

FloatArray = NDArray[np.float64]

CONFIDENCE = 0.95
"""Level of all intervals."""

NORMAL_QUANTILE = float(ndtri(0.5 + CONFIDENCE / 2.0))
"""Half the width of an interval of this level in standard errors."""


def percentile_band(replicates: FloatArray) -> FloatArray:
    """Interval that holds the middle of bootstrap replicates.

    Parameters
    ----------
    replicates : ndarray, shape (n_replicates, ...)
        One value of each.

    Returns
    -------
    ndarray, shape (2, ...)
        Lower and upper end.
    """
    outside = 0.5 * (1.0 - CONFIDENCE)
    return np.asarray(np.quantile(replicates, [outside, 1.0 - outside], axis=0))


def assemble_kernel(weight: FloatArray, spatial: FloatArray, temporal: FloatArray) -> FloatArray:
    """Superpose products of basis functions.

    Parameters
    ----------
    weight : ndarray, shape (..., K, L)
        Weight of each pair of basis functions.
    spatial : ndarray, shape (K, n_bins)
        Spatial basis functions.
    temporal : ndarray, shape (L, width)
        Temporal basis functions.

    Returns
    -------
    ndarray, shape (..., n_bins, width)
    """
    return np.asarray(np.einsum("...kl,kz,lt->...zt", weight, spatial, temporal, optimize=True))


def kernel_variance(
    covariance: FloatArray, spatial: FloatArray, temporal: FloatArray
) -> FloatArray:
    """Propagate the covariance of weights to every point of a kernel.

    Parameters
    ----------
    covariance : ndarray, shape (K * L, K * L)
        Of the weights of one term, flattened in C order.
    spatial : ndarray, shape (K, n_bins)
        Spatial basis functions.
    temporal : ndarray, shape (L, width)
        Temporal basis functions.

    Returns
    -------
    ndarray, shape (n_bins, width)
        ``a' C a`` with ``a`` the outer product of the basis functions at that point.
    """
    n_spatial, n_temporal = spatial.shape[0], temporal.shape[0]
    blocks = covariance.reshape(n_spatial, n_temporal, n_spatial, n_temporal)
    by_time = np.einsum("klmn,lt,nt->kmt", blocks, temporal, temporal, optimize=True)
    return np.asarray(np.einsum("kmt,kz,mz->zt", by_time, spatial, spatial, optimize=True))


def canonical_scale(kernel: FloatArray, groups: Sequence[str]) -> float:
    """Factor between a kernel and its canonical form.

    For a separable kernel, a temporal filter whose peak is 1 leaves the largest magnitude of the
    kernel to the spatial filter, so the largest magnitude of the reference group's kernel is the
    factor; the same rule serves kernels that are not separable.

    Parameters
    ----------
    kernel : ndarray, shape (n_groups, n_bins, width)
        Any scale; NaN where a chunk is missing.
    groups : sequence of str
        Names of the groups.

    Returns
    -------
    float
        1 if the reference kernel is zero or missing throughout.
    """
    reference = np.abs(kernel[list(groups).index(standard_reference(groups))])
    if not np.isfinite(reference).any():
        return 1.0
    largest = float(np.nanmax(reference))
    return largest if largest > 0 else 1.0
