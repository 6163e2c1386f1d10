"""The variables of the merged file that say how certain filters and weights are."""

from __future__ import annotations

from synreduce.result.schema import Variable

INTERVAL_METHODS = ("none", "curvature", "bootstrap")
"""Where the ends of intervals come from; the position is the value stored."""

DETERMINATIONS = ("unknown", "undetermined", "determined")
"""Whether the data determine a weight; the position is the value stored."""

_CELL = ("split", "temporal", "spatial", "group")
_CURVES = (
    ("spatial_filter", (*_CELL, "soma_distance"), "the spatial filter"),
    ("temporal_filter", (*_CELL, "lag"), "the temporal filter"),
    (
        "kernel",
        ("split", "temporal", "group", "soma_distance", "lag"),
        "the space x time filter",
    ),
)
_WEIGHT = (*_CELL, "spatial_basis", "temporal_basis")

UNCERTAINTY = (
    *(
        Variable(
            f"{name}_se",
            dimensions,
            "real",
            "1",
            f"standard error of {phrase}",
            required=name != "kernel",
            comment="root of the mean squared error: scatter, and bias by the penalty",
        )
        for name, dimensions, phrase in _CURVES
    ),
    *(
        Variable(
            f"{name}_{end}",
            dimensions,
            "real",
            "1",
            f"{end}er end of the 95 % interval of {phrase}",
            comment=f"see {'kernel' if name == 'kernel' else 'filter'}_interval; pointwise",
        )
        for name, dimensions, phrase in _CURVES
        for end in ("low", "high")
    ),
    Variable(
        "filter_interval",
        ("split", "temporal", "spatial"),
        "flag",
        "1",
        "where the ends of the intervals of spatial and temporal filter come from",
        INTERVAL_METHODS,
        comment="curvature: filter and 1.96 standard errors; bootstrap: percentiles of replicates "
        "with a weaker penalty, so the filter need not be in the middle",
    ),
    Variable(
        "kernel_interval",
        ("split", "temporal"),
        "flag",
        "1",
        "where the ends of the intervals of the space x time filter come from",
        INTERVAL_METHODS,
        comment="as filter_interval",
    ),
    Variable(
        "weight_data_share",
        _WEIGHT,
        "real",
        "1",
        "part of the variance of the weight under the penalty alone that the data take away",
        comment="0: only the penalty holds the weight; 1: only the data do",
    ),
    Variable(
        "weight_determined",
        _WEIGHT,
        "flag",
        "1",
        "whether the data determine the weight",
        DETERMINATIONS,
        comment="determined: weight_data_share is at least 0.5; unknown: the solver has no "
        "likelihood",
    ),
)
