"""What an import did: how much was read, kept and left out, and by which rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from synreduce.units import format_bytes


@dataclass(frozen=True)
class ImportReport:
    """The account of one import.

    Parameters
    ----------
    n_trials : int
        Trials in the database.
    n_activations : mapping of str to int
        Activations stored, per group.
    n_spikes : int
        Spikes stored.
    dropped : mapping of str to int, optional
        What was left out: reason -> number.
    notes : tuple of str, optional
        Choices and observations worth a sentence (times sorted, folders skipped, conversions).
    seconds : float, default: 0.0
        Wall time.
    bytes_read : int, default: 0
        Size of the files read.
    """

    n_trials: int
    n_activations: Mapping[str, int]
    n_spikes: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    bytes_read: int = 0

    def lines(self) -> list[str]:
        """Say it in lines of text.

        Returns
        -------
        list of str

        Examples
        --------
        >>> print(ImportReport(2, {"EXC": 30, "INH": 10}, 3, {"beyond the end": 1}).lines()[1])
        activations: 40 (EXC 30, INH 10)
        """
        total = sum(self.n_activations.values())
        groups = ", ".join(f"{name} {count:,}" for name, count in self.n_activations.items())
        lines = [
            f"trials:      {self.n_trials:,}",
            f"activations: {total:,} ({groups})",
            f"spikes:      {self.n_spikes:,}",
        ]
        lines += [f"left out:    {count:,} {reason}" for reason, count in self.dropped.items()]
        lines += [f"note:        {note}" for note in self.notes]
        if self.seconds > 0 and self.bytes_read:
            rate = format_bytes(int(self.bytes_read / self.seconds))
            lines.append(
                f"read:        {format_bytes(self.bytes_read)} in {self.seconds:.1f} s ({rate}/s)"
            )
        return lines
