"""What a process needs before it computes or starts workers."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from typing import Any

LOOPBACK = "127.0.0.1"

_MIB = 1 << 20
# Arrays beyond the first go back to the system when they are freed; of smaller ones, all but
# the second. Dask's workers else give back everything at once and ask for pages all the time.
_MMAP_THRESHOLD_BYTES, _TRIM_THRESHOLD_BYTES = 8 * _MIB, 64 * _MIB
_TRIM_VARIABLE = "MALLOC_TRIM_THRESHOLD_"
# What one thread freed, another takes. Small arrays are made too seldom to wait for each other.
_ARENAS = 1

DASK_SETTINGS: dict[str, Any] = {
    # Without routes the web servers that Dask always opens answer nothing: they know no login.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    # Entries of logs for developers hold the arguments of their tasks: the samples of hundreds of
    # windows, by default.
    "distributed.admin.low-level-log-length": 10,
    f"distributed.nanny.pre-spawn-environ.{_TRIM_VARIABLE}": _TRIM_THRESHOLD_BYTES,
}

_BLAS_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
_MALLOC_PARAMETERS = {  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD and M_ARENA_MAX of malloc.h
    -3: _MMAP_THRESHOLD_BYTES,
    -1: _TRIM_THRESHOLD_BYTES,
    -8: _ARENAS,
}


def prepare_process() -> None:
    """Hold BLAS to one thread and have freed arrays go back to the system, here and in children.

    The GNU C library else raises its thresholds as arrays are freed, and a process that projects,
    fits and merges grows far beyond what it holds.
    """
    os.environ.update(dict.fromkeys(_BLAS_VARIABLES, "1"))
    # Read when distributed is imported, here and in the workers.
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "warning")
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(_MMAP_THRESHOLD_BYTES))
    os.environ.setdefault(_TRIM_VARIABLE, str(_TRIM_THRESHOLD_BYTES))
    os.environ.setdefault("MALLOC_ARENA_MAX", str(_ARENAS))
    # Other C libraries lack the function.
    with suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        for parameter, value in _MALLOC_PARAMETERS.items():
            library.mallopt(parameter, value)


def release_freed_memory() -> None:
    """Give all freed memory back to the system, where the GNU C library keeps some of it.

    For a step after which a process holds far less than before.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
