"""Merging spatial chunks: what the merged model is and that it holds on held-out samples."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from synreduce.chunks import unit_numbers
from synreduce.design import ArrayRows
from synreduce.errors import ChunkFailedError, InputError
from synreduce.evaluation import auroc_difference, calibrate
from synreduce.merging import (
    SpatialPart,
    assemble_kernel,
    merge_spatial,
    merged_kernel,
    part_scores,
)
from synreduce.merging.joint import joint_design
from synreduce.metrics import auroc
from synreduce.solvers import Resampling

from .conftest import GROUPS, LAYOUT, N_BINS, SPATIAL, TEMPORAL, WIDTH

GOOD = 0.001  # AUROC


def held_out(neuron, model, sources):
    return auroc(neuron.outcome[neuron.test], model.scores(sources))


@pytest.fixture(scope="module")
def separable_single(separable_neuron):
    parts, sources, _ = separable_neuron.parts(1)
    model = merge_spatial(parts, separable_neuron.outcome[separable_neuron.train])
    return model.scores(sources)


@pytest.mark.parametrize("n_chunks", [2, 3, 5, 10])
def test_refine_is_not_below_the_single_fit_on_held_out_samples(
    separable_neuron, separable_single, n_chunks
):
    neuron = separable_neuron
    parts, sources, _ = neuron.parts(n_chunks)
    train, y = neuron.outcome[neuron.train], neuron.outcome[neuron.test]
    refined = merge_spatial(parts, train, "refine")
    added = merge_spatial(parts, train, "sum")
    assert refined.status == "ok"
    assert held_out(neuron, refined, sources) > auroc(y, separable_single) - GOOD
    # chunks fitted alone claim what their neighbours explain
    loss = auroc_difference(y, added.scores(sources), separable_single)
    assert loss.value < -2 * loss.standard_error


def test_refine_finds_filters_that_change_along_the_dendrite(changing_neuron):
    neuron = changing_neuron
    train, y = neuron.outcome[neuron.train], neuron.outcome[neuron.test]
    one, whole, _ = neuron.parts(1)
    two, halves, _ = neuron.parts(2)
    single = merge_spatial(one, train).scores(whole)
    refined = merge_spatial(two, train, "refine")
    gain = auroc_difference(y, refined.scores(halves), single)
    assert gain.value > 3 * gain.standard_error
    assert np.isfinite(refined.coupling)
    assert auroc(y, refined.scores(halves)) > auroc(y, neuron.score[neuron.test]) - 0.01


def test_merged_probabilities_are_calibrated(separable_neuron):
    neuron = separable_neuron
    parts, sources, _ = neuron.parts(3)
    y = neuron.outcome[neuron.test]
    for method in ("sum", "stack", "refine"):
        model = merge_spatial(parts, neuron.outcome[neuron.train], method)
        probability = 1 / (1 + np.exp(-model.scores(sources) - model.intercept))
        assert probability.mean() == pytest.approx(y.mean(), rel=0.1)


@pytest.mark.parametrize("method", ["sum", "stack", "refine"])
def test_a_single_chunk_keeps_its_fit(separable_neuron, method):
    neuron = separable_neuron
    parts, sources, _ = neuron.parts(1)
    model = merge_spatial(parts, neuron.outcome[neuron.train], method)
    assert model.method == "single"
    assert np.array_equal(model.theta[0], parts[0].theta)
    assert model.intercept == parts[0].intercept
    assert np.array_equal(model.covariance[0], parts[0].covariance)
    ranks_alone = replace(parts[0], theta=parts[0].theta * 7.0, intercept=0.0, calibrated=False)
    scaled = merge_spatial([ranks_alone], neuron.outcome[neuron.train], method)
    expected = calibrate(parts[0].rows.array @ ranks_alone.theta, neuron.outcome[neuron.train])
    assert scaled.theta[0] == pytest.approx(expected.slope * ranks_alone.theta)
    assert scaled.theta[0] == pytest.approx(parts[0].theta, rel=0.1)
    assert scaled.intercept == pytest.approx(expected.intercept)
    assert held_out(neuron, scaled, sources) == held_out(neuron, model, sources)


def test_stack_is_a_logistic_regression_on_the_scores_of_chunks_and_groups(separable_neuron):
    neuron = separable_neuron
    parts, _, _ = neuron.parts(3)
    train = neuron.outcome[neuron.train]
    scores = np.concatenate([part_scores(part) for part in parts], axis=1)
    spread = scores.std(axis=0)
    expected = LogisticRegression(C=1e9, tol=1e-10, max_iter=5000).fit(scores / spread, train)
    model = merge_spatial(parts, train, "stack")
    found = np.array([model.coefficients[part.name, g] for part in parts for g in GROUPS])
    assert found * spread == pytest.approx(expected.coef_[0], abs=0.01)
    assert model.intercept == pytest.approx(expected.intercept_.item(), rel=0.01)
    for number, part in enumerate(parts):
        for group in GROUPS:
            where = LAYOUT.slices[group]
            factor = model.coefficients[part.name, group]
            assert model.theta[number][where] == pytest.approx(factor * part.theta[where])


def test_sum_keeps_the_order_of_the_added_scores(separable_neuron):
    neuron = separable_neuron
    parts, sources, _ = neuron.parts(3)
    model = merge_spatial(parts, neuron.outcome[neuron.train], "sum")
    added = sum(s.array @ p.theta for s, p in zip(sources, parts, strict=True))
    assert held_out(neuron, model, sources) == pytest.approx(
        auroc(neuron.outcome[neuron.test], added), abs=1e-6
    )
    assert len(set(model.coefficients.values())) == 1


class Pieces:
    """Rows that lie in several places, as those of several databases do."""

    def __init__(self, array, cuts):
        self.pieces = np.split(array, cuts)
        self.n_rows, self.n_features = array.shape

    def read(self, start, stop):
        return np.concatenate(self.pieces)[start:stop]


@pytest.mark.parametrize("method", ["sum", "stack", "refine"])
def test_databases_and_blocks_change_nothing(changing_neuron, method):
    neuron = changing_neuron
    parts, _, _ = neuron.parts(2)
    train = neuron.outcome[neuron.train]
    whole = merge_spatial(parts, train, method)
    cut = [replace(part, rows=Pieces(part.rows.array, [17, 800, 2500])) for part in parts]
    found = merge_spatial(cut, train, method)
    for first, second in zip(whole.theta, found.theta, strict=True):
        assert first == pytest.approx(second, rel=1e-9)
    assert whole.intercept == pytest.approx(found.intercept, rel=1e-9)


@pytest.mark.parametrize("n_chunks", [1, 3])
def test_kernel_times_counts_is_the_score(changing_neuron, n_chunks):
    neuron = changing_neuron
    parts, sources, basis = neuron.parts(n_chunks)
    model = merge_spatial(parts, neuron.outcome[neuron.train], "stack")
    named = {part.name: entry for part, entry in zip(parts, basis, strict=True)}
    assembled = merged_kernel(model, named, TEMPORAL, GROUPS, N_BINS)
    assert assembled.kernel.shape == (2, N_BINS, WIDTH)
    expected = sum(
        np.einsum("ntz,zt->n", neuron.counts[g][neuron.test], assembled.kernel[i])
        for i, g in enumerate(GROUPS)
    )
    assert model.scores(sources) == pytest.approx(expected, abs=1e-4)
    assert (assembled.variance >= 0).all()


def test_refined_model_is_separable_inside_a_chunk(changing_neuron):
    neuron = changing_neuron
    parts, _, _ = neuron.parts(2)
    model = merge_spatial(parts, neuron.outcome[neuron.train], "refine")
    for part in parts:
        for matrix in model.weights(part.name).values():
            values = np.linalg.svd(matrix, compute_uv=False)
            assert values[1] < 1e-9 * values[0]
    for covariance in model.covariance:
        assert np.linalg.eigvalsh(covariance).min() > -1e-9


def test_functions_that_a_chunk_cannot_see_get_no_weight(changing_neuron):
    parts, _, basis = changing_neuron.parts(5)
    joint = joint_design(parts)
    weights = joint.spread(np.ones(joint.layout.n_features))
    assert any((~entry.functions.any(axis=1)).any() for entry in basis)
    for theta, entry in zip(weights, basis, strict=True):
        for matrix in LAYOUT.matrices(theta).values():
            assert (matrix == entry.functions.any(axis=1)[:, None]).all()
    assert np.array_equal(joint.gather(weights), np.ones(joint.layout.n_features))


def test_coupling_measures_the_differences_between_neighbours(separable_neuron):
    parts, _, _ = separable_neuron.parts(2)
    joint = joint_design(parts)
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, LAYOUT.n_features))
    variance = sum(part.rows.array.astype(float).var(axis=0) for part in parts)
    both = np.all([part.rows.array.any(axis=0) for part in parts], axis=0)
    expected = (variance * (first - second) ** 2)[both].sum()
    theta = joint.gather([first, second])
    assert theta @ joint.difference @ theta == pytest.approx(expected, rel=1e-5)


def test_without_evidence_all_chunks_share_one_filter(changing_neuron):
    neuron = changing_neuron
    parts, _, _ = neuron.parts(2)
    train = neuron.outcome[neuron.train]
    one_group = np.zeros(train.size, dtype=int)  # nothing can be left out: no cross-validation
    model = merge_spatial(parts, train, "refine", fold_groups=one_group)
    assert model.coupling == np.inf
    assert np.array_equal(model.theta[0], model.theta[1])


def test_standard_errors_follow_the_weights(changing_neuron):
    parts, _, _ = changing_neuron.parts(2)
    model = merge_spatial(parts, changing_neuron.outcome[changing_neuron.train], "stack")
    for number, part in enumerate(parts):
        before = np.abs(part.theta) / np.sqrt(np.diag(part.covariance))
        after = np.abs(model.theta[number]) / np.sqrt(np.diag(model.covariance[number]))
        assert after == pytest.approx(before)
        corrected, own = model.bias_corrected[number], part.bias_corrected
        assert corrected.theta * part.theta == pytest.approx(model.theta[number] * own.theta)


@pytest.mark.parametrize("neuron", ["separable_neuron", "changing_neuron"])
def test_bands_of_the_refined_kernel_are_as_wide_as_its_errors(neuron, request):
    neuron = request.getfixturevalue(neuron)
    parts, _, basis = neuron.parts(2)
    outcome = neuron.outcome[neuron.train]
    units = unit_numbers(1, "bootstrap", [f"trial {i}" for i in range(outcome.size)])
    model = merge_spatial(parts, outcome, "refine", resampling=Resampling(units, 100))
    bases = {part.name: one for part, one in zip(parts, basis, strict=True)}
    kernel = merged_kernel(model, bases, TEMPORAL, GROUPS, N_BINS)
    assert kernel.interval == "bootstrap"
    width = (kernel.high - kernel.low) / (2.0 * 1.96 * np.sqrt(kernel.variance))
    assert 0.7 < np.median(width) < 1.5
    assert np.mean((kernel.low < kernel.kernel) & (kernel.kernel < kernel.high)) > 0.8


def test_failed_chunks_stop_the_merge_unless_allowed(changing_neuron):
    neuron = changing_neuron
    parts, sources, basis = neuron.parts(3)
    train = neuron.outcome[neuron.train]
    nothing = np.full(LAYOUT.n_features, np.nan)
    broken = [parts[0], replace(parts[1], theta=nothing, status="too_few_spikes"), parts[2]]
    with pytest.raises(ChunkFailedError, match=r"c1.*too_few_spikes.*allow_partial"):
        merge_spatial(broken, train)
    for method in ("sum", "stack", "refine"):
        model = merge_spatial(broken, train, method, allow_partial=True)
        assert model.missing == ("c1",)
        assert np.isnan(model.theta[1]).all()
        assert np.isfinite(model.scores(sources)).all()
        named = {part.name: entry for part, entry in zip(parts, basis, strict=True)}
        kernel = merged_kernel(model, named, TEMPORAL, GROUPS, N_BINS).kernel
        assert np.isnan(kernel[:, basis[1].bins]).all()
        assert np.isfinite(kernel[:, basis[0].bins]).all()
    with pytest.raises(ChunkFailedError):
        merge_spatial([broken[1]], train, allow_partial=True)


def test_one_class_gives_a_status(changing_neuron):
    parts, _, _ = changing_neuron.parts(2)
    model = merge_spatial(parts, np.zeros(changing_neuron.train.size), "refine")
    assert model.status == "one_class"
    assert np.isnan(model.intercept)


def test_refuses_what_does_not_fit_together(changing_neuron):
    parts, sources, _ = changing_neuron.parts(2)
    train = changing_neuron.outcome[changing_neuron.train]
    with pytest.raises(InputError, match="the same training samples"):
        merge_spatial(parts, train[:-1])
    with pytest.raises(InputError, match="each once"):
        merge_spatial([parts[0], parts[0]], train)
    with pytest.raises(InputError, match="choose sum, stack or refine"):
        merge_spatial(parts, train, "average")
    with pytest.raises(InputError, match="one per chunk"):
        merge_spatial(parts, train, "sum").scores(sources[:1])


def test_chunks_with_different_columns_can_be_refined(changing_neuron):
    neuron = changing_neuron
    parts, _, _ = neuron.parts(2)
    only = LAYOUT.slices["EXC"]
    short = SpatialPart(
        "exc", type(LAYOUT)(LAYOUT.terms[:1]), ArrayRows(parts[1].rows.array[:, only]),
        parts[1].theta[only], calibrated=True,
    )  # fmt: skip
    model = merge_spatial([parts[0], short], neuron.outcome[neuron.train], "refine")
    assert model.status == "ok"
    assert model.theta[1].shape == (LAYOUT.n_features // 2,)
    assert assemble_kernel(model.weights("exc")["EXC"], SPATIAL, TEMPORAL).shape == (N_BINS, WIDTH)
