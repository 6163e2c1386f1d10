"""Kernels from weights and how certain they are."""

import numpy as np
import pytest

from synreduce.merging import assemble_kernel, canonical_scale, kernel_variance


def bases(rng):
    return rng.uniform(size=(3, 5)), rng.uniform(size=(4, 7))


def test_kernel_is_the_superposition_of_products():
    rng = np.random.default_rng(0)
    spatial, temporal = bases(rng)
    weight = rng.normal(size=(2, 3, 4))
    kernel = assemble_kernel(weight, spatial, temporal)
    expected = sum(
        weight[:, k, n, None, None] * np.outer(spatial[k], temporal[n])
        for k in range(3)
        for n in range(4)
    )
    assert kernel == pytest.approx(expected)


def test_kernel_variance_matches_draws_of_the_weights():
    rng = np.random.default_rng(1)
    spatial, temporal = bases(rng)
    root = rng.normal(size=(12, 12))
    covariance = root @ root.T
    draws = (root @ rng.normal(size=(12, 20_000))).T.reshape(-1, 3, 4)
    variance = kernel_variance(covariance, spatial, temporal)
    assert variance == pytest.approx(
        assemble_kernel(draws, spatial, temporal).var(axis=0), rel=0.06
    )


def test_canonical_scale_of_separable_filters():
    spatial, temporal = np.array([0.5, -2.0, 1.0]), np.array([0.1, 1.0, -0.3])
    kernel = 3.0 * np.stack([np.outer(spatial, temporal), np.ones((3, 3))])
    assert canonical_scale(kernel, ["EXC", "INH"]) == pytest.approx(6.0)
    assert canonical_scale(kernel, ["INH", "EXC"]) == pytest.approx(3.0)
    assert canonical_scale(kernel, ["L4ss", "VPM"]) == pytest.approx(6.0)
    assert canonical_scale(np.full((1, 2, 2), np.nan), ["EXC"]) == 1.0
