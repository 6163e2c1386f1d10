"""A sound configuration, and ways to damage it."""

import copy

import pytest

SOUND = {
    "run": "test",
    "databases": [{"id": "wt", "path": "wt.h5"}],
    "chunks": {"temporal": [{"start_ms": 258, "stop_ms": 259}]},
}


@pytest.fixture
def sound():
    return copy.deepcopy(SOUND)
