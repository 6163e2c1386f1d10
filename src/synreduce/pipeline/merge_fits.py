"""Variables of the merged file that describe the fits of single chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from synreduce.design import FeatureLayout, Term
from synreduce.merging import canonical_filter_errors
from synreduce.pipeline.variables import Variables
from synreduce.result import STATUS_MEANINGS
from synreduce.strategies import canonical_form

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synreduce.pipeline.merge_records import MergeTask, WindowMerge
    from synreduce.result import StoredFit

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
    for where, fit in enumerate(merge.chosen):
        arrays["n_samples"][where] = merge.n_samples
        arrays["n_positive"][where] = merge.n_positive
        if fit is not None:
            _fill_fit(arrays, where, fit, task)
    return arrays


def _fill_fit(arrays: Variables, where: int, fit: StoredFit, task: MergeTask) -> None:
    for name in ("intercept", "objective", "condition", "effective_degrees_of_freedom"):
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
    errors = (
        None
        if fit.covariance is None
        else canonical_filter_errors(fit.theta, fit.covariance, layout, bases, list(task.groups))
    )
    for position, (group, matrix) in enumerate(layout.matrices(fit.theta).items()):
        at = (where, position)
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
