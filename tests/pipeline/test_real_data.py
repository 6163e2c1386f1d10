"""Real recordings to the end of the chain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synreduce.cli.main import main
from synreduce.configuration import load_configuration
from synreduce.database import open_database
from synreduce.evaluation import spike_raster
from synreduce.pipeline.local import fit_to_file
from synreduce.result import open_result

EXAMPLES = Path(__file__).resolve().parents[2] / "config" / "examples"


def test_nine_cells_are_predicted_on_held_out_blocks_of_time(
    shared_data: Path, tmp_path: Path
) -> None:
    # A ridge logistic regression on the temporal basis alone reaches 0.983, 0.995, 0.994, 0.981
    # and 0.942 on such folds.
    database = tmp_path / "database.h5"
    source = shared_data / "sonata" / "allen_9_cells"
    assert main(["import", "sonata", str(source), "-o", str(database)]) == 0
    configuration = load_configuration(EXAMPLES / "allen_9_cells.yaml")
    with fit_to_file(database, configuration, tmp_path / "merged.h5") as result:
        auroc = result.dataset["auroc"].sel(level="merged", subset="test").to_numpy().ravel()
    assert auroc.size == 5
    assert auroc.mean() >= 0.97
    assert auroc.min() >= 0.93


def test_six_trials_are_refused_before_any_fit(
    shared_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    source = shared_data / "isf_simrun"
    assert main(["import", "isf-simrun", str(source), "-o", "real.h5"]) == 0
    assert main(["check", "real.h5"]) == 0
    assert main(["inspect", "real.h5"]) == 0
    configuration = EXAMPLES / "isf_simrun.yaml"
    assert main(["fit", "real.h5", "--config", str(configuration), "-o", "out.h5"]) == 2
    message = capsys.readouterr().err
    assert "2 of 5 trials spike in [260, 261) ms" in message
    assert "at least 10 in train" in message
    assert not Path("out.h5").exists()


def test_a_merged_model_predicts_from_counts(shared_data: Path, tmp_path: Path) -> None:
    database = tmp_path / "database.h5"
    source = shared_data / "sonata" / "allen_9_cells"
    assert main(["import", "sonata", str(source), "-o", str(database)]) == 0
    configuration = load_configuration(EXAMPLES / "allen_9_cells.yaml")
    fit_to_file(database, configuration, tmp_path / "merged.h5").close()
    with open_result(tmp_path / "merged.h5") as result, open_database(database) as recorded:
        model = result.model()
        counts = recorded.counts(distance_edges=model.distance_edges)
        spikes = recorded.spike_times
        raster = spike_raster(spikes.times, spikes.pointer, 3000)
        probability = model.spike_probability(counts, raster)
    expected = probability[:, 80:].sum()
    # Calibrated on four fifths of the time: the number of spikes is right to within a third.
    assert abs(expected / len(spikes.times) - 1) < 1 / 3
    assert np.all((probability >= 0) & (probability <= 1))
