"""Budgets of one fit, in evaluations and wall-clock time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from synreduce.solvers.continuation import Continuation


class BudgetSpentError(Exception):
    """No evaluation is left; the best point so far counts."""


@dataclass
class Budget:
    """Counts evaluations and refuses more than allowed.

    Parameters
    ----------
    max_evaluations : int or None
        Evaluations allowed.
    max_seconds : float or None
        Wall-clock time allowed, together with that of earlier attempts.
    continuation : Continuation, optional
        Asked for time before anything is granted.

    Examples
    --------
    >>> budget = Budget(2)
    >>> budget.spend(), budget.spend(), budget.spend(), budget.spent
    (True, True, False, 2)
    """

    max_evaluations: int | None = None
    max_seconds: float | None = None
    continuation: Continuation = field(default_factory=Continuation, repr=False)
    spent: int = field(default=0, init=False)
    _began: float = field(default_factory=time.perf_counter, repr=False)

    @property
    def left(self) -> int | None:
        """Evaluations left; None if unlimited."""
        return None if self.max_evaluations is None else self.max_evaluations - self.spent

    def spend(self, evaluations: int = 1) -> bool:
        """Ask for evaluations.

        Parameters
        ----------
        evaluations : int, default: 1
            How many are to be made.

        Returns
        -------
        bool
            Whether they are granted; if so they count as spent.

        Raises
        ------
        OutOfTimeError
            If the job ends, which says nothing of the fit: it is to be continued by another.
        """
        self.continuation.require_time()
        if self._is_late() or (self.left is not None and evaluations > self.left):
            return False
        self.spent += evaluations
        return True

    def count_recalled(self) -> None:
        """Count an evaluation that an earlier attempt was granted and made."""
        self.spent += 1

    def _is_late(self) -> bool:
        if self.max_seconds is None:
            return False
        seconds = self.continuation.earlier_seconds + time.perf_counter() - self._began
        return seconds > self.max_seconds

    @property
    def message(self) -> str:
        """Why nothing more is granted."""
        if self.left is not None and self.left <= 0:
            return f"stopped on its budget of {self.max_evaluations} evaluations"
        if self.max_seconds is not None:
            return f"stopped on its budget of {self.max_seconds:g} s"
        return f"stopped after {self.spent} evaluations"
