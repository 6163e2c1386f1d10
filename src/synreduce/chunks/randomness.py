"""A pseudo-random number for every unit of a split, from its identity alone.

The number of a unit depends on the seed, the split and the unit's id, never on the other units.
A trial therefore stays on its side of a split when databases are added or removed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

_FNV_OFFSET = np.uint64(0xCBF29CE484222325)
_FNV_PRIME = np.uint64(0x100000001B3)
_IDS_PER_BLOCK = 16_384


def mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Finalise with splitmix64 (Steele, Lea & Flood 2014): any input bit flips half the output.

    Parameters
    ----------
    state : ndarray of uint64
        Any numbers.

    Returns
    -------
    ndarray of uint64, same shape
    """
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def _text_hashes(ids: NDArray[np.str_]) -> NDArray[np.uint64]:
    """FNV-1a over the code points of each id; padding of the array does not count."""
    width = ids.dtype.itemsize // 4
    points = np.ascontiguousarray(ids).view(np.uint32).reshape(len(ids), width).T
    state = np.full(len(ids), _FNV_OFFSET)
    for column in points:
        padding = column == 0
        state = np.where(padding, state, (state ^ column) * _FNV_PRIME)
    return state


def unit_numbers(
    seed: int, stream: str, ids: Sequence[str] | NDArray[np.str_]
) -> NDArray[np.uint64]:
    """Draw one number per unit from the unit's identity.

    Parameters
    ----------
    seed : int
        Root seed.
    stream : str
        What the numbers are for: the name of the split.
    ids : sequence of str, (n_units,)
        Identity of each unit: trial id, name of a group of trials, or block of time.

    Returns
    -------
    ndarray of uint64, (n_units,)
        Uniform over all 64-bit numbers.

    Examples
    --------
    >>> few = unit_numbers(1, "random", ["a", "b"])
    >>> more = unit_numbers(1, "random", ["long name", "b", "a"])
    >>> bool(few[0] == more[2] and few[1] == more[1])
    True
    """
    digest = hashlib.blake2b(f"{seed}\x1f{stream}".encode(), digest_size=8).digest()
    key = np.uint64(int.from_bytes(digest, "little"))
    numbers = np.empty(len(ids), dtype=np.uint64)
    for start in range(0, len(ids), _IDS_PER_BLOCK):
        block = np.asarray(ids[start : start + _IDS_PER_BLOCK], dtype=np.str_)
        numbers[start : start + _IDS_PER_BLOCK] = mixed(mixed(_text_hashes(block)) ^ key)
    return numbers


def sample_numbers(
    seed: int, stream: str, trial_ids: Sequence[str] | NDArray[np.str_], target_starts: ArrayLike
) -> NDArray[np.uint64]:
    """Draw one number per sample from its trial and its target window.

    Parameters
    ----------
    seed : int
        Root seed.
    stream : str
        What the numbers are for.
    trial_ids : sequence of str, (n_trials,)
        Identity of each trial.
    target_starts : array_like, (n_targets,)
        Start of each target window, ms.

    Returns
    -------
    ndarray of uint64, (n_trials, n_targets)
        Uniform over all 64-bit numbers.

    Examples
    --------
    >>> few = sample_numbers(1, "case-control", ["b"], [258.0])
    >>> more = sample_numbers(1, "case-control", ["a", "b"], [257.0, 258.0])
    >>> bool(few[0, 0] == more[1, 1])
    True
    """
    window = mixed(np.asarray(target_starts, dtype=np.float64).view(np.uint64))
    trial = unit_numbers(seed, stream, trial_ids)
    return mixed(trial[:, np.newaxis] ^ window[np.newaxis, :])
