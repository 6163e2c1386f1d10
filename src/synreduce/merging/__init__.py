"""Merging: spatial chunks into one filter, windows into a consensus, fits into the best."""

from synreduce.merging.kernels import (
    CanonicalFilters,
    assemble_kernel,
    canonical_filters,
    canonical_scale,
    kernel_variance,
    reference_group,
)
from synreduce.merging.selection import USABLE_STATUSES, choose_best
from synreduce.merging.temporal import Consensus, consensus

__all__ = [
    "USABLE_STATUSES",
    "CanonicalFilters",
    "Consensus",
    "assemble_kernel",
    "canonical_filters",
    "canonical_scale",
    "choose_best",
    "consensus",
    "kernel_variance",
    "reference_group",
]
