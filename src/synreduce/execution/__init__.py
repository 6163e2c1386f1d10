"""Dask as the engine that runs fits and blocks of trials."""

from synreduce.execution.engine import Engine, open_engine

__all__ = ["Engine", "open_engine"]
