"""Infer the reduced model that explains the spikes of a biophysically detailed neuron model."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synreduce.basis import RaisedCosineBasis
    from synreduce.database import open_database
    from synreduce.evaluation import ReducedModel
    from synreduce.metrics import auroc
    from synreduce.pipeline.local import fit
    from synreduce.result import open_result

__version__ = "0.1.0"

__all__ = [
    "RaisedCosineBasis",
    "ReducedModel",
    "__version__",
    "auroc",
    "fit",
    "open_database",
    "open_result",
]

_HOMES = {
    "RaisedCosineBasis": "synreduce.basis",
    "ReducedModel": "synreduce.evaluation",
    "auroc": "synreduce.metrics",
    "fit": "synreduce.pipeline.local",
    "open_database": "synreduce.database",
    "open_result": "synreduce.result",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 (whatever the name stands for)
    # Loaded at first use: `import synreduce` and `synreduce --help` must not wait for NumPy.
    if name not in _HOMES:
        message = f"module 'synreduce' has no attribute '{name}'"
        raise AttributeError(message)
    return getattr(importlib.import_module(_HOMES[name]), name)
