"""Variables of the merged file that describe the fits of single chunks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from synreduce.design import FeatureLayout, Term
from synreduce.merging import (
    NORMAL_QUANTILE,
    canonical_filter_bands,
    canonical_filter_errors,
)
from synreduce.pipeline.merged_run import MergedRun, Variables
from synreduce.result import DETERMINATIONS, INTERVAL_METHODS, STATUS_MEANINGS
from synreduce.solvers import DETERMINED_SHARE
from synreduce.strategies import canonical_form

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synreduce.result import StoredFit

_PARTS = ("se", "low", "high")
_MISSING = STATUS_MEANINGS.index("missing")


def fit_variables(run: MergedRun, sizes: Mapping[str, int]) -> dict[str, NDArray[Any]]:
    """Fill the variables of the chosen fit of every chunk and split.

    Parameters
    ----------
    run : MergedRun
        What was collected.
    sizes : mapping of str to int
        Length of every dimension.

    Returns
    -------
    dict of str to ndarray
        Filters in canonical form, weights, and what the solver said.
    """
    cell = ("split", "temporal", "spatial")
    arrays = Variables(sizes)
    for name in ("spatial_filter", *(f"spatial_filter_{part}" for part in _PARTS)):
        arrays.real(name, *cell, "group", "soma_distance")
    for name in ("temporal_filter", *(f"temporal_filter_{part}" for part in _PARTS)):
        arrays.real(name, *cell, "group", "lag")
    arrays.real("spatial_weight", *cell, "group", "spatial_basis")
    arrays.real("temporal_weight", *cell, "group", "temporal_basis")
    arrays.integer("weight_determined", *cell, "group", "spatial_basis", "temporal_basis")
    arrays.integer("filter_interval", *cell)
    for name in ("weight", "weight_se", "weight_data_share"):
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


def _fill_fit(
    arrays: Variables, where: tuple[int, int, int], fit: StoredFit, run: MergedRun
) -> None:
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
    for position, (group, matrix) in enumerate(layout.matrices(fit.theta).items()):
        at = (*where, position)
        arrays["spatial_filter"][(*at, bins)] = form.spatial_filter[group][0]
        arrays["temporal_filter"][at] = form.temporal_filter[group][0, ::-1]
        arrays["spatial_weight"][at] = fit.factors[group][0][0]
        arrays["temporal_weight"][at] = fit.factors[group][1][0]
        arrays["weight"][at] = matrix
    _fill_weight_errors(arrays, where, fit, layout)
    _fill_intervals(arrays, where, fit, run)


def _fill_weight_errors(
    arrays: Variables, where: tuple[int, int, int], fit: StoredFit, layout: FeatureLayout
) -> None:
    if fit.covariance is None or fit.data_share is None:
        return
    error = np.sqrt(np.maximum(np.diag(fit.covariance), 0.0))
    for name, values in (("weight_se", error), ("weight_data_share", fit.data_share)):
        for position, matrix in enumerate(layout.matrices(values).values()):
            arrays[name][(*where, position)] = matrix
    enough = arrays["weight_data_share"][where] >= DETERMINED_SHARE
    arrays["weight_determined"][where] = np.where(
        enough, DETERMINATIONS.index("determined"), DETERMINATIONS.index("undetermined")
    )


def _fill_intervals(
    arrays: Variables, where: tuple[int, int, int], fit: StoredFit, run: MergedRun
) -> None:
    """Fill in the errors of filters and their intervals, of replicates where there are any."""
    if fit.covariance is None:
        return
    layout, bins = _layout(run), run.bases.bins(run.grid.spatial[where[2]])
    bases = (run.bases.spatial[:, bins], run.bases.temporal)
    errors = canonical_filter_errors(fit.theta, fit.covariance, layout, bases, list(run.groups))
    bands = None
    if fit.replicates is not None:
        bands = canonical_filter_bands(fit.theta, fit.replicates, layout, bases, run.groups)
    method = "curvature" if bands is None else "bootstrap"
    arrays["filter_interval"][where] = INTERVAL_METHODS.index(method)
    for position, group in enumerate(run.groups):
        at = (*where, position)
        for kind, error, there, order in (
            ("spatial", errors.spatial[group], (*at, bins), slice(None)),
            ("temporal", errors.temporal[group], at, slice(None, None, -1)),
        ):
            half = NORMAL_QUANTILE * error
            ends = np.stack([-half, half]) if bands is None else getattr(bands, kind)[group]
            curve = arrays[f"{kind}_filter"][there]
            arrays[f"{kind}_filter_se"][there] = error[order]
            arrays[f"{kind}_filter_low"][there] = curve + ends[0][order]
            arrays[f"{kind}_filter_high"][there] = curve + ends[1][order]


def _layout(run: MergedRun) -> FeatureLayout:
    n_spatial, n_temporal = run.bases.spatial.shape[0], run.bases.temporal.shape[0]
    return FeatureLayout([Term(name, n_spatial, n_temporal) for name in run.groups])
