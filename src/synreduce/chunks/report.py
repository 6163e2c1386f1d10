"""Windows with too few spikes are reported with their counts, before anything is fitted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from synreduce.chunks.grid import Chunk
from synreduce.chunks.split import Split, Subset
from synreduce.errors import Problem

DEFAULT_MINIMUM: Mapping[str, int] = {"train": 10, "test": 2}
"""Fewest samples of either outcome in a subset that is worth fitting."""

_SUBSET_WORDS: Mapping[Subset, str] = {
    "train": "train",
    "test": "test",
    "test_first": "the first half of test",
    "test_second": "the second half of test",
}


@dataclass(frozen=True)
class _Tally:
    """Samples of one outcome in each subset, against what is needed."""

    spiking: bool
    found: Mapping[Subset, int]
    needed: Mapping[Subset, int]
    n_used: int
    n_in_subset: Mapping[Subset, int]

    @property
    def total(self) -> int:
        return self.found["train"] + self.found["test"]

    @property
    def short(self) -> bool:
        return any(self.found[name] < self.needed[name] for name in self.needed)

    def samples_wanted(self) -> float:
        """How many times the present samples would hold enough at the present rate."""
        rate = self.total / self.n_used
        return max(
            self.needed[name] / (rate * max(self.n_in_subset[name], 1)) for name in self.needed
        )


def too_few_positives(
    split: Split, chunk: Chunk, minimum: Mapping[str, int] | None = None
) -> list[Problem]:
    """Say why a chunk cannot be fitted with a split, or nothing if it can.

    Parameters
    ----------
    split : Split
    chunk : Chunk
    minimum : mapping of str to int, optional
        Fewest samples with a spike, and fewest without, in ``train`` and ``test``. The halves of
        the test part need one each where ``test`` needs two.

    Returns
    -------
    list of Problem
        One, or none.
    """
    where = f"chunk {chunk.id} split {split.name}"
    least = {**DEFAULT_MINIMUM, **(minimum or {})}
    counts = split.counts()
    needed: dict[Subset, int] = {"train": least["train"], "test": least["test"]}
    if least["test"] >= 2:
        needed |= {"test_first": 1, "test_second": 1}
    sizes = {name: counts[name][0] for name in needed}
    n_used = sizes["train"] + sizes["test"]
    if n_used == 0:
        return [_nothing_left(split, where)]
    spiking = {name: counts[name][1] for name in needed}
    silent = {name: sizes[name] - spiking[name] for name in needed}
    for tally in (
        _Tally(True, spiking, needed, n_used, sizes),
        _Tally(False, silent, needed, n_used, sizes),
    ):
        if tally.short:
            return [_too_few(tally, split, chunk, where)]
    return []


def _nothing_left(split: Split, where: str) -> Problem:
    n_samples = len(split.role)
    what = f"0 of {n_samples} samples are left after the filter by ISI and the gap between blocks"
    return Problem("no-samples", where, what, "lower min_isi_ms or gap_ms of the split")


def _too_few(tally: _Tally, split: Split, chunk: Chunk, where: str) -> Problem:
    temporal = chunk.temporal
    unit = "trials" if temporal.n_targets == 1 else "samples (trial, target window)"
    verb = "spike" if tally.spiking else "do not spike"
    lacking: list[Subset] = ["train", "test"]
    halves = [name for name in tally.needed if tally.found[name] < tally.needed[name]]
    if not set(halves) & set(lacking):
        lacking = halves
    parts = ", ".join(f"{tally.found[name]} in {_SUBSET_WORDS[name]}" for name in lacking)
    least = " and ".join(f"{tally.needed[name]} in {_SUBSET_WORDS[name]}" for name in lacking)
    what = (
        f"{tally.total} of {tally.n_used} {unit} {verb} in "
        f"[{temporal.start_ms:g}, {temporal.stop_ms:g}) ms: {parts}; at least {least} are needed"
    )
    return Problem("too-few-positives", where, what, _fix(tally, split, temporal.n_targets))


def _fix(tally: _Tally, split: Split, n_targets: int) -> str:
    if not tally.spiking:
        return "narrow the target window, or choose one in which the cell does not always spike"
    if tally.total == 0:
        return "widen the target window, or choose one in which the cell spikes"
    trials = math.ceil(tally.samples_wanted() * len(split.role) / n_targets)
    digits = max(0, len(str(trials)) - 2)
    rounded = math.ceil(trials / 10**digits) * 10**digits
    return (
        f"simulate more trials (at the present rate about {rounded} in all) "
        "or widen the target window"
    )
