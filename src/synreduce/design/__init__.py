"""The design: rows of projected input, one per sample, and what their columns mean."""

from synreduce.design.layout import FeatureLayout, Term
from synreduce.design.rows import (
    ROWS_PER_BLOCK,
    ArrayRows,
    ConcatenatedColumns,
    RowArray,
    RowSource,
    SelectedRows,
    iterate_blocks,
)

__all__ = [
    "ROWS_PER_BLOCK",
    "ArrayRows",
    "ConcatenatedColumns",
    "FeatureLayout",
    "RowArray",
    "RowSource",
    "SelectedRows",
    "Term",
    "iterate_blocks",
]
