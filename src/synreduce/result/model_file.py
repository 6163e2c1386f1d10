"""Save and load a reduced model: numbers and names only, no pickle."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from synreduce import __version__
from synreduce.evaluation.isi_penalty import IsiPenalty
from synreduce.evaluation.model import ReducedModel
from synreduce.evaluation.nonlinearity import Nonlinearity
from synreduce.result.identity import damage_named
from synreduce.storage import open_hdf5, publish_hdf5, verify_seal

MODEL_SCHEMA = "synreduce-reduced-model"
SCHEMA_VERSION = "1.0"

_UNITS = {"distance_edges": "um", "kernel": "1", "isi_penalty": "1"}


def save_model(path: Path | str, model: ReducedModel) -> None:
    """Save a reduced model.

    Parameters
    ----------
    path : Path or str
        HDF5 file to be written or replaced.
    model : ReducedModel
        The model.

    Raises
    ------
    ResourceError
        If there is no space.
    """

    def fill(file: h5py.File) -> None:
        file.attrs["schema_name"] = MODEL_SCHEMA
        file.attrs["schema_version"] = SCHEMA_VERSION
        file.attrs["software_version"] = __version__
        file.attrs["groups"] = np.array(model.groups, dtype=h5py.string_dtype("utf-8"))
        file.attrs["nonlinearity_method"] = model.nonlinearity.method
        file.attrs["nonlinearity_rounded"] = np.int8(model.nonlinearity.rounded)
        file.attrs["isi_penalty_method"] = model.penalty.method
        file["distance_edges"] = np.asarray(model.distance_edges, dtype=np.float64)
        file["isi_penalty"] = model.penalty.penalty
        file["kernel"] = model.kernel
        file["nonlinearity"] = model.nonlinearity.probability
        file["nonlinearity_net_input"] = model.nonlinearity.net_input
        for name, dataset in file.items():
            dataset.attrs["units"] = _UNITS.get(name, "1")

    publish_hdf5(Path(path), fill)


def load_model(path: Path | str) -> ReducedModel:
    """Load a reduced model.

    Parameters
    ----------
    path : Path or str
        File written by :func:`save_model`.

    Returns
    -------
    ReducedModel

    Raises
    ------
    DataError
        If the file holds no reduced model.
    ArtefactError
        If it is damaged.
    """
    with damage_named(path), open_hdf5(path, MODEL_SCHEMA, SCHEMA_VERSION) as file:
        verify_seal(file)
        return ReducedModel(
            groups=tuple(str(name) for name in file.attrs["groups"]),
            kernel=file["kernel"][...],
            distance_edges=file["distance_edges"][...],
            nonlinearity=Nonlinearity(
                file["nonlinearity_net_input"][...],
                file["nonlinearity"][...],
                method=str(file.attrs["nonlinearity_method"]),
                rounded=bool(file.attrs["nonlinearity_rounded"]),
            ),
            penalty=IsiPenalty(
                file["isi_penalty"][...], method=str(file.attrs["isi_penalty_method"])
            ),
        )
