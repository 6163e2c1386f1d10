"""Progress of long work: a bar on a terminal, now and then a line in a log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)

_LINE_EVERY_SECONDS = 15.0


class ProgressReporter:
    """Counts finished units of work and says how much is left.

    Parameters
    ----------
    description : str
        What is being done.
    total : float or None
        Units of work in all; None if unknown.
    unit : str
        Name of a unit, e.g. ``trials``.
    """

    def __init__(self, description: str, total: float | None, unit: str) -> None:
        self.description, self.total, self.unit = description, total, unit
        self.done = 0.0
        self._start = self._last_line = time.monotonic()

    def advance(self, amount: float = 1.0) -> None:
        """Count finished work.

        Parameters
        ----------
        amount : float, default: 1.0
            Units finished since the last call.
        """
        self.done += amount
        self._show()

    def _show(self) -> None:
        now = time.monotonic()
        if now - self._last_line >= _LINE_EVERY_SECONDS:
            self._last_line = now
            logger.info("%s", self.summary())

    def summary(self) -> str:
        """Say what is done and estimate the time left.

        Returns
        -------
        str
        """
        elapsed = time.monotonic() - self._start
        if not self.total:
            return f"{self.description}: {self.done:,.0f} {self.unit} in {elapsed:.0f} s"
        left = elapsed / self.done * (self.total - self.done) if self.done else float("nan")
        estimate = f", about {left:.0f} s left" if self.done else ""
        return f"{self.description}: {self.done:,.0f} of {self.total:,.0f} {self.unit}{estimate}"


class _BarReporter(ProgressReporter):
    """Draws the bar with rich, which knows about terminals."""

    def __init__(self, description: str, total: float | None, unit: str) -> None:
        super().__init__(description, total, unit)
        from rich.console import Console  # noqa: PLC0415 (only needed on a terminal)
        from rich.progress import Progress  # noqa: PLC0415

        self.bar = Progress(console=Console(stderr=True), transient=True)
        self._task = self.bar.add_task(description, total=total)

    def _show(self) -> None:
        self.bar.update(self._task, completed=self.done)


@contextmanager
def progress(description: str, total: float | None, unit: str) -> Iterator[ProgressReporter]:
    """Report the progress of long work on a terminal or in the log.

    Parameters
    ----------
    description : str
        What is being done.
    total : float or None
        Units of work in all; None if unknown.
    unit : str
        Name of a unit, e.g. ``trials``.

    Yields
    ------
    ProgressReporter

    Examples
    --------
    >>> with progress("importing", 2, "files") as report:
    ...     report.advance()
    ...     report.advance()
    >>> report.done
    2.0
    """
    if sys.stderr.isatty():
        reporter = _BarReporter(description, total, unit)
        with reporter.bar:
            yield reporter
    else:
        yield ProgressReporter(description, total, unit)
