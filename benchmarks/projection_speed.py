"""Speed of projection against plain BLAS: `python -m benchmarks.projection_speed`."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import synreduce as sr
from benchmarks.record import Page
from benchmarks.timing import in_turns, median_ratio, spread
from synreduce.projection import project_counts

N_TRIALS, WIDTH, N_BINS = 5000, 80, 30
TARGET = 1 / 3

SPATIAL = sr.RaisedCosineBasis(3.0, 5.0, tuple(np.arange(3.0, 11.0, 1.5)), N_BINS)
TEMPORAL = sr.RaisedCosineBasis(2.0, 1.0, tuple(np.arange(1.0, 11.0, 0.5)), WIDTH, reversed=True)

Counts = dict[str, NDArray[np.uint8]]


def kronecker(counts: Counts) -> list[NDArray[np.float32]]:
    """One matrix product with the Kronecker product of both bases."""
    both = np.einsum("kz,lt->tzkl", SPATIAL.matrix, TEMPORAL.matrix)
    weights = both.reshape(WIDTH * N_BINS, -1).astype(np.float32)
    return [array.astype(np.float32).reshape(N_TRIALS, -1) @ weights for array in counts.values()]


def two_products(counts: Counts) -> list[NDArray[np.float32]]:
    """Space first, then time: far fewer operations."""
    space, time = SPATIAL.matrix.astype(np.float32), TEMPORAL.matrix.astype(np.float32)
    rows = []
    for array in counts.values():
        contracted = array.astype(np.float32).reshape(-1, N_BINS) @ space.T
        turned = contracted.reshape(N_TRIALS, WIDTH, -1).transpose(0, 2, 1)
        rows.append(np.ascontiguousarray(turned).reshape(-1, WIDTH) @ time.T)
    return rows


def project(counts: Counts) -> NDArray[np.float32]:
    """The package."""
    return project_counts(counts, SPATIAL.matrix, TEMPORAL.matrix, [WIDTH])


def main() -> int:
    page = Page(
        "projection_speed",
        "Projection against plain BLAS",
        f"{N_TRIALS} trials x {WIDTH} ms x {N_BINS} bins x 2 groups of uint8 counts in memory, to "
        "6 x 20 basis functions. Target: at least a third of the speed of a plain contraction.",
        "python -m benchmarks.projection_speed",
    )
    random = np.random.default_rng(1)
    shape = (N_TRIALS, WIDTH, N_BINS)
    counts = {name: random.poisson(0.3, shape).astype(np.uint8) for name in ("EXC", "INH")}
    agree(counts)
    size = sum(array.nbytes for array in counts.values()) / 1e6
    alternatives: dict[str, Callable[[Counts], object]] = {
        "synreduce.projection.project_counts": project,
        "float32, one product with the Kronecker basis": kronecker,
        "float32, two products (space, then time)": two_products,
    }
    table = page.table(
        "Projection",
        (
            "BLAS threads",
            "method",
            "seconds, median (range)",
            "MB/s of counts",
            "speed of the package relative to it",
            "target",
        ),
        "15 turns. The ratio is the median over turns of ratios within a turn. Both plain variants "
        "include the conversion of the counts to float32.",
    )
    for threads in (1, 2):
        with threadpool_limits(threads, "blas"):
            times = in_turns(
                {name: (lambda f=function: f(counts)) for name, function in alternatives.items()},
                15,
            )
        own = times["synreduce.projection.project_counts"]
        for name, values in times.items():
            relative = median_ratio(values, own)
            verdict = "" if values is own else "met" if relative >= TARGET else "missed"
            table.add(
                threads,
                name,
                spread(values),
                f"{size / float(np.median(values)):.0f}",
                f"{relative:.2f}",
                verdict,
            )
    page.write()
    return 0


def agree(counts: Counts) -> None:
    """Stop unless all give the same numbers."""
    own = project(counts).reshape(N_TRIALS, 2, -1)
    for other in (kronecker, two_products):
        for group, rows in enumerate(other(counts)):
            if not np.allclose(own[:, group], rows.reshape(N_TRIALS, -1), rtol=1e-4, atol=1e-3):
                message = f"{other.__name__} disagrees with the package"
                raise SystemExit(message)


if __name__ == "__main__":
    sys.exit(main())
