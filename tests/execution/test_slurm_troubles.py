"""What Slurm does when a controller was killed, or when Slurm itself does not answer."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import snakemake_executor_plugin_slurm as plugin

from synreduce.errors import ResourceError
from synreduce.execution.slurm_left_jobs import end_left_jobs, slurm_run_ids
from synreduce.execution.slurm_plugin import (
    keep_jobs_without_answer,
    mend_slurm_plugin,
    timely,
)

# Answers once with each line of a file; "fail" stands for no answer.
SQUEUE = """#!/bin/sh
echo "squeue $*" >> "$CALLS"
line=$(head -n 1 "$ANSWERS")
sed -i 1d "$ANSWERS"
[ "$line" = fail ] && exit 1
echo "$line"
"""
SCANCEL = """#!/bin/sh
echo "scancel $*" >> "$CALLS"
"""
NO_ANSWER = """#!/bin/sh
exit 1
"""


def put_on_path(folder: Path, monkeypatch: pytest.MonkeyPatch, **programs: str) -> None:
    for name, text in programs.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_jobs_are_found_by_the_names_in_snakemakes_log(tmp_path: Path) -> None:
    log = tmp_path / "snakemake.log"
    log.write_text("host: login1\nSLURM run ID: synreduce_0a1b\nBuilding DAG of jobs...\n")
    assert slurm_run_ids([str(tmp_path / "gone.log"), str(log)]) == ["synreduce_0a1b"]


def test_left_jobs_that_wait_are_cancelled_and_those_that_run_end_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(tmp_path, monkeypatch, squeue=SQUEUE, scancel=SCANCEL)
    calls, answers = tmp_path / "calls", tmp_path / "answers"
    answers.write_text("12 13\n12 13\nfail\n13\n\n")
    monkeypatch.setenv("CALLS", str(calls))
    monkeypatch.setenv("ANSWERS", str(answers))
    said: list[str] = []
    end_left_jobs(["run_a", "run_b"], said.append, pause_seconds=0)
    commands = calls.read_text().splitlines()
    assert commands[:2] == [
        "scancel --state=PENDING --name=run_a",
        "scancel --state=PENDING --name=run_b",
    ]
    assert len(commands) == 2 + 5
    assert ["scancel 12 13" in line for line in said] == [True, False, False]
    assert "does not answer" in said[1]


def test_left_jobs_that_slurm_never_tells_of_are_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(tmp_path, monkeypatch, squeue=NO_ANSWER, scancel=NO_ANSWER)
    said: list[str] = []
    with pytest.raises(ResourceError, match=r"no answer.*jobs.*may still run.*same command again"):
        end_left_jobs(["run_a"], said.append, pause_seconds=0.01, patience_seconds=0.1)
    assert said == ["Slurm does not answer; waiting for it"]


def test_without_left_jobs_slurm_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(tmp_path, monkeypatch, squeue=SQUEUE, scancel=SCANCEL)
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    end_left_jobs([], pytest.fail)
    assert not (tmp_path / "calls").exists()


class PluginExecutor:
    """As much of the plugin's executor as its look at the queue needs."""

    logger = logging.getLogger("test")
    run_uuid = "run_a"
    status_rate_limiter = contextlib.AsyncExitStack()
    next_seconds_between_status_checks = 1
    _status_query_calls = 0
    _status_query_failures = 0
    _status_query_total_seconds = 0.0
    _status_query_min_seconds = None
    _status_query_max_seconds = 0.0

    def __init__(self) -> None:
        self._status_query_cycle_rows: list[object] = []
        settings = SimpleNamespace(init_seconds_before_status_checks=1, status_attempts=2)
        self.workflow = SimpleNamespace(executor_settings=settings)

    def get_status_command(self) -> str:
        return "squeue"

    async def jobs_that_go_on(self, check, jobs):  # type: ignore[no-untyped-def]
        return [job async for job in check(self, jobs)]


def test_the_plugin_keeps_the_jobs_slurm_does_not_answer_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(tmp_path, monkeypatch, squeue=NO_ANSWER, sacct=NO_ANSWER, scontrol=NO_ANSWER)
    jobs = [SimpleNamespace(external_jobid="12", aux={})]
    check = plugin.Executor.check_active_jobs
    executor = PluginExecutor()
    # Where the plugin itself keeps them, the correction can go.
    assert asyncio.run(executor.jobs_that_go_on(check, jobs)) == []
    assert asyncio.run(executor.jobs_that_go_on(keep_jobs_without_answer(check), jobs)) == jobs


def test_an_answer_is_left_to_the_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = "#!/bin/sh\necho '12|RUNNING'\n"
    age = "#!/bin/sh\necho 'MinJobAge = 300 sec'\n"
    put_on_path(tmp_path, monkeypatch, squeue=running, scontrol=age)
    job = SimpleNamespace(external_jobid="12", aux={})
    check = keep_jobs_without_answer(plugin.Executor.check_active_jobs)
    assert asyncio.run(PluginExecutor().jobs_that_go_on(check, [job])) == [job]


def test_the_end_of_short_jobs_is_noticed_soon_and_of_long_ones_seldom_asked_for() -> None:
    async def nothing_ends(_executor, jobs):  # type: ignore[no-untyped-def]
        for job in jobs:
            yield job

    # Each look at the clock but the first: nothing changed, or the job is new or gone.
    times = iter((0.0, 0.0, 0.0, 10.0, 100.0, 10_000.0, 10_000.0, 10_000.0))
    executor = PluginExecutor()
    check = timely(nothing_ends, clock=lambda: next(times))
    job = object()
    pauses = []
    for jobs in ([job], [job], [job], [job], []):
        asyncio.run(executor.jobs_that_go_on(check, jobs))
        pauses.append(executor.next_seconds_between_status_checks)
    assert pauses == [1.0, 2.0, 20.0, 60.0, 1.0]


def test_a_controller_that_ends_leaves_folders_that_another_made_for_its_next_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin, "delete_empty_dirs", plugin.delete_empty_dirs)
    monkeypatch.setattr(plugin.Executor, "check_active_jobs", plugin.Executor.check_active_jobs)
    job, old = tmp_path / "rule_fit" / "batch", tmp_path / "rule_merge" / "1.log"
    for folder in (job, old.parent):
        folder.mkdir(parents=True)
    old.touch()
    os.utime(old, (0, 0))
    settings = SimpleNamespace(delete_logfiles_older_than=10, keep_successful_logs=False)
    workflow = SimpleNamespace(executor_settings=settings)
    ending = SimpleNamespace(
        workflow=workflow, slurm_logdir=tmp_path, logger=logging.getLogger("test")
    )
    mend_slurm_plugin()
    plugin.Executor.clean_old_logs(ending)
    assert job.is_dir()
    assert not old.exists()
