"""Fixtures for tests of solvers."""

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True)
def one_thread():
    """Products are small here, and several test processes share the processors."""
    with threadpool_limits(1):
        yield
