"""Fixtures: a made-up result."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from synreduce.result import MergedContent

_spec = importlib.util.spec_from_file_location(
    "example_content", Path(__file__).parents[1] / "result" / "example_content.py"
)
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)


@pytest.fixture(scope="session")
def make_content() -> Callable[..., MergedContent]:
    return _module.example_content
