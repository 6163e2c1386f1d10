"""What a merged file holds: one table of dimensions and variables.

Writer, reader, documentation and tests all follow from the tables in this module and in
:mod:`synreduce.result.schema_variables`; nothing else says what a variable is called or means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SCHEMA_NAME = "synreduce-result"
SCHEMA_VERSION = "1.0"
CONVENTIONS = "CF-1.11"

Kind = Literal["real", "integer", "flag", "text"]

STATUS_MEANINGS = (
    "ok",
    "not_converged",
    "one_class",
    "too_few_spikes",
    "failed",
    "missing",
)
"""Outcome of a fit; the position is the value stored in ``status``."""

FITTED_STATUSES = ("ok", "not_converged")
"""Outcomes that leave usable weights."""

LEVELS = ("chunk", "merged", "consensus", "truth")
"""What was evaluated: the fit of one chunk, all spatial chunks together, the pooled filter, or the
score that generated the spikes, where the database knows it."""


@dataclass(frozen=True)
class Dimension:
    """An axis of the merged file, stored as a dimension scale (netCDF coordinate variable).

    Parameters
    ----------
    name : str
        Name of the dimension and of its coordinate variable.
    kind : {"real", "integer", "text"}
        Type of the coordinate: float64, int64 or UTF-8 text.
    units : str
        Unit, ``1`` if there is none.
    long_name : str
        One phrase for people.
    required : bool, default: True
        Whether every merged file has it.
    """

    name: str
    kind: Kind
    units: str
    long_name: str
    required: bool = True


@dataclass(frozen=True)
class Variable:
    """A variable of the merged file.

    Parameters
    ----------
    name : str
        Name of the dataset at the root of the file.
    dimensions : tuple of str
        Names of its axes, in order.
    kind : {"real", "integer", "flag"}
        Type: float64, int64, or int8 with ``flag_values`` and ``flag_meanings``.
    units : str
        Unit, ``1`` if there is none.
    long_name : str
        One phrase for people.
    meanings : tuple of str, optional
        Meanings of flag values 0, 1, ...; empty for a flag whose meanings come with the content
        (names of strategies, solvers, merge methods).
    required : bool, default: False
        Whether every merged file has it. Values that could not be computed are NaN.
    comment : str, optional
        What a reader must know to use it.
    """

    name: str
    dimensions: tuple[str, ...]
    kind: Kind
    units: str
    long_name: str
    meanings: tuple[str, ...] = ()
    required: bool = False
    comment: str = ""


DIMENSIONS: tuple[Dimension, ...] = (
    Dimension("split", "text", "1", "named division of the samples into train and test"),
    Dimension("temporal", "text", "1", "temporal chunk: range of target windows"),
    Dimension("spatial", "text", "1", "spatial chunk: range of soma distance"),
    Dimension("group", "text", "1", "synapse group"),
    Dimension("soma_distance", "real", "um", "centre of the soma-distance bin"),
    Dimension("lag", "real", "ms", "time before the end of the target window, start of the bin"),
    Dimension("spatial_basis", "integer", "1", "number of the spatial basis function"),
    Dimension("temporal_basis", "integer", "1", "number of the temporal basis function"),
    Dimension("wni_bin", "integer", "1", "number of the knot of the nonlinearity"),
    Dimension("isi", "real", "ms", "time since the last spike, upper end of the 1 ms bin"),
    Dimension("subset", "text", "1", "side of the split"),
    Dimension("level", "text", "1", "what was evaluated: chunk, merged, consensus or truth"),
    Dimension("probability_bin", "integer", "1", "bin of predicted probability", required=False),
    Dimension("iteration", "integer", "1", "point of the trace of the objective", required=False),
    Dimension("parameter", "text", "1", "named parameter of the strategy", required=False),
)


def dimension(name: str) -> Dimension:
    """Look up a dimension.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    Dimension

    Raises
    ------
    KeyError
        If the schema has no such dimension.

    Examples
    --------
    >>> dimension("lag").units
    'ms'
    """
    return {entry.name: entry for entry in DIMENSIONS}[name]
