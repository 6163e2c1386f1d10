"""A made-up but plausible result, for tests of the merged file and of the figures."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from synreduce.basis import RaisedCosineBasis
from synreduce.result import FailedChunk, MergedContent, Provenance

GROUPS = ("EXC", "INH")
SIGN = np.array([1, -1])
WIDTH = 80
DISTANCE_BINS = 30


def bases() -> tuple[np.ndarray, np.ndarray]:
    """Spatial (6, 30) over distance and temporal (20, 80) over lag: lag 0 first."""
    spatial = RaisedCosineBasis(3.0, 5.0, np.arange(3.0, 10.6, 1.5), DISTANCE_BINS).matrix
    temporal = RaisedCosineBasis(2.0, 1.0, np.arange(1.0, 10.6, 0.5), WIDTH).matrix
    return spatial, temporal


def temporal_shape(lag: np.ndarray, shift: float) -> np.ndarray:
    """Rise and decay, for EXC and INH; extremes are +1 and -1."""
    later = np.maximum(lag - 1.0, 0.0)
    excite = np.exp(-later / (9.0 + shift)) - np.exp(-later / 2.0)
    inhibit = -(np.exp(-later / 18.0) - np.exp(-later / (4.0 + shift)))
    inhibit += 0.25 * np.exp(-((lag - 45.0) ** 2) / 120.0)
    return np.stack([excite / np.abs(excite).max(), inhibit / np.abs(inhibit).max()])


def spatial_shape(distance: np.ndarray) -> np.ndarray:
    """Fall with distance; EXC is 1 near the soma."""
    return np.stack([np.exp(-distance / 520.0), 1.6 * np.exp(-distance / 190.0)])


def example_content(
    n_windows: int = 3,
    splits: tuple[str, ...] = ("random", "random-2"),
    n_spatial: int = 2,
    seed: int = 0,
    *,
    fail: bool = True,
    **replaced: Any,
) -> MergedContent:
    """Make the content of a merged file, one cell of which failed."""
    rng = np.random.default_rng(seed)
    edges = np.linspace(0, 1500, n_spatial + 1)
    distance, lag = 25.0 + 50.0 * np.arange(DISTANCE_BINS), np.arange(float(WIDTH))
    starts = 250.0 + 10.0 * np.arange(n_windows)
    coordinates: dict[str, Any] = {
        "split": splits,
        "temporal": [f"t{start:04.0f}-{start + 10:04.0f}" for start in starts],
        "spatial": [f"d{a:04.0f}-{b:04.0f}" for a, b in pairwise(edges)],
        "group": GROUPS,
        "soma_distance": distance,
        "lag": lag,
        "spatial_basis": np.arange(6),
        "temporal_basis": np.arange(20),
        "wni_bin": np.arange(12),
        "isi": 1.0 + np.arange(40.0),
        "subset": ("train", "test"),
        "level": ("chunk", "merged", "consensus"),
        "probability_bin": np.arange(8),
        "iteration": np.arange(5),
    }
    shape = (len(splits), n_windows, n_spatial)
    inside = (distance >= edges[:-1, None]) & (distance < edges[1:, None])
    shift = 0.4 * rng.standard_normal((*shape[:2], 1, 1))
    tf = np.array([[temporal_shape(lag, s.item()) for s in row] for row in shift])
    sf = spatial_shape(distance) * (1 + 0.06 * rng.standard_normal((*shape[:2], 2, DISTANCE_BINS)))
    kernel = sf[..., None] * tf[..., None, :]
    spatial_filter = np.where(inside[:, None, :], sf[:, :, None], np.nan)
    temporal_filter = np.repeat(tf[:, :, None], n_spatial, axis=2)
    temporal_filter = temporal_filter + 0.03 * rng.standard_normal(temporal_filter.shape)
    spatial_basis, temporal_basis = bases()
    wni = np.sort(rng.uniform(-40, 60, (*shape[:2], 12)), axis=-1)
    probability = 1 / (1 + np.exp(-(wni - 25) / 9))
    penalty = np.maximum(0, 60 * np.exp(-coordinates["isi"] / 8) - 1)
    penalty[:2] = np.inf
    predicted = np.sort(rng.beta(0.7, 6, (*shape[:2], 8)), axis=-1)
    scores = 0.93 + 0.01 * rng.standard_normal((3, len(splits), 2, n_windows, n_spatial))
    scores[0] -= 0.03 * (n_spatial > 1)
    scores[1:, ..., 1:] = scores[1:, ..., :1]
    status = np.zeros(shape, int)
    failures: list[FailedChunk] = []
    variables: dict[str, Any] = {
        "temporal_start": starts,
        "temporal_stop": starts + 10,
        "spatial_start": edges[:-1],
        "spatial_stop": edges[1:],
        "soma_distance_start": distance - 25,
        "soma_distance_stop": distance + 25,
        "group_sign": SIGN,
        "spatial_basis_function": spatial_basis,
        "temporal_basis_function": temporal_basis,
        "spatial_filter": spatial_filter,
        "spatial_filter_se": 0.05 * np.abs(spatial_filter) + 0.02,
        "temporal_filter": temporal_filter,
        "temporal_filter_se": np.full(temporal_filter.shape, 0.05),
        "spatial_weight": rng.standard_normal((*shape, 2, 6)),
        "temporal_weight": rng.standard_normal((*shape, 2, 20)),
        "intercept": rng.standard_normal(shape),
        "kernel": kernel,
        "log_odds_slope": np.full(shape[:2], 0.11),
        "log_odds_intercept": np.full(shape[:2], -2.8),
        "consensus_kernel": 0.11 * kernel.mean(axis=1),
        "heterogeneity_q": rng.chisquare(max(n_windows - 1, 1), kernel[:, 0].shape),
        "heterogeneity_i2": rng.uniform(0, 0.4, kernel[:, 0].shape),
        "nonlinearity": probability,
        "nonlinearity_wni": wni,
        "isi_penalty": np.broadcast_to(penalty, (*shape[:2], 40)).copy(),
        "calibration_predicted": predicted,
        "calibration_observed": np.clip(predicted * rng.normal(1, 0.08, predicted.shape), 0, 1),
        "calibration_n_samples": np.full(predicted.shape, 3000),
        "auroc": scores,
        "average_precision": scores - 0.4,
        "bits_per_spike": scores + 0.8,
        "log_loss": 1.05 - scores,
        "brier": 0.97 - scores,
        "status": status,
        "strategy": np.zeros(shape, int),
        "solver": np.ones(shape, int),
        "n_samples": np.full(shape, 56000),
        "n_positive": np.full(shape, 2800),
        "n_evaluations": np.full(shape, 41),
        "n_restarts_asked": np.full(shape, 8),
        "n_restarts": np.full(shape, 3),
        "n_restarts_agreeing": np.full(shape, 3),
        "restart_cosine": rng.uniform(0.99, 1.0, shape),
        "restart_spread": rng.uniform(0.0, 1e-4, shape),
        "objective_trace": np.tile([0.3, 0.2, 0.18, 0.175, np.nan], (*shape, 1)),
        "objective_trace_number": np.tile([0.0, 1.0, 2.0, 3.0, np.nan], (*shape, 1)),
        "condition": 10 ** rng.uniform(3, 4, shape),
    }
    if fail:
        failures.append(_fail(variables, coordinates, (0, n_windows - 1, n_spatial - 1)))
    return MergedContent(
        coordinates=coordinates,
        variables={**variables, **replaced},
        flag_meanings={"strategy": ("spatiotemporal",), "solver": ("cobyla", "newton")},
        provenance=Provenance(
            configuration="run: example\nseed: 1\n",
            configuration_digest="c" * 64,
            inputs={"example": "f" * 64},
            seeds={"root": 1, **dict.fromkeys(splits, 7)},
            package_versions={"numpy": np.__version__},
            complete=not fail,
            missing_chunks=[],
            failures=failures,
        ),
    )


def _fail(variables: dict[str, Any], coordinates: dict[str, Any], cell: Any) -> FailedChunk:
    split, window, part = cell
    variables["status"][cell] = 2
    for name in ("spatial_filter", "temporal_filter", "spatial_weight", "temporal_weight"):
        variables[name][cell] = np.nan
    for name in ("spatial_filter_se", "temporal_filter_se", "intercept", "condition"):
        variables[name][cell] = np.nan
    for name in ("auroc", "average_precision", "bits_per_spike", "log_loss", "brier"):
        variables[name][0, split, :, window, part] = np.nan
    chunk = f"{coordinates['spatial'][part]}/{coordinates['temporal'][window]}"
    return FailedChunk(chunk, coordinates["split"][split], "one_class", "no spike in 56000 samples")
