"""Small databases with known content."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from synreduce.database import ActivationEvents, DatabaseWriter, SynapseTypeTable

TYPES = (("L5tt_C2", "EXC"), ("VPM_C2", "EXC"), ("L1_D2", "INH"), ("INH", "INH"))
LABELS = ("Soma", "Dendrite", "ApicalDendrite")


@dataclass
class Recorded:
    """What was written."""

    path: Path
    trial_ids: list[str]
    spike_times: list[np.ndarray]
    events: ActivationEvents

    def brute_force(self, of_event: np.ndarray, n_groups: int, edges, t0, t1, width=1.0):
        """Count one event after the other; `of_event` is the group, -1 for none."""
        n_times = round((t1 - t0) / width)
        counts = np.zeros((n_groups, len(self.trial_ids), n_times, len(edges) - 1), int)
        for group, trial, time, distance in zip(
            of_event,
            self.events.trial,
            self.events.time,
            self.events.soma_distance,
            strict=True,
        ):
            for place in range(len(edges) - 1):
                if group >= 0 and t0 <= time < t1 and edges[place] <= distance < edges[place + 1]:
                    counts[group, trial, int((time - t0) // width), place] += 1
        return counts


def type_table() -> SynapseTypeTable:
    table = SynapseTypeTable()
    for name, group in TYPES:
        table.add(name, group)
    return table


def random_events(generator, n_trials, n_events, duration=120.0) -> ActivationEvents:
    trial = np.sort(generator.integers(0, n_trials, n_events))
    time = generator.uniform(0, duration, n_events)
    distance = generator.uniform(0, 1600, n_events)
    if n_events >= 12:
        # values exactly on edges
        time[:6] = [0, 1, 50, 99, 100, duration - 1]
        distance[6:12] = [0, 50, 150, 250, 1500, 1550]
    return ActivationEvents(
        trial=trial,
        time=time,
        soma_distance=distance,
        synapse_type=generator.integers(0, len(TYPES), n_events),
        synapse_id=generator.integers(0, 50, n_events),
        section_id=generator.integers(0, 90, n_events),
        section_point=generator.integers(0, 30, n_events),
        dendrite_label=generator.integers(0, len(LABELS), n_events),
        presynaptic_cell=generator.integers(0, 2**40, n_events),
    )


def write(path, seed=0, n_trials=12, n_events=600, prefix="t", **options) -> Recorded:
    generator = np.random.default_rng(seed)
    events = random_events(generator, n_trials, n_events)
    # trials 3 and the last are silent
    keep = ~np.isin(events.trial, [3, n_trials - 1])
    events = events.take(np.flatnonzero(keep))
    ids = [f"{prefix}/{trial:06d}" for trial in range(n_trials)]
    spikes = [np.sort(generator.uniform(0, 120, trial % 3)) for trial in range(n_trials)]
    defaults = {
        "duration_ms": 120,
        "synapse_types": type_table(),
        "dendrite_labels": LABELS,
        "provenance": {"source": "random", "seed": seed},
    }
    with DatabaseWriter(path, **(defaults | options)) as writer:
        writer.append(ids, spikes, events)
    return Recorded(path, ids, spikes, events)


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """What the tests build databases with."""
    return SimpleNamespace(
        write=write,
        type_table=type_table,
        random_events=random_events,
        LABELS=LABELS,
        TYPES=TYPES,
    )


@pytest.fixture
def recorded(tmp_path) -> Recorded:
    return write(tmp_path / "db.h5")
