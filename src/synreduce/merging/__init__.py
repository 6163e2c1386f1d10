"""Merging: spatial chunks into one filter, windows into a consensus, fits into the best."""

from synreduce.merging.filter_errors import FilterErrors, canonical_filter_errors
from synreduce.merging.kernels import (
    assemble_kernel,
    canonical_scale,
    kernel_variance,
)
from synreduce.merging.parts import (
    ChunkBasis,
    MergedKernel,
    MergedModel,
    SpatialPart,
    merged_kernel,
)
from synreduce.merging.selection import USABLE_STATUSES, choose_best
from synreduce.merging.spatial import merge_spatial, part_scores
from synreduce.merging.temporal import Consensus, ConsensusSums, consensus

__all__ = [
    "USABLE_STATUSES",
    "ChunkBasis",
    "Consensus",
    "ConsensusSums",
    "FilterErrors",
    "MergedKernel",
    "MergedModel",
    "SpatialPart",
    "assemble_kernel",
    "canonical_filter_errors",
    "canonical_scale",
    "choose_best",
    "consensus",
    "kernel_variance",
    "merge_spatial",
    "merged_kernel",
    "part_scores",
]
