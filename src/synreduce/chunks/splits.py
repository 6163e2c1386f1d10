"""Named, seeded divisions of the samples of a chunk into train and test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from synreduce.chunks.blocks import assign_blocks, block_of_each_target, empty_gap
from synreduce.chunks.groups import unit_of_each_trial
from synreduce.chunks.randomness import unit_numbers
from synreduce.chunks.sides import UNUSED, by_folds, by_fraction
from synreduce.chunks.split import Split


@dataclass(frozen=True)
class SplitDefinition:
    """How one split is made.

    Parameters
    ----------
    kind : {"trials", "blocks"}
        Whole trials on one side, or blocks of time within trials that are few and long.
    train_fraction : float, optional
        Share of the units that trains, where `folds` is None.
    stratify : bool, optional
        Divide units with and without spikes in the target windows separately.
    min_isi_ms : float, optional
        Samples whose last spike is nearer than this are left out.
    folds : int, optional
        Number of folds; one of them tests.
    fold : int, optional
        Which fold tests, counted from 0.
    family : str, optional
        Name whose random numbers are used; the folds of one split share it. None: the split's name.
    group_by : str, optional
        ``"database"``, ``"folder"`` or a regular expression with one group: trials that share
        this part of their id stay together.
    block_ms : float, optional
        Length of a block of time, counted from the first target window.
    assignment : {"shuffled", "round_robin"}, optional
        How blocks get their fold: seeded and balanced by number of spikes, or in turn.
    shared_between_trials : bool, optional
        The same blocks of time test in every trial.
    gap_ms : float, optional
        Training samples nearer than this to a testing one are left out. None: the filter width.
    """

    kind: Literal["trials", "blocks"] = "trials"
    train_fraction: float = 0.7
    stratify: bool = True
    min_isi_ms: float = 0.0
    folds: int | None = None
    fold: int | None = None
    family: str | None = None
    group_by: str | None = None
    block_ms: float | None = None
    assignment: Literal["shuffled", "round_robin"] = "shuffled"
    shared_between_trials: bool = True
    gap_ms: float | None = None


def make_split(
    definition: SplitDefinition,
    name: str,
    seed: int,
    *,
    trial_ids: Sequence[str] | NDArray[np.str_],
    outcome: NDArray[np.uint8],
    isi: NDArray[np.float64],
    target_starts: NDArray[np.float64],
    width_ms: float,
    groups: Sequence[str] | None = None,
) -> Split:
    """Divide the samples of a chunk.

    The random number of a trial depends on seed, split and trial id alone, so a trial stays on its
    side when databases are added, and in nearly all target windows.

    Parameters
    ----------
    definition : SplitDefinition
    name : str
        Name of the split.
    seed : int
        Root seed of the run.
    trial_ids : sequence of str, (n_trials,)
        Ids that are unique over all databases.
    outcome : ndarray of uint8, (n_trials, n_targets)
        1 where the target window holds a spike.
    isi : ndarray of float64, (n_trials, n_targets)
        Time since the last spike before the target window, ms.
    target_starts : ndarray of float64, (n_targets,)
        ms, ascending.
    width_ms : float
        Filter width: the default of `SplitDefinition.gap_ms`.
    groups : sequence of str, (n_trials,), optional
        Trials of one group stay together; replaces `SplitDefinition.group_by`.

    Returns
    -------
    Split

    Raises
    ------
    DataError
        If a trial id does not match `group_by`.

    Examples
    --------
    >>> ids = [f"db/{trial:03d}" for trial in range(100)]
    >>> spiked = (np.arange(100) < 20).astype(np.uint8)[:, np.newaxis]
    >>> split = make_split(SplitDefinition(), "random", 1, trial_ids=ids, outcome=spiked,
    ...                    isi=np.full((100, 1), np.inf), target_starts=np.array([258.0]),
    ...                    width_ms=80)
    >>> split.counts()["train"], split.counts()["test_first"]
    ((70, 14), (15, 3))
    """
    usable = isi >= definition.min_isi_ms
    family = definition.family or name
    block = np.zeros(len(target_starts), dtype=np.int64)
    if definition.kind == "blocks":
        unit = np.arange(len(trial_ids)) * (not definition.shared_between_trials)
        block = block_of_each_target(target_starts, definition.block_ms)
        role = assign_blocks(
            definition,
            family,
            seed,
            trial_ids=trial_ids,
            outcome=outcome,
            usable=usable,
            block=block,
        )
        gap = width_ms if definition.gap_ms is None else definition.gap_ms
        empty_gap(role, target_starts, gap)
    else:
        names, unit = unit_of_each_trial(trial_ids, definition.group_by, groups)
        number = unit_numbers(seed, family, names)
        side = _side_of_units(definition, number, unit, outcome=outcome, usable=usable)
        role = np.repeat(side[unit][:, np.newaxis], len(target_starts), axis=1)
    role[~usable] = UNUSED
    return Split(name, role.reshape(-1), outcome.reshape(-1), unit, block)


def _side_of_units(
    definition: SplitDefinition,
    number: NDArray[np.uint64],
    unit: NDArray[np.int64],
    *,
    outcome: NDArray[np.uint8],
    usable: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    present = np.zeros(len(number), dtype=np.bool_)
    present[unit[usable.any(axis=1)]] = True
    spiking = np.zeros(len(number), dtype=np.bool_)
    if definition.stratify:
        spiking[unit[((outcome > 0) & usable).any(axis=1)]] = True
    if definition.folds is None:
        return by_fraction(number, spiking, present, definition.train_fraction)
    return by_folds(number, spiking, present, definition.folds, definition.fold or 0)
