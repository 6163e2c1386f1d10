"""Random streams derived from what a draw is for, never from order, worker or job number."""

from __future__ import annotations

import hashlib

import numpy as np


def seed_sequence(root_seed: int, *identity: str | int) -> np.random.SeedSequence:
    """Derive a seed from a root seed and the identity of a draw.

    Parameters
    ----------
    root_seed : int
        The one seed of the configuration, non-negative.
    *identity : str or int
        What the draw is for, e.g. ``"split", "random"`` or chunk, strategy, solver, split, restart.

    Returns
    -------
    numpy.random.SeedSequence

    Examples
    --------
    >>> seed_sequence(1, "a").entropy == seed_sequence(1, "a").entropy
    True
    >>> seed_sequence(1, "a").entropy == seed_sequence(1, "b").entropy
    False
    """
    text = "\x1f".join((str(root_seed), *(f"{type(part).__name__}:{part}" for part in identity)))
    digest = hashlib.blake2b(text.encode("utf-8"), digest_size=16).digest()
    return np.random.SeedSequence(int.from_bytes(digest, "little"))


def generator(root_seed: int, *identity: str | int) -> np.random.Generator:
    """Open the random stream of one draw.

    Parameters
    ----------
    root_seed : int
        The one seed of the configuration, non-negative.
    *identity : str or int
        What the draw is for.

    Returns
    -------
    numpy.random.Generator

    Examples
    --------
    >>> int(generator(7, "split").integers(100)) == int(generator(7, "split").integers(100))
    True
    """
    return np.random.Generator(np.random.PCG64(seed_sequence(root_seed, *identity)))
