"""The published method, written from its description alone, without code of the package.

The score of a trial is the sum over groups of spatial weights x projected input x temporal weights.
The weights maximise the area under the ROC curve on training trials: COBYLA as SciPy has it, 5000
evaluations, all else by default, from several random starts (Bast et al. 2024, PLoS Comput Biol 20:
e1011468). Projections, weights and outcomes are in single precision in its own program, so they
are here; neither columns nor weights are scaled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.metrics import roc_auc_score

N_SPATIAL, N_TEMPORAL, N_GROUPS = 6, 20, 2
MAX_EVALUATIONS = 5000

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class PublishedFit:
    """One run of COBYLA."""

    weights: FloatArray
    """Spatial weights of all groups, then temporal ones, shape (52,)."""
    train_auroc: float
    n_evaluations: int
    converged: bool


def weighted_net_input(
    weights: NDArray[np.floating], projected: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Dot products with temporal, then spatial weights; projected (2, trials, 6, 20)."""
    single = weights.astype(np.float32)
    spatial = single[: N_GROUPS * N_SPATIAL].reshape(N_GROUPS, N_SPATIAL)
    temporal = single[N_GROUPS * N_SPATIAL :].reshape(N_GROUPS, N_TEMPORAL)
    total = np.zeros(projected.shape[1], dtype=np.float32)
    for group in range(N_GROUPS):
        total += np.dot(np.dot(projected[group], temporal[group]), spatial[group])
    return total


def fit_published(projected: NDArray[np.float32], spiked: NDArray, seed: int) -> PublishedFit:
    """Fit from one random start, uniform in [-1, 1)."""
    start = np.random.default_rng(seed).uniform(-1.0, 1.0, N_GROUPS * (N_SPATIAL + N_TEMPORAL))
    outcome = spiked.astype(np.float32)

    def cost(weights: FloatArray) -> float:
        return -roc_auc_score(outcome, weighted_net_input(weights, projected))

    found = minimize(cost, start, method="COBYLA", options={"maxiter": MAX_EVALUATIONS})
    return PublishedFit(found.x, -found.fun, found.nfev, bool(found.success))
