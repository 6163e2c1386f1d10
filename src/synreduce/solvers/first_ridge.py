"""The ridge with which the choice of the penalty begins."""

from __future__ import annotations

import numpy as np

from synreduce.solvers.newton_steps import Point
from synreduce.solvers.training import TrainingData

_BY_SIGNAL, _LEAST, _MOST = 250.0, 0.3, 30.0
"""The ridge times the number of samples of the rarer class: the first over the squared variance of
the log odds at the start, within the other two.

The ridge weighs against weights, whose squares grow with that variance, in a unit that ignores how
much less curvature large log odds leave. On planted and cable data of 160 to 9,000 spikes and
variances of 3 to 22 most choices then need no second pilot."""

_IF_SCARCE, _SCARCE = 10.0, 100
"""The same where the rarer class has fewer samples than the second.

Too strong rather than too weak: a weak ridge lets the classes separate there, and a fit to all
samples says nothing of those without a fold. The start is too sure of itself as well."""


def first_ridge(data: TrainingData, start: Point) -> float:
    """Guess the strength that cross-validation will choose.

    Parameters
    ----------
    data : TrainingData
        Training samples.
    start : Point
        Whose score is the best log odds that a simple method finds.

    Returns
    -------
    float
        Strength, in the unit of `PenaltyScale`.
    """
    n_rarer = min(data.problem.n_positive, data.n_rows - data.problem.n_positive)
    if n_rarer < _SCARCE:
        return _IF_SCARCE / n_rarer
    variance = float(data.scores(data.problem.model.theta(start.vector)).var())
    by_signal = _BY_SIGNAL / max(variance**2, np.finfo(float).tiny)
    return min(max(by_signal, _LEAST), _MOST) / n_rarer
