"""The table of variables of the merged file (see :mod:`synreduce.result.schema`)."""

from __future__ import annotations

from synreduce.result.schema import Variable
from synreduce.result.schema_fit import AUROC_FIGURES, FIT, METRIC_VARIABLES, RESPONSE
from synreduce.result.schema_uncertainty import UNCERTAINTY

_CELL = ("split", "temporal", "spatial")
_BASIS_PAIR = ("spatial_basis", "temporal_basis")
_PLANE = ("soma_distance", "lag")

_AXES = (
    Variable(
        "temporal_start",
        ("temporal",),
        "real",
        "ms",
        "start of the first target window",
        required=True,
    ),
    Variable(
        "temporal_stop",
        ("temporal",),
        "real",
        "ms",
        "end of the range of target windows",
        required=True,
    ),
    Variable("temporal_step", ("temporal",), "real", "ms", "step between target windows"),
    Variable("target_width", ("temporal",), "real", "ms", "width of a target window"),
    Variable(
        "spatial_start", ("spatial",), "real", "um", "lower end of the spatial chunk", required=True
    ),
    Variable(
        "spatial_stop", ("spatial",), "real", "um", "upper end of the spatial chunk", required=True
    ),
    Variable(
        "soma_distance_start",
        ("soma_distance",),
        "real",
        "um",
        "lower edge of the soma-distance bin, inclusive",
        required=True,
    ),
    Variable(
        "soma_distance_stop",
        ("soma_distance",),
        "real",
        "um",
        "upper edge of the soma-distance bin, exclusive",
        required=True,
    ),
    Variable(
        "group_sign",
        ("group",),
        "integer",
        "1",
        "sign of the group",
        required=True,
        comment="+1 excites, -1 inhibits; the sign of the peak of the temporal filter",
    ),
    Variable(
        "spatial_basis_function",
        ("spatial_basis", "soma_distance"),
        "real",
        "1",
        "raised cosine basis functions over soma distance",
        required=True,
    ),
    Variable(
        "temporal_basis_function",
        ("temporal_basis", "lag"),
        "real",
        "1",
        "raised cosine basis functions over lag",
        required=True,
    ),
)

_FILTERS = (
    Variable(
        "spatial_filter",
        (*_CELL, "group", "soma_distance"),
        "real",
        "1",
        "spatial filter in canonical form",
        required=True,
        comment="of the fit of one chunk; NaN outside the chunk. Divided by the largest "
        "magnitude of the reference group's spatial filter (EXC, else the first)",
    ),
    Variable(
        "temporal_filter",
        (*_CELL, "group", "lag"),
        "real",
        "1",
        "temporal filter in canonical form",
        required=True,
        comment="of the fit of one chunk; its point of largest magnitude is +1 for groups "
        "that excite and -1 for groups that inhibit",
    ),
    Variable(
        "kernel",
        ("split", "temporal", "group", *_PLANE),
        "real",
        "1",
        "space x time filter, all chunks assembled",
        required=True,
        comment="the merged model: weighted net input = sum of kernel * counts",
    ),
    Variable(
        "log_odds_intercept",
        ("split", "temporal"),
        "real",
        "1",
        "log odds of a spike at zero weighted net input",
        comment="log odds = log_odds_intercept + log_odds_slope * weighted net input",
    ),
    Variable(
        "log_odds_slope",
        ("split", "temporal"),
        "real",
        "1",
        "change of the log odds of a spike per unit of weighted net input",
    ),
)

_WEIGHTS = (
    Variable(
        "spatial_weight",
        (*_CELL, "group", "spatial_basis"),
        "real",
        "1",
        "weight of the spatial basis functions, as fitted",
        required=True,
        comment="leading component where the fit has rank above one",
    ),
    Variable(
        "temporal_weight",
        (*_CELL, "group", "temporal_basis"),
        "real",
        "1",
        "weight of the temporal basis functions, as fitted",
        required=True,
        comment="leading component where the fit has rank above one",
    ),
    Variable(
        "weight",
        (*_CELL, "group", *_BASIS_PAIR),
        "real",
        "1",
        "weight of the products of basis functions, any rank, as fitted",
        comment="log odds per unit of projected input; for rank one the outer product of "
        "spatial_weight and temporal_weight",
    ),
    Variable(
        "weight_se", (*_CELL, "group", *_BASIS_PAIR), "real", "1", "standard error of the weight"
    ),
    Variable("intercept", _CELL, "real", "1", "intercept of the fit", required=True),
    Variable("intercept_se", _CELL, "real", "1", "standard error of the intercept of the fit"),
    Variable(
        "parameter_value",
        (*_CELL, "parameter"),
        "real",
        "1",
        "value of a named parameter of the strategy, as fitted",
    ),
    Variable(
        "parameter_se", (*_CELL, "parameter"), "real", "1", "standard error of a named parameter"
    ),
    Variable(
        "merged_weight",
        (*_CELL, "group", *_BASIS_PAIR),
        "real",
        "1",
        "weight of the products of basis functions after merging",
        comment="log odds per unit of projected input",
    ),
    Variable(
        "merged_intercept", ("split", "temporal"), "real", "1", "intercept of the merged model"
    ),
)

_CONSENSUS = (
    Variable(
        "consensus_kernel",
        ("split", "group", *_PLANE),
        "real",
        "1",
        "space x time filter pooled over temporal chunks by inverse variance",
        required=True,
        comment="pooled on the scale of log odds: log_odds_slope * kernel; as fitted, with the "
        "bias of the ridge",
    ),
    Variable(
        "consensus_kernel_se",
        ("split", "group", *_PLANE),
        "real",
        "1",
        "root of the mean squared error of the pooled filter, bias of the ridge included",
    ),
    *(
        Variable(
            f"consensus_kernel_{end}",
            ("split", "group", *_PLANE),
            "real",
            "1",
            f"{word} end of the 95 % interval of the pooled filter",
            comment="around the filter without the bias of the ridge",
        )
        for end, word in (("low", "lower"), ("high", "upper"))
    ),
    Variable(
        "heterogeneity_q",
        ("split", "group", *_PLANE),
        "real",
        "1",
        "Cochran's Q over temporal chunks",
        required=True,
        comment="of filters without the bias of the ridge",
    ),
    Variable(
        "heterogeneity_i2",
        ("split", "group", *_PLANE),
        "real",
        "1",
        "I2: share of the variance over temporal chunks beyond sampling error",
        required=True,
    ),
    Variable(
        "heterogeneity_p",
        ("split", "group", *_PLANE),
        "real",
        "1",
        "probability of a Cochran's Q at least as large if one filter serves all windows",
    ),
    Variable(
        "weight_heterogeneity_q",
        ("split", "spatial", "group", *_BASIS_PAIR),
        "real",
        "1",
        "Cochran's Q over temporal chunks, of the weights",
    ),
    Variable(
        "weight_heterogeneity_i2",
        ("split", "spatial", "group", *_BASIS_PAIR),
        "real",
        "1",
        "I2 over temporal chunks, of the weights",
    ),
)

VARIABLES: tuple[Variable, ...] = (
    *_AXES,
    *_FILTERS,
    *_WEIGHTS,
    *UNCERTAINTY,
    *_CONSENSUS,
    *RESPONSE,
    *METRIC_VARIABLES,
    *AUROC_FIGURES,
    *FIT,
)
"""Every variable a merged file may hold."""


def variable(name: str) -> Variable:
    """Look up a variable.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    Variable

    Raises
    ------
    KeyError
        If the schema has no such variable.

    Examples
    --------
    >>> variable("kernel").dimensions
    ('split', 'temporal', 'group', 'soma_distance', 'lag')
    """
    return {entry.name: entry for entry in VARIABLES}[name]
