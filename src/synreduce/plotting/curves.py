"""The curves that figures show, taken from a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class FilterCurves:
    """Filters of one group in one temporal chunk, of all splits.

    Parameters
    ----------
    spatial : ndarray, shape (n_splits, n_distance_bins)
        Spatial filter over the whole dendrite.
    spatial_band : ndarray, shape (2, n_splits, n_distance_bins)
        Ends of its intervals, NaN where unknown.
    temporal : ndarray, shape (n_splits, n_spatial_chunks, n_lags)
        Temporal filter inside each spatial chunk, lag 0 first.
    temporal_band : ndarray, shape (2, n_splits, n_spatial_chunks, n_lags)
        Ends of its intervals, NaN where unknown.
    """

    spatial: FloatArray
    spatial_band: FloatArray
    temporal: FloatArray
    temporal_band: FloatArray


def filter_curves(dataset: xr.Dataset, temporal: int, group: int) -> FilterCurves:
    """Take the filters of one group and one temporal chunk from a result.

    With one spatial chunk these are the fitted filters. With several, each was fitted alone and
    scaled by itself, so that they cannot be compared: then the merged kernel is taken apart. It is
    separable inside a chunk; its spatial profile is its value at the lag where the group's filter
    is largest in magnitude, and its temporal profile is scaled to +1 or -1 at its extreme.

    Parameters
    ----------
    dataset : xarray.Dataset
        The result.
    temporal, group : int
        Positions.

    Returns
    -------
    FilterCurves
    """
    if dataset.sizes["spatial"] == 1:
        cell = dataset.isel(temporal=temporal, group=group)
        return FilterCurves(
            cell["spatial_filter"].to_numpy()[:, 0],
            _band(cell, "spatial_filter")[:, :, 0],
            cell["temporal_filter"].to_numpy(),
            _band(cell, "temporal_filter"),
        )
    window = dataset.isel(temporal=temporal)
    kernels, bands = window["kernel"].to_numpy(), np.moveaxis(_band(window, "kernel"), 0, 1)
    signs = dataset["group_sign"].to_numpy()
    inside = [chunk_bins(dataset, number) for number in range(dataset.sizes["spatial"])]
    curves = [
        _taken_apart(kernel, band, signs, group, inside)
        for kernel, band in zip(kernels, bands, strict=True)
    ]
    spatial, band, in_time = (np.array(part) for part in zip(*curves, strict=True))
    unknown = np.full((2, *in_time.shape), np.nan)
    return FilterCurves(spatial, np.moveaxis(band, 1, 0), in_time, unknown)


def _band(dataset: xr.Dataset, name: str) -> FloatArray:
    """Take the ends of the intervals of a variable; NaN in files without them."""
    if f"{name}_low" not in dataset:
        return np.full((2, *dataset[name].shape), np.nan)
    return np.stack([dataset[f"{name}_{end}"].to_numpy() for end in ("low", "high")])


def _taken_apart(
    kernel: FloatArray,
    band: FloatArray,
    signs: NDArray[Any],
    group: int,
    inside: list[NDArray[np.bool_]],
) -> tuple[FloatArray, FloatArray, FloatArray]:
    exciting = np.flatnonzero(signs > 0)
    reference = int(exciting[0]) if exciting.size else 0
    largest = _largest(kernel[reference])
    lag = np.argmax(np.abs(np.nan_to_num(kernel[group])), axis=1)
    bins = np.arange(lag.size)
    profile = signs[group] * kernel[group][bins, lag]
    in_time = [
        _temporal_profile(kernel[group][part], profile[part], signs[group]) for part in inside
    ]
    ends = np.sort(signs[group] * band[:, group][:, bins, lag] / largest, axis=0)
    return profile / largest, ends, np.array(in_time)


def _temporal_profile(kernel: FloatArray, profile: FloatArray, sign: int) -> FloatArray:
    """Scale the time course of the bin with most weight to the group's sign at its extreme."""
    if not np.isfinite(profile).any():
        return np.full(kernel.shape[1], np.nan)
    curve = kernel[int(np.nanargmax(np.abs(profile)))]
    extreme = curve[int(np.nanargmax(np.abs(curve)))]
    return np.asarray(sign * curve / extreme if extreme else curve)


def _largest(values: FloatArray) -> float:
    known = np.abs(values[np.isfinite(values)])
    return float(known.max()) if known.size and known.max() > 0 else 1.0


def chunk_bins(dataset: xr.Dataset, spatial: int) -> NDArray[np.bool_]:
    """Say which soma-distance bins a spatial chunk covers.

    Parameters
    ----------
    dataset : xarray.Dataset
        The result.
    spatial : int
        Position of the chunk.

    Returns
    -------
    ndarray of bool, shape (n_distance_bins,)
    """
    centre = dataset["soma_distance"].to_numpy()
    start, stop = (float(dataset[name][spatial]) for name in ("spatial_start", "spatial_stop"))
    return np.asarray((centre >= start) & (centre < stop))


def held_out(dataset: xr.Dataset) -> str:
    """Name the subset that tells how well a model does.

    Parameters
    ----------
    dataset : xarray.Dataset
        The result.

    Returns
    -------
    str
        ``test`` if there is one.
    """
    subsets = [str(name) for name in dataset["subset"].to_numpy()]
    return "test" if "test" in subsets else subsets[-1]
