"""'Did you mean' for misspelt names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Suggest the known name closest to a misspelt one.

    Parameters
    ----------
    name : str
        What the user wrote.
    known : iterable of str
        The names that exist.

    Returns
    -------
    str
        A sentence: the closest name, or else the list of known names.

    Examples
    --------
    >>> did_you_mean("windwo", ["window", "splits"])
    "did you mean 'window'?"
    >>> did_you_mean("zzz", ["window", "splits"])
    'known: splits, window'
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean '{close[0]}'?" if close else f"known: {', '.join(names)}"
