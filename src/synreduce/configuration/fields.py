"""Base class and field types of all sections of the configuration."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from synreduce.errors import InputError
from synreduce.units import parse_bytes

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


class Section(BaseModel):
    """A part of the configuration. Unknown keys are refused, and text is never read as a number."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        validate_default=False,
    )


def checked_name(name: str) -> str:
    """Refuse names that could leave the run folder or reach a shell.

    Parameters
    ----------
    name : str
        Name of a run, database, split, strategy, solver or group.

    Returns
    -------
    str
        The same name.

    Raises
    ------
    ValueError
        If it is not of the safe class.

    Examples
    --------
    >>> checked_name("wt_2")
    'wt_2'
    """
    if _NAME.fullmatch(name) is None:
        message = (
            f"{name[:80]!r} is not allowed: only letters, digits, _ . -, 1 to 64 of them, "
            "not starting with . or -"
        )
        raise ValueError(message)
    return name


def _checked_memory(text: str) -> str:
    try:
        parse_bytes(text)
    except InputError as error:
        problem = error.problems[0]
        message = f"{problem.what}; {problem.fix}"
        raise ValueError(message) from error
    return text


Plain = Any
"""A value as JSON knows it."""

Name = Annotated[
    str,
    AfterValidator(checked_name),
    Field(json_schema_extra={"pattern": f"^{_NAME.pattern}$"}),
]
Memory = Annotated[str, AfterValidator(_checked_memory), Field(examples=["500 MB", "4 GiB"])]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
