"""The record of one split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from synreduce.chunks.sides import TEST_FIRST, TEST_SECOND, TRAIN

Subset = Literal["train", "test", "test_first", "test_second"]
SUBSETS: tuple[Subset, ...] = ("train", "test", "test_first", "test_second")
"""Subsets of every split; ``test`` is both of its halves."""


@dataclass(frozen=True, eq=False)
class Split:
    """A division of samples into train and test.

    Parameters
    ----------
    name : str
    role : ndarray of uint8, (n_samples,)
        0 unused, 1 train, 2 first half of test, 3 second half of test. Samples are numbered
        ``trial * n_targets + target``.
    outcome : ndarray of uint8, (n_samples,)
        1 where the target window holds a spike.
    unit_of_trial : ndarray of int64, (n_trials,)
        Group of trials that each trial stays with; the same for all trials where blocks of time
        are shared between trials.
    block_of_target : ndarray of int64, (n_targets,)
        Block of time of each target window; all 0 where whole trials stay together.
    left_out : ndarray of bool, (n_samples,), optional
        Training samples without a spike that fits leave out; see
        `synreduce.chunks.case_control`. None: none.
    """

    name: str
    role: NDArray[np.uint8]
    outcome: NDArray[np.uint8]
    unit_of_trial: NDArray[np.int64]
    block_of_target: NDArray[np.int64]
    left_out: NDArray[np.bool_] | None = None

    @property
    def unit(self) -> NDArray[np.int64]:
        """Number of what each sample must stay with: trials and blocks of time, (n_samples,)."""
        n_blocks = int(self.block_of_target.max(initial=0)) + 1
        trial_part = self.unit_of_trial[:, np.newaxis] * n_blocks
        return (trial_part + self.block_of_target[np.newaxis, :]).reshape(-1)

    def mask(self, subset: Subset) -> NDArray[np.bool_]:
        """Mark the samples of a subset.

        Parameters
        ----------
        subset : {"train", "test", "test_first", "test_second"}

        Returns
        -------
        ndarray of bool, (n_samples,)
        """
        if subset == "test":
            return self.role >= TEST_FIRST
        codes = {"train": TRAIN, "test_first": TEST_FIRST, "test_second": TEST_SECOND}
        return np.equal(self.role, codes[subset])

    def subset(self, name: Subset) -> NDArray[np.int64]:
        """Positions of the samples of a subset, ascending.

        Parameters
        ----------
        name : {"train", "test", "test_first", "test_second"}

        Returns
        -------
        ndarray of int64
        """
        return np.flatnonzero(self.mask(name))

    @property
    def train(self) -> NDArray[np.int64]:
        """Positions of the training samples, ascending."""
        return self.subset("train")

    @property
    def fitted(self) -> NDArray[np.int64]:
        """Positions of the training samples that fits see, ascending: all, unless sampled."""
        train = self.mask("train")
        return np.flatnonzero(train if self.left_out is None else train & ~self.left_out)

    @property
    def negative_fraction(self) -> float:
        """Share of the training samples without a spike that fits see."""
        if self.left_out is None:
            return 1.0
        n_negative = np.count_nonzero(self.mask("train") & (self.outcome == 0))
        return float(1.0 - np.count_nonzero(self.left_out) / n_negative)

    @property
    def test(self) -> NDArray[np.int64]:
        """Positions of the testing samples, ascending."""
        return self.subset("test")

    def counts(self) -> dict[Subset, tuple[int, int]]:
        """Count the samples of every subset, and those with a spike.

        Returns
        -------
        dict
            Subset to (number of samples, number of positives).
        """
        positives = np.bincount(self.role[self.outcome > 0], minlength=4)
        samples = np.bincount(self.role, minlength=4)
        table = {"train": [TRAIN], "test_first": [TEST_FIRST], "test_second": [TEST_SECOND]}
        table["test"] = [TEST_FIRST, TEST_SECOND]
        return {
            name: (int(samples[table[name]].sum()), int(positives[table[name]].sum()))
            for name in SUBSETS
        }
