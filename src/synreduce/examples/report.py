"""What an example database holds, told to the user who asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from synreduce.units import format_bytes


@dataclass(frozen=True)
class ExampleReport:
    """What was written.

    Parameters
    ----------
    kind, layout : str
        Kind of the example and layout of the database.
    path : Path
        The database.
    n_trials, n_spikes : int
        Trials and the neuron's spikes.
    n_activations : dict of str to int
        Per group.
    seconds : float
        Time taken.
    """

    kind: str
    layout: str
    path: Path
    n_trials: int
    n_spikes: int
    n_activations: dict[str, int]
    seconds: float

    def lines(self) -> list[str]:
        """Tell it to a user.

        Returns
        -------
        list of str
        """
        activations = ", ".join(f"{count:,} {name}" for name, count in self.n_activations.items())
        size = format_bytes(self.path.stat().st_size)
        return [
            f"{self.kind} example: {self.n_trials:,} trials, {self.n_spikes:,} spikes",
            f"activations: {activations}",
            f"wrote {self.path} ({size}, layout {self.layout}) in {self.seconds:.1f} s",
        ]
