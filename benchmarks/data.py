"""Example databases, written once to `results/benchmark_data/`, which git ignores."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path("results/benchmark_data")


def example_database(kind: str, trials: int, seed: int = 1) -> Path:
    """Path of an example database in the counts layout; it is written if it is not there."""
    path = FOLDER / f"{kind}_{trials}_{seed}.h5"
    if not path.exists():
        from synreduce.examples import write_example

        FOLDER.mkdir(parents=True, exist_ok=True)
        print(f"writing {path}", flush=True)
        write_example(kind, path, trials, seed)
    return path
