"""Parameter files of published reduced models."""

import json

import numpy as np
import pytest

from synreduce.basis import RaisedCosineBasis
from synreduce.errors import DataError
from synreduce.importers.published_model import read_published_model

FILTERS = '{"spatiotemporal_filters": {"s_exc": [1], "s_inh": %s, "t_exc": [1], "t_inh": [1]}}'


@pytest.fixture
def filters(shared_data):
    return shared_data / "isf_reduced_model" / "filters_example.json"


def test_weighted_net_input_of_the_published_trials(filters, shared_data):
    model = read_published_model(filters)
    binned = np.load(shared_data / "isf_simrun" / "binned_reference.npz")["counts"]
    counts = {
        group: binned[:, position].transpose(0, 2, 1)
        for position, group in enumerate(("EXC", "INH"))
    }
    expected = {
        259: [21.4732, 17.3969, 13.7294, 12.6112, 12.8685, 10.4088],
        260: [29.0837, 22.8899, 15.6473, 13.6412, 17.4216, 15.1952],
    }
    for time, values in expected.items():
        found = model.weighted_net_input(counts, time)
        np.testing.assert_allclose(found, values, atol=6e-5)
    with pytest.raises(ValueError, match="leaves the counts"):
        model.weighted_net_input(counts, 78)


def test_filters_lie_in_the_span_of_the_published_basis(filters):
    model = read_published_model(filters)
    spatial = RaisedCosineBasis(3.0, 5.0, (3.0, 4.5, 6.0, 7.5, 9.0, 10.5), 30)
    phases = tuple(np.arange(1.0, 10.6, 0.5).tolist())
    temporal = RaisedCosineBasis(2.0, 1.0, phases, 80, reversed=True)
    for group in ("EXC", "INH"):
        for kernel, basis in ((model.spatial, spatial), (model.temporal, temporal)):
            weights = np.linalg.lstsq(basis.matrix.T, kernel[group], rcond=None)[0]
            assert np.abs(weights @ basis.matrix - kernel[group]).max() < 2e-7


def test_tables_are_sorted_by_number(filters, tmp_path):
    content = json.loads(filters.read_text())
    content["nonlinearity"] = {"10": 0.5, "-2": 0.0, "9": 0.4}
    content["ISI_penalty"] = {"-1": -9.0, "-80": 0.0, "-9": -2.0}
    path = tmp_path / "model_1__reduced_model_parameters.txt"
    path.write_text(json.dumps(content))
    model = read_published_model(path)
    assert model.net_input.tolist() == [-2, 9, 10]
    assert model.spike_probability.tolist() == [0.0, 0.4, 0.5]
    assert model.since_spike_ms.tolist() == [-80, -9, -1]
    assert model.isi_penalty.tolist() == [0.0, -2.0, -9.0]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "not JSON"),
        ("[]", "lacks s_exc"),
        ('{"spatiotemporal_filters": {"s_exc": [1]}}', "lacks s_inh, t_exc, t_inh"),
        (
            FILTERS % '["x"]',
            "s_inh: is no list of finite numbers",
        ),
        (
            FILTERS % "[1, 2]",
            "different lengths",
        ),
    ],
)
def test_damaged_files_are_refused(tmp_path, text, what):
    path = tmp_path / "model.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=what):
        read_published_model(path)
