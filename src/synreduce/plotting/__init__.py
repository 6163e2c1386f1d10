"""Figures and report of a result. Matplotlib is loaded when the first figure is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIGURES = ("filters", "kernels", "scores", "response", "searches")
"""Names of the figures of a result."""


def plot_result(
    result_path: Path | str,
    out_dir: Path | str,
    formats: Sequence[str] = ("png",),
    truth: Mapping[str, NDArray[Any]] | None = None,
) -> list[Path]:
    """Draw the figures of a result.

    Parameters
    ----------
    result_path : Path or str
        ``merged.h5``.
    out_dir : Path or str
        Folder of the figures; made if missing.
    formats : sequence of str, default: ("png",)
        ``png``, ``pdf`` or ``svg``; each figure is written in each of them.
    truth : mapping of str to ndarray, optional
        Filters the data were made with, drawn as dashed lines: ``spatial_filter_<group>`` per
        soma-distance bin, and ``temporal_filter_<group>`` per ms in forward time (lag 0 last), as
        an example database holds them.

    Returns
    -------
    list of Path
        What was written, in the order of :data:`FIGURES`.

    Raises
    ------
    DataError
        If the file is no result.
    ResourceError
        If there is no space.
    """
    from synreduce.plotting.figures import draw_figures  # noqa: PLC0415 (loads Matplotlib)

    return draw_figures(Path(result_path), Path(out_dir), tuple(formats), truth)


__all__ = ["FIGURES", "plot_result"]
