"""Sizes of memory as text: ``"500 MB"``."""

from __future__ import annotations

import re

from synreduce.errors import InputError, Problem

_FACTORS = {
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
}
_PATTERN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*")


def parse_bytes(text: str) -> int:
    """Read an amount of memory.

    Parameters
    ----------
    text : str
        A number and a unit: B, KB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB.

    Returns
    -------
    int
        Bytes.

    Raises
    ------
    InputError
        If the text is not a number with a known unit, or is zero.

    Examples
    --------
    >>> parse_bytes("500 MB")
    500000000
    """
    match = _PATTERN.fullmatch(text)
    factor = _FACTORS.get(match.group(2).upper()) if match else None
    amount = int(float(match.group(1)) * factor) if match and factor else 0
    if amount <= 0:
        raise InputError(
            Problem("bad-memory", "memory", f"'{text}' is no amount of memory", 'write "500 MB"')
        )
    return amount


def format_bytes(amount: float) -> str:
    """Write an amount of memory for people.

    Parameters
    ----------
    amount : float
        Bytes.

    Returns
    -------
    str

    Examples
    --------
    >>> format_bytes(155_520_000)
    '156 MB'
    """
    for unit, factor in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if amount >= factor:
            value = amount / factor
            return f"{value:.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"
    return f"{amount:.0f} B"
