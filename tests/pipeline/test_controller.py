"""A run has one controller; of a killed one, the next knows that it is gone and what it left."""

from __future__ import annotations

import dataclasses
import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from synreduce.errors import RunLockedError
from synreduce.pipeline.controller import Controller, take_control

CONTROL = """
import sys
from pathlib import Path
from synreduce.pipeline.controller import take_control
print(take_control(Path(sys.argv[1]), sys.argv[2:]), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "results" / "run" / "controller.lock"


@contextmanager
def other_controller(lock: Path, log: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", CONTROL, str(lock), log]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        assert process.stdout.readline()
        yield process
        process.kill()


def end(process: subprocess.Popen[str]) -> None:
    process.stdin.close()
    assert process.wait() == 0


def test_a_second_controller_is_refused_and_told_who_is_there(lock: Path) -> None:
    with (
        other_controller(lock, "one.log") as process,
        pytest.raises(RunLockedError, match=f"process {process.pid} on"),
    ):
        take_control(lock, ["two.log"])


def test_after_a_regular_end_nothing_is_left(lock: Path) -> None:
    with other_controller(lock, "one.log") as process:
        end(process)
    assert take_control(lock, ["two.log"]) == ()


def test_killed_controllers_hand_over_their_logs(lock: Path) -> None:
    for log in ("one.log", "two.log"):
        with other_controller(lock, log) as process:
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert take_control(lock, ["three.log"]) == ("one.log", "two.log")


def test_where_nobody_can_tell_the_user_decides(lock: Path) -> None:
    with other_controller(lock, "one.log") as process:
        note = Controller.read(lock)
        process.kill()
    elsewhere = dataclasses.replace(note.owner, machine="deadbeef")
    moved = dataclasses.replace(note, owner=elsewhere, host="login2")
    lock.write_text(json.dumps(dataclasses.asdict(moved)))
    with pytest.raises(RunLockedError, match=f"on login2.*remove {lock}"):
        take_control(lock, ["two.log"])
    lock.unlink()
    assert take_control(lock, ["two.log"]) == ()


def test_without_locks_of_the_file_system_the_note_decides(
    lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with other_controller(lock, "one.log") as process:
        with pytest.raises(RunLockedError, match=f"process {process.pid}"):
            take_control(lock, ["two.log"])
        process.kill()
        process.wait()
        assert take_control(lock, ["two.log"]) == ("one.log",)
