"""The specification's own reading recipe, and the sample recordings through the whole database."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from synreduce.database import (
    SCHEMA_NAME,
    SCHEMA_VERSION,
    ActivationEvents,
    DatabaseWriter,
    check_database,
    open_database,
    write_binned,
)
from synreduce.database.schema import EVENT_COLUMNS

SPECIFICATION = Path(__file__).parents[2] / "docs" / "reference" / "activation-database.md"
INHIBITORY = ("L1", "L23Trans", "L45Peak", "L45Sym", "L56Trans", "SymLocal")


@pytest.fixture(scope="module")
def recipe() -> dict:
    text = SPECIFICATION.read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict = {}
    exec(code, names)
    return names


def test_the_recipe_reads_what_was_written(recipe, recorded, tmp_path):
    events = recorded.events
    for window, distance in (((0, 120), (0, np.inf)), ((40, 60), (100, 300)), ((5, 5), (0, 9))):
        keep = (events.time >= window[0]) & (events.time < window[1])
        keep &= (events.soma_distance >= distance[0]) & (events.soma_distance < distance[1])
        found = np.array(recipe["read_events"](recorded.path, *window, *distance))
        wanted = np.array([events.trial[keep], events.time[keep], events.soma_distance[keep]])
        assert np.array_equal(found[:, np.lexsort(found)], wanted[:, np.lexsort(wanted)])
    spikes = recipe["read_spikes"](recorded.path)
    assert list(spikes) == recorded.trial_ids
    assert np.array_equal(spikes["t/000002"], recorded.spike_times[2])
    with open_database(recorded.path) as database:
        write_binned(database, tmp_path / "c.h5")
        wanted = database.counts(t0=30, t1=50)["INH"]
    assert np.array_equal(recipe["read_counts"](tmp_path / "c.h5", "INH", 30, 50), wanted)


def test_the_page_names_version_and_every_column():
    text = SPECIFICATION.read_text()
    assert f"version {SCHEMA_VERSION}" in text
    assert SCHEMA_NAME in text
    for name, dtype in EVENT_COLUMNS.items():
        assert f"| `{name}` | {dtype.name} |" in text


@pytest.fixture(scope="module")
def recording(shared_data, tmp_path_factory) -> Path:
    """Six sample trials, read here without the importers."""
    path = tmp_path_factory.mktemp("recording") / "db.h5"
    sources = sorted((shared_data / "isf_simrun").rglob("simulation_run*_synapses.csv"))
    with DatabaseWriter(path, duration_ms=345) as writer:
        for source in sources:
            rows = list(csv.reader(source.open(), delimiter="\t"))[1:]
            codes, distances, times, labels = [], [], [], []
            for kind, _, distance, _, _, label, activations in rows:
                sign = "INH" if kind.split("_")[0].startswith(INHIBITORY) else "EXC"
                code = writer.synapse_types.add(kind, sign)
                for time in activations.split(",")[:-1]:
                    codes.append(code)
                    distances.append(float(distance))
                    times.append(float(time))
                    labels.append(writer.dendrite_labels.add(label))
            writer.append(
                [source.stem],
                [[]],
                ActivationEvents(
                    np.zeros(len(codes), np.int64),
                    np.array(times),
                    np.array(distances),
                    np.array(codes),
                    dendrite_label=np.array(labels),
                ),
            )
    return path


def test_sample_recordings_give_the_reference_counts(recording, shared_data):
    reference = np.load(shared_data / "isf_simrun" / "binned_reference.npz")["counts"]
    assert check_database(recording, deep=True) == []
    with open_database(recording) as database:
        counts = database.counts(None, 32)
        stacked = np.stack([counts["EXC"], counts["INH"]], axis=1)
    assert stacked.shape == (6, 2, 345, 32)
    assert stacked.sum() == 31_895
    assert np.array_equal(stacked.transpose(0, 1, 3, 2), reference)


def test_sample_recordings_come_back_to_the_last_digit(recording):
    with open_database(recording) as database:
        events = database.events()
        per_trial = np.bincount(events.trial).tolist()
        assert per_trial == [5352, 5210, 5253, 5424, 5317, 5339]
        of_first_trial = events.time[events.trial == 0]
        assert of_first_trial.min() == 0.0691054734355
        assert of_first_trial.max() == 344.985976043
        first = events.take(np.flatnonzero(events.time == 14.3144635349))
        assert first.soma_distance.tolist() == [1539.71545505]
        assert database.synapse_types[int(first.synapse_type[0])].name == "L1_C1"
        far = np.bincount(events.trial[events.soma_distance >= 1500]).tolist()
        assert far == [50, 52, 49, 51, 57, 54]
