"""Environment variables in paths."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

_VARIABLE = re.compile(r"\$(?:\{(?P<braced>\w+)\}|(?P<plain>\w+))")


def unset_variables(path: str, environment: Mapping[str, str] | None = None) -> list[str]:
    """List the variables in a path that are not set.

    Parameters
    ----------
    path : str
        With ``$NAME`` or ``${NAME}``.
    environment : mapping of str to str, optional
        Default: the environment of the process.

    Returns
    -------
    list of str

    Examples
    --------
    >>> unset_variables("$PROJECT/${NAME}.h5", {"NAME": "wt"})
    ['PROJECT']
    """
    known = os.environ if environment is None else environment
    names = [match["braced"] or match["plain"] for match in _VARIABLE.finditer(path)]
    return [name for name in names if name not in known]


def expanded(path: str, environment: Mapping[str, str] | None = None) -> str:
    """Replace variables that are set, and a leading ``~``.

    Parameters
    ----------
    path : str
    environment : mapping of str to str, optional
        Default: the environment of the process.

    Returns
    -------
    str

    Examples
    --------
    >>> expanded("${NAME}.h5", {"NAME": "wt"})
    'wt.h5'
    """
    known = os.environ if environment is None else environment

    def value(match: re.Match[str]) -> str:
        return known.get(match["braced"] or match["plain"], match[0])

    return str(Path(_VARIABLE.sub(value, path)).expanduser())
