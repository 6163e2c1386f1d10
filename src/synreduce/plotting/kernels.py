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
    n_columns = len(windows) + 2 * pooled
    groups = [str(name) for name in dataset["group"].to_numpy()]
    figure = new_figure(max(2.1 * n_columns + 1.2, 4.6), 0.6 + 2.1 * len(groups))
    panels = figure.subplots(len(groups), n_columns, squeeze=False, sharex=True, sharey=True)
    first = dataset.isel(split=0)
    shown = first["kernel"].isel(temporal=windows).to_numpy()
    _draw_columns(figure, panels[:, : len(windows)], shown, dataset, "net input per activation")
    for axes, window in zip(panels[0], windows, strict=False):
        axes.set_title(str(dataset["temporal"].to_numpy()[window]))
    if pooled:
        _draw_pooled(figure, panels[:, len(windows) :], first, dataset)
    for axes, name in zip(panels[:, 0], groups, strict=True):
        axes.set_ylabel(f"{name}\nsoma distance (µm)")
    figure.supxlabel("time before the end of the target window (ms)", fontsize=9.0)
    return figure


def _draw_pooled(
    figure: Figure, panels: NDArray[Any], first: xr.Dataset, dataset: xr.Dataset
) -> None:
    consensus = first["consensus_kernel"].to_numpy()[None]
    _draw_columns(figure, panels[:, :1], consensus, dataset, "log odds per activation")
    panels[0, 0].set_title("consensus")
    panels[0, 1].set_title("heterogeneity I²")
    i2 = first["heterogeneity_i2"].to_numpy()
    if not np.isfinite(i2).any():
        for axes in panels[:, 1]:
            say_nothing_to_show(axes, "no variances")
        return
    for axes, values in zip(panels[:, 1], i2, strict=True):
        image = _image(axes, values, dataset, cmap="cividis", vmin=0.0, vmax=1.0)
    figure.colorbar(image, ax=panels[:, 1], shrink=0.8, pad=0.02, label="share beyond chance")


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
    figure.colorbar(image, ax=panels, shrink=0.8, pad=0.02, label=label, extend="both")


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
