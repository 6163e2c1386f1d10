"""Fill the variables of the merged file from the merges of all windows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synreduce.chunks import SUBSETS
from synreduce.design import FeatureLayout, Term
from synreduce.evaluation import LONGEST_ISI_MS
from synreduce.merging import Consensus, canonical_filter_errors, consensus
from synreduce.metrics import METRICS
from synreduce.result import STATUS_MEANINGS, MergedContent, Provenance
from synreduce.strategies import canonical_form

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synreduce.chunks import Grid
    from synreduce.evaluation import ScoreRow
    from synreduce.pipeline.inputs import RunBases
    from synreduce.pipeline.merge_window import WindowMerge
    from synreduce.result import StoredFit

LEVELS = ("chunk", "merged", "consensus")
MERGE_METHODS = ("single", "sum", "stack", "refine")
_MISSING = STATUS_MEANINGS.index("missing")
_PROBABILITY_BINS = 10


@dataclass(frozen=True)
class MergedRun:
    """Everything that a merge collected.

    Parameters
    ----------
    grid : Grid
        Chunks.
    splits : tuple of str
        Names of the splits.
    groups : dict of str to int
        Groups and their signs, in the order of the designs' terms.
    bases : RunBases
        Basis functions.
    strategies, solvers : tuple of str
        Names.
    merges : dict of (split, temporal) to WindowMerge
        All windows.
    rows : tuple of ScoreRow
        Scores of chunks, merged models and consensus.
    """

    grid: Grid
    splits: tuple[str, ...]
    groups: dict[str, int]
    bases: RunBases
    strategies: tuple[str, ...]
    solvers: tuple[str, ...]
    merges: Mapping[tuple[str, str], WindowMerge]
    rows: tuple[ScoreRow, ...]

    @property
    def cells(self) -> Iterator[tuple[int, int, WindowMerge]]:
        """Positions of split and temporal chunk, and what was merged there."""
        for first, split in enumerate(self.splits):
            for second, window in enumerate(self.grid.temporal):
                yield first, second, self.merges[split, window.name]

    def consensus(self, split: str) -> Consensus:
        """Pool the kernels of all windows of a split by inverse variance.

        Parameters
        ----------
        split : str
            Name of the split.

        Returns
        -------
        Consensus
            On the scale of log odds, (n_groups, n_bins, width), time forward.
        """
        kernels = [self.merges[split, window.name].kernel for window in self.grid.temporal]
        return consensus(
            np.array([kernel.kernel for kernel in kernels]),
            np.array([kernel.variance for kernel in kernels]),
        )


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
        "level": LEVELS,
        "probability_bin": np.arange(_PROBABILITY_BINS),
    }
    sizes = {name: len(values) for name, values in coordinates.items()}
    variables = {
        **_axes(run),
        **_fits(run, sizes),
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


class _Arrays(dict[str, "NDArray[Any]"]):
    """Variables of one part of the file, empty until filled."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        super().__init__()
        self._sizes = sizes

    def real(self, name: str, *dimensions: str) -> None:
        self[name] = np.full([self._sizes[axis] for axis in dimensions], np.nan)

    def integer(self, name: str, *dimensions: str, fill: int = 0) -> None:
        self[name] = np.full([self._sizes[axis] for axis in dimensions], fill, dtype=np.int64)


def _fits(run: MergedRun, sizes: Mapping[str, int]) -> dict[str, NDArray[Any]]:
    cell = ("split", "temporal", "spatial")
    arrays = _Arrays(sizes)
    for name in ("spatial_filter", "spatial_filter_se"):
        arrays.real(name, *cell, "group", "soma_distance")
    for name in ("temporal_filter", "temporal_filter_se"):
        arrays.real(name, *cell, "group", "lag")
    arrays.real("spatial_weight", *cell, "group", "spatial_basis")
    arrays.real("temporal_weight", *cell, "group", "temporal_basis")
    for name in ("weight", "weight_se"):
        arrays.real(name, *cell, "group", "spatial_basis", "temporal_basis")
    for name in (
        "intercept",
        "objective",
        "condition",
        "effective_degrees_of_freedom",
        "ridge",
    ):
        arrays.real(name, *cell)
    for name in ("n_samples", "n_positive", "n_evaluations", "n_iterations"):
        arrays.integer(name, *cell)
    for name in ("strategy", "solver", "restart"):
        arrays.integer(name, *cell, fill=-1)
    arrays.integer("status", *cell, fill=_MISSING)
    for first, second, merge in run.cells:
        for third, fit in enumerate(merge.chosen):
            where = (first, second, third)
            arrays["n_samples"][where] = merge.n_samples
            arrays["n_positive"][where] = merge.n_positive
            if fit is not None:
                _fill_fit(arrays, where, fit, run)
    return arrays


def _fill_fit(arrays: _Arrays, where: tuple[int, int, int], fit: StoredFit, run: MergedRun) -> None:
    for name in ("intercept", "objective", "condition", "effective_degrees_of_freedom"):
        arrays[name][where] = getattr(fit, name)
    for name in ("n_evaluations", "n_iterations", "restart"):
        arrays[name][where] = getattr(fit, name)
    arrays["ridge"][where] = (
        fit.curves["chosen_ridge"][0] if "chosen_ridge" in fit.curves else np.nan
    )
    arrays["strategy"][where] = run.strategies.index(fit.strategy)
    arrays["solver"][where] = run.solvers.index(fit.solver)
    arrays["status"][where] = STATUS_MEANINGS.index(fit.status)
    bins = run.bases.bins(run.grid.spatial[where[2]])
    bases = (run.bases.spatial[:, bins], run.bases.temporal)
    form = canonical_form(fit.factors, *bases, signs=run.groups)
    layout = _layout(run)
    errors = (
        None
        if fit.covariance is None
        else canonical_filter_errors(fit.theta, fit.covariance, layout, bases, list(run.groups))
    )
    for position, (group, matrix) in enumerate(layout.matrices(fit.theta).items()):
        at = (*where, position)
        arrays["spatial_filter"][(*at, bins)] = form.spatial_filter[group][0]
        arrays["temporal_filter"][at] = form.temporal_filter[group][0, ::-1]
        arrays["spatial_weight"][at] = fit.factors[group][0][0]
        arrays["temporal_weight"][at] = fit.factors[group][1][0]
        arrays["weight"][at] = matrix
        if fit.covariance is not None and errors is not None:
            columns = layout.slices[group]
            variance = np.diag(fit.covariance)[columns].reshape(matrix.shape)
            arrays["weight_se"][at] = np.sqrt(np.maximum(variance, 0.0))
            arrays["spatial_filter_se"][(*at, bins)] = errors.spatial[group]
            arrays["temporal_filter_se"][at] = errors.temporal[group][::-1]


def _layout(run: MergedRun) -> FeatureLayout:
    n_spatial, n_temporal = run.bases.spatial.shape[0], run.bases.temporal.shape[0]
    return FeatureLayout([Term(name, n_spatial, n_temporal) for name in run.groups])


def _merged(run: MergedRun, sizes: Mapping[str, int]) -> dict[str, NDArray[Any]]:
    window = ("split", "temporal")
    arrays = _Arrays(sizes)
    for name in ("kernel", "kernel_se"):
        arrays.real(name, *window, "group", "soma_distance", "lag")
    arrays.real("merged_weight", *window, "spatial", "group", "spatial_basis", "temporal_basis")
    for name in ("log_odds_intercept", "log_odds_slope", "merged_intercept", "merge_ridge"):
        arrays.real(name, *window)
    arrays.integer("merge", *window)
    for name in ("nonlinearity", "nonlinearity_wni"):
        arrays.real(name, *window, "wni_bin")
    arrays.real("isi_penalty", *window, "isi")
    for name in ("calibration_predicted", "calibration_observed"):
        arrays.real(name, *window, "probability_bin")
    arrays.integer("calibration_n_samples", *window, "probability_bin")
    for first, second, merge in run.cells:
        _fill_merge(arrays, (first, second), merge)
    return arrays


def _fill_merge(arrays: _Arrays, where: tuple[int, int], merge: WindowMerge) -> None:
    model, scale = merge.model, merge.scale
    arrays["kernel"][where] = merge.kernel.kernel[..., ::-1] / scale
    arrays["kernel_se"][where] = np.sqrt(merge.kernel.variance[..., ::-1]) / scale
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
    n_bins = merge.calibration.predicted.size
    arrays["calibration_predicted"][(*where, slice(n_bins))] = merge.calibration.predicted
    arrays["calibration_observed"][(*where, slice(n_bins))] = merge.calibration.observed
    arrays["calibration_n_samples"][(*where, slice(n_bins))] = merge.calibration.n_samples


def _consensus(run: MergedRun, sizes: Mapping[str, int]) -> dict[str, NDArray[Any]]:
    arrays = _Arrays(sizes)
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
    arrays = _Arrays(sizes)
    for metric in METRICS:
        arrays.real(metric, "level", "split", "subset", "temporal", "spatial")
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
        if row.level not in LEVELS:
            continue
        label = (row.strategy, row.solver, row.restart)
        if row.level == "chunk" and chosen.get((row.split, row.temporal, row.spatial)) != label:
            continue
        space = spaces[row.spatial] if row.level == "chunk" else slice(None)
        where = (LEVELS.index(row.level), splits[row.split], SUBSETS.index(row.subset),
                 windows[row.temporal], space)  # fmt: skip
        arrays[row.metric][where] = row.value
    return arrays


def _positions(names: Sequence[str]) -> dict[str, int]:
    return {name: position for position, name in enumerate(names)}
