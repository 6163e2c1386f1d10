"""Errors that a user can act on: what was wrong, where, what was found, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_PRINTED_PROBLEMS = 20


def printable(text: object) -> str:
    r"""Escape control characters, so that a name from a file cannot steer the terminal.

    Parameters
    ----------
    text : object
        Anything that ends up in a message.

    Returns
    -------
    str

    Examples
    --------
    >>> printable("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    return "".join(
        char if char.isprintable() or char == " " else char.encode("unicode_escape").decode("ascii")
        for char in str(text)
    )


@dataclass(frozen=True)
class Problem:
    """One mistake in the user's input.

    Parameters
    ----------
    code : str
        Short stable name of the kind of mistake, e.g. ``unknown-key``.
    where : str
        File, and if known row, dataset, key or chunk: ``config.yaml:5 input.distance_bin_um``.
    what : str
        What is wrong, with the value found.
    fix : str, optional
        One action that mends it.
    """

    code: str
    where: str
    what: str
    fix: str = ""

    def __str__(self) -> str:
        fix = f" Fix: {printable(self.fix)}" if self.fix else ""
        what = printable(self.what)
        stop = "" if what.endswith((".", "?", "!")) else "."
        return f"ERROR {self.code} {printable(self.where)}: {what}{stop}{fix}"


class SynreduceError(Exception):
    """Base of all errors that are reported to the user as one message without a traceback."""

    exit_code = 1


class InputError(SynreduceError):
    """The user's files or configuration were refused; nothing was written.

    Parameters
    ----------
    problems : Problem or iterable of Problem
        Every mistake found, not only the first.
    """

    exit_code = 2

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        found: Sequence[Problem] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        self.problems = tuple(found)
        super().__init__(self._message())

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[Problem, ...]]]:
        return (type(self), (self.problems,))

    def _message(self) -> str:
        lines = [str(problem) for problem in self.problems[:_PRINTED_PROBLEMS]]
        hidden = len(self.problems) - _PRINTED_PROBLEMS
        if hidden > 0:
            lines.append(f"... and {hidden} more of {len(self.problems)} problems")
        return "\n".join(lines)


class DataError(InputError):
    """A data file does not hold what its format promises."""


class ConfigurationError(InputError):
    """The configuration cannot be used."""


class ArtefactError(InputError):
    """A file written by synreduce failed verification (damaged, swapped, or of another run)."""

    exit_code = 3


class RunLockedError(InputError):
    """Another process owns the run folder."""

    exit_code = 4


class ResourceError(InputError):
    """Out of space, quota, memory or time."""

    exit_code = 5


class OutOfTimeError(ResourceError):
    """The time of the job is over before its work was; what was done is kept."""


class ChunkFailedError(InputError):
    """Some chunks could not be fitted; the rest is kept."""

    exit_code = 1


class NotFoundInResultError(InputError, KeyError):
    """A result was asked for something it does not hold."""

    def __str__(self) -> str:
        return self._message()
