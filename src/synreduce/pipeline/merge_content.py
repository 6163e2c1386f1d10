"""Fill the variables of the merged file from the merges of all windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from synreduce.chunks import SUBSETS
from synreduce.evaluation import LONGEST_ISI_MS
from synreduce.metrics import METRICS
from synreduce.pipeline.merge_fits import fit_variables
from synreduce.pipeline.merge_searches import longest_trace, search_variables
from synreduce.pipeline.merged_run import MergedRun, Variables
from synreduce.result import INTERVAL_METHODS, LEVELS, MergedContent, Provenance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synreduce.pipeline.merge_records import WindowMerge

MERGE_METHODS = ("single", "sum", "stack", "refine")
_PROBABILITY_BINS = 10
_CALIBRATIONS = ("calibration", "calibration_train")
_AUROC_FIGURES = {
    "auroc_low": "value_low",
    "auroc_high": "value_high",
    "auroc_baseline": "baseline_mean",
    "auroc_baseline_95": "baseline_95",
    "auroc_p_value": "p_value",
}
"""Variables that go with the AUROC, and their columns in the table of scores."""


def merged_content(run: MergedRun, provenance: Provenance, title: str) -> MergedContent:
    """Lay out the numbers of a run as the merged file has them.

    Parameters
    ----------
    run : MergedRun
        What was collected.
    provenance : Provenance
        What it was made from.
    title : str
        One line for people.

    Returns
    -------
    MergedContent
    """
    knots = max(merge.nonlinearity.net_input.size for _, _, merge in run.cells)
    edges, width = run.bases.distance_edges, run.bases.temporal.shape[1]
    coordinates: dict[str, Any] = {
        "split": run.splits,
        "temporal": [window.name for window in run.grid.temporal],
        "spatial": [space.name for space in run.grid.spatial],
        "group": list(run.groups),
        "soma_distance": (edges[1:] + edges[:-1]) / 2,
        "lag": np.arange(float(width)),
        "spatial_basis": np.arange(run.bases.spatial.shape[0]),
        "temporal_basis": np.arange(run.bases.temporal.shape[0]),
        "wni_bin": np.arange(knots),
        "isi": np.arange(1.0, LONGEST_ISI_MS + 1),
        "subset": SUBSETS,
        "level": _levels(run),
        "probability_bin": np.arange(_PROBABILITY_BINS),
        "iteration": np.arange(longest_trace(run)),
    }
    sizes = {name: len(values) for name, values in coordinates.items()}
    variables = {
        **_axes(run),
        **fit_variables(run, sizes),
        **search_variables(run, sizes),
        **_merged(run, sizes),
        **_consensus(run, sizes),
        **_metrics(run, sizes),
    }
    return MergedContent(
        coordinates,
        variables,
        {"strategy": run.strategies, "solver": run.solvers, "merge": MERGE_METHODS},
        provenance,
        title,
    )


def _levels(run: MergedRun) -> list[str]:
    """List what was evaluated, in the order of the schema."""
    evaluated = {row.level for row in run.rows}
    return [level for level in LEVELS if level in evaluated]


def _axes(run: MergedRun) -> dict[str, NDArray[Any]]:
    windows, spaces = run.grid.temporal, run.grid.spatial
    edges = run.bases.distance_edges
    return {
        "temporal_start": np.array([window.start_ms for window in windows]),
        "temporal_stop": np.array([window.stop_ms for window in windows]),
        "temporal_step": np.array([window.step_ms for window in windows]),
        "target_width": np.array([window.target_width_ms for window in windows]),
        "spatial_start": np.array([space.start_um for space in spaces]),
        "spatial_stop": np.array([space.stop_um for space in spaces]),
        "soma_distance_start": edges[:-1],
        "soma_distance_stop": edges[1:],
        "group_sign": np.array(list(run.groups.values())),
        "spatial_basis_function": run.bases.spatial,
        "temporal_basis_function": run.bases.temporal[:, ::-1],
    }


def _merged(run: MergedRun, sizes: Mapping[str, int]) -> dict[str, NDArray[Any]]:
    window = ("split", "temporal")
    arrays = Variables(sizes)
    arrays.integer("kernel_interval", *window)
    for name in ("kernel", "kernel_se", "kernel_low", "kernel_high"):
        arrays.real(name, *window, "group", "soma_distance", "lag")
    arrays.real("merged_weight", *window, "spatial", "group", "spatial_basis", "temporal_basis")
    for name in ("log_odds_intercept", "log_odds_slope", "merged_intercept", "merge_ridge"):
        arrays.real(name, *window)
    arrays.integer("merge", *window)
    for name in ("nonlinearity", "nonlinearity_wni"):
        arrays.real(name, *window, "wni_bin")
    arrays.real("isi_penalty", *window, "isi")
    for prefix in _CALIBRATIONS:
        for name in ("predicted", "observed"):
            arrays.real(f"{prefix}_{name}", *window, "probability_bin")
        arrays.integer(f"{prefix}_n_samples", *window, "probability_bin")
    for first, second, merge in run.cells:
        _fill_merge(arrays, (first, second), merge)
    return arrays


def _fill_merge(arrays: Variables, where: tuple[int, int], merge: WindowMerge) -> None:
    model, scale = merge.model, merge.scale
    arrays["kernel"][where] = merge.kernel.kernel[..., ::-1] / scale
    arrays["kernel_se"][where] = np.sqrt(merge.kernel.variance[..., ::-1]) / scale
    arrays["kernel_low"][where] = merge.kernel.low[..., ::-1] / scale
    arrays["kernel_high"][where] = merge.kernel.high[..., ::-1] / scale
    arrays["kernel_interval"][where] = INTERVAL_METHODS.index(merge.kernel.interval)
    for third, part in enumerate(model.parts):
        for position, matrix in enumerate(model.weights(part).values()):
            arrays["merged_weight"][(*where, third, position)] = matrix
    arrays["log_odds_intercept"][where] = arrays["merged_intercept"][where] = model.intercept
    arrays["log_odds_slope"][where] = scale
    arrays["merge_ridge"][where] = model.ridge
    arrays["merge"][where] = MERGE_METHODS.index(model.method)
    n_knots = merge.nonlinearity.net_input.size
    arrays["nonlinearity"][(*where, slice(n_knots))] = merge.nonlinearity.probability
    arrays["nonlinearity_wni"][(*where, slice(n_knots))] = merge.nonlinearity.net_input
    arrays["isi_penalty"][where] = merge.penalty.penalty
    for prefix, curve in zip(
        _CALIBRATIONS, (merge.calibration, merge.train_calibration), strict=True
    ):
        for name in ("predicted", "observed", "n_samples"):
            values = getattr(curve, name)
            arrays[f"{prefix}_{name}"][(*where, slice(values.size))] = values


def _consensus(run: MergedRun, sizes: Mapping[str, int]) -> dict[str, NDArray[Any]]:
    arrays = Variables(sizes)
    names = ("consensus_kernel", "consensus_kernel_se", "heterogeneity_q", "heterogeneity_i2",
             "heterogeneity_p")  # fmt: skip
    for name in names:
        arrays.real(name, "split", "group", "soma_distance", "lag")
    for first, split in enumerate(run.splits):
        pooled = run.consensus(split)
        values = (pooled.value, pooled.standard_error, pooled.q, pooled.i2, pooled.p_value)
        for name, value in zip(names, values, strict=True):
            arrays[name][first] = value[..., ::-1]
    return arrays


def _metrics(run: MergedRun, sizes: Mapping[str, int]) -> dict[str, NDArray[Any]]:
    arrays = Variables(sizes)
    for name in (*METRICS, *_AUROC_FIGURES):
        arrays.real(name, "level", "split", "subset", "temporal", "spatial")
    levels = _levels(run)
    splits = _positions(run.splits)
    windows = _positions([window.name for window in run.grid.temporal])
    spaces = _positions([space.name for space in run.grid.spatial])
    chosen = {
        (merge.split, merge.temporal, space.name): (fit.strategy, fit.solver, fit.restart)
        for _, _, merge in run.cells
        for space, fit in zip(run.grid.spatial, merge.chosen, strict=True)
        if fit is not None
    }
    for row in run.rows:
        label = (row.strategy, row.solver, row.restart)
        if row.level == "chunk" and chosen.get((row.split, row.temporal, row.spatial)) != label:
            continue
        space = spaces[row.spatial] if row.level == "chunk" else slice(None)
        where = (levels.index(row.level), splits[row.split], SUBSETS.index(row.subset),
                 windows[row.temporal], space)  # fmt: skip
        arrays[row.metric][where] = row.value
        if row.metric == "auroc":
            for name, column in _AUROC_FIGURES.items():
                arrays[name][where] = getattr(row, column)
    # A baseline that was not asked for is not in the file.
    return {
        name: values
        for name, values in arrays.items()
        if name not in _AUROC_FIGURES or np.isfinite(values).any()
    }


def _positions(names: Sequence[str]) -> dict[str, int]:
    return {name: position for position, name in enumerate(names)}
