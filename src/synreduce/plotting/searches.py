"""Figure of how fits were found: the objective as it falls, and the agreement of restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from synreduce.plotting.style import (
    NEUTRAL,
    choose,
    new_figure,
    say_nothing_to_show,
    window_colours,
)

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_WINDOWS = 4


def draw_searches(dataset: xr.Dataset) -> Figure:
    """Draw the traces of the chosen fits for up to four temporal chunks, and all restarts.

    Parameters
    ----------
    dataset : xarray.Dataset
        The result.

    Returns
    -------
    Figure
    """
    figure = new_figure(7.4, 2.9)
    trace, restarts = figure.subplots(1, 2)
    _draw_traces(trace, dataset)
    _draw_restarts(restarts, dataset)
    return figure


def _draw_traces(axes: Axes, dataset: xr.Dataset) -> None:
    axes.set_title("objective of the chosen fits")
    windows = choose(dataset.sizes["temporal"], _MOST_WINDOWS)
    for window, colour in zip(windows, window_colours(len(windows)), strict=True):
        label: str | None = str(dataset["temporal"].to_numpy()[window])
        if "objective_trace" not in dataset:
            break
        values = dataset["objective_trace"].isel(temporal=window).to_numpy()
        numbers = dataset["objective_trace_number"].isel(temporal=window).to_numpy()
        length = values.shape[-1]
        for number, value in zip(
            numbers.reshape(-1, length), values.reshape(-1, length), strict=True
        ):
            known = np.isfinite(value)
            if known.sum() < 2:
                continue
            above = value[known] - value[known][-1]
            # The end is 0 and has no place on this axis.
            falling = above > 0
            axes.plot(
                number[known][falling] + 1,
                above[falling],
                label=label,
                color=colour,
                lw=1.0,
                alpha=0.8,
            )
            label = None
    if not axes.lines:
        say_nothing_to_show(axes, "no trace of more than one point")
        return
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("iteration or evaluation")
    axes.set_ylabel("above its final value")
    axes.legend(title="window", title_fontsize=8.0, alignment="left", handlelength=1.4)


def _draw_restarts(axes: Axes, dataset: xr.Dataset) -> None:
    axes.set_title("restarts against the best")
    made = dataset["n_restarts"].to_numpy() if "n_restarts" in dataset else np.zeros(1)
    if made.max() < 2:
        say_nothing_to_show(axes, "every fit was started once")
        return
    several = made > 1
    made = made[several]
    cosine = dataset["restart_cosine"].to_numpy()[several]
    enough = made < dataset["n_restarts_asked"].to_numpy()[several]
    for chosen, colour, label in (
        (enough, "#117733", "ended: enough agreed"),
        (~enough, NEUTRAL, "all made"),
    ):
        if chosen.any():
            # A little apart, so that equal ones can be counted.
            aside = 0.25 * (np.arange(int(chosen.sum())) % 5 - 2) / 2
            axes.plot(made[chosen] + aside, cosine[chosen], "o", ms=4, color=colour, label=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(made.min() - 0.6, made.max() + 0.6)
    axes.set_xlabel("restarts made")
    axes.set_ylabel("least cosine of kernels")
    axes.legend(loc="best")
