"""The filter of a merged model without the bias of its penalties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synreduce.merging.kernels import assemble_kernel, kernel_variance
from synreduce.merging.parts import ChunkBasis, MergedModel

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class CorrectedKernel:
    """A space x time filter whose errors average out over windows.

    Parameters
    ----------
    kernel : ndarray, shape (n_groups, n_bins, width)
        Log odds per synapse activation; time runs forward. As fitted in chunks without errors.
    variance : ndarray, same shape
        NaN in chunks without errors; 0 in bins of no chunk.
    """

    kernel: FloatArray
    variance: FloatArray


def corrected_kernel(
    model: MergedModel,
    spatial: Mapping[str, ChunkBasis],
    temporal: FloatArray,
    groups: Sequence[str],
    n_bins: int,
) -> CorrectedKernel:
    """Assemble the filter of all chunks from weights without the bias of the penalties.

    Parameters
    ----------
    model : MergedModel
        Merged weights.
    spatial, temporal, groups, n_bins
        As for `merged_kernel`.

    Returns
    -------
    CorrectedKernel
    """
    shape = (len(groups), n_bins, temporal.shape[1])
    kernel, variance = np.zeros(shape), np.zeros(shape)
    for number, part in enumerate(model.parts):
        basis, layout = spatial[part], model.layouts[number]
        corrected = model.bias_corrected[number]
        theta = model.theta[number] if corrected is None else corrected.theta
        weights = layout.matrices(theta)
        for position, group in enumerate(groups):
            where = (position, basis.bins)
            kernel[where] = assemble_kernel(weights[group], basis.functions, temporal)
            variance[where] = np.nan
            if corrected is not None:
                block = corrected.covariance[layout.names.index(group)]
                variance[where] = kernel_variance(block, basis.functions, temporal)
    return CorrectedKernel(kernel, variance)
