"""The planted model against its definition."""

import numpy as np
import pytest

from synreduce.basis import RaisedCosineBasis
from synreduce.examples import PlantedModel, planted_filters
from synreduce.metrics import auroc


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(6)
    return {
        "EXC": rng.poisson(0.8, (60, 130, 32)).astype(np.uint8),
        "INH": rng.poisson(0.4, (60, 130, 32)).astype(np.uint8),
    }


def test_filters_lie_in_the_span_of_the_published_bases():
    spatial = RaisedCosineBasis(3.0, 5.0, (3, 4.5, 6, 7.5, 9, 10.5), 30)
    phases = tuple(np.arange(1.0, 10.6, 0.5))
    temporal = RaisedCosineBasis(2.0, 1.0, phases, 80, reversed=True)
    for filters in planted_filters().values():
        for basis, curve in ((spatial, filters.spatial), (temporal, filters.temporal)):
            weights = np.linalg.lstsq(basis.matrix.T, curve, rcond=None)[0]
            assert basis.superpose(weights) == pytest.approx(curve, abs=1e-8)


def test_filters_are_in_canonical_form():
    filters = planted_filters()
    for name, sign in (("EXC", 1.0), ("INH", -1.0)):
        course = filters[name].temporal
        assert course[np.abs(course).argmax()] == pytest.approx(sign)
    assert np.abs(filters["EXC"].spatial).max() == pytest.approx(1.0)
    assert 79 - np.abs(filters["EXC"].temporal).argmax() in range(1, 6)


def test_net_input_is_the_double_sum(counts):
    model = PlantedModel()
    found = model.net_input(counts)
    assert found.shape == (60, 130 - 79)
    for trial, ms in ((0, 79), (13, 100), (59, 129)):
        expected = sum(
            filters.spatial[z] * filters.temporal[lag_index] * counts[name][trial, t, z]
            for name, filters in model.filters.items()
            for lag_index, t in enumerate(range(ms - 79, ms + 1))
            for z in range(30)
        )
        assert found[trial, ms - 79] == pytest.approx(expected)


def test_spikes_follow_the_nonlinearity():
    model = PlantedModel(slope=0.5, intercept=-2.0)
    score = np.repeat([[-4.0], [0.0], [3.0], [6.0]], 20_000, axis=1)
    trial, time, used = model.draw(score, np.random.default_rng(0))
    assert np.array_equal(used, score)
    probability = 1.0 / (1.0 + np.exp(-(0.5 * score[:, 0] - 2.0)))
    rate = np.bincount(trial, minlength=4) / 20_000
    assert np.abs(rate - probability).max() < 4.0 * np.sqrt(0.25 / 20_000)
    assert time.min() >= 79.0
    assert (np.diff(np.floor(time))[np.diff(trial) == 0] >= 1).all()


def test_penalty_is_in_the_score_and_decays():
    model = PlantedModel(slope=1.0, intercept=0.0, penalty=5.0, penalty_decay_ms=10.0)
    net_input = np.zeros((50, 60))
    trial, time, score = model.draw(net_input, np.random.default_rng(3))
    for row in range(50):
        mine = time[trial == row] - 79.0
        for ms in range(60):
            before = mine[mine < ms]
            since = ms - before[-1] if before.size else np.inf
            assert score[row, ms] == pytest.approx(-5.0 * np.exp(-since / 10.0))


def test_no_other_score_orders_the_outcomes_better(counts):
    model = PlantedModel(slope=0.2, intercept=0.0)
    net_input = model.net_input(counts)
    centred = PlantedModel(slope=0.2, intercept=-0.2 * net_input.mean() - 2.0)
    trial, time, score = centred.draw(net_input, np.random.default_rng(1))
    spiked = np.zeros(score.shape, dtype=bool)
    spiked[trial, (time - 79.0).astype(int)] = True
    best = auroc(spiked.ravel(), score.ravel())
    for name in counts:
        alone = {key: value * (key == name) for key, value in counts.items()}
        assert auroc(spiked.ravel(), model.net_input(alone).ravel()) < best
