"""Blocks of trials that fit a memory budget."""

from __future__ import annotations

from synreduce.errors import Problem, ResourceError
from synreduce.units import format_bytes

TRIALS_PER_QUANTUM = 64
"""Blocks of trials start and end at multiples of this, so that sums are formed in the same pieces
whatever the budget."""

MOST_TRIALS_PER_BLOCK = 8192
"""More trials at a time take memory and save nothing."""

_STORED_TOGETHER = 1024
"""Trials of a chunk of a database, which is decompressed anew for every block that has part of it.
"""


def trial_blocks(trials: slice, bytes_per_trial: float, memory_bytes: int) -> list[slice]:
    """Cut the trials into blocks that fit a memory budget.

    Parameters
    ----------
    trials : slice
        First trial and the one after the last.
    bytes_per_trial : float
        What one trial needs while it is worked on.
    memory_bytes : int
        Budget for one block.

    Returns
    -------
    list of slice
        Consecutive; every block but the last has the same multiple of 64 trials, of 1,024 where
        more fit, and 8,192 at most.

    Raises
    ------
    ResourceError
        If not even 64 trials fit.

    Examples
    --------
    >>> trial_blocks(slice(100, 300), bytes_per_trial=1000, memory_bytes=130_000)
    [slice(100, 228, None), slice(228, 300, None)]
    """
    quanta = int(memory_bytes // (bytes_per_trial * TRIALS_PER_QUANTUM))
    needed = bytes_per_trial * min(trials.stop - trials.start, TRIALS_PER_QUANTUM)
    if needed > memory_bytes:
        raise ResourceError(
            Problem(
                "memory-budget",
                "resources.memory",
                f"{TRIALS_PER_QUANTUM} trials, the smallest block, need {format_bytes(needed)}; "
                f"the budget is {format_bytes(memory_bytes)}",
                f"set resources.memory to {format_bytes(2 * needed)} or more",
            )
        )
    size = min(max(1, quanta) * TRIALS_PER_QUANTUM, MOST_TRIALS_PER_BLOCK)
    if size > _STORED_TOGETHER:
        size -= size % _STORED_TOGETHER
    starts = range(trials.start, trials.stop, size)
    return [slice(start, min(start + size, trials.stop)) for start in starts]
