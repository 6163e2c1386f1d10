"""Case-control sampling: fits see all training samples with a spike and some of those without."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from synreduce.chunks.randomness import sample_numbers
from synreduce.chunks.split import Split
from synreduce.errors import InputError, Problem


def with_fewer_negatives(
    split: Split,
    negatives_per_positive: float,
    seed: int,
    *,
    trial_ids: Sequence[str] | NDArray[np.str_],
    target_starts: NDArray[np.float64],
) -> Split:
    """Leave training samples without a spike out of the fits.

    Every sample has a random number that follows from seed, split, trial id and target window
    alone; those with the smallest numbers are fitted. The number of them is fixed, so that the
    fraction by which an intercept is corrected is exact and not one that was hoped for.

    Parameters
    ----------
    split : Split
        Complete.
    negatives_per_positive : float
        Samples without a spike that are fitted per sample with one.
    seed : int
        Root seed of the run.
    trial_ids : sequence of str, (n_trials,)
        Ids that are unique over all databases.
    target_starts : ndarray of float64, (n_targets,)
        ms.

    Returns
    -------
    Split
        The same one if it has no more negatives than that.

    Raises
    ------
    InputError
        Trial ids and target windows are not those of the split.

    Examples
    --------
    >>> role, outcome = np.ones(100, np.uint8), (np.arange(100) < 10).astype(np.uint8)
    >>> split = Split("random", role, outcome, np.arange(100), np.zeros(1, np.int64))
    >>> ids = [f"db/{trial:03d}" for trial in range(100)]
    >>> fewer = with_fewer_negatives(split, 3, 1, trial_ids=ids, target_starts=np.array([258.0]))
    >>> fewer.fitted.size, round(fewer.negative_fraction, 3)
    (40, 0.333)
    """
    train = split.mask("train")
    negative = np.flatnonzero(train & (split.outcome == 0))
    n_positive = int(np.count_nonzero(train & (split.outcome > 0)))
    # 0.07 * 100 is a little more than 7 in binary fractions, and one sample too many rounded up.
    n_kept = math.ceil(round(negatives_per_positive * n_positive, 9))
    if n_kept == 0 or n_kept >= negative.size:
        return split
    numbers = sample_numbers(seed, f"case-control\x1f{split.name}", trial_ids, target_starts)
    if numbers.size != split.role.size:
        what = f"{numbers.shape[0]} trials x {numbers.shape[1]} targets, {split.role.size} samples"
        fix = "give the id of every trial and the start of every target window of the split"
        raise InputError(Problem("bad-shape", f"split {split.name}", what, fix))
    order = np.argsort(numbers.ravel()[negative], kind="stable")
    left_out = np.zeros(split.role.size, dtype=np.bool_)
    left_out[negative[order[n_kept:]]] = True
    return replace(split, left_out=left_out)


@dataclass(frozen=True)
class FullScale:
    """From the log odds in the sampled training samples to those in all of them.

    Parameters
    ----------
    shift : float
        Added to an intercept that was fitted to the sample.
    variance_change : float
        Added to its variance; not positive.
    """

    shift: float
    variance_change: float

    def standard_error(self, error: float) -> float:
        """Give the standard error of a shifted intercept.

        Parameters
        ----------
        error : float
            From the curvature in the sample; NaN where unknown.

        Returns
        -------
        float
        """
        # A ridge can make the curvature promise less than the numbers of samples allow.
        variance = error**2 + self.variance_change
        return math.sqrt(variance) if variance > 0.0 else math.nan


def full_scale(split: Split) -> FullScale:
    """Correct intercepts for the negatives that fits leave out.

    Parameters
    ----------
    split : Split
        What was fitted.

    Returns
    -------
    FullScale
        No change where nothing was left out.

    Notes
    -----
    Leaving out negatives at random, whatever their input, multiplies all odds by one over the
    fraction kept: weights stay, the intercept of all samples is that of the sample plus the log of
    the fraction (Prentice & Pyke 1979, Biometrika 66:403; King & Zeng 2001, Polit. Anal. 9:137).
    The curvature in the sample gives the covariance of the weights as it is. The variance it gives
    for the intercept counts the number of negatives as if n had been drawn by chance; they were
    drawn from N, so it is too large by 1/n - 1/N (Breslow & Cain 1988, Biometrika 75:11).
    """
    fraction = split.negative_fraction
    if fraction == 1.0:
        return FullScale(0.0, 0.0)
    n_negative = int(np.count_nonzero(split.outcome[split.fitted] == 0))
    return FullScale(math.log(fraction), -(1.0 - fraction) / n_negative)


def relative_efficiency(n_positive: int, n_fitted: int, negative_fraction: float) -> float:
    """Precision of weights that is left, as part of that of a fit to all training samples.

    Parameters
    ----------
    n_positive, n_fitted : int
        Samples with a spike, and all samples, that were fitted.
    negative_fraction : float
        Share of the training samples without a spike among them.

    Returns
    -------
    float
        Ratio of variances where weights are small: ``m / (m + 1)`` with m negatives per
        positive and many left out (Ury 1975, Biometrics 31:643).

    Examples
    --------
    >>> round(relative_efficiency(100, 600, 0.01), 3)
    0.835
    """
    n_negative = n_fitted - n_positive
    if min(n_positive, n_negative) == 0:
        return float("nan")
    all_samples = 1.0 / n_positive + negative_fraction / n_negative
    return all_samples / (1.0 / n_positive + 1.0 / n_negative)
