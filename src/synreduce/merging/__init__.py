"""Merging: spatial chunks into one filter, windows into a consensus, fits into the best."""

from synreduce.merging.corrected import CorrectedKernel, corrected_kernel
from synreduce.merging.filter_errors import (
    FilterSpread,
    canonical_filter_bands,
    canonical_filter_errors,
)
from synreduce.merging.kernels import (
    CONFIDENCE,
    NORMAL_QUANTILE,
    assemble_kernel,
    canonical_scale,
    kernel_variance,
    percentile_band,
)
from synreduce.merging.parts import (
    ChunkBasis,
    MergedKernel,
    MergedModel,
    SpatialPart,
    merged_kernel,
)
from synreduce.merging.refining import RefineSettings
from synreduce.merging.selection import USABLE_STATUSES, choose_best
from synreduce.merging.spatial import merge_spatial, part_scores
from synreduce.merging.temporal import Consensus, ConsensusSums, consensus

__all__ = [
    "CONFIDENCE",
    "NORMAL_QUANTILE",
    "USABLE_STATUSES",
    "ChunkBasis",
    "Consensus",
    "ConsensusSums",
    "CorrectedKernel",
    "FilterSpread",
    "MergedKernel",
    "MergedModel",
    "RefineSettings",
    "SpatialPart",
    "assemble_kernel",
    "canonical_filter_bands",
    "canonical_filter_errors",
    "canonical_scale",
    "choose_best",
    "consensus",
    "corrected_kernel",
    "kernel_variance",
    "merge_spatial",
    "merged_kernel",
    "part_scores",
    "percentile_band",
]
