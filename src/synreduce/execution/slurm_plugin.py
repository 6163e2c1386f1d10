"""Three corrections of Snakemake's Slurm plugin (2.8).

- When none of its questions is answered (five attempts, nine seconds each) it forgets the jobs they
  were about, and then waits for ever for jobs it no longer knows.
- The pauses between looks grow by ten seconds, to three minutes, as long as nothing ends. In a
  chain of short jobs most of the time would be waiting for the next look.
- When a controller ends, it removes empty folders of logs. One of them may be that which another
  controller has just made for its next job; Slurm then has no place for its log, and the job fails.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from functools import wraps
from types import ModuleType
from typing import Protocol

_MODULE = "snakemake_executor_plugin_slurm"
_SHARE_OF_TIME = 0.2
"""Of the time without an end, how much of it again may pass before an end is noticed."""
_LONGEST_PAUSE_SECONDS = 60.0


class _Settings(Protocol):
    init_seconds_before_status_checks: float


class _Workflow(Protocol):
    executor_settings: _Settings


class SlurmExecutor(Protocol):
    """What is used of the plugin's executor."""

    logger: logging.Logger
    workflow: _Workflow
    next_seconds_between_status_checks: float


Check = Callable[[SlurmExecutor, Sequence[object]], AsyncIterator[object]]


def mend_slurm_plugin() -> None:
    """Correct the plugin, where Snakemake has loaded it."""
    plugin: ModuleType | None = sys.modules.get(_MODULE)
    if plugin is not None:
        executor = plugin.Executor
        executor.check_active_jobs = timely(keep_jobs_without_answer(executor.check_active_jobs))
        vars(plugin)["delete_empty_dirs"] = keep_empty_folders


def keep_empty_folders(_folder: object) -> None:
    """Remove nothing, in place of the plugin's removal of empty folders."""


def keep_jobs_without_answer(check: Check) -> Check:
    """Let the plugin ask again for jobs whose state could not be found out.

    Parameters
    ----------
    check : callable
        The plugin's method, which yields the jobs that go on.

    Returns
    -------
    callable
        The same, with all jobs going on where no question was answered.
    """

    @wraps(check)
    async def check_and_keep(
        executor: SlurmExecutor, active_jobs: Sequence[object]
    ) -> AsyncIterator[object]:
        before = _answers(executor)
        async for job in check(executor, active_jobs):
            yield job
        if active_jobs and before is not None and before == _answers(executor):
            executor.logger.warning("Slurm does not answer; its jobs are asked for again later.")
            for job in active_jobs:
                yield job

    return check_and_keep


def timely(check: Check, clock: Callable[[], float] = time.monotonic) -> Check:
    """Let the pause until the next look follow from how long nothing has begun or ended.

    Parameters
    ----------
    check : callable
        The plugin's method, which yields the jobs that go on.
    clock : callable, optional
        Seconds.

    Returns
    -------
    callable
        The same, with short pauses after short times and long ones after long times.
    """
    last_change = clock()
    former: set[int] = set()

    @wraps(check)
    async def check_and_pause(
        executor: SlurmExecutor, active_jobs: Sequence[object]
    ) -> AsyncIterator[object]:
        nonlocal last_change, former
        going_on: set[int] = set()
        async for job in check(executor, active_jobs):
            going_on.add(id(job))
            yield job
        if going_on != former:
            last_change, former = clock(), going_on
        shortest = float(executor.workflow.executor_settings.init_seconds_before_status_checks)
        pause = min(_SHARE_OF_TIME * (clock() - last_change), _LONGEST_PAUSE_SECONDS)
        executor.next_seconds_between_status_checks = max(shortest, pause)

    return check_and_pause


def _answers(executor: SlurmExecutor) -> int | None:
    """Answers that the plugin got so far; None if this version does not count them."""
    count = getattr(executor, "_status_query_calls", None)
    return count if isinstance(count, int) else None
