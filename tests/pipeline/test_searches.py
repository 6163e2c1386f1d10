"""The result says how fits were found: restarts, their agreement, and the trace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import synreduce as sr
from synreduce.pipeline.merge_searches import thinned_trace


@given(
    trace=hnp.arrays(float, st.integers(1, 3000), elements=st.floats(-1, 1)),
    most=st.integers(2, 100),
)
def test_a_thinned_trace_has_the_start_and_ends_in_the_best(trace: np.ndarray, most: int) -> None:
    number, lowest = thinned_trace(trace, most)
    assert number.size <= most
    assert number[0] == 0
    assert number[-1] == trace.size - 1
    assert (np.diff(number) > 0).all()
    for position, value in zip(number, lowest, strict=True):
        assert value == trace[: position + 1].min()


def test_the_result_says_how_restarts_agree_and_how_the_objective_fell(
    planted_database: Path,
) -> None:
    mapping = {
        "run": "restarts",
        "databases": [{"id": "planted", "path": "unused.h5"}],
        "chunks": {"temporal": [{"start_ms": 256, "stop_ms": 260}]},
        "solvers": [{"kind": "newton", "restarts": 5, "ridge": 0.1, "smoothness": 0.0}],
    }
    with sr.fit(planted_database, mapping) as result:
        cell = result.dataset.isel(split=0, temporal=0, spatial=0).load()
        scores = result.scores
    made = scores.loc[scores["level"] == "chunk", "restart"].unique()
    assert cell["n_restarts_asked"] == 5
    assert cell["n_restarts"] == len(made) == 3
    assert cell["n_restarts_agreeing"] == 3
    assert 0.99 <= cell["restart_cosine"] <= 1.0
    assert 0.0 <= cell["restart_spread"] <= 1e-3 * cell["objective"]
    trace = cell["objective_trace"].to_numpy()
    n_points = int(np.isfinite(trace).sum())
    assert 1 < n_points == np.isfinite(trace[:n_points]).sum()
    assert trace[n_points - 1] == float(cell["objective"])
    assert (np.diff(trace[:n_points]) <= 0).all()
