"""Figure of the space x time filter of the merged model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synreduce.plotting.style import NEUTRAL, choose, new_figure, say_nothing_to_show

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_WINDOWS = 3
_TIME = "time to the end of the target window (ms)"


def draw_kernels(dataset: xr.Dataset) -> Figure:
    """Draw the kernel of up to three temporal chunks, and with several also the pooled one.

    The first split is shown. Next to the pooled kernel stands I2, the share of the differences
    between windows that is more than sampling error.

    Parameters
    ----------
    dataset : xarray.Dataset
        The result.

    Returns
    -------
    Figure
    """
    windows = choose(dataset.sizes["temporal"], _MOST_WINDOWS)
    pooled = dataset.sizes["temporal"] > 1
    kernels, label = _kernels(dataset.isel(split=0), windows)
    titles = [str(dataset["temporal"].to_numpy()[window]) for window in windows]
    if pooled and "log_odds_slope" in dataset:
        consensus = dataset["consensus_kernel"].isel(split=0).to_numpy()
        kernels = np.concatenate([kernels, consensus[None]])
        titles.append("consensus")
    if not pooled:
        return _one_window(dataset, kernels, label, titles[0])
    groups = [str(name) for name in dataset["group"].to_numpy()]
    n_columns = len(titles) + 1
    figure = new_figure(1.9 * n_columns + 1.2, 0.6 + 2.1 * len(groups))
    panels = figure.subplots(len(groups), n_columns, squeeze=False, sharex=True, sharey=True)
    _draw_columns(figure, panels[:, : len(titles)], kernels, dataset, label)
    for axes, title in zip(panels[0], titles, strict=False):
        axes.set_title(title)
    _draw_heterogeneity(figure, panels[:, -1], dataset)
    for axes, name in zip(panels[:, 0], groups, strict=True):
        axes.set_ylabel(f"{name}\nsoma distance (µm)")
    figure.supxlabel(_TIME, fontsize=9.0)
    return figure


def _one_window(dataset: xr.Dataset, kernels: NDArray[Any], label: str, title: str) -> Figure:
    groups = [str(name) for name in dataset["group"].to_numpy()]
    figure = new_figure(1.4 + 2.9 * len(groups), 2.9)
    panels = figure.subplots(1, len(groups), squeeze=False, sharex=True, sharey=True).T
    _draw_columns(figure, panels, kernels, dataset, label)
    for axes, name in zip(panels[:, 0], groups, strict=True):
        axes.set_title(f"{name}, {title}")
    panels[0, 0].set_ylabel("soma distance (µm)")
    figure.supxlabel(_TIME, fontsize=9.0)
    return figure


def _kernels(first: xr.Dataset, windows: list[int]) -> tuple[NDArray[Any], str]:
    """Give the kernels on the scale on which windows can be compared, and its name."""
    kernels = first["kernel"].isel(temporal=windows).to_numpy()
    if "log_odds_slope" not in first:
        return kernels, "net input per activation"
    slope = first["log_odds_slope"].isel(temporal=windows).to_numpy()
    return kernels * slope[:, None, None, None], "log odds per activation"


def _draw_heterogeneity(figure: Figure, panels: NDArray[Any], dataset: xr.Dataset) -> None:
    panels[0].set_title("heterogeneity I²")
    i2 = dataset["heterogeneity_i2"].isel(split=0).to_numpy()
    if not np.isfinite(i2).any():
        for axes in panels:
            say_nothing_to_show(axes, "no variances")
        return
    for axes, values in zip(panels, i2, strict=True):
        image = _image(axes, values, dataset, cmap="cividis", vmin=0.0, vmax=1.0)
    figure.colorbar(image, ax=panels, shrink=0.8, pad=0.02, label="share beyond sampling error")


def _draw_columns(
    figure: Figure, panels: NDArray[Any], values: NDArray[Any], dataset: xr.Dataset, label: str
) -> None:
    """Draw arrays (column, group, distance, lag) with one colour scale."""
    known = np.abs(values[np.isfinite(values)])
    if known.size == 0:
        for axes in panels.ravel():
            say_nothing_to_show(axes, "no weights")
        return
    # the last promille would leave the rest pale where one weight stands out
    largest = float(np.quantile(known, 0.999)) or 1.0
    for column, kernel in enumerate(values):
        for axes, matrix in zip(panels[:, column], kernel, strict=True):
            image = _image(axes, matrix, dataset, cmap="RdBu_r", vmin=-largest, vmax=largest)
    figure.colorbar(image, ax=panels, shrink=0.85, pad=0.02, label=label, extend="both")


def _image(axes: Axes, matrix: NDArray[Any], dataset: xr.Dataset, **options: Any) -> Any:  # noqa: ANN401
    lag = dataset["lag"].to_numpy()
    step = float(lag[1] - lag[0]) if lag.size > 1 else 1.0
    time_edges = -np.append(lag, lag[-1] + step)
    distance_edges = np.append(
        dataset["soma_distance_start"].to_numpy(), dataset["soma_distance_stop"].to_numpy()[-1]
    )
    axes.set_facecolor("#E6E6E6")
    for start in dataset["spatial_start"].to_numpy()[1:]:
        axes.axhline(start, color=NEUTRAL, lw=0.6, ls=":")
    masked = np.ma.masked_invalid(matrix[:, ::-1])
    return axes.pcolormesh(
        time_edges[::-1], distance_edges, masked, rasterized=True, shading="flat", **options
    )
