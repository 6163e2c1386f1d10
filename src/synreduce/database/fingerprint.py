"""Fingerprints of a database's content, independent of chunks, tiles and the order of writing.

Every event, or counted cell, contributes a number that depends on all it says; the numbers are
added modulo 2**64. Sums can be continued when trials are appended and formed from any pieces.
They find damage and mix-ups; they are no protection against forgery.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from synreduce.database.model import CountArray, IntArray

HashArray = npt.NDArray[np.uint64]

_BLOCK = 2**15
_CELLS = 2**17
_EXACT = 2**53
_PART_BITS = 22
_SHIFTS = np.arange(0, 64, _PART_BITS, dtype=np.uint64)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MASK = 2**64 - 1


def scramble(values: HashArray) -> HashArray:
    """Spread the bits of 64-bit numbers (the finaliser of splitmix64, Steele et al. 2014).

    Parameters
    ----------
    values : ndarray of uint64
        Changed in place.

    Returns
    -------
    ndarray of uint64
        `values`.
    """
    values ^= values >> np.uint64(30)
    values *= _FIRST
    values ^= values >> np.uint64(27)
    values *= _SECOND
    values ^= values >> np.uint64(31)
    return values


class EventSum:
    """Fingerprint of events as it grows.

    Parameters
    ----------
    state : tuple of int
        Two sums; continue with those of a stored fingerprint.
    """

    def __init__(self, state: tuple[int, int] = (0, 0)) -> None:
        self.state = state

    def add(self, trial: IntArray, columns: Mapping[str, npt.NDArray[Any]]) -> None:
        """Add events.

        Parameters
        ----------
        trial : ndarray of int64, shape (n_events,)
            Position of the trial in the database.
        columns : mapping of str to ndarray, shape (n_events,)
            Every stored column, in its stored type.
        """
        keys = {name: _key(name) | np.uint64(1) for name in columns}
        first, second = self.state
        for start in range(0, len(trial), _BLOCK):
            stop = start + _BLOCK
            state = trial[start:stop].astype(np.uint64) * _STEP
            for name in sorted(columns):
                bits = _bits(columns[name][start:stop])
                bits *= keys[name]
                state ^= bits
                state ^= state >> np.uint64(29)
                state *= _FIRST
            scramble(state)
            first += int(state.sum(dtype=np.uint64))
            state ^= _STEP
            second += int(scramble(state).sum(dtype=np.uint64))
        self.state = (first & _MASK, second & _MASK)


class CountSum:
    """Fingerprint of binned counts as it grows: a sum of counts times weights of their places.

    Parameters
    ----------
    state : int
        Continue with that of a stored fingerprint.
    """

    def __init__(self, state: int = 0) -> None:
        self.state = state

    def add(self, group: str, trial: int, time: int, distance: int, counts: CountArray) -> None:
        """Add a block of counts.

        Parameters
        ----------
        group : str
            Name of the group.
        trial, time, distance : int
            Position of the block's first cell, in bins.
        counts : ndarray of unsigned int, shape (trials, times, bins)
        """
        trials, times, bins = counts.shape
        along_trial = _weights("trial", trial, trials)
        of_cell = np.multiply.outer(_weights("time", time, times), _weights("bin", distance, bins))
        rows = max(1, _CELLS // max(1, times * bins))
        total = 0
        for start in range(0, trials, rows):
            per_trial = _weighted_sums(counts[start : start + rows], of_cell.ravel())
            total += int((per_trial * along_trial[start : start + rows]).sum(dtype=np.uint64))
        weight = int(_key(f"group {group}")) | 1
        self.state = (self.state + total * weight) & _MASK


def combine(parts: Mapping[str, object]) -> str:
    """Digest the parts of a fingerprint.

    Parameters
    ----------
    parts : mapping
        Names and values; the order does not matter.

    Returns
    -------
    str
        SHA-256 in hexadecimal.
    """
    state = hashlib.sha256()
    for name in sorted(parts):
        for text in (name, repr(parts[name])):
            encoded = text.encode()
            state.update(f"{len(encoded)}:".encode() + encoded)
    return state.hexdigest()


def _weighted_sums(counts: CountArray, weights: HashArray) -> HashArray:
    """Weighted sum of the counts of each trial, modulo 2**64.

    Products of whole numbers are slow. Cut into parts of a few bits, the weights make sums that
    double precision holds exactly, and these are as fast as memory.
    """
    largest = int(counts.max(initial=0))
    columns = min(_CELLS, (_EXACT >> _PART_BITS) // max(1, largest))
    total: HashArray = np.zeros(len(counts), np.uint64)
    cells = counts.reshape(len(counts), -1)
    if not columns:
        return np.asarray(cells.astype(np.uint64) @ weights)
    for first in range(0, weights.size, columns):
        piece = slice(first, first + columns)
        parts = weights[piece, None] >> _SHIFTS & np.uint64((1 << _PART_BITS) - 1)
        sums = cells[:, piece].astype(np.float64) @ parts.astype(np.float64)
        total += (sums.astype(np.uint64) << _SHIFTS).sum(axis=1, dtype=np.uint64)
    return total


def _weights(axis: str, start: int, length: int) -> HashArray:
    positions = np.arange(start, start + length, dtype=np.uint64)
    return scramble(positions * _STEP + _key(axis)) | np.uint64(1)


def _key(name: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little"))


def _bits(values: npt.NDArray[Any]) -> HashArray:
    if values.dtype.kind == "f":
        return values.astype(np.float64).view(np.uint64)
    return values.astype(np.int64).view(np.uint64)
