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

from synreduce.errors import ResourceError, RunLockedError
from synreduce.pipeline import controller
from synreduce.pipeline.controller import Controller, take_control

# Prints what killed controllers left, and waits for the end of its input.
CONTROL = """
import sys
from pathlib import Path
from synreduce.pipeline.controller import take_control
take_control(Path(sys.argv[1]), sys.argv[2:], lambda left: print(left, flush=True))
sys.stdin.read()
"""
LEAVE_WHILE_SETTLING = """
import sys
from pathlib import Path
from synreduce.pipeline.controller import take_control
take_control(Path(sys.argv[1]), sys.argv[2:], lambda left: sys.exit(f"left while {left} goes on"))
"""
DIE_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from synreduce.pipeline import controller
def die(*_arguments):
    os.kill(os.getpid(), signal.SIGKILL)
{call} = die
controller.take_control(Path(sys.argv[1]), sys.argv[2:], print)
"""
NOTE_LATE = """
import sys, time
from pathlib import Path
from synreduce.pipeline import controller
write_now = controller.write_fully
def write_late(*arguments):
    print("locked", flush=True)
    time.sleep(0.3)
    write_now(*arguments)
controller.write_fully = write_late
controller.take_control(Path(sys.argv[1]), sys.argv[2:], lambda _left: None)
sys.stdin.read()
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "results" / "run" / "controller.lock"


@contextmanager
def other_controller(lock: Path, log: str, code: str = CONTROL) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", code, str(lock), log]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        assert process.stdout.readline()
        yield process
        process.kill()


def end(process: subprocess.Popen[str]) -> None:
    process.stdin.close()
    assert process.wait() == 0


def kill_a_controller(lock: Path, log: str) -> None:
    with other_controller(lock, log) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()


def run(code: str, lock: Path, log: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, str(lock), log]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def left_to(lock: Path, log: str) -> tuple[str, ...]:
    """Take control, and tell the logs of the killed controllers before."""
    found: list[tuple[str, ...]] = []
    take_control(lock, [log], found.append)
    (left,) = found
    return left


def test_a_second_controller_is_refused_and_told_who_is_there(lock: Path) -> None:
    with (
        other_controller(lock, "one.log") as process,
        pytest.raises(RunLockedError, match=f"process {process.pid} on"),
    ):
        left_to(lock, "two.log")


def test_a_controller_is_named_though_it_has_only_just_begun(lock: Path) -> None:
    kill_a_controller(lock, "one.log")
    with (
        other_controller(lock, "two.log", NOTE_LATE) as process,
        pytest.raises(RunLockedError, match=f"process {process.pid} on"),
    ):
        left_to(lock, "three.log")


def test_after_a_regular_end_nothing_is_left(lock: Path) -> None:
    with other_controller(lock, "one.log") as process:
        end(process)
    assert left_to(lock, "two.log") == ()


def test_killed_controllers_hand_over_their_logs(lock: Path) -> None:
    for log in ("one.log", "two.log"):
        kill_a_controller(lock, log)
    assert left_to(lock, "three.log") == ("one.log", "two.log")


def test_who_leaves_while_jobs_of_a_killed_controller_go_on_does_not_forget_them(
    lock: Path,
) -> None:
    kill_a_controller(lock, "one.log")
    done = run(LEAVE_WHILE_SETTLING, lock, "two.log")
    assert "left while ('one.log',) goes on" in done.stderr
    assert left_to(lock, "three.log") == ("one.log", "two.log")


@pytest.mark.parametrize("call", ["controller.write_fully", "os.ftruncate", "os.fsync"])
def test_a_controller_killed_while_it_takes_over_does_not_lose_the_logs_before_it(
    lock: Path, call: str
) -> None:
    kill_a_controller(lock, "one.log")
    longer = dataclasses.replace(Controller.read(lock), host="a" * 500)
    lock.write_text(json.dumps(dataclasses.asdict(longer)))
    done = run(DIE_WHILE_WRITING.format(call=call), lock, "two.log")
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert left_to(lock, "three.log")[0] == "one.log"


def test_a_note_that_cannot_be_written_is_one_message(
    lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock.parent.parent.mkdir()
    lock.parent.write_text("a file where the folder of the run should be")
    with pytest.raises(ResourceError, match=r"controller\.lock: cannot be written"):
        left_to(lock, "one.log")
    lock.parent.unlink()

    def fail(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(controller, "write_fully", fail)
    with pytest.raises(ResourceError, match=r"No space left.*free"):
        left_to(lock, "one.log")


def test_where_nobody_can_tell_the_user_decides(lock: Path) -> None:
    with other_controller(lock, "one.log") as process:
        note = Controller.read(lock)
        process.kill()
    elsewhere = dataclasses.replace(note.owner, machine="deadbeef")
    moved = dataclasses.replace(note, owner=elsewhere, host="login2")
    lock.write_text(json.dumps(dataclasses.asdict(moved)))
    with pytest.raises(RunLockedError, match=f"on login2.*remove {lock}"):
        left_to(lock, "two.log")
    lock.unlink()
    assert left_to(lock, "two.log") == ()


def test_without_locks_of_the_file_system_the_note_decides(
    lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with other_controller(lock, "one.log") as process:
        with pytest.raises(RunLockedError, match=f"process {process.pid}"):
            left_to(lock, "two.log")
        process.kill()
        process.wait()
        assert left_to(lock, "two.log") == ("one.log",)
