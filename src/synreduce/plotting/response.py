"""Figure of the response: nonlinearity, post-spike penalty, calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from synreduce.plotting.style import (
    NEUTRAL,
    choose,
    lighter,
    new_figure,
    say_nothing_to_show,
    window_colours,
)

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_WINDOWS = 4


def draw_response(dataset: xr.Dataset) -> Figure:
    """Draw how net input becomes spikes, for up to four temporal chunks.

    Thick lines are the first split, thin lines the others.

    Parameters
    ----------
    dataset : xarray.Dataset
        The result.

    Returns
    -------
    Figure
    """
    windows = choose(dataset.sizes["temporal"], _MOST_WINDOWS)
    colours = window_colours(len(windows))
    figure = new_figure(9.2, 2.9)
    curve, penalty, calibration = figure.subplots(1, 3)
    for window, colour in zip(windows, colours, strict=True):
        cell = dataset.isel(temporal=window)
        label = str(dataset["temporal"].to_numpy()[window])
        for split in reversed(range(dataset.sizes["split"])):
            part = cell.isel(split=split)
            look: dict[str, Any] = {"lw": 1.8 if split == 0 else 0.7, "color": colour}
            known = np.isfinite(part["nonlinearity_wni"].to_numpy())
            curve.plot(
                part["nonlinearity_wni"].to_numpy()[known],
                part["nonlinearity"].to_numpy()[known],
                label=label if split == 0 else None,
                **look,
            )
            _draw_penalty(penalty, part, look)
        _draw_calibration(calibration, cell, colour)
    if len(windows) == 1:
        _draw_training_calibration(calibration, dataset.isel(temporal=0, split=0), colours[0])
    _finish_penalty(penalty, dataset, windows)
    _label(curve, penalty, calibration, dataset)
    return figure


def _draw_penalty(axes: Axes, part: xr.Dataset, look: dict[str, Any]) -> None:
    values, isi = part["isi_penalty"].to_numpy(), part["isi"].to_numpy()
    finite = np.where(np.isfinite(values), values, np.nan)
    axes.step(isi, finite, where="pre", **look)


def _draw_calibration(axes: Axes, cell: xr.Dataset, colour: str) -> None:
    if "calibration_predicted" not in cell:
        return
    for split in reversed(range(cell.sizes["split"])):
        predicted, observed, n_samples = (
            cell[f"calibration_{name}"].isel(split=split).to_numpy()
            for name in ("predicted", "observed", "n_samples")
        )
        shown = (n_samples > 0) & (observed > 0) & (predicted > 0)
        axes.plot(
            predicted[shown],
            observed[shown],
            marker="o",
            ms=3.5 if split == 0 else 2.0,
            lw=1.0 if split == 0 else 0.0,
            color=colour if split == 0 else lighter(colour, 0.4),
        )


def _draw_training_calibration(axes: Axes, cell: xr.Dataset, colour: str) -> None:
    """Show how well probabilities hold where they were fitted, for comparison."""
    if "calibration_train_predicted" not in cell:
        return
    predicted, observed = (
        cell[f"calibration_train_{name}"].to_numpy() for name in ("predicted", "observed")
    )
    shown = (observed > 0) & (predicted > 0)
    ring = lighter(colour, 0.4)
    axes.plot(predicted[shown], observed[shown], "o", ms=6.0, mfc="none", mec=ring, label="train")
    axes.legend(loc="upper left")


def _finish_penalty(axes: Axes, dataset: xr.Dataset, windows: list[int]) -> None:
    """Shade the times after a spike at which no shown model can spike."""
    penalties = dataset["isi_penalty"].isel(temporal=windows).to_numpy()
    if not (penalties > 0).any():
        axes.set_ylim(0.0, 1.0)
        axes.text(0.5, 0.5, "no penalty found", transform=axes.transAxes, ha="center",
                  color=NEUTRAL)  # fmt: skip
        return
    axes.set_ylim(bottom=0.0)
    forbidden = np.isposinf(penalties).all(axis=(0, 1))
    if forbidden.any():
        stop = float(dataset["isi"].to_numpy()[forbidden][-1])
        axes.axvspan(0.0, stop, color="#DDDDDD", lw=0, zorder=0)
        axes.text(0.98, 0.95, "shaded: no spike possible", transform=axes.transAxes, ha="right",
                  va="top", fontsize=7.5, color=NEUTRAL)  # fmt: skip


def _label(curve: Axes, penalty: Axes, calibration: Axes, dataset: xr.Dataset) -> None:
    width = float(dataset["target_width"][0]) if "target_width" in dataset else 1.0
    curve.set_title("nonlinearity")
    curve.set_xlabel("weighted net input")
    curve.set_ylabel(f"spike probability per {width:g} ms")
    curve.set_ylim(bottom=0.0)
    curve.legend(title="window", title_fontsize=8.0, alignment="left", handlelength=1.4)
    penalty.set_title("post-spike penalty")
    penalty.set_xlabel("time since the last spike (ms)")
    penalty.set_ylabel("subtracted net input")
    penalty.set_xlim(0.0, float(dataset["isi"][-1]))
    calibration.set_title("calibration, held-out samples")
    calibration.set_xlabel("predicted probability")
    calibration.set_ylabel("share with a spike")
    if not calibration.lines:
        say_nothing_to_show(calibration, "not computed")
        return
    calibration.set_xscale("log")
    calibration.set_yscale("log")
    low = min(calibration.get_xlim()[0], calibration.get_ylim()[0])
    high = max(calibration.get_xlim()[1], calibration.get_ylim()[1])
    calibration.plot([low, high], [low, high], color=NEUTRAL, lw=0.8, ls="--", zorder=0)
    calibration.set_xlim(low, high)
    calibration.set_ylim(low, high)
