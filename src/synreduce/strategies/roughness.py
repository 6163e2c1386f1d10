"""How rough kernels are, as a quadratic form of their weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synreduce.design import FeatureLayout
from synreduce.errors import InputError, Problem

FloatArray = NDArray[np.float64]


def kernel_roughness(layout: FeatureLayout, spatial: ArrayLike, temporal: ArrayLike) -> FloatArray:
    """Build the form that sums the squared second differences of all kernels.

    Differences are taken along distance and along lag, both on the grid of the basis functions, so
    the form measures the filters themselves and not the weights of overlapping functions.

    Parameters
    ----------
    layout : FeatureLayout
        Terms that all use these functions.
    spatial : array_like, shape (K, bins)
        Spatial basis functions.
    temporal : array_like, shape (L, width)
        Temporal basis functions.

    Returns
    -------
    numpy.ndarray, shape (n_features, n_features)
        Block-diagonal. ``theta @ form @ theta`` is 0 for kernels that are planes.

    Raises
    ------
    InputError
        If a term has other numbers of functions.
    """
    space, time = np.asarray(spatial, np.float64), np.asarray(temporal, np.float64)
    odd = [
        Problem(
            "bad-basis",
            f"term '{term.name}'",
            f"{term.spatial} x {term.temporal} functions, the bases have "
            f"{space.shape[0]} x {time.shape[0]}",
            "give the bases that the design was projected on",
        )
        for term in layout.terms
        if (term.spatial, term.temporal) != (space.shape[0], time.shape[0])
    ]
    if odd:
        raise InputError(odd)
    along_space = np.kron(_curvature(space), time @ time.T)
    along_time = np.kron(space @ space.T, _curvature(time))
    block = along_space / max(np.trace(along_space), np.finfo(float).tiny)
    block = block + along_time / max(np.trace(along_time), np.finfo(float).tiny)
    return np.kron(np.eye(len(layout.terms)), block)


def _curvature(basis: FloatArray) -> FloatArray:
    if basis.shape[1] < 3:
        return np.zeros((basis.shape[0], basis.shape[0]))
    second = np.diff(basis, n=2, axis=1)
    return np.asarray(second @ second.T)
