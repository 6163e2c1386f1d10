"""Collects every mistake of an import, so that the user mends them all at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from synreduce.errors import DataError, InputError, Problem

_PROBLEMS_KEPT = 200
_PROBLEMS_PER_FILE = 20


class ProblemList:
    """The mistakes found so far.

    Parameters
    ----------
    limit : int, default: 200
        Problems kept with their text; further ones are only counted.
    """

    def __init__(self, limit: int = _PROBLEMS_KEPT) -> None:
        self._limit = limit
        self._problems: list[Problem] = []
        self._hidden = 0

    def __bool__(self) -> bool:
        return bool(self._problems)

    def add(self, problems: Problem | Iterable[Problem]) -> None:
        """Keep one or more problems.

        Parameters
        ----------
        problems : Problem or iterable of Problem
            What was found.
        """
        for problem in (problems,) if isinstance(problems, Problem) else problems:
            if len(self._problems) < self._limit:
                self._problems.append(problem)
            else:
                self._hidden += 1

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Keep the problems of an `InputError` raised inside and go on after the block.

        Yields
        ------
        None
        """
        try:
            yield
        except InputError as error:
            self.add(error.problems)

    def raise_if_any(self) -> None:
        """Refuse the import if anything was found.

        Raises
        ------
        DataError
            With all problems.
        """
        if self._hidden:
            more = Problem("more", "import", f"{self._hidden} further problems are not listed")
            raise DataError([*self._problems, more])
        if self._problems:
            raise DataError(self._problems)


class FileProblems:
    """The mistakes of one file; after some, the rest of the file is not worth listing.

    Parameters
    ----------
    name : str
        The file, as shown to the user.
    limit : int, default: 20
        Problems kept.
    """

    def __init__(self, name: str, limit: int = _PROBLEMS_PER_FILE) -> None:
        self.name = name
        self.found: list[Problem] = []
        self._limit = limit

    @property
    def full(self) -> bool:
        """Whether enough problems were found to stop reading."""
        return len(self.found) >= self._limit

    def add(self, code: str, place: str, what: str, fix: str) -> None:
        """Keep one problem of the file.

        Parameters
        ----------
        code : str
            Kind of mistake.
        place : str
            Row and field, ``":17 soma distance"``, or empty for the file as a whole.
        what, fix : str
            What is wrong and what mends it.
        """
        if not self.full:
            self.found.append(Problem(code, f"{self.name}{place}", what, fix))
