"""Opening a result: what a user asks for, and what is said when it is not there."""

import numpy as np
import pytest

import synreduce.errors as errors
from synreduce.evaluation import IsiPenalty, Nonlinearity, ReducedModel
from synreduce.result import load_model, open_result, save_model, write_merged


@pytest.fixture(scope="module")
def folder(make_content, tmp_path_factory):
    path = tmp_path_factory.mktemp("run")
    write_merged(path / "merged.h5", make_content(isi_penalty=_penalty()))
    return path


def _penalty():
    penalty = np.zeros((2, 3, 40))
    penalty[..., :3] = np.inf, 20.0, 5.0
    return penalty


@pytest.fixture
def result(folder):
    with open_result(folder / "merged.h5") as opened:
        yield opened


def test_the_folder_of_a_run_is_as_good_as_the_file(folder):
    with open_result(folder) as opened:
        assert opened.path == folder / "merged.h5"


def test_model_scores_as_the_kernel_in_the_file_says(result, make_content):
    kernel = make_content().variables["kernel"][1, 2]
    model = result.model(window="t0270-0280", split="random-2")
    counts = np.random.default_rng(0).poisson(0.1, (2, 3, 100, 30)).astype(np.uint8)
    net = model.net_input({"EXC": counts[0], "INH": counts[1]})
    # lag 0 is the target millisecond itself: count back from the last one
    window = counts[:, :, 99 - np.arange(80), :]
    expected = np.einsum("gtlz,gzl->t", window, kernel)
    np.testing.assert_allclose(net[:, 99], expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(model.distance_edges, np.arange(0, 1501, 50))


def test_model_uses_nonlinearity_and_penalty_of_the_file(result, make_content):
    variables = make_content().variables
    model = result.model(255.0)
    np.testing.assert_allclose(
        model.nonlinearity(variables["nonlinearity_wni"][0, 0]), variables["nonlinearity"][0, 0]
    )
    assert model.penalty([1.0, 2.0, 3.0, 4.0, np.inf]).tolist() == [np.inf, 20.0, 5.0, 0.0, 0.0]


def test_padding_after_the_last_knot_is_left_out(make_content, tmp_path):
    content = make_content()
    for name in ("nonlinearity", "nonlinearity_wni"):
        content.variables[name][:, :, 8:] = np.nan
    write_merged(tmp_path / "m.h5", content)
    with open_result(tmp_path / "m.h5") as result:
        assert result.model(250).nonlinearity.net_input.size == 8


def test_window_by_time_is_half_open(result):
    by_time = result.model(260.0).kernel
    np.testing.assert_array_equal(by_time, result.model("t0260-0270").kernel)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"window": "t0250-026"}, "did you mean 't0250-0260'"),
        ({"window": 280.0}, "280 ms"),
        ({"window": 250.0, "split": "randon"}, "did you mean 'random'"),
        ({}, "several windows"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(result, query, told):
    with pytest.raises(errors.NotFoundInResultError, match=r"Fix: ") as caught:
        result.model(**query)
    assert told in str(caught.value)
    assert isinstance(caught.value, KeyError)


def test_model_of_a_window_that_was_not_fitted_is_refused(make_content, tmp_path):
    content = make_content()
    content.variables["kernel"][0, 1] = np.nan
    write_merged(tmp_path / "m.h5", content)
    with open_result(tmp_path / "m.h5") as result:
        assert result.model(250, "random").width_ms == 80
        with pytest.raises(errors.NotFoundInResultError, match="not fitted completely"):
            result.model(260, "random")


def test_failures_say_why(result):
    (failed,) = result.failures
    assert failed.chunk == "d0750-1500/t0270-0280"
    assert failed.reason == "no spike in 56000 samples"
    assert not result.provenance.complete
    assert result.provenance.inputs == {"example": "f" * 64}
    cell = result.dataset.sel(split="random", temporal="t0270-0280", spatial="d0750-1500")
    assert int(cell["status"]) == 2
    assert np.isnan(cell["spatial_filter"]).all()


def test_table_of_scores_must_be_beside_it(result):
    with pytest.raises(errors.DataError, match=r"scores\.csv"):
        _ = result.scores


def test_other_files_are_refused(tmp_path):
    with pytest.raises(errors.DataError):
        open_result(tmp_path / "none.h5")


def test_reduced_model_survives_saving(tmp_path):
    model = ReducedModel(
        groups=("EXC", "L4ss é"),
        kernel=np.random.default_rng(0).standard_normal((2, 3, 4)),
        distance_edges=np.array([0.0, 50.0, 100.0, 150.0]),
        nonlinearity=Nonlinearity(np.arange(3.0), np.array([0.1, 0.2, 0.9]), "published", True),
        penalty=IsiPenalty(np.array([np.inf, 2.0]), "published"),
    )
    save_model(tmp_path / "model.h5", model)
    loaded = load_model(tmp_path / "model.h5")
    assert loaded.groups == model.groups
    assert (loaded.nonlinearity.method, loaded.nonlinearity.rounded) == ("published", True)
    counts = dict.fromkeys(model.groups, np.ones((1, 9, 3), np.uint8))
    np.testing.assert_array_equal(
        loaded.simulate(counts, seed=3, n=4), model.simulate(counts, seed=3, n=4)
    )
    np.testing.assert_array_equal(loaded.penalty.penalty, model.penalty.penalty)


def test_loading_something_else_is_refused(folder):
    with pytest.raises(errors.DataError, match="synreduce-result"):
        load_model(folder / "merged.h5")
