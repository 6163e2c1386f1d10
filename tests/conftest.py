"""Fixtures for all tests."""

import os
from pathlib import Path

import pytest

# Before NumPy is imported: test processes share the cores, and one thread gives the same bits.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

_SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the sample recordings, beside the repository."""
    if not _SHARED_DATA.is_dir():
        pytest.skip(f"sample data not found: {_SHARED_DATA}")
    return _SHARED_DATA
