"""The fits of one chunk, ``fits.h5``: parameters, diagnostics and scores of every fit."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from synreduce.errors import InputError
from synreduce.result.identity import ArtefactIdentity, damage_named, damaged
from synreduce.result.scores import rows_from_text, rows_to_text
from synreduce.result.stored_fit import StoredFit
from synreduce.solvers import BiasCorrected
from synreduce.storage import open_hdf5, publish_json, publish_small_hdf5, verify_bytes

FloatArray = NDArray[np.float64]

FITS_SCHEMA = "synreduce-fits"
SCHEMA_VERSION = "3.0"

_TEXTS = ("strategy", "solver", "split", "status", "message")
_INTEGERS = ("restart", "n_evaluations", "n_iterations")
_WHERE_KNOWN = ("data_share", "replicates")
_NUMBERS = (
    "intercept", "intercept_se", "objective", "condition", "effective_degrees_of_freedom",
)  # fmt: skip


def seconds_path(path: Path | str) -> Path:
    """Name the file with the durations of the fits, beside ``fits.h5``.

    Parameters
    ----------
    path : Path or str
        ``fits.h5``.

    Returns
    -------
    Path
    """
    return Path(path).with_suffix(".seconds.json")


def write_fits(path: Path | str, identity: ArtefactIdentity, fits: Sequence[StoredFit]) -> str:
    """Write the fits of a chunk.

    Parameters
    ----------
    path : Path or str
        ``fits.h5``; durations go to ``fits.seconds.json`` beside it.
    identity : ArtefactIdentity
        What they were made from.
    fits : sequence of StoredFit
        In any order.

    Returns
    -------
    str
        Digest of the content.

    Raises
    ------
    ValueError
        If two fits have the same strategy, solver, split and restart.
    ResourceError
        If there is no space.
    """
    ordered = sorted(fits, key=StoredFit.key)
    keys = [fit.key() for fit in ordered]
    if len(set(keys)) != len(keys):
        message = f"two fits have the same strategy, solver, split and restart: {keys}"
        raise ValueError(message)

    def fill(file: h5py.File) -> None:
        for name, value in identity.attributes().items():
            file.attrs[name] = value
        file.attrs["schema_name"] = FITS_SCHEMA
        file.attrs["schema_version"] = SCHEMA_VERSION
        file.attrs["n_fits"] = len(ordered)
        for number, fit in enumerate(ordered):
            _write_fit(file.create_group(f"fit{number:05d}"), fit)

    publish_json(
        seconds_path(path), {"/".join(map(str, fit.key())): fit.seconds for fit in ordered}
    )
    return publish_small_hdf5(Path(path), fill)


def _write_fit(group: h5py.Group, fit: StoredFit) -> None:
    for name in (*_TEXTS, *_INTEGERS, *_NUMBERS):
        group.attrs[name] = getattr(fit, name)
    group["theta"] = np.asarray(fit.theta, dtype=np.float64)
    group["trace"] = np.asarray(fit.trace, dtype=np.float64)
    for name in _WHERE_KNOWN:
        values = getattr(fit, name)
        if values is not None:
            group[name] = np.asarray(values, dtype=np.float64)
    if fit.covariance is not None:
        group["covariance"] = _triangle(fit.covariance)
    if fit.bias_corrected is not None:
        triangles = [_triangle(block) for block in fit.bias_corrected.covariance]
        group["bias_corrected_theta"] = np.asarray(fit.bias_corrected.theta, dtype=np.float64)
        group["bias_corrected_covariance"] = np.concatenate(triangles)
    factors = group.create_group("factors")
    for number, (term, (spatial, temporal)) in enumerate(fit.factors.items()):
        # numbered, because the name of a group may hold characters that a path must not
        pair = factors.create_group(f"{number:03d}")
        pair.attrs["term"] = term
        pair["spatial"] = np.asarray(spatial, dtype=np.float64)
        pair["temporal"] = np.asarray(temporal, dtype=np.float64)
    curves = group.create_group("curves")
    for name, values in sorted(fit.curves.items()):
        curves[name] = np.asarray(values, dtype=np.float64)
    # One text rather than a dataset per column, each of which costs time to write and to verify.
    group["scores"] = rows_to_text(fit.scores)


def _triangle(covariance: FloatArray) -> FloatArray:
    """Take the upper triangle, which says as much in half the space."""
    return np.asarray(covariance[np.triu_indices(len(covariance))], dtype=np.float64)


def _symmetric(triangle: FloatArray, size: int) -> FloatArray:
    covariance = np.zeros((size, size))
    covariance[np.triu_indices(size)] = triangle
    return covariance + np.triu(covariance, 1).T


def read_fits(
    path: Path | str, expected: ArtefactIdentity | None = None, *, split: str | None = None
) -> list[StoredFit]:
    """Read the fits of a chunk, after verifying that they are what was written.

    Parameters
    ----------
    path : Path or str
        ``fits.h5``.
    expected : ArtefactIdentity, optional
        What the fits must have been made from.
    split : str, optional
        Read the fits of this split only.

    Returns
    -------
    list of StoredFit
        Sorted by strategy, solver, split and restart.

    Raises
    ------
    ArtefactError
        If the file is damaged, or was made from something else.
    DataError
        If it is no file of fits.
    """
    durations = _durations(seconds_path(path))
    verify_bytes(path)
    with damage_named(path), open_hdf5(path, FITS_SCHEMA, SCHEMA_VERSION) as file:
        if expected is not None:
            ArtefactIdentity.of(file.attrs).require(Path(path), expected)
        if len(file) != int(file.attrs["n_fits"]):
            raise damaged(Path(path), f"holds {len(file)} fits, not {file.attrs['n_fits']}")
        groups = [file[name] for name in sorted(file)]
        fits = [
            _read_fit(group)
            for group in groups
            if split is None or str(group.attrs["split"]) == split
        ]
    return [
        replace(fit, seconds=durations.get("/".join(map(str, fit.key())), math.nan)) for fit in fits
    ]


def _read_fit(group: h5py.Group) -> StoredFit:
    scalars: dict[str, Any] = {name: str(group.attrs[name]) for name in _TEXTS}
    scalars |= {name: int(group.attrs[name]) for name in _INTEGERS}
    scalars |= {name: float(group.attrs[name]) for name in _NUMBERS}
    pairs = [group["factors"][name] for name in sorted(group["factors"])]
    theta = group["theta"][...]
    sizes = [pair["spatial"].shape[1] * pair["temporal"].shape[1] for pair in pairs]
    return StoredFit(
        **scalars,
        theta=theta,
        covariance=(
            _symmetric(group["covariance"][...], theta.size) if "covariance" in group else None
        ),
        trace=group["trace"][...],
        **{name: group[name][...] for name in _WHERE_KNOWN if name in group},
        bias_corrected=_read_bias_corrected(group, sizes),
        factors={str(p.attrs["term"]): (p["spatial"][...], p["temporal"][...]) for p in pairs},
        curves={name: group["curves"][name][...] for name in group["curves"]},
        scores=rows_from_text(group["scores"].asstr()[()]),
    )  # fmt: skip


def _read_bias_corrected(group: h5py.Group, sizes: list[int]) -> BiasCorrected | None:
    if "bias_corrected_theta" not in group:
        return None
    lengths = [size * (size + 1) // 2 for size in sizes]
    triangles = np.split(group["bias_corrected_covariance"][...], np.cumsum(lengths)[:-1])
    return BiasCorrected(
        group["bias_corrected_theta"][...], tuple(map(_symmetric, triangles, sizes))
    )


def _durations(path: Path) -> dict[str, float]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): float(value) for name, value in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        # durations are for people: without them the fits are as good
        return {}


def fits_are_current(path: Path | str, identity: ArtefactIdentity) -> bool:
    """Tell from its header whether a file of fits is there and made from the same things.

    Parameters
    ----------
    path : Path or str
        ``fits.h5``.
    identity : ArtefactIdentity
        What it should be made from.

    Returns
    -------
    bool
    """
    try:
        with damage_named(path), open_hdf5(path, FITS_SCHEMA, SCHEMA_VERSION) as file:
            ArtefactIdentity.of(file.attrs).require(Path(path), identity)
            return len(file) == int(file.attrs["n_fits"])
    except InputError:
        return False
