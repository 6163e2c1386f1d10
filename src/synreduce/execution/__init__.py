"""Dask as the engine that runs fits and blocks of trials."""

from synreduce.execution.allocation import allocation_end, stopping_time
from synreduce.execution.engine import Engine
from synreduce.execution.opening import open_engine

__all__ = ["Engine", "allocation_end", "open_engine", "stopping_time"]
