"""Figure of the scores: per chunk of the grid, and per split and level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray

from synreduce.plotting.curves import held_out
from synreduce.plotting.style import LEVEL_COLOURS, NEUTRAL, new_figure
from synreduce.result import STATUS_MEANINGS
from synreduce.result.schema import FITTED_STATUSES

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LABELLED_CELLS = 60
_CEILING_LOOK: dict[str, Any] = {
    "color": NEUTRAL, "lw": 1.0, "ls": (0.0, (6.0, 2.0)), "zorder": 0,
    "label": "ceiling: the true score",
}  # fmt: skip
_TICKS = 12
_MARKED_WINDOWS = 30
_USABLE = [STATUS_MEANINGS.index(name) for name in FITTED_STATUSES]


def draw_scores(dataset: xr.Dataset) -> Figure:
    """Draw AUROC per chunk as a map, and per level, subset and split as points.

    Parameters
    ----------
    dataset : xarray.Dataset
        The result.

    Returns
    -------
    Figure
    """
    n_windows, n_spatial = dataset.sizes["temporal"], dataset.sizes["spatial"]
    if n_windows == 1:
        figure = new_figure(float(np.clip(3.4 + 0.75 * (n_spatial - 1), 4.2, 9.0)), 3.0)
        _draw_levels(figure.subplots(), dataset)
        return figure
    width = float(np.clip(3.0 + 0.45 * n_windows, 5.5, 9.0))
    height = float(np.clip(0.35 * n_spatial, 0.7, 3.0))
    figure = new_figure(width, 3.9 + height)
    grid, lines = figure.subplots(2, 1, gridspec_kw={"height_ratios": [height + 0.4, 2.6]})
    _draw_grid(figure, grid, dataset)
    _draw_windows(lines, dataset)
    return figure


def _draw_grid(figure: Figure, axes: Axes, dataset: xr.Dataset) -> None:
    subset = held_out(dataset)
    values = dataset["auroc"].sel(level="chunk", subset=subset).to_numpy()
    known = np.isfinite(values)
    mean = np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    mean = np.where(known.any(axis=0), mean, np.nan).T
    image = axes.imshow(
        np.ma.masked_invalid(mean), aspect="auto", cmap="viridis", origin="lower",
        interpolation="nearest",
    )  # fmt: skip
    figure.colorbar(image, ax=axes, label=f"AUROC ({subset})", pad=0.01)
    failed = (~np.isin(dataset["status"].to_numpy(), _USABLE)).any(axis=0).T
    for row, column in zip(*np.nonzero(failed), strict=True):
        corner = (column - 0.5, row - 0.5)
        axes.add_patch(
            Rectangle(corner, 1, 1, fill=False, hatch="////", ec="#FFFFFF", lw=0.0, zorder=3)
        )
    if mean.size <= _LABELLED_CELLS:
        _write_values(axes, np.where(failed, np.nan, mean), image)
    _grid_ticks(axes, dataset)
    axes.set_title("fits of single chunks, mean over splits")
    if failed.any():
        axes.legend(
            handles=[Patch(fc="#BBBBBB", hatch="////", ec="white", label="no fit in some split")],
            loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.1,
        )  # fmt: skip


def _write_values(axes: Axes, mean: NDArray[Any], image: Any) -> None:  # noqa: ANN401
    low, high = image.get_clim()
    for (row, column), value in np.ndenumerate(mean):
        if np.isfinite(value):
            bright = high > low and (value - low) / (high - low) > 0.6
            colour = "black" if bright else "white"
            axes.text(
                column, row, f"{value:.3f}", ha="center", va="center", fontsize=7.5, color=colour
            )


def _grid_ticks(axes: Axes, dataset: xr.Dataset) -> None:
    starts, stops = dataset["spatial_start"].to_numpy(), dataset["spatial_stop"].to_numpy()
    labels = [f"{start:g} to {stop:g}" for start, stop in zip(starts, stops, strict=True)]
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylabel("soma distance (µm)")
    windows = dataset["temporal_start"].to_numpy()
    step = -(-windows.size // _TICKS)
    axes.set_xticks(range(0, windows.size, step), [f"{start:g}" for start in windows[::step]])
    axes.set_xlabel("start of the temporal chunk (ms)")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def _draw_windows(axes: Axes, dataset: xr.Dataset) -> None:
    subset = held_out(dataset)
    marker = "o" if dataset.sizes["temporal"] <= _MARKED_WINDOWS else ""
    middle = (dataset["temporal_start"] + dataset["temporal_stop"]).to_numpy() / 2
    for level in ("merged", "consensus"):
        if level not in dataset["level"].to_numpy():
            continue
        colour = LEVEL_COLOURS[level]
        values = dataset["auroc"].sel(level=level, subset=subset).isel(spatial=0).to_numpy()
        for split, of_split in enumerate(values):
            axes.plot(
                middle, of_split, marker=marker, ms=3.0, color=colour,
                lw=1.6 if split == 0 else 0.6, label=level if split == 0 else None,
            )  # fmt: skip
        if level == "merged" and subset != "train" and "train" in dataset["subset"].to_numpy():
            train = dataset["auroc"].sel(level=level, subset="train").isel(spatial=0, split=0)
            axes.plot(
                middle, train.to_numpy(), color=colour, lw=0.8, ls="--", label="merged, train"
            )
    ceiling = _ceiling(dataset, subset)
    if ceiling is not None:
        axes.plot(middle, ceiling, **_CEILING_LOOK)
    axes.set_xlabel("middle of the temporal chunk (ms)")
    axes.set_ylabel(f"AUROC ({subset})")
    axes.set_title("all spatial chunks together, one line per split")
    axes.legend(ncols=2, loc="best")


def _ceiling(dataset: xr.Dataset, subset: str) -> NDArray[Any] | None:
    """AUROC of the score that made the spikes in each temporal chunk, mean over splits."""
    if "truth" not in dataset["level"].to_numpy():
        return None
    known = dataset["auroc"].sel(level="truth", subset=subset).isel(spatial=0)
    return np.asarray(known.mean("split").to_numpy())


def _draw_levels(axes: Axes, dataset: xr.Dataset) -> None:
    levels = [str(name) for name in dataset["level"].to_numpy()]
    subsets = [str(name) for name in dataset["subset"].to_numpy()]
    shown = [name for name in ("train", held_out(dataset)) if name in subsets]
    positions: list[int] = []
    labels: list[str] = []
    for level in (name for name in levels if name != "truth"):
        values = dataset["auroc"].sel(level=level)
        cells = range(dataset.sizes["spatial"] if level == "chunk" else 1)
        for cell in cells:
            scores = values.isel(spatial=cell, temporal=0)
            if not np.isfinite(scores.to_numpy()).any():
                continue
            position = len(positions)
            positions.append(position)
            labels.append(_level_label(dataset, level, cell))
            for subset in dict.fromkeys(shown):
                look = (level, subset)
                _draw_points(
                    axes, position, scores.sel(subset=subset).to_numpy(), look,
                    _interval(dataset, *look, cell),
                )  # fmt: skip
    axes.set_xticks(positions, labels)
    axes.set_xlim(-0.6, len(positions) - 0.4)
    axes.set_ylabel("AUROC")
    axes.set_title("one point per split, with 95 % interval")
    ceiling = _ceiling(dataset, shown[-1])
    if ceiling is not None:
        axes.axhline(float(ceiling[0]), **_CEILING_LOOK)
    axes.grid(axis="y", color="#E6E6E6", lw=0.6)
    axes.plot([], [], "o", mfc="white", mec=NEUTRAL, ms=5, label="train")
    axes.plot([], [], "o", color=NEUTRAL, ms=5, label=shown[-1])
    axes.legend(loc="best")


def _level_label(dataset: xr.Dataset, level: str, cell: int) -> str:
    if level != "chunk" or dataset.sizes["spatial"] == 1:
        return level
    start, stop = (float(dataset[name][cell]) for name in ("spatial_start", "spatial_stop"))
    return f"{start:g} to\n{stop:g} µm"


def _interval(
    dataset: xr.Dataset, level: str, subset: str, cell: int
) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Look up the intervals of all splits; None in a result without them."""
    if "auroc_low" not in dataset:
        return None
    where = {"level": level, "subset": subset}
    low, high = (
        dataset[name].sel(where).isel(temporal=0, spatial=cell).to_numpy()
        for name in ("auroc_low", "auroc_high")
    )
    return low, high


def _draw_points(
    axes: Axes,
    position: int,
    values: NDArray[Any],
    look: tuple[str, str],
    ends: tuple[NDArray[Any], NDArray[Any]] | None,
) -> None:
    level, subset = look
    spread = np.linspace(-0.08, 0.08, values.size) if values.size > 1 else np.zeros(1)
    where = position + (-0.16 if subset == "train" else 0.16) + spread
    colour = LEVEL_COLOURS.get(level, NEUTRAL)
    if ends is not None:
        axes.vlines(where, *ends, color=colour, lw=0.9)
    axes.plot(
        where, values, "o", ms=5, mec=colour, mfc="white" if subset == "train" else colour,
        mew=1.2,
    )  # fmt: skip
