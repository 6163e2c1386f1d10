"""A file is there completely or not at all."""

import errno
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

from synreduce.errors import ArtefactError, DataError, ResourceError
from synreduce.storage import (
    publish,
    publish_bytes,
    publish_hdf5,
    publish_json,
    publish_text,
    remove_stale_parts,
    require_writable,
    staged_file,
)
from synreduce.storage.owner import is_abandoned
from synreduce.storage.part_names import owner_of, part_name


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def start(code: str, argument: Path) -> subprocess.Popen[str]:
    """Start Python code that prints a line and then waits for the end of its input."""
    return subprocess.Popen(
        [sys.executable, "-c", code, str(argument)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_written_file_holds_what_was_given_and_nothing_else_is_left(tmp_path):
    publish_bytes(tmp_path / "new" / "folder" / "a.bin", b"content")
    assert (tmp_path / "new" / "folder" / "a.bin").read_bytes() == b"content"
    assert names(tmp_path / "new" / "folder") == ["a.bin"]


def test_json_does_not_depend_on_the_order_of_keys(tmp_path):
    publish_json(tmp_path / "a.json", {"b": 1, "a": [2.5, "ü"]})
    publish_json(tmp_path / "b.json", {"a": [2.5, "ü"], "b": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": [2.5, "ü"], "b": 1}


@pytest.mark.parametrize("mask", [0o077, 0o027, 0o022])
def test_permissions_follow_the_umask(tmp_path, mask):
    before = os.umask(mask)
    try:
        publish_text(tmp_path / "a.txt", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o666 & ~mask


def test_refused_by_its_check_leaves_the_former_file(tmp_path):
    target = tmp_path / "a.txt"
    publish_text(target, "old")

    def refuse(part: Path) -> None:
        assert part.read_text() == "new"
        message = "no"
        raise ValueError(message)

    with (
        pytest.raises(ValueError, match="no"),
        staged_file(target, refuse) as (_part, descriptor),
    ):
        os.write(descriptor, b"new")
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("call", ["write", "fsync"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_failing_calls_give_one_message_and_keep_the_former_file(
    tmp_path, monkeypatch, call, number
):
    target = tmp_path / "a.txt"
    publish_text(target, "old")

    def fail(*_arguments: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(publish.os, call, fail)
    with pytest.raises(ResourceError, match=rf"a\.txt.*errno {number}.*free") as error:
        publish_text(target, "new")
    monkeypatch.undo()
    assert error.value.exit_code == 5
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_short_writes_are_continued(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(publish.os, "write", lambda fd, data: write(fd, bytes(data)[:7]))
    publish_bytes(tmp_path / "a.bin", bytes(range(256)))
    assert (tmp_path / "a.bin").read_bytes() == bytes(range(256))


def test_a_write_that_lies_is_found_by_reading_back(tmp_path, monkeypatch):
    monkeypatch.setattr(publish.os, "write", lambda _fd, data: len(data))
    with pytest.raises(ArtefactError, match="reading back"):
        publish_bytes(tmp_path / "a.bin", b"never stored")
    monkeypatch.undo()
    assert names(tmp_path) == []


def test_planted_links_are_replaced_never_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    target = tmp_path / "out.txt"
    target.symlink_to(victim)
    publish_text(target, "mine")
    assert victim.read_text() == "precious"
    assert not target.is_symlink()


def test_a_folder_is_no_target(tmp_path):
    with pytest.raises(DataError, match="is a folder"):
        publish_text(tmp_path, "x")


def test_unfinished_files_of_dead_processes_are_removed_only(tmp_path):
    code = (
        "import sys; from synreduce.storage.part_names import part_name;"
        "name = part_name('db.h5'); open(sys.argv[1] + '/' + name, 'w').close();"
        "print(name, flush=True); sys.stdin.read()"
    )
    live, dead = (start(code, tmp_path) for _ in range(2))
    try:
        of_live, of_dead = (process.stdout.readline().strip() for process in (live, dead))
        dead.send_signal(signal.SIGKILL)
        dead.wait()
        (tmp_path / "notes.part").write_text("not ours")
        (tmp_path / part_name("mine")).touch()
        elsewhere = of_dead.split(".")
        elsewhere[-6] = "deadbeef"
        (tmp_path / ".".join(elsewhere)).touch()
        assert remove_stale_parts(tmp_path) == [tmp_path / of_dead]
        assert {of_live, "notes.part", ".".join(elsewhere)} < set(names(tmp_path))
    finally:
        live.kill()
        live.wait()


def test_a_reused_process_id_does_not_protect_an_old_part():
    owner = owner_of(part_name("db.h5"))
    assert owner is not None
    assert owner.process == os.getpid()
    assert not is_abandoned(owner)
    assert is_abandoned(owner.__class__(owner.machine, owner.boot, owner.process, 1))
    assert is_abandoned(owner.__class__(owner.machine, "0" * 8, owner.process, owner.started))
    assert owner_of("data.part") is None


def test_killed_writer_leaves_the_former_file(tmp_path):
    target = tmp_path / "a.txt"
    publish_text(target, "old")
    code = (
        "import sys; from synreduce.storage import staged_file\n"
        "with staged_file(sys.argv[1]) as (part, descriptor):\n"
        "    part.write_text('half'); print('ready', flush=True); sys.stdin.read()"
    )
    writer = start(code, target)
    assert writer.stdout.readline() == "ready\n"
    writer.kill()
    writer.wait()
    assert target.read_text() == "old"
    assert len(remove_stale_parts(tmp_path)) == 1
    assert names(tmp_path) == ["a.txt"]


def test_interrupt_removes_the_unfinished_file(tmp_path):
    def interrupted() -> None:
        with staged_file(tmp_path / "a") as (part, _descriptor):
            part.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert names(tmp_path) == []


def test_unwritable_folder_is_refused_before_any_work(tmp_path, monkeypatch):
    require_writable(tmp_path / "fresh")
    assert names(tmp_path) == ["fresh"]
    with pytest.raises(ResourceError, match="needed"):
        require_writable(tmp_path, needed=10**18)

    def fail(*_arguments: object) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(publish.os, "open", fail)
    with pytest.raises(ResourceError, match="Read-only"):
        require_writable(tmp_path)


def test_file_size_limit_ends_in_a_message_not_in_a_crash(tmp_path):
    code = (
        "import sys, numpy; from synreduce.storage import publish_hdf5\n"
        "from synreduce.errors import ResourceError\n"
        "try:\n"
        "    publish_hdf5(sys.argv[1], lambda f: f.create_dataset('a', data=numpy.ones(100000)))\n"
        "except ResourceError as error:\n"
        "    sys.exit(error.exit_code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.h5")],
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    assert done.returncode == 5
    assert names(tmp_path) == []


def test_same_content_gives_same_bytes(tmp_path):
    def fill(file):
        file.attrs["b"], file.attrs["a"] = 1, "x"
        file.create_dataset("values", data=[1.5, 2.5], compression="gzip")

    publish_hdf5(tmp_path / "a.h5", fill)
    publish_hdf5(tmp_path / "b.h5", fill)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    with h5py.File(tmp_path / "a.h5") as file:
        assert h5py.h5g.get_objinfo(file["values"].id).mtime == 0  # no time stamp
