"""Small problems whose answer is known."""

from dataclasses import dataclass

import numpy as np

from synreduce.basis import RaisedCosineBasis
from synreduce.design import ArrayRows, FeatureLayout, Term
from synreduce.solvers import FitProblem
from synreduce.strategies import FactorModel, kernel_roughness


@dataclass(frozen=True)
class Planted:
    """Rows, outcomes drawn from a separable kernel, and that kernel."""

    layout: FeatureLayout
    rows: np.ndarray
    outcome: np.ndarray
    theta: np.ndarray
    bases: tuple[np.ndarray, np.ndarray]

    def problem(self, n=None, **options) -> FitProblem:
        n = len(self.outcome) if n is None else n
        return FitProblem(self.layout, ArrayRows(self.rows[:n]), self.outcome[:n], **options)

    @property
    def roughness(self) -> np.ndarray:
        return kernel_roughness(self.layout, *self.bases)


def plant(n, seed=0, *, n_spatial=3, n_temporal=5, gain=2.0, offset=-2.5) -> Planted:
    """Project Poisson counts of two groups and draw spikes from a separable kernel."""
    rng = np.random.default_rng(seed)
    spatial = RaisedCosineBasis(3.0, 5.0, 3.0 + 1.5 * np.arange(n_spatial), 8).matrix
    phases = np.linspace(1.0, 6.0, n_temporal)
    temporal = RaisedCosineBasis(2.0, 1.0, phases, 20, reversed=True).matrix
    layout = FeatureLayout([Term(name, n_spatial, n_temporal) for name in ("EXC", "INH")])
    blocks = [
        np.einsum("kz,lt,ntz->nkl", spatial, temporal, counts, optimize=True).reshape(n, -1)
        for counts in (rng.poisson(rate, (n, 20, 8)) for rate in (0.2, 0.1))
    ]
    rows = np.concatenate(blocks, axis=1).astype(np.float32)
    y_weights = np.exp(-np.arange(n_spatial) / 2.0)
    x_weights = np.sin(np.linspace(0.5, 3.0, n_temporal))
    vector = np.concatenate([y_weights, x_weights, y_weights[::-1], -0.7 * x_weights])
    theta = FactorModel(layout).theta(vector)
    score = rows @ theta
    theta = theta * gain / score.std()
    logit = rows @ theta - (rows @ theta).mean() + offset
    outcome = rng.random(n) < 1.0 / (1.0 + np.exp(-logit))
    return Planted(layout, rows, outcome, theta, (spatial, temporal))


def cosine(first, second) -> float:
    return float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))
