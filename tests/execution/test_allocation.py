"""When the job ends: from Slurm's variable, else from its answer, else never."""

from __future__ import annotations

import stat
from datetime import datetime
from pathlib import Path

import pytest

from synreduce.execution import allocation_end, stopping_time


@pytest.fixture
def answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a stand-in for squeue prints."""
    program = tmp_path / "squeue"
    program.write_text(f'#!/bin/sh\n[ "$3" = 17 ] || exit 1\ncat {tmp_path}/answer\n')
    program.chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path / "answer"


def test_outside_slurm_nothing_ends() -> None:
    assert allocation_end({}) is None
    assert stopping_time(None) is None


def test_the_variable_counts_where_it_is_set() -> None:
    assert allocation_end({"SLURM_JOB_ID": "17", "SLURM_JOB_END_TIME": "1700000000"}) == 1.7e9


def test_else_slurm_is_asked_in_local_time(answer: Path) -> None:
    answer.write_text("2026-11-21T15:00:00\n")
    expected = datetime(2026, 11, 21, 15).timestamp()  # noqa: DTZ001 (Slurm prints local time)
    assert allocation_end({"SLURM_JOB_ID": "17"}) == expected


@pytest.mark.parametrize("text", ["N/A\n", "", "UNLIMITED\n"])
def test_a_job_without_limit_has_no_end(answer: Path, text: str) -> None:
    answer.write_text(text)
    assert allocation_end({"SLURM_JOB_ID": "17"}) is None


def test_a_controller_that_knows_no_such_job_does_no_harm(answer: Path) -> None:
    answer.write_text("2026-11-21T15:00:00\n")
    assert allocation_end({"SLURM_JOB_ID": "18"}) is None


def test_at_least_half_a_minute_is_left() -> None:
    assert stopping_time(60.0, now=0.0) == 30.0
    assert stopping_time(100_000.0, now=0.0) == 98_000.0
