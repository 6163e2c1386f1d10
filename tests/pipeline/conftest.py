"""A small database with known filters, and a configuration that splits it into four chunks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synreduce.examples import write_example

TRIALS = 1500


@pytest.fixture(scope="session")
def planted_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("planted") / "database.h5"
    write_example("planted", path, TRIALS, 3)
    return path


@pytest.fixture
def grid_mapping(planted_database: Path) -> dict[str, Any]:
    return {
        "run": "grid",
        "databases": [{"id": "planted", "path": str(planted_database)}],
        "chunks": {
            "spatial": {"edges_um": [0, 500, 1500]},
            "temporal": [
                {"start_ms": 250, "stop_ms": 254},
                {"start_ms": 256, "stop_ms": 260},
            ],
        },
        "solvers": [{"kind": "newton"}, {"kind": "lda"}],
        "resources": {"memory": "200 MB"},
    }
