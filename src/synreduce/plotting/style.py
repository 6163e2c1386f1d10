"""One look for all figures: fonts, sizes, and colours that colour-blind readers can tell apart."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9.0,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.grid": False,
    "axes.axisbelow": True,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "xtick.major.width": 0.8,
    "ytick.major.width": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "savefig.facecolor": "white",
    "svg.hashsalt": "synreduce",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}
"""Matplotlib settings of the house."""

# Okabe & Ito's palette: excitation warm, inhibition cool
EXCITING = ("#D55E00", "#E69F00", "#CC79A7", "#8C3A00")
INHIBITING = ("#0072B2", "#56B4E9", "#009E73", "#4D4D4D")
NEUTRAL = "#4D4D4D"
LEVEL_COLOURS = {"chunk": "#999999", "merged": "#332288", "consensus": "#117733"}

_NO_DATE: dict[str, dict[str, Any]] = {
    "png": {"Software": "synreduce"},
    "pdf": {"CreationDate": None, "Creator": "synreduce"},
    "svg": {"Date": None, "Creator": "synreduce"},
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the style of the house, leaving Matplotlib's global settings alone.

    Yields
    ------
    None
    """
    with mpl.style.context(["default", STYLE]):
        yield


def new_figure(width: float, height: float) -> Figure:
    """Make a figure that belongs to no window.

    Parameters
    ----------
    width, height : float
        Size in inches.

    Returns
    -------
    Figure
        With a layout that keeps labels apart.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def render(figure: Figure, kind: str) -> bytes:
    """Draw a figure into memory; the same figure gives the same bytes.

    Parameters
    ----------
    figure : Figure
        The figure.
    kind : {"png", "pdf", "svg"}
        Format.

    Returns
    -------
    bytes
    """
    image = io.BytesIO()
    figure.savefig(image, format=kind, metadata=_NO_DATE[kind])
    return image.getvalue()


def group_colours(signs: Sequence[int]) -> list[str]:
    """Choose the colours of synapse groups.

    Parameters
    ----------
    signs : sequence of int
        Sign of each group: +1 excites, -1 inhibits.

    Returns
    -------
    list of str
        Warm colours for groups that excite, cool ones for those that inhibit.
    """
    seen = {True: 0, False: 0}
    colours = []
    for sign in signs:
        excites = sign > 0
        palette = EXCITING if excites else INHIBITING
        colours.append(palette[seen[excites] % len(palette)])
        seen[excites] += 1
    return colours


def lighter(colour: str, share: float) -> tuple[float, float, float]:
    """Mix a colour with white.

    Parameters
    ----------
    colour : str
        A colour.
    share : float
        Share of white, 0 to 1.

    Returns
    -------
    tuple of float
        Red, green, blue.
    """
    red, green, blue = mpl.colors.to_rgb(colour)
    return tuple(part + (1 - part) * share for part in (red, green, blue))  # type: ignore[return-value]


def say_nothing_to_show(axes: Axes, text: str) -> None:
    """Say in a panel why it is empty.

    Parameters
    ----------
    axes : Axes
        The panel.
    text : str
        The reason.
    """
    axes.text(
        0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=NEUTRAL
    )  # fmt: skip
    axes.set_xticks([])
    axes.set_yticks([])


def choose(n_items: int, most: int) -> list[int]:
    """Choose positions evenly from first to last.

    Parameters
    ----------
    n_items : int
        How many there are.
    most : int
        How many may be shown.

    Returns
    -------
    list of int

    Examples
    --------
    >>> choose(10, 3)
    [0, 4, 9]
    """
    if n_items <= most:
        return list(range(n_items))
    return [position * (n_items - 1) // (most - 1) for position in range(most)]


def window_colours(n_windows: int) -> list[str]:
    """Choose colours for temporal chunks, in order from dark to bright.

    Parameters
    ----------
    n_windows : int
        How many.

    Returns
    -------
    list of str
    """
    if n_windows == 1:
        return ["#332288"]
    colours = mpl.colormaps["viridis"]
    return [mpl.colors.to_hex(colours(0.85 * n / (n_windows - 1))) for n in range(n_windows)]
