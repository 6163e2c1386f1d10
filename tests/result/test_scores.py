"""scores.csv: columns of the contract, full precision, one order, no formulas."""

import csv
import math

import pytest

from synreduce.errors import DataError
from synreduce.evaluation import ScoreRow
from synreduce.result import ScoreTable, read_scores, write_scores

CONTRACT = [
    "level", "spatial", "temporal", "strategy", "solver", "merge", "split", "subset", "restart",
    "metric", "value", "n_trials", "n_positive", "status",
]  # fmt: skip


def row(**changed):
    values = {
        "level": "chunk", "spatial": "d0000-1500", "temporal": "t0258-0259",
        "strategy": "spatiotemporal", "solver": "newton", "merge": "", "split": "random",
        "subset": "test", "restart": 0, "metric": "auroc", "value": 0.1 + 0.2, "n_trials": 100,
        "n_positive": 7, "status": "ok", "n_samples": 100,
    }  # fmt: skip
    return ScoreRow(**{**values, **changed})


def test_columns_of_the_contract_come_first(tmp_path):
    write_scores(tmp_path / "scores.csv", [row()])
    header = (tmp_path / "scores.csv").read_text().splitlines()[0]
    assert header.split(",")[: len(CONTRACT)] == CONTRACT


def test_order_of_rows_does_not_matter(tmp_path):
    rows = [row(restart=n, subset=side) for n in (10, 2, -1) for side in ("train", "test")]
    write_scores(tmp_path / "a.csv", rows)
    write_scores(tmp_path / "b.csv", reversed(rows))
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert read_scores(tmp_path / "a.csv")["restart"].tolist() == [-1, 2, 10, -1, 2, 10]


def test_a_table_that_grew_window_by_window_is_the_sorted_table(tmp_path):
    spaces, windows = ("d0500-1500", "d0000-0500"), ("t0258-0259", "t0259-0260")
    cells = [
        [row(spatial=space, temporal=window, split=split) for space in spaces for split in "ba"]
        + [row(level="merged", spatial="all", temporal=window)]
        for window in windows
    ]
    write_scores(tmp_path / "sorted.csv", [entry for rows in cells for entry in rows])
    with ScoreTable() as table:
        for rows in cells:
            table.add(rows)
        table.publish(tmp_path / "grown.csv")
    assert (tmp_path / "grown.csv").read_bytes() == (tmp_path / "sorted.csv").read_bytes()


def test_numbers_come_back_exactly(tmp_path):
    write_scores(tmp_path / "s.csv", [row(), row(metric="brier", value=math.nan)])
    table = read_scores(tmp_path / "s.csv")
    assert table["value"][0] == 0.1 + 0.2
    assert math.isnan(table["value"][1])
    assert table["merge"].tolist() == ["", ""]
    assert table["n_trials"].dtype == "int64"


@pytest.mark.parametrize("name", ["=1+1", "+x", "-x", "@x", "\tx", "'x", "na\nme", 'q"x', "NA"])
def test_no_text_starts_a_formula_and_all_text_comes_back(tmp_path, name):
    write_scores(tmp_path / "s.csv", [row(split=name)])
    with (tmp_path / "s.csv").open(newline="", encoding="utf-8") as stream:
        cell = next(csv.DictReader(stream))["split"]
    assert cell[0] not in "=+-@\t\r"
    assert read_scores(tmp_path / "s.csv")["split"].tolist() == [name]


def test_negative_values_stay_numbers(tmp_path):
    write_scores(tmp_path / "s.csv", [row(metric="bits_per_spike", value=-0.25)])
    assert ",-0.25," in (tmp_path / "s.csv").read_text()


def test_another_table_is_refused(tmp_path):
    (tmp_path / "s.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="columns"):
        read_scores(tmp_path / "s.csv")
