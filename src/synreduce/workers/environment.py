"""What a process needs before it computes or starts workers."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from typing import Any

LOOPBACK = "127.0.0.1"

DASK_SETTINGS: dict[str, Any] = {
    # Without routes the web servers that Dask always opens answer nothing: they know no login.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    # Entries of logs for developers hold the arguments of their tasks: the samples of hundreds of
    # windows, by default.
    "distributed.admin.low-level-log-length": 10,
}

_BLAS_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
_MMAP_THRESHOLD_PARAMETER = -3  # M_MMAP_THRESHOLD of malloc.h
_MMAP_THRESHOLD_BYTES = 1 << 20


def prepare_process() -> None:
    """Hold BLAS to one thread and have freed arrays go back to the system, here and in children.

    The GNU C library else keeps freed blocks of up to 32 MB, and a process that projects, fits and
    merges grows far beyond what it holds.
    """
    os.environ.update(dict.fromkeys(_BLAS_VARIABLES, "1"))
    # Read when distributed is imported, here and in the workers.
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "warning")
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(_MMAP_THRESHOLD_BYTES))
    # Other C libraries lack the function.
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD_PARAMETER, _MMAP_THRESHOLD_BYTES)
