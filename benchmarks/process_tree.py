"""What a command costs with all processes that it starts."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_SAMPLED_EVERY_SECONDS = 0.05


@dataclass(frozen=True)
class Cost:
    """Time and memory of a command."""

    seconds: float
    processor_seconds: float
    """Of the process and of all that it started."""
    process_mb: float
    """Largest process of the tree: the kernel's high-water mark of resident memory."""
    tree_mb: float
    """Sampled sum over the tree; pages that several share count once."""
    tree_resident_mb: float
    """Sampled sum over the tree; pages that several share count for each of them."""


def run_measured(
    command: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None
) -> Cost:
    """Run a command in a folder; its output is appended to `log.txt` there."""
    log_file = folder / "log.txt"
    surroundings = environment() | dict(variables or {})
    with log_file.open("a", encoding="utf-8") as log:
        began = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=surroundings)
        tree, done = [0.0, 0.0], threading.Event()
        sampler = threading.Thread(target=_sample, args=(child.pid, tree, done))
        sampler.start()
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - began
        done.set()
        sampler.join()
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(log_file.read_text(encoding="utf-8"))
    processor = usage.ru_utime + usage.ru_stime
    return Cost(seconds, processor, usage.ru_maxrss * 1024 / 1e6, *tree)


def environment() -> dict[str, str]:
    """Environment in which the benchmark package can be imported from any folder."""
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _sample(pid: int, tree: list[float], done: threading.Event) -> None:
    while not done.wait(_SAMPLED_EVERY_SECONDS):
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(pid)
            shared_once, resident = 0, 0
            for process in (root, *root.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    memory = process.memory_full_info()
                    shared_once += memory.pss
                    resident += memory.rss
            tree[0] = max(tree[0], shared_once / 1e6)
            tree[1] = max(tree[1], resident / 1e6)
