"""A neuron whose filters are known, cut into spatial chunks."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from synreduce.basis import RaisedCosineBasis
from synreduce.design import ArrayRows, FeatureLayout, Term
from synreduce.merging import ChunkBasis, SpatialPart
from synreduce.projection import project_counts
from synreduce.solvers import FitProblem
from synreduce.solvers.newton import NewtonOptions, NewtonSolver

N_BINS, WIDTH = 20, 16
GROUPS = ("EXC", "INH")
SPATIAL = RaisedCosineBasis(3.0, 3.0, (3.0, 5.0, 7.0, 9.0), N_BINS).matrix
TEMPORAL = RaisedCosineBasis(2.0, 1.0, (1.0, 2.5, 4.0, 5.5), WIDTH, reversed=True).matrix
LAYOUT = FeatureLayout([Term(name, SPATIAL.shape[0], TEMPORAL.shape[0]) for name in GROUPS])


@dataclass(frozen=True)
class Neuron:
    counts: dict
    outcome: np.ndarray
    score: np.ndarray
    train: np.ndarray
    test: np.ndarray

    def rows(self, n_chunks):
        edges = np.linspace(0, N_BINS, n_chunks + 1).round().astype(int)
        bins = [slice(a, b) for a, b in pairwise(edges)]
        basis = [ChunkBasis(where, SPATIAL[:, where]) for where in bins]
        parts = [{g: c[:, :, b.bins] for g, c in self.counts.items()} for b in basis]
        return [
            project_counts(p, b.functions, TEMPORAL, [WIDTH])
            for p, b in zip(parts, basis, strict=True)
        ], basis

    def parts(self, n_chunks):
        rows, basis = self.rows(n_chunks)
        result = []
        for number, array in enumerate(rows):
            source = ArrayRows(array[self.train])
            problem = FitProblem(LAYOUT, source, self.outcome[self.train])
            fit = NewtonSolver(NewtonOptions(ridge=0.01)).solve(problem)
            result.append(
                SpatialPart(
                    f"c{number}", LAYOUT, source, fit.theta, fit.intercept, fit.status,
                    calibrated=True, covariance=fit.covariance, bias_corrected=fit.bias_corrected,
                )
            )  # fmt: skip
        held_out = [ArrayRows(array[self.test]) for array in rows]
        return result, held_out, basis


def make_neuron(n_trials, kernel, seed):
    rng = np.random.default_rng(seed)
    # shared and drifting rates: what one chunk explains its neighbours seem to explain as well
    drift = rng.normal(size=(n_trials, 1, N_BINS)).cumsum(axis=2) / np.sqrt(N_BINS)
    rate = 0.35 * np.exp(0.4 * rng.normal(size=(n_trials, 1, 1)) + 0.4 * drift)
    counts = {g: rng.poisson(rate, (n_trials, WIDTH, N_BINS)).astype(np.uint8) for g in GROUPS}
    score = sum(np.einsum("ntz,zt->n", counts[g], kernel[i]) for i, g in enumerate(GROUPS))
    score = 2.0 * (score - score.mean()) / score.std() - 3.0
    outcome = rng.random(n_trials) < 1 / (1 + np.exp(-score))
    half = n_trials // 3
    return Neuron(counts, outcome, score, np.arange(half), np.arange(half, n_trials))


def separable_kernel():
    distance = np.exp(-np.arange(N_BINS) / 6.0)
    early = np.exp(-np.arange(WIDTH)[::-1] / 3.0)
    late = np.exp(-np.arange(WIDTH)[::-1] / 6.0)
    return np.stack([np.outer(distance, early), -1.2 * np.outer(distance, late)])


def changing_kernel():
    """Near inputs act fast, far inputs late, with opposite sign in between."""
    lag = np.arange(WIDTH)[::-1]
    fast, slow = np.exp(-lag / 1.5), np.where(lag > 4, 0.6, -0.3)
    near = (np.arange(N_BINS) < 10)[:, None]
    kernel = np.where(near, fast, slow)
    return np.stack([kernel, -0.5 * kernel])


@pytest.fixture(scope="session")
def separable_neuron():
    return make_neuron(18_000, separable_kernel(), 11)


@pytest.fixture(scope="session")
def changing_neuron():
    return make_neuron(9_000, changing_kernel(), 12)
