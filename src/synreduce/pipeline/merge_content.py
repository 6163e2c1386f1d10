"""What one temporal chunk and split adds to the merged file; runs on a worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from synreduce.chunks import relative_efficiency
from synreduce.merging import NORMAL_QUANTILE
from synreduce.pipeline.merge_fits import fit_variables
from synreduce.pipeline.merge_records import MergeTask, WindowContent
from synreduce.pipeline.merge_searches import search_variables
from synreduce.pipeline.merge_window import merge_window
from synreduce.pipeline.variables import Variables, metric_arrays
from synreduce.result import FITTED_STATUSES, INTERVAL_METHODS, FailedChunk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from synreduce.merging import Consensus
    from synreduce.pipeline.merge_records import MetricsByLevel, WindowMerge
    from synreduce.solvers.row_groups import Spread

MERGE_METHODS = ("single", "sum", "stack", "refine")
_CALIBRATIONS = ("calibration", "calibration_train")


def window_content(task: MergeTask, spread: Spread | None = None) -> WindowContent:
    """Merge the spatial chunks of a window and lay out the result.

    The covariances, which are many times larger than the filters, stay on the worker.

    Parameters
    ----------
    task : MergeTask
        What to merge.
    spread : callable, optional
        Holds the rows of a large task on several workers.

    Returns
    -------
    WindowContent

    Raises
    ------
    ChunkFailedError, ArtefactError
        As `merge_window`.
    """
    merge = merge_window(task, spread)
    fits = [fit for of_chunk in merge.fits for fit in of_chunk]
    return WindowContent(
        variables={
            **fit_variables(task, merge),
            **search_variables(task, merge),
            **_merged_variables(task, merge),
        },
        metrics=_metrics(task, merge),
        kernel=merge.kernel.kernel,
        corrected=merge.corrected,
        rows=(*(row for fit in fits for row in fit.scores), *merge.rows),
        failures=tuple(_failures(task, merge)),
    )


def _failures(task: MergeTask, merge: WindowMerge) -> Iterator[FailedChunk]:
    for files, fits in zip(task.files, merge.fits, strict=True):
        for fit in fits:
            if fit.status not in FITTED_STATUSES:
                reason = f"{fit.solver}: {fit.message}"
                yield FailedChunk(files.fits_identity.chunk, fit.split, fit.status, reason)


def _merged_variables(task: MergeTask, merge: WindowMerge) -> dict[str, NDArray[Any]]:
    arrays = Variables(task.sizes)
    for name in ("kernel", "kernel_se", "kernel_low", "kernel_high"):
        arrays.real(name, "group", "soma_distance", "lag")
    arrays.real("merged_weight", "spatial", "group", "spatial_basis", "temporal_basis")
    model, scale = merge.model, merge.scale
    arrays["kernel"][...] = merge.kernel.kernel[..., ::-1] / scale
    arrays["kernel_se"][...] = np.sqrt(merge.kernel.variance[..., ::-1]) / scale
    arrays["kernel_low"][...] = merge.kernel.low[..., ::-1] / scale
    arrays["kernel_high"][...] = merge.kernel.high[..., ::-1] / scale
    for third, part in enumerate(model.parts):
        for position, matrix in enumerate(model.weights(part).values()):
            arrays["merged_weight"][third, position] = matrix
    return {
        **arrays,
        **_response_variables(task, merge),
        "isi_penalty": merge.penalty.penalty,
        "log_odds_intercept": np.array(model.intercept),
        "merged_intercept": np.array(model.intercept),
        "log_odds_slope": np.array(scale),
        "merge_ridge": np.array(model.ridge),
        "merge": np.array(MERGE_METHODS.index(model.method)),
        "negative_fraction": np.array(merge.negative_fraction),
        "sampling_efficiency": np.array(
            relative_efficiency(merge.n_positive, merge.n_samples, merge.negative_fraction)
        ),
        "kernel_interval": np.array(INTERVAL_METHODS.index(merge.kernel.interval)),
    }


def _response_variables(task: MergeTask, merge: WindowMerge) -> dict[str, NDArray[Any]]:
    """Lay out curves of the merged model whose number of points depends on the data."""
    arrays = Variables(task.sizes)
    for name in ("nonlinearity", "nonlinearity_wni"):
        arrays.real(name, "wni_bin")
    n_knots = merge.nonlinearity.net_input.size
    arrays["nonlinearity"][:n_knots] = merge.nonlinearity.probability
    arrays["nonlinearity_wni"][:n_knots] = merge.nonlinearity.net_input
    curves = (merge.calibration, merge.train_calibration)
    for prefix, curve in zip(_CALIBRATIONS, curves, strict=True):
        for name in ("predicted", "observed"):
            arrays.real(f"{prefix}_{name}", "probability_bin")
        arrays.integer(f"{prefix}_n_samples", "probability_bin")
        for name in ("predicted", "observed", "n_samples"):
            values = getattr(curve, name)
            arrays[f"{prefix}_{name}"][: values.size] = values
    return dict(arrays)


def _metrics(task: MergeTask, merge: WindowMerge) -> MetricsByLevel:
    """Scores of the chosen fit of every spatial chunk, of the merged model and of the truth."""
    chosen = [row for fit in merge.chosen if fit is not None for row in fit.scores]
    return {
        level: metric_arrays(task, (row for row in (*chosen, *merge.rows) if row.level == level))
        for level in {"chunk", *(row.level for row in merge.rows)}
    }


def consensus_variables(pooled: Sequence[Consensus]) -> dict[str, NDArray[np.float64]]:
    """Lay out what all windows say together.

    Parameters
    ----------
    pooled : sequence of Consensus
        One per split.

    Returns
    -------
    dict of str to ndarray, shape (n_splits, n_groups, n_bins, width)
    """
    by_split = [_consensus_of_split(split) for split in pooled]
    return {name: np.array([of[name][..., ::-1] for of in by_split]) for name in by_split[0]}


def _consensus_of_split(pooled: Consensus) -> dict[str, NDArray[np.float64]]:
    """Lay out the pooled filter as fitted, with the errors that its bias is a part of."""
    bias = pooled.fitted - pooled.value
    half = NORMAL_QUANTILE * pooled.standard_error
    return {
        "consensus_kernel": pooled.fitted,
        "consensus_kernel_se": np.hypot(pooled.standard_error, bias),
        "consensus_kernel_low": pooled.value - half,
        "consensus_kernel_high": pooled.value + half,
        "heterogeneity_q": pooled.q,
        "heterogeneity_i2": pooled.i2,
        "heterogeneity_p": pooled.p_value,
    }
