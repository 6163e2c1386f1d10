"""Scores of a run, computed again from its model with scikit-learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from sklearn import metrics as reference
from sklearn.linear_model import LogisticRegression

import synreduce as sr
from synreduce.configuration import configuration_from_mapping
from synreduce.pipeline.inputs import WindowSamples, open_databases
from synreduce.pipeline.local import fit_to_file
from synreduce.result import summary_lines

START, STOP = 256, 260


@pytest.fixture(scope="module")
def fitted(planted_database: Path, tmp_path_factory: pytest.TempPathFactory):
    mapping = {
        "run": "scores",
        "databases": [str(planted_database)],
        "chunks": {"temporal": [{"start_ms": START, "stop_ms": STOP}]},
        "scores": {"permutations": 99},
    }
    configuration = configuration_from_mapping(mapping)
    output = tmp_path_factory.mktemp("scores") / "merged.h5"
    result = fit_to_file(planted_database, configuration, output, n_workers=1)
    with open_databases(configuration) as database:
        samples = WindowSamples.of(database, configuration.grid().temporal[0])
    yield result, samples.splits(configuration)[0]
    result.close()


@pytest.fixture(scope="module")
def values(fitted, planted_database: Path):
    """Net input and generating score of every sample."""
    result, _ = fitted
    model = result.model()
    with sr.open_database(planted_database) as database:
        counts = database.counts(distance_edges=model.distance_edges, t0=START - 79, t1=STOP)
        truth = database.truth
    first = int(np.searchsorted(truth["target_start_ms"], START))
    score = truth["score"][:, first : first + STOP - START].ravel()
    return model.net_input(counts)[:, 79:].ravel(), expit(
        truth["nonlinearity"][0] * score + truth["nonlinearity"][1]
    )


def expected(outcome, score, probability):
    loss, share = reference.log_loss(outcome, probability), outcome.mean()
    constant = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    return {
        "auroc": reference.roc_auc_score(outcome, score),
        "average_precision": reference.average_precision_score(outcome, score),
        "log_loss": loss,
        "brier": reference.brier_score_loss(outcome, probability),
        "bits_per_spike": (constant - loss) / share / np.log(2),
    }


@pytest.mark.parametrize("subset", ["train", "test"])
@pytest.mark.parametrize("level", ["chunk", "merged", "consensus", "truth"])
def test_every_metric_of_every_level_on_both_sides(fitted, values, level: str, subset: str) -> None:
    result, split = fitted
    net_input, probability = values
    if level == "truth":
        score = probability
    else:  # with one chunk, all three levels are the same model
        score = net_input
        train = split.train
        platt = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
        platt.fit(net_input[train, None], split.outcome[train])
        probability = platt.predict_proba(net_input[:, None])[:, 1]
    index = split.subset(subset)
    rows = result.scores.query("level == @level and subset == @subset").set_index("metric")
    for metric, value in expected(split.outcome[index], score[index], probability[index]).items():
        assert rows.loc[metric, "value"] == pytest.approx(value, abs=2e-5), metric
        stored = result.dataset[metric].sel(level=level, subset=subset).to_numpy()
        assert (stored == rows.loc[metric, "value"]).all()


def test_baselines_and_intervals_are_of_held_out_samples(fitted) -> None:
    result, _ = fitted
    table = result.scores
    with_baseline = table[np.isfinite(table["baseline_mean"])]
    assert set(with_baseline["level"]) == {"merged", "consensus", "truth"}
    assert set(with_baseline["subset"]) == {"test"}
    assert set(with_baseline["metric"]) == {"auroc"}
    # The spike rate rises in these milliseconds: knowing the time alone is worth something.
    assert with_baseline["baseline_mean"].between(0.55, 0.75).all()
    assert (with_baseline["p_value"] == 1 / 100).all()
    merged = result.dataset.sel(level="merged", subset="test", split="random")
    assert (merged["auroc_low"] < merged["auroc"]).all()
    assert (merged["auroc"] < merged["auroc_high"]).all()
    assert (merged["auroc_baseline"] < merged["auroc_baseline_95"]).all()


def test_calibration_curves_count_every_sample_of_their_side(fitted) -> None:
    result, split = fitted
    for prefix, subset in (("calibration", "test"), ("calibration_train", "train")):
        n_samples = result.dataset[f"{prefix}_n_samples"].to_numpy()
        observed = result.dataset[f"{prefix}_observed"].to_numpy()
        assert n_samples.sum() == split.subset(subset).size
        spikes = np.nansum(observed * n_samples)
        assert spikes == pytest.approx(split.outcome[split.subset(subset)].sum())


def test_the_share_of_the_explainable_is_said(fitted) -> None:
    result, _ = fitted
    lines = "\n".join(summary_lines(result))
    assert "merged against the true score: 9" in lines
    assert "with outcomes exchanged between trials 0." in lines
