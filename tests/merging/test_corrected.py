"""Intervals of the consensus, on windows of a neuron whose filter is known."""

from itertools import pairwise

import numpy as np
import pytest

from synreduce.design import ArrayRows
from synreduce.merging import (
    NORMAL_QUANTILE,
    ChunkBasis,
    ConsensusSums,
    SpatialPart,
    assemble_kernel,
    corrected_kernel,
    merge_spatial,
    merged_kernel,
)
from synreduce.projection import project_counts
from synreduce.solvers import FitProblem, build_solver
from synreduce.solvers.newton import NewtonOptions

from .conftest import GROUPS, LAYOUT, N_BINS, SPATIAL, TEMPORAL, WIDTH

N_WINDOWS, N_TRIALS = 12, 1500
OF_SPACE = {"EXC": [0.3, 0.5, 0.8, 1.0], "INH": [1.0, 0.2, -0.2, 0.3]}
OF_TIME = {"EXC": [0.2, 1.0, 0.6, 0.3], "INH": [-0.8, -0.6, -0.2, -0.1]}
THETA = 0.15 * np.concatenate([np.outer(OF_SPACE[g], OF_TIME[g]).ravel() for g in GROUPS])
TRUTH = np.array(
    [assemble_kernel(matrix, SPATIAL, TEMPORAL) for matrix in LAYOUT.matrices(THETA).values()]
)


def merged_window(rng, n_chunks):
    """Draw, fit and merge a window; all windows have the same filter."""
    counts = {g: rng.poisson(0.15, (N_TRIALS, WIDTH, N_BINS)).astype(np.uint8) for g in GROUPS}
    score = project_counts(counts, SPATIAL, TEMPORAL, [WIDTH]) @ THETA
    outcome = rng.random(N_TRIALS) < 1 / (1 + np.exp(2.0 - (score - score.mean())))
    edges = np.linspace(0, N_BINS, n_chunks + 1).round().astype(int)
    parts, bases = [], {}
    for start, stop in pairwise(edges):
        inside = {group: array[:, :, start:stop] for group, array in counts.items()}
        name, basis = f"c{start}", ChunkBasis(slice(start, stop), SPATIAL[:, start:stop])
        rows = ArrayRows(project_counts(inside, basis.functions, TEMPORAL, [WIDTH]))
        fit = build_solver(NewtonOptions()).solve(FitProblem(LAYOUT, rows, outcome))
        bases[name] = basis
        parts.append(
            SpatialPart(
                name, LAYOUT, rows, fit.theta, fit.intercept, calibrated=True,
                covariance=fit.covariance, bias_corrected=fit.bias_corrected,
            )
        )  # fmt: skip
    model = merge_spatial(parts, outcome, "refine")
    where = (bases, TEMPORAL, GROUPS, N_BINS)
    return merged_kernel(model, *where), corrected_kernel(model, *where)


@pytest.fixture(scope="module", params=[(1, 6), (2, 2)], ids=["one chunk", "two chunks"])
def experiments(request):
    """Pool the windows of several experiments."""
    n_chunks, n_experiments = request.param
    rng, pooled = np.random.default_rng(5), []
    for _ in range(n_experiments):
        sums = ConsensusSums()
        for _ in range(N_WINDOWS):
            kernel, corrected = merged_window(rng, n_chunks)
            sums.add(corrected.kernel, corrected.variance, fitted=kernel.kernel)
        pooled.append(sums.consensus())
    return pooled


def coverage(centre, error):
    return np.mean(np.abs(centre - TRUTH) < NORMAL_QUANTILE * error)


def test_intervals_of_the_consensus_hold_the_filter_as_often_as_they_say(experiments):
    """A ridge pulls all windows the same way, which no number of windows averages out."""
    assert 0.88 < np.mean([coverage(of.value, of.standard_error) for of in experiments]) < 0.99
    biased = np.mean([coverage(of.fitted, of.standard_error) for of in experiments])
    assert biased < 0.85
    counted = [np.hypot(of.standard_error, of.fitted - of.value) for of in experiments]
    errors = zip(experiments, counted, strict=True)
    assert np.mean([coverage(of.fitted, error) for of, error in errors]) > 0.93


def test_windows_with_one_filter_do_not_pass_for_different_ones(experiments):
    assert 0.02 < np.mean([of.p_value < 0.05 for of in experiments]) < 0.12
