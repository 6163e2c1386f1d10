"""Rows of the table of scores."""

import numpy as np
import pytest
from sklearn import metrics as reference

from synreduce.evaluation import (
    SCORE_COLUMNS,
    ScoredModel,
    as_records,
    calibration_curve,
    score_table_rows,
    share_of_ceiling,
)

MODEL = ScoredModel("merged", "d0000-1500", "t0258-0259", "st", "newton", "random", "refine")


def make(n=400, seed=0):
    rng = np.random.default_rng(seed)
    score = rng.normal(size=n)
    probability = 1 / (1 + np.exp(2 - score))
    index = rng.permutation(n)
    subsets = {
        "train": np.sort(index[: n // 2]),
        "test": np.sort(index[n // 2 :]),
        "test_first": np.sort(index[n // 2 : 3 * n // 4]),
        "test_second": np.sort(index[3 * n // 4 :]),
    }
    return (rng.random(n) < probability).astype(np.uint8), score, probability, subsets


def test_rows_hold_the_metrics_of_scikit_learn():
    y, score, probability, subsets = make()
    rows = score_table_rows(MODEL, y, score, probability, subsets)
    assert len(rows) == 4 * 5
    value = {(row.subset, row.metric): row.value for row in rows}
    for name, index in subsets.items():
        assert value[name, "auroc"] == pytest.approx(
            reference.roc_auc_score(y[index], score[index])
        )
        assert value[name, "log_loss"] == pytest.approx(
            reference.log_loss(y[index], probability[index])
        )
        assert value[name, "brier"] == pytest.approx(
            reference.brier_score_loss(y[index], probability[index])
        )
        assert value[name, "average_precision"] == pytest.approx(
            reference.average_precision_score(y[index], score[index])
        )
    assert all(row.n_positive == int(y[subsets[row.subset]].sum()) for row in rows)
    assert {row.status for row in rows} == {"ok"}


def test_columns_contain_those_of_the_contract_in_order():
    contract = (
        "level",
        "spatial",
        "temporal",
        "strategy",
        "solver",
        "merge",
        "split",
        "subset",
        "restart",
        "metric",
        "value",
        "n_trials",
        "n_positive",
        "status",
    )
    assert SCORE_COLUMNS[: len(contract)] == contract
    y, score, probability, subsets = make()
    record = as_records(score_table_rows(MODEL, y, score, probability, subsets))[0]
    assert tuple(record) == SCORE_COLUMNS
    assert record["merge"] == "refine"


def test_undefined_values_are_nan_and_say_why():
    y, score, probability, _ = make()
    silent, nothing = np.flatnonzero(y == 0), np.empty(0, dtype=np.int64)
    rows = score_table_rows(MODEL, y, score, probability, {"test": silent, "test_first": nothing})
    by_name = {(row.subset, row.metric): row for row in rows}
    assert by_name["test", "auroc"].status == "one_class"
    assert np.isnan(by_name["test", "auroc"].value)
    assert by_name["test", "log_loss"].status == "ok"
    assert by_name["test", "log_loss"].value > 0
    assert {by_name["test_first", m].status for m in ("auroc", "brier")} == {"no_samples"}


def test_a_failed_fit_keeps_its_rows_and_its_status():
    y, score, _, subsets = make()
    rows = score_table_rows(MODEL, y, np.full_like(score, np.nan), None, subsets, status="failed")
    assert len(rows) == 20
    assert all(np.isnan(row.value) and row.status == "failed" for row in rows)
    stopped = score_table_rows(MODEL, y, score, None, subsets, status="not_converged")
    assert all(row.status == "not_converged" for row in stopped)
    assert np.isfinite([row.value for row in stopped if row.metric == "auroc"]).all()
    assert np.isnan([row.value for row in stopped if row.metric == "brier"]).all()


def test_trials_are_counted_once():
    y, score, probability, _ = make()
    rows = score_table_rows(MODEL, y, score, probability, {"test": np.arange(40)}, n_targets=20)
    assert {(row.n_trials, row.n_samples) for row in rows} == {(2, 40)}


def test_intervals_only_on_held_out_samples():
    y, score, probability, subsets = make()
    for row in score_table_rows(MODEL, y, score, probability, subsets):
        if row.metric == "auroc" and row.subset != "train":
            assert row.value_low < row.value < row.value_high
        else:
            assert np.isnan(row.value_low)


def test_calibration_curve_of_true_probabilities_is_the_diagonal():
    rng = np.random.default_rng(8)
    probability = rng.beta(0.5, 8, 50_000)
    curve = calibration_curve(rng.random(probability.size) < probability, probability)
    assert curve.n_samples.tolist() == [5000] * 10
    error = np.sqrt(curve.predicted * (1 - curve.predicted) / curve.n_samples)
    assert (np.abs(curve.observed - curve.predicted) < 4 * error + 1e-4).all()


def test_calibration_curve_keeps_equal_probabilities_together():
    curve = calibration_curve([0, 1, 0, 0], [0.25] * 4)
    assert (curve.predicted.tolist(), curve.observed.tolist()) == ([0.25], [0.25])


def test_share_of_ceiling():
    assert share_of_ceiling(0.9, 0.9) == 1
    assert np.isnan(share_of_ceiling(0.9, 0.5))
