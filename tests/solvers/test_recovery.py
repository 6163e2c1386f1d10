"""The default solver on the bases and sizes of the published study, and on real recordings."""

import h5py
import numpy as np
import pytest

from synreduce.basis import RaisedCosineBasis
from synreduce.design import ArrayRows
from synreduce.metrics import auroc
from synreduce.projection import project_events
from synreduce.solvers import FitProblem, build_solver
from synreduce.solvers.sums import logistic
from synreduce.strategies import SpatiotemporalRaisedCosine, canonical_form

from .planted_problem import cosine

SPATIAL = RaisedCosineBasis(3.0, 5.0, np.arange(3.0, 11.0, 1.5), 30).matrix
TEMPORAL = RaisedCosineBasis(2.0, 1.0, np.arange(1.0, 11.0, 0.5), 80, reversed=True).matrix
EDGES = np.arange(0.0, 1501.0, 50.0)
LAYOUT = SpatiotemporalRaisedCosine().layout(["EXC", "INH"], 6, 20)
SIGNS = {"EXC": 1, "INH": -1}


def planted_filters():
    """Filters that are no superposition of the basis functions."""
    place, lag = np.arange(30), np.arange(80)[::-1]
    spatial = {
        "EXC": np.exp(-place / 6.0) + 0.15 * np.exp(-0.5 * ((place - 22) / 4.0) ** 2),
        "INH": np.exp(-place / 3.0),
    }
    temporal = {
        "EXC": np.exp(-lag / 12.0) - np.exp(-lag / 2.0),
        "INH": -(np.exp(-lag / 18.0) - np.exp(-lag / 3.0)),
    }
    return spatial, temporal


def planted_trials(n_trials, seed):
    rng = np.random.default_rng(seed)
    spatial, temporal = planted_filters()
    gain = np.exp(0.35 * rng.standard_normal(n_trials))
    columns, score = [], np.zeros(n_trials)
    for group, (name, rate) in enumerate((("EXC", 60.0), ("INH", 40.0))):
        number = rng.poisson(rate * gain)
        trial = np.repeat(np.arange(n_trials), number)
        time, distance = rng.integers(0, 80, trial.size), rng.integers(0, 30, trial.size)
        weight = spatial[name][distance] * temporal[name][time]
        score += np.bincount(trial, weight, minlength=n_trials)
        columns.append((trial, time + 0.5, 50.0 * distance + 1.0, np.full(trial.size, group)))
    events = [np.concatenate(parts) for parts in zip(*columns, strict=True)]
    score *= 2.5 / score.std()
    outcome = rng.random(n_trials) < logistic(score - score.mean() - 4.5)
    rows = project_events(
        *events,
        n_trials=n_trials,
        n_groups=2,
        n_ms=80,
        distance_edges=EDGES,
        spatial=SPATIAL,
        temporal=TEMPORAL,
        target_stops=[80],
    )
    return rows, outcome, score


@pytest.fixture(scope="module")
def planted():
    return planted_trials(40_000, seed=1)


def test_planted_filters_are_recovered_from_forty_thousand_trials(planted):
    rows, outcome, score = planted
    result = build_solver("newton").solve(FitProblem(LAYOUT, ArrayRows(rows), outcome))
    assert result.status == "ok"
    form = canonical_form(result.parameters, SPATIAL, TEMPORAL, SIGNS)
    spatial, temporal = planted_filters()
    for name in SIGNS:
        assert cosine(form.temporal_filter[name][0], temporal[name]) >= 0.99
        assert cosine(form.spatial_filter[name][0], spatial[name]) >= 0.98
    assert result.train_auroc > auroc(outcome, score) - 0.001


def test_full_rank_equals_scikit_learn_on_held_out_trials(planted):
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    rows, outcome, _ = planted
    train, test = slice(0, 8000), slice(8000, None)
    fit = build_solver("newton").solve(
        FitProblem(LAYOUT, ArrayRows(rows[train]), outcome[train], rank="full")
    )
    unit = StandardScaler().fit(rows[train].astype(np.float64))
    references = [
        LogisticRegression(C=strength, max_iter=200, solver="newton-cholesky").fit(
            unit.transform(rows[train]), outcome[train]
        )
        for strength in (1e-3, 1e-2, 1e-1)
    ]
    best = max(
        auroc(outcome[test], model.decision_function(unit.transform(rows[test])))
        for model in references
    )
    assert auroc(outcome[test], rows[test] @ fit.theta) > best - 0.001


def read_allen_cells(folder):
    """Activations and spikes of the nine cells: every spike of a source reaches its synapses."""
    columns = []
    for group, kind in enumerate(("exc", "inh")):
        with h5py.File(folder / "inputs" / f"{kind}_spike_trains.h5") as file:
            spikes = file[f"spikes/{kind}virt"]
            times, sources = spikes["timestamps"][:], spikes["node_ids"][:].astype(int)
        with h5py.File(folder / "network" / f"{kind}virt_cortex_edges.h5") as file:
            edges = file[f"edges/{kind}virt_to_cortex"]
            source = edges["source_node_id"][:].astype(int)
            target, distance = edges["target_node_id"][:], edges["0/dist"][:]
        for edge in range(source.size):
            arrival = times[sources == source[edge]] + 2.0
            size = arrival.size
            place = np.full(size, distance[edge])
            columns.append((np.full(size, target[edge]), arrival, place, np.full(size, group)))
    with h5py.File(folder / "output" / "spikes.h5") as file:
        spikes = file["spikes/cortex"]
        return (
            [np.concatenate(parts) for parts in zip(*columns, strict=True)],
            spikes["timestamps"][:],
            spikes["node_ids"][:].astype(int),
        )


def test_few_spikes_of_a_real_simulation(shared_data):
    events, times, cells = read_allen_cells(shared_data / "sonata" / "allen_9_cells")
    stops = np.arange(80, 3001)
    rows = project_events(
        *events,
        n_trials=9,
        n_groups=2,
        n_ms=3000,
        distance_edges=EDGES,
        spatial=SPATIAL,
        temporal=TEMPORAL,
        target_stops=stops,
    )
    outcome = np.zeros((9, stops.size), dtype=bool)
    outcome[cells, np.floor(times).astype(int) + 1 - stops[0]] = True
    outcome, millisecond = outcome.ravel(), np.tile(stops, 9)
    assert outcome.sum() == 78
    block = (millisecond - 1) // 250
    scores = []
    for fold in range(5):
        test = block % 5 == fold
        apart = np.abs(millisecond[:, None] - np.flatnonzero(np.bincount(millisecond[test]))[None])
        train = np.flatnonzero(apart.min(axis=1) > 80)
        problem = FitProblem(
            LAYOUT, ArrayRows(rows[train]), outcome[train], fold_groups=block[train]
        )
        fit = build_solver("newton").solve(problem)
        scores.append(auroc(outcome[test], rows[test] @ fit.theta))
    assert np.mean(scores) >= 0.97
    assert min(scores) >= 0.93
