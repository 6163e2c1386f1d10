"""What is known of a merged file before anything is merged: its axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from synreduce.chunks import SUBSETS
from synreduce.evaluation import LONGEST_ISI_MS, MOST_KNOTS
from synreduce.pipeline.inputs import RunBases
from synreduce.pipeline.merge_content import MERGE_METHODS
from synreduce.pipeline.merge_searches import LONGEST_TRACE
from synreduce.result import LEVELS, MergedContent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from synreduce.configuration import Configuration

_PROBABILITY_BINS = 10


def merge_frame(
    configuration: Configuration, groups: Mapping[str, int], *, with_truth: bool
) -> MergedContent:
    """Coordinates, names and axes of a merged file.

    Parameters
    ----------
    configuration : Configuration
        The run.
    groups : mapping of str to int
        Groups and their signs, in the order of the designs' terms.
    with_truth : bool
        Whether the generating score is known.

    Returns
    -------
    MergedContent
        Its variables are those that describe axes.
    """
    bases, grid = RunBases.of(configuration), configuration.grid()
    edges = bases.distance_edges
    coordinates: dict[str, Any] = {
        "split": list(configuration.split_definitions()),
        "temporal": [window.name for window in grid.temporal],
        "spatial": [space.name for space in grid.spatial],
        "group": list(groups),
        "soma_distance": (edges[1:] + edges[:-1]) / 2,
        "lag": np.arange(float(bases.temporal.shape[1])),
        "spatial_basis": np.arange(bases.spatial.shape[0]),
        "temporal_basis": np.arange(bases.temporal.shape[0]),
        "wni_bin": np.arange(MOST_KNOTS),
        "isi": np.arange(1.0, LONGEST_ISI_MS + 1),
        "subset": SUBSETS,
        "level": [level for level in LEVELS if with_truth or level != "truth"],
        "probability_bin": np.arange(_PROBABILITY_BINS),
        "iteration": np.arange(LONGEST_TRACE),
    }
    meanings = {
        "strategy": [strategy.name for strategy in configuration.strategies],
        "solver": [solver.name for solver in configuration.solvers],
        "merge": MERGE_METHODS,
    }
    title = f"Reduced model of run {configuration.run}"
    axes = _axes(configuration, groups, bases)
    return MergedContent(coordinates, axes, meanings, title=title)


def _axes(
    configuration: Configuration, groups: Mapping[str, int], bases: RunBases
) -> dict[str, NDArray[Any]]:
    grid = configuration.grid()
    windows, spaces = grid.temporal, grid.spatial
    return {
        "temporal_start": np.array([window.start_ms for window in windows]),
        "temporal_stop": np.array([window.stop_ms for window in windows]),
        "temporal_step": np.array([window.step_ms for window in windows]),
        "target_width": np.array([window.target_width_ms for window in windows]),
        "spatial_start": np.array([space.start_um for space in spaces]),
        "spatial_stop": np.array([space.stop_um for space in spaces]),
        "soma_distance_start": bases.distance_edges[:-1],
        "soma_distance_stop": bases.distance_edges[1:],
        "group_sign": np.array(list(groups.values())),
        "spatial_basis_function": bases.spatial,
        "temporal_basis_function": bases.temporal[:, ::-1],
    }
