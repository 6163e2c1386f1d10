"""Standard errors of canonical filters against draws from the weights' distribution."""

from __future__ import annotations

import numpy as np

from synreduce.basis import RaisedCosineBasis
from synreduce.design import FeatureLayout, Term
from synreduce.merging import canonical_filter_bands, canonical_filter_errors

SPATIAL = RaisedCosineBasis(3.0, 5.0, (3.0, 4.5, 6.0), 12).matrix
TEMPORAL = RaisedCosineBasis(2.0, 1.0, (1.0, 2.0, 3.0, 4.0), 20, reversed=True).matrix
LAYOUT = FeatureLayout([Term("EXC", 3, 4), Term("INH", 3, 4)])
GROUPS = ("EXC", "INH")


def canonical(theta: np.ndarray, peaks: dict[str, tuple[int, int]]) -> dict[str, np.ndarray]:
    """Rows and columns of the kernel over the peaks of the estimate, as the canonical form is."""
    kernels = {
        name: SPATIAL.T @ weights @ TEMPORAL for name, weights in LAYOUT.matrices(theta).items()
    }
    scale = kernels["EXC"][peaks["EXC"]]
    found = {}
    for name, kernel in kernels.items():
        bin_, lag = peaks[name]
        found[f"temporal {name}"] = kernel[bin_] / kernel[bin_, lag]
        found[f"spatial {name}"] = kernel[:, lag] / scale
    return found


def test_errors_equal_the_spread_of_filters_of_drawn_weights() -> None:
    rng = np.random.default_rng(4)
    theta = LAYOUT.flatten(
        {
            "EXC": np.outer([1.0, 0.6, 0.3], [0.2, 1.0, 0.5, 0.1]),
            "INH": np.outer([0.8, 0.7, 0.2], [-0.1, -0.6, -0.9, -0.3]),
        }
    )
    root = 0.004 * rng.normal(size=(theta.size, theta.size))
    covariance = root @ root.T
    errors = canonical_filter_errors(theta, covariance, LAYOUT, (SPATIAL, TEMPORAL), GROUPS)
    peaks = {}
    for name, weights in LAYOUT.matrices(theta).items():
        kernel = np.abs(SPATIAL.T @ weights @ TEMPORAL)
        bin_, lag = np.unravel_index(int(kernel.argmax()), kernel.shape)
        peaks[name] = (int(bin_), int(lag))
    draws = rng.multivariate_normal(theta, covariance, size=20_000)
    filters = [canonical(draw, peaks) for draw in draws]
    for name in GROUPS:
        for kind, found in (("spatial", errors.spatial), ("temporal", errors.temporal)):
            spread = np.std([one[f"{kind} {name}"] for one in filters], axis=0)
            np.testing.assert_allclose(found[name], spread, rtol=0.05, atol=1e-4)


def test_bands_hold_the_middle_of_the_filters_of_replicates() -> None:
    rng = np.random.default_rng(5)
    theta = LAYOUT.flatten(
        {
            "EXC": np.outer([1.0, 0.6, 0.3], [0.2, 1.0, 0.5, 0.1]),
            "INH": np.outer([0.8, 0.7, 0.2], [-0.1, -0.6, -0.9, -0.3]),
        }
    )
    replicates = theta + 0.03 * rng.normal(size=(99, theta.size))
    bands = canonical_filter_bands(
        theta, replicates, LAYOUT, (SPATIAL, TEMPORAL), {"EXC": 1, "INH": -1}
    )
    peaks = {}
    for name, weights in LAYOUT.matrices(theta).items():
        kernel = np.abs(SPATIAL.T @ weights @ TEMPORAL)
        bin_, lag = np.unravel_index(int(kernel.argmax()), kernel.shape)
        peaks[name] = (int(bin_), int(lag))
    own = canonical(theta, peaks)
    drawn = [canonical(draw, peaks) for draw in replicates]
    for name, sign in (("EXC", 1), ("INH", -1)):
        for kind, found in (("spatial", bands.spatial), ("temporal", bands.temporal)):
            key = f"{kind} {name}"
            signed = sign * np.array([one[key] for one in drawn])
            ends = np.percentile(signed, [2.5, 97.5], axis=0) - sign * own[key]
            np.testing.assert_allclose(found[name], ends, atol=1e-12)
        assert np.ptp(bands.temporal[name], axis=0).min() < 1e-12


def test_what_the_canonical_form_fixes_has_no_error() -> None:
    theta = np.linspace(0.1, 1.0, LAYOUT.n_features)
    errors = canonical_filter_errors(theta, np.eye(theta.size), LAYOUT, (SPATIAL, TEMPORAL), GROUPS)
    for found in (*errors.temporal.values(), errors.spatial["EXC"]):
        assert found.min() < 1e-6


def test_a_group_without_any_weight_has_no_known_error() -> None:
    theta = np.concatenate([np.linspace(0.1, 1.0, 12), np.zeros(12)])
    errors = canonical_filter_errors(theta, np.eye(theta.size), LAYOUT, (SPATIAL, TEMPORAL), GROUPS)
    assert np.isnan(errors.temporal["INH"]).all()
    assert np.isfinite(errors.temporal["EXC"]).all()
