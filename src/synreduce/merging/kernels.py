"""From weights to filters: space x time kernels, their variances and their canonical form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class CanonicalFilters:
    """Separable filters without their freedom of scale.

    Parameters
    ----------
    spatial : ndarray, shape (n_groups, n_bins)
        Divided by the largest magnitude of the reference group's spatial filter.
    temporal : ndarray, shape (n_groups, width)
        Each has +1 (groups that excite) or -1 (groups that inhibit) at its point of largest
        magnitude.
    scale : float
        Kernel of the fit = scale * outer(spatial, temporal).
    """

    spatial: FloatArray
    temporal: FloatArray
    scale: float


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


def reference_group(groups: Sequence[str]) -> int:
    """Return the position of the group that sets the scale: ``EXC`` if present, else the first.

    Parameters
    ----------
    groups : sequence of str
        Names of the groups.

    Returns
    -------
    int

    Examples
    --------
    >>> reference_group(["INH", "EXC"]), reference_group(["L4", "L5"])
    (1, 0)
    """
    return list(groups).index("EXC") if "EXC" in groups else 0


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
    reference = np.abs(kernel[reference_group(groups)])
    if not np.isfinite(reference).any():
        return 1.0
    largest = float(np.nanmax(reference))
    return largest if largest > 0 else 1.0


def canonical_filters(
    kernel: FloatArray, groups: Sequence[str], signs: Sequence[int]
) -> CanonicalFilters:
    """Separable filters closest to a kernel, in canonical form.

    Parameters
    ----------
    kernel : ndarray, shape (n_groups, n_bins, width)
        Finite; of any rank per group (the leading component is taken).
    groups : sequence of str
        Names of the groups.
    signs : sequence of int
        +1 for groups that excite, -1 for groups that inhibit.

    Returns
    -------
    CanonicalFilters
    """
    spatial = np.zeros(kernel.shape[:2])
    temporal = np.zeros((kernel.shape[0], kernel.shape[2]))
    for group, sign in enumerate(signs):
        left, singular, right = np.linalg.svd(kernel[group], full_matrices=False)
        peak = right[0, np.argmax(np.abs(right[0]))] * (1.0 if sign >= 0 else -1.0)
        temporal[group] = right[0] / peak
        spatial[group] = left[:, 0] * singular[0] * peak
    largest = float(np.abs(spatial[reference_group(groups)]).max())
    scale = largest if largest > 0 else 1.0
    return CanonicalFilters(spatial / scale, temporal, scale)
