"""Draw and write all figures of a result."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from synreduce.errors import InputError, Problem
from synreduce.plotting.filters import Truth, draw_filters
from synreduce.plotting.kernels import draw_kernels
from synreduce.plotting.response import draw_response
from synreduce.plotting.scores import draw_scores
from synreduce.plotting.searches import draw_searches
from synreduce.plotting.style import house_style, render
from synreduce.result import open_result
from synreduce.storage import publish_bytes
from synreduce.suggestions import did_you_mean

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

FORMATS = ("png", "pdf", "svg")


def figures_of(dataset: xr.Dataset, truth: Truth | None = None) -> Iterator[tuple[str, Figure]]:
    """Draw the figures of a result one by one.

    Parameters
    ----------
    dataset : xarray.Dataset
        The result.
    truth : mapping of str to ndarray, optional
        Filters the data were made with.

    Yields
    ------
    str
        Name of the figure.
    Figure
        The figure.
    """
    yield "filters", draw_filters(dataset, truth)
    yield "kernels", draw_kernels(dataset)
    yield "scores", draw_scores(dataset)
    yield "response", draw_response(dataset)
    yield "searches", draw_searches(dataset)


def draw_figures(
    result_path: Path, out_dir: Path, formats: tuple[str, ...], truth: Truth | None
) -> list[Path]:
    """Draw the figures of a result into files.

    Parameters
    ----------
    result_path, out_dir, formats, truth
        As for :func:`synreduce.plotting.plot_result`.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    InputError
        If a format is unknown.
    """
    unknown = [kind for kind in formats if kind not in FORMATS]
    if unknown:
        raise InputError(
            Problem("unknown-format", kind, f"no such format; {did_you_mean(kind, FORMATS)}")
            for kind in unknown
        )
    written = []
    with open_result(result_path) as result, house_style():
        for name, figure in figures_of(result.dataset, truth):
            for kind in formats:
                path = out_dir / f"{name}.{kind}"
                publish_bytes(path, render(figure, kind))
                written.append(path)
    return written
