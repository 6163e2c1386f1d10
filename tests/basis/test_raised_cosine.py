"""Raised cosines against values computed from the published settings."""

import json

import numpy as np
import pytest

from synreduce.basis import RaisedCosineBasis
from synreduce.errors import InputError

SPATIAL = RaisedCosineBasis(3.0, 5.0, np.arange(3.0, 11.0, 1.5), 30)
TEMPORAL = RaisedCosineBasis(2.0, 1.0, np.arange(1.0, 11.0, 0.5), 80)


def test_shapes_and_rank_of_the_published_bases():
    assert TEMPORAL.matrix.shape == (20, 80)
    assert SPATIAL.matrix.shape == (6, 30)
    temporal = np.linalg.svd(TEMPORAL.matrix, compute_uv=False)
    spatial = np.linalg.svd(SPATIAL.matrix, compute_uv=False)
    assert temporal[[0, -1]] == pytest.approx([15.94684, 0.0037793], rel=1e-5)
    assert spatial[[0, -1]] == pytest.approx([5.45256, 0.10227], rel=1e-4)


def test_first_temporal_function():
    values = TEMPORAL.matrix[0]
    assert values[:5] == pytest.approx([0.770151, 0.963156, 0.682472, 0.399787, 0.198172], abs=1e-6)
    assert values.sum() == pytest.approx(3.105115, abs=1e-6)
    assert np.flatnonzero(values).tolist() == list(range(7))


@pytest.mark.parametrize(
    ("phase", "peak", "largest", "total"),
    [(6.0, 19, 0.999982, 36.809472), (10.5, 79, 0.4178, 7.266484)],
)
def test_later_temporal_functions(phase, peak, largest, total):
    values = TEMPORAL.matrix[TEMPORAL.phases.index(phase)]
    assert int(np.argmax(values)) == peak
    assert values.max() == pytest.approx(largest, abs=5e-5)
    assert values.sum() == pytest.approx(total, abs=1e-5)


def test_first_values_of_spatial_functions():
    expected = [
        [0.372660, 0.139764, 0.022906, 0.0],
        [0.973294, 0.820392, 0.615481, 0.416627],
        [0.694299, 0.905563, 0.993432, 0.985867],
    ]
    assert SPATIAL.matrix[:3, :4] == pytest.approx(np.array(expected), abs=1e-6)


def test_reversal_turns_the_grid_round():
    turned = RaisedCosineBasis(2.0, 1.0, TEMPORAL.phases, 80, reversed=True)
    assert np.array_equal(turned.matrix, TEMPORAL.matrix[:, ::-1])


def test_superposition_is_the_weighted_sum():
    weights = np.linspace(-1.0, 1.0, 6)
    by_hand = sum(weight * row for weight, row in zip(weights, SPATIAL.matrix, strict=True))
    assert SPATIAL.superpose(weights) == pytest.approx(by_hand)
    assert SPATIAL.superpose(np.stack([weights, weights])).shape == (2, 30)


def test_wrong_number_of_weights_is_refused():
    with pytest.raises(InputError, match="6 functions"):
        SPATIAL.superpose([1.0, 2.0])


def test_all_bad_parameters_are_named_at_once():
    with pytest.raises(InputError) as refused:
        RaisedCosineBasis(0.0, -1.0, [], 0)
    assert {problem.where for problem in refused.value.problems} == {
        "basis.steepness",
        "basis.offset",
        "basis.width",
        "basis.phases",
    }


def test_matrix_cannot_be_changed_by_accident():
    with pytest.raises(ValueError, match="read-only"):
        SPATIAL.matrix[0, 0] = 1.0


def test_published_filters_lie_in_the_span(shared_data):
    filters = json.loads((shared_data / "isf_reduced_model" / "filters_example.json").read_text())
    turned = RaisedCosineBasis(2.0, 1.0, TEMPORAL.phases, 80, reversed=True)
    for name, values in filters["spatiotemporal_filters"].items():
        basis = SPATIAL if name.startswith("s_") else turned
        weights = np.linalg.lstsq(basis.matrix.T, np.array(values), rcond=None)[0]
        assert basis.superpose(weights) == pytest.approx(np.array(values), abs=2e-7)
