"""A mistake in the configuration, by the key it is about."""

from __future__ import annotations

from dataclasses import dataclass

from synreduce.configuration.yaml_source import KeyPath, Source
from synreduce.errors import Problem


@dataclass(frozen=True)
class Finding:
    """One mistake, before it is known in which line it stands.

    Parameters
    ----------
    code : str
        Kind of mistake.
    path : tuple of str and int
        Key it is about.
    what : str
        What is wrong, with the value found.
    fix : str, optional
        One action that mends it.
    """

    code: str
    path: KeyPath
    what: str
    fix: str = ""

    def located(self, source: Source) -> Problem:
        """Add file and line.

        Parameters
        ----------
        source : Source

        Returns
        -------
        Problem
        """
        return Problem(self.code, source.where(self.path), self.what, self.fix)
