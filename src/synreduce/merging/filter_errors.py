"""Standard errors and bootstrap bands of filters in canonical form."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synreduce.design import FeatureLayout
from synreduce.merging.kernels import assemble_kernel, percentile_band
from synreduce.strategies.canonical import standard_reference

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class FilterSpread:
    """How far canonical filters may be off, as standard errors or as bands.

    Parameters
    ----------
    spatial : dict of str to ndarray, shape (n_bins,) or (2, n_bins)
        Per group: standard errors, or lower and upper end of the interval less the filter.
    temporal : dict of str to ndarray, shape (width,) or (2, width)
        The same over time.
    """

    spatial: dict[str, FloatArray]
    temporal: dict[str, FloatArray]


def canonical_filter_errors(
    theta: FloatArray,
    covariance: FloatArray,
    layout: FeatureLayout,
    bases: tuple[FloatArray, FloatArray],
    groups: Collection[str],
) -> FilterSpread:
    """Propagate the covariance of the weights to filters in canonical form.

    A canonical filter is a ratio of two points of the kernel: the temporal filter is a row of it
    over its peak, the spatial filter a column over the peak of the reference group. The ratio of
    two linear functions a'theta and b'theta has variance ``(a - r b)' C (a - r b) / (b'theta)^2``.

    Parameters
    ----------
    theta : ndarray, shape (n_features,)
        Weights.
    covariance : ndarray, shape (n_features, n_features)
        Of the weights.
    layout : FeatureLayout
        Columns, one term per group.
    bases : (ndarray, ndarray), shapes (K, n_bins) and (L, width)
        Spatial and temporal basis functions.
    groups : collection of str
        Terms.

    Returns
    -------
    FilterSpread
        Standard errors: 0 where the canonical form fixes the value, NaN for a group whose kernel is
        zero, and for spatial filters if the reference's is.
    """
    peaks = _peaks(theta, layout, bases, groups)
    reference = peaks[standard_reference(list(groups))]
    spatial, temporal = {}, {}
    for name, peak in peaks.items():
        temporal[name] = _ratio_errors(peak.row, peak.at_peak, theta, covariance)
        spatial[name] = _ratio_errors(peak.column, reference.at_peak, theta, covariance)
    return FilterSpread(spatial, temporal)


def canonical_filter_bands(
    theta: FloatArray,
    replicates: FloatArray,
    layout: FeatureLayout,
    bases: tuple[FloatArray, FloatArray],
    groups: Mapping[str, int],
) -> FilterSpread:
    """Percentiles of the canonical filters of bootstrap replicates.

    The filters of every replicate are scaled as those of the fit are: by the kernel at the point
    where the kernel of the fit is largest. Scaled by a largest point of its own, a replicate would
    be divided by what noise made largest, and all its other points would be too small.

    Parameters
    ----------
    theta : ndarray, shape (n_features,)
        Weights of the fit.
    replicates : ndarray, shape (n_replicates, n_features)
        Weights of the replicates.
    layout : FeatureLayout
        Columns, one term per group.
    bases : (ndarray, ndarray), shapes (K, n_bins) and (L, width)
        Spatial and temporal basis functions.
    groups : mapping of str to int
        Terms and their signs.

    Returns
    -------
    FilterSpread
        Bands: NaN for a group whose kernel is zero.
    """
    peaks = _peaks(theta, layout, bases, groups)
    reference = peaks[standard_reference(list(groups))].at_peak
    reference = reference * np.sign(reference @ theta)
    draws = np.vstack([theta, replicates])
    spatial, temporal = {}, {}
    for name, peak in peaks.items():
        spatial[name] = _band(groups[name] * (draws @ peak.column.T), draws @ reference)
        temporal[name] = _band(groups[name] * (draws @ peak.row.T), draws @ peak.at_peak)
    return FilterSpread(spatial, temporal)


def _band(above: FloatArray, below: FloatArray) -> FloatArray:
    """Interval of a ratio over its first value, which is that of the fit."""
    if below[0] == 0.0 or not np.isfinite(below).all():
        return np.full((2, above.shape[1]), np.nan)
    ratio = above / below[:, np.newaxis]
    return np.asarray(percentile_band(ratio[1:]) - ratio[0])


@dataclass(frozen=True)
class _Peak:
    """Kernel points that a group's canonical filters are made of, as functions of theta.

    `row` (width, n_features) runs along time through the point of largest magnitude, `column`
    (n_bins, n_features) along space, `at_peak` (n_features,) is that point.
    """

    row: FloatArray
    column: FloatArray
    at_peak: FloatArray


def _peaks(
    theta: FloatArray,
    layout: FeatureLayout,
    bases: tuple[FloatArray, FloatArray],
    groups: Collection[str],
) -> dict[str, _Peak]:
    return {
        name: _peak(name, weights, layout, bases)
        for name, weights in layout.matrices(theta).items()
        if name in groups
    }


def _peak(
    name: str,
    weights: FloatArray,
    layout: FeatureLayout,
    bases: tuple[FloatArray, FloatArray],
) -> _Peak:
    spatial, temporal = bases
    kernel = assemble_kernel(weights, spatial, temporal)
    bin_, lag = np.unravel_index(int(np.argmax(np.abs(kernel))), kernel.shape)
    columns = layout.slices[name]

    def functional(space: FloatArray, time: FloatArray) -> FloatArray:
        points = np.einsum("kz,lt->ztkl", space, time).reshape(-1, columns.stop - columns.start)
        whole = np.zeros((points.shape[0], layout.n_features))
        whole[:, columns] = points
        return whole

    space, time = spatial[:, bin_ : bin_ + 1], temporal[:, lag : lag + 1]
    return _Peak(functional(space, temporal), functional(spatial, time), functional(space, time)[0])


def _ratio_errors(
    numerators: FloatArray, denominator: FloatArray, theta: FloatArray, covariance: FloatArray
) -> FloatArray:
    below = float(denominator @ theta)
    if below == 0.0 or not np.isfinite(below):
        return np.full(numerators.shape[0], np.nan)
    ratio = numerators @ theta / below
    gradient = (numerators - ratio[:, np.newaxis] * denominator) / below
    variance = np.einsum("ip,pq,iq->i", gradient, covariance, gradient, optimize=True)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))
