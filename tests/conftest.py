"""Fixtures for all tests."""

from pathlib import Path

import pytest

_SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the sample recordings, beside the repository."""
    if not _SHARED_DATA.is_dir():
        pytest.skip(f"sample data not found: {_SHARED_DATA}")
    return _SHARED_DATA
