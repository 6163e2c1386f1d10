"""Restarts of a fit in rounds: independent tasks, and no more of them than are needed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from synreduce.errors import OutOfTimeError
from synreduce.execution.engine import TaskFailure
from synreduce.pipeline.fitting import FitTask, fit_one
from synreduce.result import StoredFit, stored_agreement
from synreduce.solvers import next_restarts

if TYPE_CHECKING:
    from synreduce.execution import Engine
    from synreduce.solvers.row_groups import Spread


@dataclass
class FitSeries:
    """All restarts of one fit: one chunk, strategy, solver and split.

    Parameters
    ----------
    first : FitTask
        The first restart.
    """

    first: FitTask
    fits: list[StoredFit] = field(default_factory=list)
    failures: list[TaskFailure] = field(default_factory=list)
    _n_asked: int = 0

    def next_round(self) -> list[FitTask]:
        """Ask for the tasks that are needed next.

        Returns
        -------
        list of FitTask
            Empty if no more are needed, or something failed.
        """
        if self.failures:
            return []
        options = self.first.solver
        found = stored_agreement(self.fits, self.first.bases, options.agreement)
        tasks = [
            replace(self.first, restart=restart)
            for restart in next_restarts(options, self._n_asked, found)
        ]
        self._n_asked += len(tasks)
        return tasks

    def take(self, outcome: StoredFit | TaskFailure) -> bool:
        """Take what came of a task.

        Parameters
        ----------
        outcome : StoredFit or TaskFailure
            The fit, or why there is none.

        Returns
        -------
        bool
            Whether it was the last of its round.
        """
        if isinstance(outcome, TaskFailure):
            self.failures.append(outcome)
        else:
            self.fits.append(outcome)
        return len(self.fits) + len(self.failures) == self._n_asked

    @property
    def n_skipped(self) -> int:
        """Restarts that are not needed."""
        return self.first.solver.restarts - self._n_asked


def attempt(task: FitTask, spread: Spread | None = None) -> StoredFit | TaskFailure:
    """Make a fit; that the job ends is an answer and no error, which Dask would log at length.

    Parameters
    ----------
    task : FitTask
        What to fit.
    spread : callable, optional
        Holds the rows of a large task on several workers.

    Returns
    -------
    StoredFit or TaskFailure
    """
    try:
        return fit_one(task, spread)
    except OutOfTimeError as error:
        return TaskFailure(str(error), error)


def run_rounds(engine: Engine, series: Iterable[FitSeries]) -> Iterator[FitSeries]:
    """Run rounds of restarts, those of a series that has begun before those of a new one.

    Parameters
    ----------
    engine : Engine
        Runs the fits.
    series : iterable of FitSeries
        Taken up one after the other, as workers become free.

    Yields
    ------
    FitSeries
        When it is complete, or as complete as its failures let it be.
    """
    fresh = iter(series)
    ready: deque[tuple[FitSeries, FitTask]] = deque()
    sent: deque[FitSeries] = deque()

    def tasks() -> Iterator[FitTask]:
        while True:
            if not ready:
                one = next(fresh, None)
                if one is None:
                    return
                ready.extend((one, task) for task in one.next_round())
            one, task = ready.popleft()
            sent.append(one)
            yield task

    while True:
        begun = False
        for outcome in engine.try_map_ordered(attempt, tasks(), FitTask.is_large):
            begun = True
            one = sent.popleft()
            if one.take(outcome):
                following = one.next_round()
                ready.extendleft((one, task) for task in reversed(following))
                if not following:
                    yield one
        # The last outcomes may have asked for another round.
        if not begun:
            return
