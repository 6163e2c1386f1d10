"""Runs of the workflow in folders of their own, on a small planted database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from workflow_run import Workflow

from synreduce.examples import write_example


@pytest.fixture(scope="session")
def planted_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("planted") / "database.h5"
    write_example("planted", path, 1200, 3)
    return path


@pytest.fixture
def workflow(tmp_path: Path) -> Workflow:
    return Workflow(tmp_path)


@pytest.fixture
def grid(planted_database: Path) -> dict[str, Any]:
    return {
        "run": "grid",
        "databases": [{"id": "planted", "path": str(planted_database)}],
        "chunks": {
            "spatial": {"edges_um": [0, 500, 1500]},
            "temporal": [
                {"start_ms": 250, "stop_ms": 254},
                {"start_ms": 254, "stop_ms": 258},
            ],
        },
        "solvers": [{"kind": "lda"}],
        "resources": {"threads": 1},
    }
