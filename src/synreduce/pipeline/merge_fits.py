"""Variables of the merged file that describe the fits of single chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from synreduce.design import FeatureLayout, Term
from synreduce.merging import (
    NORMAL_QUANTILE,
    canonical_filter_bands,
    canonical_filter_errors,
)
from synreduce.pipeline.variables import Variables
from synreduce.result import DETERMINATIONS, INTERVAL_METHODS, STATUS_MEANINGS
from synreduce.solvers import DETERMINED_SHARE
from synreduce.strategies import canonical_form

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synreduce.pipeline.merge_records import MergeTask, WindowMerge
    from synreduce.result import StoredFit

_PARTS = ("se", "low", "high")
_FIGURES = (
    "intercept", "intercept_se", "objective", "condition", "effective_degrees_of_freedom",
)  # fmt: skip
_MISSING = STATUS_MEANINGS.index("missing")


def fit_variables(task: MergeTask, merge: WindowMerge) -> dict[str, NDArray[Any]]:
    """Fill the variables of the chosen fit of every spatial chunk.

    Parameters
    ----------
    task : MergeTask
        Temporal chunk and split.
    merge : WindowMerge
        What was merged there.

    Returns
    -------
    dict of str to ndarray
        Filters in canonical form, weights, and what the solver said.
    """
    cell = ("spatial",)
    arrays = Variables(task.sizes)
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
    for name in (*_FIGURES, "ridge"):
        arrays.real(name, *cell)
    for name in ("n_samples", "n_positive", "n_evaluations", "n_iterations"):
        arrays.integer(name, *cell)
    for name in ("strategy", "solver", "restart"):
        arrays.integer(name, *cell, fill=-1)
    arrays.integer("status", *cell, fill=_MISSING)
    for where, fit in enumerate(merge.chosen):
        arrays["n_samples"][where] = merge.n_samples
        arrays["n_positive"][where] = merge.n_positive
        if fit is not None:
            _fill_fit(arrays, where, fit, task)
    return arrays


def _fill_fit(arrays: Variables, where: int, fit: StoredFit, task: MergeTask) -> None:
    for name in _FIGURES:
        arrays[name][where] = getattr(fit, name)
    for name in ("n_evaluations", "n_iterations", "restart"):
        arrays[name][where] = getattr(fit, name)
    arrays["ridge"][where] = (
        fit.curves["chosen_ridge"][0] if "chosen_ridge" in fit.curves else np.nan
    )
    arrays["strategy"][where] = list(task.strategies).index(fit.strategy)
    arrays["solver"][where] = list(task.solvers).index(fit.solver)
    arrays["status"][where] = STATUS_MEANINGS.index(fit.status)
    basis = task.files[where].basis
    bins, bases = basis.bins, (basis.functions, task.temporal_basis)
    form = canonical_form(fit.factors, *bases, signs=task.groups)
    layout = FeatureLayout([Term(name, *map(len, bases)) for name in task.groups])
    for position, (group, matrix) in enumerate(layout.matrices(fit.theta).items()):
        at = (where, position)
        arrays["spatial_filter"][(*at, bins)] = form.spatial_filter[group][0]
        arrays["temporal_filter"][at] = form.temporal_filter[group][0, ::-1]
        arrays["spatial_weight"][at] = fit.factors[group][0][0]
        arrays["temporal_weight"][at] = fit.factors[group][1][0]
        arrays["weight"][at] = matrix
    _fill_weight_errors(arrays, where, fit, layout)
    _fill_intervals(arrays, where, fit, layout, task)


def _fill_weight_errors(
    arrays: Variables, where: int, fit: StoredFit, layout: FeatureLayout
) -> None:
    if fit.covariance is None or fit.data_share is None:
        return
    error = np.sqrt(np.maximum(np.diag(fit.covariance), 0.0))
    for name, values in (("weight_se", error), ("weight_data_share", fit.data_share)):
        for position, matrix in enumerate(layout.matrices(values).values()):
            arrays[name][where, position] = matrix
    enough = arrays["weight_data_share"][where] >= DETERMINED_SHARE
    arrays["weight_determined"][where] = np.where(
        enough, DETERMINATIONS.index("determined"), DETERMINATIONS.index("undetermined")
    )


def _fill_intervals(
    arrays: Variables, where: int, fit: StoredFit, layout: FeatureLayout, task: MergeTask
) -> None:
    """Fill in the errors of filters and their intervals, of replicates where there are any."""
    if fit.covariance is None:
        return
    basis = task.files[where].basis
    bins, bases = basis.bins, (basis.functions, task.temporal_basis)
    errors = canonical_filter_errors(fit.theta, fit.covariance, layout, bases, task.groups)
    bands = None
    if fit.replicates is not None:
        bands = canonical_filter_bands(fit.theta, fit.replicates, layout, bases, task.groups)
    method = "curvature" if bands is None else "bootstrap"
    arrays["filter_interval"][where] = INTERVAL_METHODS.index(method)
    for position, group in enumerate(task.groups):
        at = (where, position)
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
