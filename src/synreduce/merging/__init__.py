"""Merging: spatial chunks into one filter, windows into a consensus, fits into the best."""

from synreduce.merging.kernels import (
    assemble_kernel,
    canonical_scale,
    kernel_variance,
)
from synreduce.merging.selection import USABLE_STATUSES, choose_best
from synreduce.merging.temporal import Consensus, consensus

__all__ = [
    "USABLE_STATUSES",
    "Consensus",
    "assemble_kernel",
    "canonical_scale",
    "choose_best",
    "consensus",
    "kernel_variance",
]
