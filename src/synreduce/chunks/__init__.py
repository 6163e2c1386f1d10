"""The grid of chunks, outcomes of samples, and splits into train and test."""

from synreduce.chunks.case_control import (
    FullScale,
    full_scale,
    relative_efficiency,
    with_fewer_negatives,
)
from synreduce.chunks.grid import Batch, Chunk, Grid, SpatialRange, TemporalRange
from synreduce.chunks.groups import GROUPINGS
from synreduce.chunks.memory import MOST_TRIALS_PER_BLOCK, TRIALS_PER_QUANTUM, trial_blocks
from synreduce.chunks.outcomes import SpikeTimesLike, outcomes, time_since_last_spike
from synreduce.chunks.randomness import mixed, unit_numbers
from synreduce.chunks.report import DEFAULT_MINIMUM, too_few_positives
from synreduce.chunks.sides import TEST_FIRST, TEST_SECOND, TRAIN, UNUSED
from synreduce.chunks.split import SUBSETS, Split, Subset
from synreduce.chunks.splits import SplitDefinition, make_split

__all__ = [
    "DEFAULT_MINIMUM",
    "GROUPINGS",
    "MOST_TRIALS_PER_BLOCK",
    "SUBSETS",
    "TEST_FIRST",
    "TEST_SECOND",
    "TRAIN",
    "TRIALS_PER_QUANTUM",
    "UNUSED",
    "Batch",
    "Chunk",
    "FullScale",
    "Grid",
    "SpatialRange",
    "SpikeTimesLike",
    "Split",
    "SplitDefinition",
    "Subset",
    "TemporalRange",
    "full_scale",
    "make_split",
    "mixed",
    "outcomes",
    "relative_efficiency",
    "time_since_last_spike",
    "too_few_positives",
    "trial_blocks",
    "unit_numbers",
    "with_fewer_negatives",
]
