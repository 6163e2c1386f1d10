"""Figure of the filters: spatial and temporal, per group, with their uncertainty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synreduce.plotting.curves import FilterCurves, filter_curves
from synreduce.plotting.style import NEUTRAL, choose, group_colours, lighter, new_figure

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Truth = Mapping[str, NDArray[Any]]

_MOST_WINDOWS = 3


def draw_filters(dataset: xr.Dataset, truth: Truth | None = None) -> Figure:
    """Draw spatial and temporal filters of up to three temporal chunks.

    Thick lines are the first split, thin lines the others; bands are 95 % confidence intervals.

    Parameters
    ----------
    dataset : xarray.Dataset
        The result.
    truth : mapping of str to ndarray, optional
        Filters the data were made with, see :func:`synreduce.plotting.plot_result`.

    Returns
    -------
    Figure
    """
    windows = choose(dataset.sizes["temporal"], _MOST_WINDOWS)
    figure = new_figure(7.6, 0.5 + 2.5 * len(windows))
    panels = figure.subplots(len(windows), 2, squeeze=False, sharex="col")
    colours = group_colours(dataset["group_sign"].to_numpy().tolist())
    names = [str(name) for name in dataset["group"].to_numpy()]
    for (space, time), window in zip(panels, windows, strict=True):
        for number, (name, colour) in enumerate(zip(names, colours, strict=True)):
            curves = filter_curves(dataset, window, number)
            _draw_spatial(space, dataset, curves, colour, name)
            _draw_temporal(time, dataset, curves, colour)
            if truth:
                _draw_truth(space, time, dataset, truth, name)
        _finish(space, time, dataset, window)
    _label(panels, dataset, has_truth=bool(truth))
    return figure


def _draw_spatial(
    axes: Axes, dataset: xr.Dataset, curves: FilterCurves, colour: str, name: str
) -> None:
    edges = np.append(
        dataset["soma_distance_start"].to_numpy(), dataset["soma_distance_stop"].to_numpy()[-1]
    )
    centre = dataset["soma_distance"].to_numpy()
    for split in range(1, len(curves.spatial)):
        axes.plot(centre, curves.spatial[split], color=lighter(colour, 0.35), lw=0.7, zorder=2)
    low, high = curves.spatial_band[:, 0]
    if np.isfinite(low).any():
        axes.fill_between(centre, low, high, color=colour, alpha=0.2, lw=0, zorder=1)
    axes.plot(centre, curves.spatial[0], color=colour, label=name, zorder=3)
    axes.set_xlim(edges[0], edges[-1])


def _draw_temporal(axes: Axes, dataset: xr.Dataset, curves: FilterCurves, colour: str) -> None:
    before = -dataset["lag"].to_numpy()
    n_chunks = curves.temporal.shape[1]
    for chunk in range(n_chunks):
        shade = lighter(colour, 0.75 * chunk / max(n_chunks, 1))
        for split in range(1, len(curves.temporal)):
            values = curves.temporal[split, chunk]
            axes.plot(before, values, color=lighter(colour, 0.45), lw=0.6, zorder=1)
        low, high = curves.temporal_band[:, 0, chunk]
        if np.isfinite(low).any():
            axes.fill_between(before, low, high, color=shade, alpha=0.2, lw=0, zorder=1)
        axes.plot(before, curves.temporal[0, chunk], color=shade, zorder=3 - chunk / n_chunks)
    axes.set_xlim(before[-1], before[0])


def _draw_truth(space: Axes, time: Axes, dataset: xr.Dataset, truth: Truth, name: str) -> None:
    dashed: dict[str, Any] = {"color": "black", "ls": (0, (4, 2)), "lw": 1.0, "zorder": 4}
    in_space, in_time = truth.get(f"spatial_filter_{name}"), truth.get(f"temporal_filter_{name}")
    centre, lag = dataset["soma_distance"].to_numpy(), dataset["lag"].to_numpy()
    if in_space is not None and np.shape(in_space) == centre.shape:
        space.plot(centre, in_space, **dashed)
    if in_time is not None and np.shape(in_time) == lag.shape:
        time.plot(-lag, np.asarray(in_time)[::-1], **dashed)


def _finish(space: Axes, time: Axes, dataset: xr.Dataset, window: int) -> None:
    for axes in (space, time):
        axes.axhline(0.0, color=NEUTRAL, lw=0.6, zorder=0)
    for start in dataset["spatial_start"].to_numpy()[1:]:
        space.axvline(start, color=NEUTRAL, lw=0.6, ls=":", zorder=0)
    start, stop = (float(dataset[name][window]) for name in ("temporal_start", "temporal_stop"))
    space.set_title(f"spikes at {start:g} to {stop:g} ms")
    space.set_ylabel("spatial filter\n(EXC peak = 1)" if _has_exc(dataset) else "spatial filter")
    time.set_ylabel("temporal filter\n(peak = ±1)")
    time.set_ylim(-1.25, 1.25)


def _has_exc(dataset: xr.Dataset) -> bool:
    return "EXC" in dataset["group"].to_numpy()


def _label(panels: NDArray[Any], dataset: xr.Dataset, *, has_truth: bool) -> None:
    space, time = panels[-1]
    space.set_xlabel("soma distance (µm)")
    time.set_xlabel("time to the end of the target window (ms)")
    if has_truth:
        panels[0, 0].plot([], [], color="black", ls=(0, (4, 2)), lw=1.0, label="truth")
    panels[0, 0].legend(loc="upper right")
    if dataset.sizes["spatial"] > 1:
        text = "shades: spatial chunks,\nproximal (dark) to distal (light)"
        panels[0, 1].text(0.02, 0.97, text, transform=panels[0, 1].transAxes, va="top",
                          fontsize=7.5, color=NEUTRAL)  # fmt: skip
