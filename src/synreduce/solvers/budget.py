"""Budgets of one fit, in evaluations and wall-clock time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


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
        Wall-clock time allowed from now on.

    Examples
    --------
    >>> budget = Budget(2)
    >>> budget.spend(), budget.spend(), budget.spend(), budget.spent
    (True, True, False, 2)
    """

    max_evaluations: int | None = None
    max_seconds: float | None = None
    spent: int = 0
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
        """
        late = self.max_seconds is not None and time.perf_counter() - self._began > self.max_seconds
        if late or (self.left is not None and evaluations > self.left):
            return False
        self.spent += evaluations
        return True

    @property
    def message(self) -> str:
        """Why nothing more is granted."""
        if self.left is not None and self.left <= 0:
            return f"stopped on its budget of {self.max_evaluations} evaluations"
        if self.max_seconds is not None:
            return f"stopped on its budget of {self.max_seconds:g} s"
        return f"stopped after {self.spent} evaluations"
