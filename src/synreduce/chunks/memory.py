"""Blocks of trials that fit a memory budget."""

from __future__ import annotations

from synreduce.errors import Problem, ResourceError
from synreduce.units import format_bytes

TRIALS_PER_QUANTUM = 64
"""Blocks of trials start and end at multiples of this, so that sums are formed in the same pieces
whatever the budget."""


def trial_blocks(n_trials: int, bytes_per_trial: float, memory_bytes: int) -> list[slice]:
    """Cut the trials into blocks that fit a memory budget.

    Parameters
    ----------
    n_trials : int
        Number of trials.
    bytes_per_trial : float
        What one trial needs while it is worked on.
    memory_bytes : int
        Budget for one block.

    Returns
    -------
    list of slice
        Consecutive; every block but the last has the same multiple of 64 trials.

    Raises
    ------
    ResourceError
        If not even 64 trials fit.

    Examples
    --------
    >>> trial_blocks(200, bytes_per_trial=1000, memory_bytes=130_000)
    [slice(0, 128, None), slice(128, 200, None)]
    """
    quanta = int(memory_bytes // (bytes_per_trial * TRIALS_PER_QUANTUM))
    needed = bytes_per_trial * min(n_trials, TRIALS_PER_QUANTUM)
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
    size = max(1, quanta) * TRIALS_PER_QUANTUM
    return [slice(start, min(start + size, n_trials)) for start in range(0, n_trials, size)]
